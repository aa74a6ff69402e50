/* scheduler/daemon/client_logs.c - relays of rank output. Depends on peer, book. */
#include "scheduler/daemon/client_logs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/daemon/agent_link.h"
#include "scheduler/daemon/book.h"
#include "scheduler/daemon/client_jobs.h"

enum stream_state {
    STREAM_WAITING, /* not asked yet, or its agent is away */
    STREAM_OPEN,
    STREAM_DONE,
};

struct relay;

/* The output of one node. */
struct stream {
    struct relay *relay;
    struct ls_member *member;
    enum stream_state state;
    uint64_t number; /* of the request to its agent; new each time */
    uint32_t first_rank, rank_count;
    uint64_t *seen;    /* bytes relayed, of both streams of each rank */
    UT_hash_handle hh; /* by number, while open */
};

/* Bytes sent to the client, in order: whom its next acks are for. */
struct credit {
    struct stream *stream;
    uint64_t number; /* of the request that the bytes answered */
    uint64_t bytes;
    struct credit *prev, *next;
};

struct relay {
    struct ls_ticket ticket;
    Ls__LogsRequest wanted;
    struct stream *streams; /* NULL until the job has started */
    size_t count, open, done;
    struct credit *credits;
    char problem[LS_REASON_MAX]; /* the first one; "" = none */
    UT_hash_handle hh;           /* by ticket */
};

struct ls_relays {
    struct ls_server *server;
    uint64_t last_number;
    struct relay *by_ticket;
    struct stream *by_number;
};

struct ls_relays *ls_relays_new(struct ls_server *server)
{
    struct ls_relays *relays = ls_calloc(1, sizeof(*relays));

    relays->server = server;
    return relays;
}

/* ---- streams
 * ---------------------------------------------------------------------------- */

static void close_stream(struct ls_relays *relays, struct stream *stream,
                         enum stream_state next)
{
    if (stream->state == STREAM_OPEN) {
        ls_assert(relays->by_number); /* it is in there */
        HASH_DEL(relays->by_number, stream);
        stream->relay->open--;
    }
    stream->state = next;
    if (next == STREAM_DONE)
        stream->relay->done++;
}

static void note_problem(struct relay *relay, const char *node, const char *what)
{
    if (!relay->problem[0])
        snprintf(relay->problem, sizeof(relay->problem), "%s: %s", node, what);
}

static void open_stream(struct ls_relays *relays, struct stream *stream)
{
    Ls__Frame frame = LS__FRAME__INIT;

    stream->number = ++relays->last_number;
    stream->state = STREAM_OPEN;
    stream->relay->open++;
    HASH_ADD(hh, relays->by_number, number, sizeof(stream->number), stream);
    frame.request = stream->number;
    frame.body_case = LS__FRAME__BODY_LOGS;
    frame.logs = &stream->relay->wanted;
    ls_agent_send(stream->member, &frame);
}

/* The agent's window grows by what was read. */
static void send_ack(struct ls_member *member, uint64_t number, uint64_t bytes)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogAck ack = LS__LOG_ACK__INIT;

    ack.bytes = bytes;
    frame.request = number;
    frame.body_case = LS__FRAME__BODY_LOG_ACK;
    frame.log_ack = &ack;
    ls_agent_send(member, &frame);
}

/* Nobody reads any more. */
static void send_end(struct ls_member *member, uint64_t number)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogEnd end = LS__LOG_END__INIT;

    frame.request = number;
    frame.body_case = LS__FRAME__BODY_LOG_END;
    frame.log_end = &end;
    ls_agent_send(member, &frame);
}

/* ---- relays
 * ------------------------------------------------------------------------------- */

static void relay_free(struct ls_relays *relays, struct relay *relay)
{
    struct credit *credit, *next;

    HASH_DEL(relays->by_ticket, relay);
    for (size_t i = 0; i < relay->count; i++) {
        struct stream *stream = &relay->streams[i];

        if (stream->state == STREAM_OPEN) {
            send_end(stream->member, stream->number);
            close_stream(relays, stream, STREAM_DONE);
        }
        ls_free(stream->seen);
    }
    DL_FOREACH_SAFE(relay->credits, credit, next)
    ls_free(credit);
    ls_free(relay->streams);
    ls_free(relay);
}

void ls_relays_free(struct ls_relays *relays)
{
    struct relay *relay, *next;

    if (!relays)
        return;
    HASH_ITER(hh, relays->by_ticket, relay, next)
    {
        relay_free(relays, relay);
    }
    ls_free(relays);
}

static void end_relay(struct ls_relays *relays, struct relay *relay)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogEnd end = LS__LOG_END__INIT;

    end.text = relay->problem;
    frame.body_case = LS__FRAME__BODY_LOG_END;
    frame.log_end = &end;
    ls_ticket_answer(relays->server, relay->ticket, &frame);
    relay_free(relays, relay);
}

static bool has_wanted_rank(const struct relay *relay, const struct ls_part *part)
{
    return !relay->wanted.one_rank ||
           (relay->wanted.rank >= part->first_rank &&
            relay->wanted.rank - part->first_rank < part->rank_count);
}

static void make_streams(struct ls_relays *relays, struct relay *relay,
                         const struct ls_job *job)
{
    const struct ls_book_job *page = ls_book_find(relays->server->book, job->id);

    relay->streams = ls_calloc(job->part_count, sizeof(*relay->streams));
    for (uint32_t i = 0; i < job->part_count; i++) {
        const struct ls_part *part = &job->parts[i];
        struct stream *stream = &relay->streams[relay->count];

        if ((page && ls_book_part_is_silent(page, i)) || !has_wanted_rank(relay, part))
            continue;
        stream->relay = relay;
        stream->member = ls_book_member(relays->server->book, part);
        stream->first_rank = part->first_rank;
        stream->rank_count = part->rank_count;
        stream->seen = ls_calloc(2 * (size_t)part->rank_count, sizeof(*stream->seen));
        relay->count++;
    }
}

static void open_streams(struct ls_relays *relays, struct relay *relay, bool over)
{
    for (size_t i = 0; i < relay->count && relay->open < LS_RELAY_NODES_MAX; i++) {
        struct stream *stream = &relay->streams[i];

        if (stream->state != STREAM_WAITING)
            continue;
        if (stream->member->agent && stream->member->registered) {
            open_stream(relays, stream);
        } else if (over || !relay->wanted.follow) {
            note_problem(relay, stream->member->name,
                         "its agent is not connected: output is missing");
            close_stream(relays, stream, STREAM_DONE);
        }
    }
}

/* Open what can be opened; end the relay when nothing is left. It may be gone after. */
static void pump(struct ls_relays *relays, struct relay *relay)
{
    const struct ls_job *job = ls_policy_job(relays->server->policy, relay->wanted.job);
    bool over = !job || ls_job_ended(job);

    if (job && !relay->streams && job->start_ms != 0)
        make_streams(relays, relay, job);
    if (relay->streams)
        open_streams(relays, relay, over);
    if (relay->done == relay->count &&
        (relay->streams || over || !relay->wanted.follow))
        end_relay(relays, relay);
}

/* ---- the client's side
 * ---------------------------------------------------------------------- */

static struct relay *find_relay(const struct ls_relays *relays, struct ls_ticket ticket)
{
    struct relay *relay;

    HASH_FIND(hh, relays->by_ticket, &ticket, sizeof(ticket), relay);
    return relay;
}

static const char *why_not(const struct ls_peer *peer, const struct ls_job *job,
                           const Ls__Frame *frame, int *ret_code)
{
    const Ls__LogsRequest *wanted = frame->logs;
    struct ls_ticket ticket = {.peer = peer->id, .request = frame->request};

    *ret_code = EINVAL;
    if (!ls_client_owns(peer, job)) {
        *ret_code = EPERM;
        return "its output belongs to another user";
    }
    if (find_relay(peer->server->relays, ticket))
        return "this request number is in use";
    if (wanted->one_rank && wanted->rank >= job->request.ranks)
        return "it has no such rank";
    if (wanted->follow && !wanted->one_rank && job->request.nodes > LS_RELAY_NODES_MAX)
        return "it has too many nodes to follow all; follow one rank";
    return NULL;
}

void ls_client_logs(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_relays *relays = peer->server->relays;
    const struct ls_job *job = ls_policy_job(peer->server->policy, frame->logs->job);
    struct relay *relay;
    const char *why;
    struct ls_ticket ticket;
    int code;

    if (!job) {
        ls_client_refuse_unknown_job(peer, frame->request, frame->logs->job);
        return;
    }
    why = why_not(peer, job, frame, &code);
    if (why) {
        ls_connection_refuse(peer->connection, frame->request, code, "job %llu: %s",
                             (unsigned long long)job->id, why);
        return;
    }
    if (!ls_peer_open_request(peer, frame->request, &ticket))
        return;
    relay = ls_calloc(1, sizeof(*relay));
    relay->ticket = ticket;
    ls__logs_request__init(&relay->wanted);
    relay->wanted.job = frame->logs->job;
    relay->wanted.follow = frame->logs->follow;
    relay->wanted.one_rank = frame->logs->one_rank;
    relay->wanted.rank = frame->logs->rank;
    HASH_ADD(hh, relays->by_ticket, ticket, sizeof(relay->ticket), relay);
    pump(relays, relay);
}

void ls_client_log_ack(struct ls_peer *peer, const Ls__Frame *frame)
{
    struct ls_relays *relays = peer->server->relays;
    struct ls_ticket ticket = {.peer = peer->id, .request = frame->request};
    struct relay *relay = find_relay(relays, ticket);
    uint64_t bytes = frame->log_ack->bytes;

    while (relay && relay->credits && bytes > 0) {
        struct credit *credit = relay->credits;
        uint64_t share = bytes < credit->bytes ? bytes : credit->bytes;

        if (credit->stream->state == STREAM_OPEN &&
            credit->stream->number == credit->number)
            send_ack(credit->stream->member, credit->number, share);
        bytes -= share;
        credit->bytes -= share;
        if (credit->bytes == 0) {
            DL_DELETE(relay->credits, credit);
            ls_free(credit);
        }
    }
}

void ls_relays_client_gone(struct ls_peer *peer)
{
    struct ls_relays *relays = peer->server->relays;
    struct relay *relay, *next;

    HASH_ITER(hh, relays->by_ticket, relay, next)
    {
        if (relay->ticket.peer == peer->id)
            relay_free(relays, relay);
    }
}

/* ---- the agents' side
 * -------------------------------------------------------------------------- */

static void add_credit(struct relay *relay, struct stream *stream, uint64_t bytes)
{
    struct credit *credit = relay->credits;

    if (credit && credit->prev->stream == stream &&
        credit->prev->number == stream->number) {
        credit->prev->bytes += bytes;
        return;
    }
    credit = ls_calloc(1, sizeof(*credit));
    credit->stream = stream;
    credit->number = stream->number;
    credit->bytes = bytes;
    DL_APPEND(relay->credits, credit);
}

/* How much of the chunk the client has already, from an agent before this one. */
static size_t already_seen(const struct stream *stream, const Ls__LogChunk *chunk)
{
    size_t index = 2 * (size_t)(chunk->rank - stream->first_rank) + chunk->stream - 1;
    uint64_t seen = stream->seen[index];

    if (seen <= chunk->offset)
        return 0;
    return seen - chunk->offset < chunk->data.len ? (size_t)(seen - chunk->offset)
                                                  : chunk->data.len;
}

static void relay_chunk(struct ls_relays *relays, struct stream *stream,
                        const Ls__LogChunk *chunk)
{
    const struct ls_peer *client =
        ls_peer_find(relays->server, stream->relay->ticket.peer);
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__LogChunk part = *chunk;
    size_t index = 2 * (size_t)(chunk->rank - stream->first_rank) + chunk->stream - 1;
    size_t skip = already_seen(stream, chunk);

    if (skip > 0)
        send_ack(stream->member, stream->number, skip);
    if (!client || skip == chunk->data.len)
        return;
    part.data.data += skip;
    part.data.len -= skip;
    part.offset += skip;
    stream->seen[index] = part.offset + part.data.len;
    add_credit(stream->relay, stream, part.data.len);
    frame.request = stream->relay->ticket.request;
    frame.body_case = LS__FRAME__BODY_LOG_CHUNK;
    frame.log_chunk = &part;
    ls_connection_send(client->connection, &frame);
}

static bool chunk_is_valid(const struct stream *stream, const Ls__LogChunk *chunk)
{
    return chunk->rank >= stream->first_rank &&
           chunk->rank - stream->first_rank < stream->rank_count &&
           (chunk->stream == 1 || chunk->stream == 2) && chunk->offset < INT64_MAX;
}

void ls_relay_received(struct ls_peer *agent, const Ls__Frame *frame)
{
    struct ls_relays *relays = agent->server->relays;
    struct stream *stream;
    struct relay *relay;
    const char *text;

    HASH_FIND(hh, relays->by_number, &frame->request, sizeof(frame->request), stream);
    if (!stream || stream->member != agent->member)
        return; /* its client has gone */
    if (frame->body_case == LS__FRAME__BODY_LOG_CHUNK) {
        if (chunk_is_valid(stream, frame->log_chunk))
            relay_chunk(relays, stream, frame->log_chunk);
        return;
    }
    text = frame->body_case == LS__FRAME__BODY_ERROR ? frame->error->text
                                                     : frame->log_end->text;
    relay = stream->relay;
    if (text[0])
        note_problem(relay, stream->member->name, text);
    close_stream(relays, stream, STREAM_DONE);
    pump(relays, relay);
}

void ls_relays_agent_gone(struct ls_server *server, struct ls_member *member)
{
    struct stream *stream, *next;

    HASH_ITER(hh, server->relays->by_number, stream, next)
    {
        if (stream->member == member)
            close_stream(server->relays, stream, STREAM_WAITING);
    }
    if (!server->stopping)
        ls_relays_agent_up(server, member);
}

static bool waits_for(const struct relay *relay, const struct ls_member *member)
{
    for (size_t i = 0; i < relay->count; i++) {
        if (relay->streams[i].member == member &&
            relay->streams[i].state == STREAM_WAITING)
            return true;
    }
    return false;
}

void ls_relays_agent_up(struct ls_server *server, struct ls_member *member)
{
    struct relay *relay, *next;

    HASH_ITER(hh, server->relays->by_ticket, relay, next)
    {
        if (waits_for(relay, member))
            pump(server->relays, relay);
    }
}

void ls_relays_job_changed(struct ls_server *server, uint64_t job)
{
    struct relay *relay, *next;

    HASH_ITER(hh, server->relays->by_ticket, relay, next)
    {
        if (relay->wanted.job == job)
            pump(server->relays, relay);
    }
}

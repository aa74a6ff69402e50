/* scheduler/log/event_decode.c - bytes of the log to struct ls_event.
 *
 * Depends on the generated messages. The bytes may be damaged: every text and number is
 * held against its bound before it is used. */
#include "scheduler/log/event_codec.h"

#include <errno.h>
#include <string.h>

#include "common/util/mem.h"
#include "scheduler/log/event.pb-c.h"

struct ls_event_memory {
    Ls__Log__Event *message;
    const char **rack_names, **rack_nodes;
    struct ls_rank_end *ends;
};

void ls_event_memory_free(struct ls_event_memory *memory)
{
    if (!memory)
        return;
    ls_free(memory->rack_names);
    ls_free(memory->rack_nodes);
    ls_free(memory->ends);
    ls__log__event__free_unpacked(memory->message, NULL);
    ls_free(memory);
}

static int copy_text(char *out, size_t size, const char *text, const char *what,
                     struct ls_error *err)
{
    size_t length = strlen(text);

    if (length >= size)
        return ls_error_set(err, -EBADMSG, "%s: %zu bytes, at most %zu fit", what,
                            length, size - 1);
    memcpy(out, text, length + 1);
    return 0;
}

static void decode_racks(struct ls_event_memory *memory, struct ls_event *event)
{
    const Ls__Log__Event *message = memory->message;

    memory->rack_names = ls_calloc(message->n_racks, sizeof(const char *));
    memory->rack_nodes = ls_calloc(message->n_racks, sizeof(const char *));
    for (size_t i = 0; i < message->n_racks; i++) {
        memory->rack_names[i] = message->racks[i]->name;
        memory->rack_nodes[i] = message->racks[i]->nodes;
    }
    event->rack_names = memory->rack_names;
    event->rack_nodes = memory->rack_nodes;
    event->rack_count = message->n_racks;
}

static void decode_request(const Ls__Log__Event *message, struct ls_event *event)
{
    const Ls__Log__Request *request = message->request;

    event->spec = message->spec.data;
    event->spec_size = message->spec.len;
    if (!request)
        return;
    event->request = (struct ls_request){
        .nodes = request->nodes,
        .ranks = request->ranks,
        .cpus_per_rank = request->cpus_per_rank,
        .gpus_per_rank = request->gpus_per_rank,
        .gpus_per_node = request->gpus_per_node,
        .memory_bytes = request->memory_bytes,
        .time_limit_ms = request->time_limit_ms,
        .exclusive = request->exclusive,
        .overcommit = request->overcommit,
        .within_rack = request->within_rack,
        .nodelist = (const char *const *)request->nodelist,
        .nodelist_count = request->n_nodelist,
        .exclude = (const char *const *)request->exclude,
        .exclude_count = request->n_exclude,
    };
}

static int decode_ends(struct ls_event_memory *memory, struct ls_event *event,
                       struct ls_error *err)
{
    const Ls__Log__Event *message = memory->message;
    int rc;

    if (message->n_rank_ends > LS_RANKS_MAX ||
        message->first_rank > LS_RANKS_MAX - message->n_rank_ends)
        return ls_error_set(err, -EBADMSG, "ranks: %zu from %u on, at most %d can be",
                            message->n_rank_ends, message->first_rank, LS_RANKS_MAX);
    memory->ends = ls_calloc(message->n_rank_ends, sizeof(*memory->ends));
    for (size_t i = 0; i < message->n_rank_ends; i++) {
        const Ls__Log__RankEnd *end = message->rank_ends[i];

        memory->ends[i].known = end->known;
        memory->ends[i].exit_code = end->exit_code;
        memory->ends[i].signal = end->signal;
        rc = copy_text(memory->ends[i].text, sizeof(memory->ends[i].text), end->text,
                       "text of a rank", err);
        if (rc < 0)
            return rc;
    }
    event->rank_ends = memory->ends;
    event->first_rank = message->first_rank;
    event->rank_count = (uint32_t)message->n_rank_ends;
    return 0;
}

static int decode_texts(const Ls__Log__Event *message, struct ls_event *event,
                        struct ls_error *err)
{
    int rc;

    rc = copy_text(event->node, sizeof(event->node), message->node, "node", err);
    if (rc < 0)
        return rc;
    rc = copy_text(event->text, sizeof(event->text), message->text, "text", err);
    if (rc < 0)
        return rc;
    rc = copy_text(event->submit_key, sizeof(event->submit_key), message->submit_key,
                   "submit key", err);
    if (rc < 0)
        return rc;
    return copy_text(event->address, sizeof(event->address), message->address,
                     "address", err);
}

static int decode(struct ls_event_memory *memory, struct ls_event *event,
                  struct ls_error *err)
{
    const Ls__Log__Event *message = memory->message;
    int rc;

    if (message->kind == LS_EVENT_NONE || message->kind > LS_EVENT_TICK)
        return ls_error_set(err, -EBADMSG, "kind %u is no kind of event",
                            message->kind);
    event->kind = (enum ls_event_kind)message->kind;
    event->time_ms = message->time_ms;
    event->job = message->job;
    event->attempt = message->attempt;
    event->uid = message->uid;
    event->gid = message->gid;
    event->cores = message->cores;
    event->gpu_count = message->gpu_count;
    event->memory_bytes = message->memory_bytes;
    decode_racks(memory, event);
    decode_request(message, event);
    rc = decode_texts(message, event, err);
    if (rc < 0)
        return rc;
    return decode_ends(memory, event, err);
}

int ls_event_decode(const void *bytes, size_t size, struct ls_event *ret_event,
                    struct ls_event_memory **ret_memory, struct ls_error *err)
{
    struct ls_event_memory *memory;
    struct ls_event event = {0};
    int rc;

    if (size > LS_EVENT_BYTES_MAX)
        return ls_error_set(err, -EBADMSG, "%zu bytes, at most %d are an event", size,
                            LS_EVENT_BYTES_MAX);
    memory = ls_calloc(1, sizeof(*memory));
    memory->message = ls__log__event__unpack(NULL, size, bytes);
    if (!memory->message) {
        rc = ls_error_set(err, -EBADMSG, "%zu bytes that are no event", size);
        goto free_memory;
    }
    rc = decode(memory, &event, err);
    if (rc < 0)
        goto free_memory;
    *ret_event = event;
    *ret_memory = memory;
    return 0;

free_memory:
    ls_event_memory_free(memory);
    return rc;
}

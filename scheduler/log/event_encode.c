/* scheduler/log/event_encode.c - struct ls_event to bytes of the log.
 *
 * Depends on the generated messages. The messages borrow from the event: nothing is
 * copied but the bytes that come out. */
#include "scheduler/log/event_codec.h"

#include <errno.h>
#include <string.h>

#include "common/util/mem.h"
#include "scheduler/log/event.pb-c.h"

/* The messages of one event; the arrays of pointers are what protobuf-c asks for. */
struct encoding {
    Ls__Log__Event event;
    Ls__Log__Request request;
    Ls__Log__Rack *racks, **rack_list;
    Ls__Log__RankEnd *ends, **end_list;
};

/* Messages have no const, and packing only reads. */
static char *borrow(const char *text)
{
    return (char *)text;
}

static void encode_racks(struct encoding *encoding, const struct ls_event *event)
{
    encoding->racks = ls_calloc(event->rack_count, sizeof(*encoding->racks));
    encoding->rack_list = ls_calloc(event->rack_count, sizeof(Ls__Log__Rack *));
    for (size_t i = 0; i < event->rack_count; i++) {
        ls__log__rack__init(&encoding->racks[i]);
        encoding->racks[i].name = borrow(event->rack_names[i]);
        encoding->racks[i].nodes = borrow(event->rack_nodes[i]);
        encoding->rack_list[i] = &encoding->racks[i];
    }
    encoding->event.racks = encoding->rack_list;
    encoding->event.n_racks = event->rack_count;
}

static void encode_ends(struct encoding *encoding, const struct ls_event *event)
{
    encoding->ends = ls_calloc(event->rank_count, sizeof(*encoding->ends));
    encoding->end_list = ls_calloc(event->rank_count, sizeof(Ls__Log__RankEnd *));
    for (uint32_t i = 0; i < event->rank_count; i++) {
        const struct ls_rank_end *end = &event->rank_ends[i];

        ls__log__rank_end__init(&encoding->ends[i]);
        encoding->ends[i].known = end->known;
        encoding->ends[i].exit_code = end->exit_code;
        encoding->ends[i].signal = end->signal;
        encoding->ends[i].text = borrow(end->text);
        encoding->end_list[i] = &encoding->ends[i];
    }
    encoding->event.first_rank = event->first_rank;
    encoding->event.rank_ends = encoding->end_list;
    encoding->event.n_rank_ends = event->rank_count;
}

static void encode_request(struct encoding *encoding, const struct ls_event *event)
{
    const struct ls_request *request = &event->request;
    Ls__Log__Request *message = &encoding->request;

    ls__log__request__init(message);
    message->nodes = request->nodes;
    message->ranks = request->ranks;
    message->cpus_per_rank = request->cpus_per_rank;
    message->gpus_per_rank = request->gpus_per_rank;
    message->gpus_per_node = request->gpus_per_node;
    message->memory_bytes = request->memory_bytes;
    message->time_limit_ms = request->time_limit_ms;
    message->exclusive = request->exclusive;
    message->overcommit = request->overcommit;
    message->within_rack = request->within_rack;
    message->nodelist = (char **)request->nodelist;
    message->n_nodelist = request->nodelist_count;
    message->exclude = (char **)request->exclude;
    message->n_exclude = request->exclude_count;
    encoding->event.request = message;
    encoding->event.submit_key = borrow(event->submit_key);
    encoding->event.spec.data = (uint8_t *)event->spec;
    encoding->event.spec.len = event->spec_size;
}

static void encoding_begin(struct encoding *encoding, const struct ls_event *event)
{
    Ls__Log__Event *message = &encoding->event;

    memset(encoding, 0, sizeof(*encoding));
    ls__log__event__init(message);
    message->kind = event->kind;
    message->time_ms = event->time_ms;
    message->node = borrow(event->node);
    message->text = borrow(event->text);
    message->job = event->job;
    message->attempt = event->attempt;
    message->uid = event->uid;
    message->gid = event->gid;
    message->cores = event->cores;
    message->gpu_count = event->gpu_count;
    message->memory_bytes = event->memory_bytes;
    message->address = borrow(event->address);
    if (event->kind == LS_EVENT_FABRIC)
        encode_racks(encoding, event);
    if (event->kind == LS_EVENT_JOB_SUBMIT)
        encode_request(encoding, event);
    if (event->kind == LS_EVENT_PART_ENDED || event->kind == LS_EVENT_RANK_FAILED)
        encode_ends(encoding, event);
}

static void encoding_end(struct encoding *encoding)
{
    ls_free(encoding->racks);
    ls_free(encoding->rack_list);
    ls_free(encoding->ends);
    ls_free(encoding->end_list);
}

#define TERMINATED(field) (memchr((field), '\0', sizeof(field)) != NULL)

static bool is_terminated(const struct ls_event *event)
{
    if (!TERMINATED(event->node) || !TERMINATED(event->text) ||
        !TERMINATED(event->submit_key) || !TERMINATED(event->address))
        return false;
    for (uint32_t i = 0; i < event->rank_count; i++) {
        if (!TERMINATED(event->rank_ends[i].text))
            return false;
    }
    return true;
}

int ls_event_encode(const struct ls_event *event, void **ret_bytes, size_t *ret_size,
                    struct ls_error *err)
{
    struct encoding encoding;
    size_t size;
    int rc = 0;

    if (!is_terminated(event))
        return ls_error_set(err, -EINVAL, "event: a text in it has no end");
    encoding_begin(&encoding, event);
    size = ls__log__event__get_packed_size(&encoding.event);
    if (size > LS_EVENT_BYTES_MAX) {
        rc = ls_error_set(err, -EMSGSIZE, "event: %zu bytes, at most %d are kept", size,
                          LS_EVENT_BYTES_MAX);
        goto end_encoding;
    }
    *ret_bytes = ls_calloc(size, 1);
    *ret_size = ls__log__event__pack(&encoding.event, *ret_bytes);

end_encoding:
    encoding_end(&encoding);
    return rc;
}

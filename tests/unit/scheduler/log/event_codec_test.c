/* tests/unit/scheduler/log/event_codec_test.c - what goes into the log comes out of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "common/util/mem.h"
#include "scheduler/log/event_codec.h"

/* An event that went through the bytes of the log. */
struct copy {
    struct ls_event event;
    struct ls_event_memory *memory;
};

static struct copy copy_of(const struct ls_event *event)
{
    struct copy copy = {0};
    struct ls_error err;
    void *bytes = NULL;
    size_t size = 0;

    assert_int_equal(ls_event_encode(event, &bytes, &size, &err), 0);
    assert_int_equal(ls_event_decode(bytes, size, &copy.event, &copy.memory, &err), 0);
    ls_free(bytes);
    return copy;
}

static void a_submission_keeps_every_field(void **state)
{
    const char *list[] = {"n1", "n2"}, *exclude[] = {"n3"};
    const unsigned char spec[] = {0, 1, 2, 0, 255};
    struct ls_event event = {
        .kind = LS_EVENT_JOB_SUBMIT,
        .time_ms = 1700000000123,
        .uid = 1000,
        .gid = 4294967295u,
        .request = {.nodes = 3,
                    .ranks = 24,
                    .cpus_per_rank = 7,
                    .gpus_per_rank = 1,
                    .gpus_per_node = 8,
                    .memory_bytes = UINT64_MAX,
                    .time_limit_ms = 60000,
                    .exclusive = true,
                    .overcommit = false,
                    .within_rack = true,
                    .nodelist = list,
                    .nodelist_count = 2,
                    .exclude = exclude,
                    .exclude_count = 1},
        .submit_key = "key",
        .spec = spec,
        .spec_size = sizeof(spec),
    };
    struct copy copy = copy_of(&event);
    const struct ls_request *request = &copy.event.request;

    (void)state;
    assert_int_equal(copy.event.kind, event.kind);
    assert_int_equal(copy.event.time_ms, event.time_ms);
    assert_int_equal(copy.event.uid, 1000);
    assert_int_equal(copy.event.gid, 4294967295u);
    assert_int_equal(request->nodes, 3);
    assert_int_equal(request->ranks, 24);
    assert_int_equal(request->cpus_per_rank, 7);
    assert_int_equal(request->gpus_per_rank, 1);
    assert_int_equal(request->gpus_per_node, 8);
    assert_true(request->memory_bytes == UINT64_MAX);
    assert_int_equal(request->time_limit_ms, 60000);
    assert_true(request->exclusive);
    assert_false(request->overcommit);
    assert_true(request->within_rack);
    assert_int_equal(request->nodelist_count, 2);
    assert_string_equal(request->nodelist[1], "n2");
    assert_int_equal(request->exclude_count, 1);
    assert_string_equal(request->exclude[0], "n3");
    assert_string_equal(copy.event.submit_key, "key");
    assert_int_equal(copy.event.spec_size, sizeof(spec));
    assert_memory_equal(copy.event.spec, spec, sizeof(spec));
    ls_event_memory_free(copy.memory);
}

static void a_fabric_keeps_its_racks(void **state)
{
    const char *names[] = {"r0", ""}, *nodes[] = {"n0,n1", "n2"};
    struct ls_event event = {.kind = LS_EVENT_FABRIC,
                             .rack_names = names,
                             .rack_nodes = nodes,
                             .rack_count = 2};
    struct copy copy = copy_of(&event);

    (void)state;
    assert_int_equal(copy.event.rack_count, 2);
    assert_string_equal(copy.event.rack_names[0], "r0");
    assert_string_equal(copy.event.rack_names[1], "");
    assert_string_equal(copy.event.rack_nodes[0], "n0,n1");
    ls_event_memory_free(copy.memory);
}

static void a_node_and_its_reports_keep_every_field(void **state)
{
    struct ls_rank_end ends[2] = {
        {.known = true, .exit_code = -1, .signal = 9, .text = "why"}, {.known = false}};
    struct ls_event event = {.kind = LS_EVENT_PART_ENDED,
                             .time_ms = -5,
                             .node = "n1",
                             .text = "reason",
                             .job = UINT64_MAX,
                             .attempt = 3,
                             .cores = 96,
                             .gpu_count = 8,
                             .memory_bytes = 1,
                             .address = "n1:1",
                             .rank_ends = ends,
                             .first_rank = 16,
                             .rank_count = 2};
    struct copy copy = copy_of(&event);

    (void)state;
    assert_int_equal(copy.event.time_ms, -5);
    assert_string_equal(copy.event.node, "n1");
    assert_string_equal(copy.event.text, "reason");
    assert_true(copy.event.job == UINT64_MAX);
    assert_int_equal(copy.event.attempt, 3);
    assert_int_equal(copy.event.cores, 96);
    assert_int_equal(copy.event.gpu_count, 8);
    assert_int_equal(copy.event.memory_bytes, 1);
    assert_string_equal(copy.event.address, "n1:1");
    assert_int_equal(copy.event.first_rank, 16);
    assert_int_equal(copy.event.rank_count, 2);
    assert_true(copy.event.rank_ends[0].known);
    assert_int_equal(copy.event.rank_ends[0].exit_code, -1);
    assert_int_equal(copy.event.rank_ends[0].signal, 9);
    assert_string_equal(copy.event.rank_ends[0].text, "why");
    assert_false(copy.event.rank_ends[1].known);
    ls_event_memory_free(copy.memory);
}

static void assert_undecodable(const void *bytes, size_t size, const char *why)
{
    struct ls_event_memory *memory = NULL;
    struct ls_event event;
    struct ls_error err;

    assert_int_equal(ls_event_decode(bytes, size, &event, &memory, &err), -EBADMSG);
    assert_non_null(strstr(err.text, why));
    assert_null(memory);
}

static void bytes_that_are_no_event_are_refused(void **state)
{
    unsigned char long_node[3 + 2 + 70] = {0x08, LS_EVENT_TICK, 0x1a, 70};

    (void)state;
    assert_undecodable("", 0, "kind 0");
    assert_undecodable("\x08\x63", 2, "kind 99");
    assert_undecodable("\xff\xff\xff", 3, "no event");
    memset(long_node + 4, 'x', 70);
    assert_undecodable(long_node, 4 + 70, "node: 70 bytes, at most 63 fit");
    assert_undecodable("\x08\x09\x88\x01\x80\x80\x80\x01\x92\x01\x00", 11, "ranks:");
}

static void a_text_without_an_end_is_refused(void **state)
{
    struct ls_event event = {.kind = LS_EVENT_TICK};
    struct ls_error err;
    void *bytes = NULL;
    size_t size = 0;

    (void)state;
    memset(event.node, 'x', sizeof(event.node));
    assert_int_equal(ls_event_encode(&event, &bytes, &size, &err), -EINVAL);
    assert_null(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_submission_keeps_every_field),
        cmocka_unit_test(a_fabric_keeps_its_racks),
        cmocka_unit_test(a_node_and_its_reports_keep_every_field),
        cmocka_unit_test(bytes_that_are_no_event_are_refused),
        cmocka_unit_test(a_text_without_an_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

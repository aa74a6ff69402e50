/* tests/unit/scheduler/log/event_fuzz.c - any bytes decode to an event or an error;
 * what decodes can be applied to the core and encoded again. */
#include <stddef.h>
#include <stdint.h>

#include "common/util/mem.h"
#include "scheduler/log/event_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const struct ls_policy_config config = {.node_timeout_ms = 1000,
                                            .ended_jobs_max = 2};
    struct ls_event_memory *memory = NULL;
    struct ls_effects effects = {0};
    struct ls_policy *policy;
    struct ls_event event;
    void *again = NULL;
    size_t again_size;

    if (ls_event_decode(bytes, size, &event, &memory, NULL) < 0)
        return 0;
    policy = ls_policy_new(&config);
    ls_policy_step(policy, &event, &effects);
    ls_policy_free(policy);
    ls_effects_free(&effects);
    if (ls_event_encode(&event, &again, &again_size, NULL) < 0)
        __builtin_trap();
    ls_free(again);
    ls_event_memory_free(memory);
    return 0;
}

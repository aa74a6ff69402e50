/* tests/sim/main.c - policy_sim: runs worlds from seeds, and prints how to repeat one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/check.h"
#include "tests/sim/world.h"

struct options {
    uint64_t first, count;
    bool trace, self_test;
};

static bool parse(int argc, char **argv, struct options *options)
{
    *options = (struct options){.first = 1, .count = 2000};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (!strcmp(argv[i], "--trace"))
            options->trace = true;
        else if (!strcmp(argv[i], "--self-test"))
            options->self_test = true;
        else if (!strcmp(argv[i], "--seeds") && value)
            options->count = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--seed") && value) {
            options->first = strtoull(argv[++i], NULL, 10);
            options->count = 1;
        } else
            return false;
    }
    return true;
}

static void add_tally(struct tally *sum, const struct tally *tally)
{
    sum->happenings += tally->happenings;
    sum->events += tally->events;
    sum->server_crashes += tally->server_crashes;
    for (size_t i = 0; i < LS_ARRAY_SIZE(sum->ends); i++)
        sum->ends[i] += tally->ends[i];
}

/* Run the seeds; returns how many rules were broken, at most one a seed. */
static uint64_t run(const struct options *options, const char *program,
                    struct tally *ret_sum)
{
    uint64_t failures = 0;

    for (uint64_t i = 0; i < options->count; i++) {
        struct world world = {.seed = options->first + i, .trace = options->trace};

        if (!world_run(&world)) {
            failures++;
            (void)printf(
                "seed %llu at %lld ms: %s\n    replay: %s --seed %llu --trace\n",
                (unsigned long long)world.seed, (long long)world.now_ms, world.failure,
                program, (unsigned long long)world.seed);
        }
        add_tally(ret_sum, &world.tally);
    }
    return failures;
}

/* Many runs that never saw a kind of end, or no crash, prove little. */
static bool is_varied(const struct tally *sum)
{
    for (size_t i = LS_JOB_COMPLETED; i < LS_ARRAY_SIZE(sum->ends); i++) {
        if (sum->ends[i] == 0)
            return false;
    }
    return sum->server_crashes > 0;
}

static void print(const struct tally *sum)
{
    (void)printf("%llu happenings, %llu events, %llu crashes of the scheduler\n",
                 (unsigned long long)sum->happenings, (unsigned long long)sum->events,
                 (unsigned long long)sum->server_crashes);
    (void)printf(
        "jobs: %llu completed, %llu failed, %llu cancelled, %llu over their time, "
        "%llu lost their nodes\n",
        (unsigned long long)sum->ends[LS_JOB_COMPLETED],
        (unsigned long long)sum->ends[LS_JOB_FAILED],
        (unsigned long long)sum->ends[LS_JOB_CANCELLED],
        (unsigned long long)sum->ends[LS_JOB_TIMEOUT],
        (unsigned long long)sum->ends[LS_JOB_NODE_FAIL]);
}

/* Would the rules notice? Break one on purpose and look. */
static int self_test(void)
{
    static const char *const names[] = {
        [SABOTAGE_LOSE_EVENT] = "an event is not recorded",
        [SABOTAGE_START_EARLY] = "a part starts without the others",
        [SABOTAGE_FREE_EARLY] = "what is on a lost node counts as ended at once",
        [SABOTAGE_MAKE_UP_END] = "a part is said to have ended that lives",
    };
    enum { SEEDS = 50 };
    int missed = 0;

    for (size_t i = 1; i < LS_ARRAY_SIZE(names); i++) {
        bool found = false;

        for (uint64_t seed = 1; seed <= SEEDS && !found; seed++) {
            struct world world = {.seed = seed, .sabotage = (enum sabotage)i};

            found = !world_run(&world);
            if (found)
                (void)printf("%s: seed %llu: %s\n", names[i], (unsigned long long)seed,
                             world.failure);
        }
        if (!found)
            (void)printf("%s: no rule was broken in %d seeds\n", names[i], SEEDS);
        missed += !found;
    }
    return missed ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options options;
    struct tally sum = {0};
    uint64_t failures;

    if (!parse(argc, argv, &options)) {
        (void)fprintf(stderr,
                      "usage: %s [--seeds N | --seed N [--trace] | --self-test]\n",
                      argv[0]);
        return 2;
    }
    if (options.self_test)
        return self_test();
    failures = run(&options, argv[0], &sum);
    print(&sum);
    (void)printf("%llu seeds, %llu broken rules\n", (unsigned long long)options.count,
                 (unsigned long long)failures);
    if (options.count >= 100 && !is_varied(&sum)) {
        (void)printf("some kind of end never came\n");
        return 1;
    }
    return failures ? 1 : 0;
}

/* tests/sim/world.h - virtual time: what will happen when, and dice from a seed.
 *
 * One world is one run: a scheduler (server.h), fake agents (agent.h), users and
 * operators (load.h). Everything random comes from the seed, so a run can be repeated
 * exactly. */
#ifndef LS_TESTS_SIM_WORLD_H
#define LS_TESTS_SIM_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scheduler/policy/policy.h"

enum {
    SIM_NODES_MAX = 12,
    SIM_RANKS_PER_NODE_MAX = 4,
    SIM_GPUS = 8,
    SIM_CORES = 16,
    SIM_CHAOS_MS = 60000, /* faults and submissions until then; then all heals */
    SIM_END_MS = 600000,  /* by then every job must have ended */
    SIM_NODE_TIMEOUT_MS = 5000,
};

enum happening_kind {
    HAPPEN_TO_SERVER, /* a message of an agent arrives */
    HAPPEN_TO_AGENT,
    HAPPEN_NOTICE_LOSS, /* the server sees that a connection is gone */
    HAPPEN_TICK,
    HAPPEN_SERVER_CRASH,
    HAPPEN_SERVER_START,
    HAPPEN_AGENT_CONNECT,
    HAPPEN_AGENT_RESEND,
    HAPPEN_AGENT_STEP,  /* something in a step is due */
    HAPPEN_AGENT_FAULT, /* loses contact, or its node crashes */
    HAPPEN_SUBMIT,
    HAPPEN_CANCEL,
    HAPPEN_OPERATOR, /* drains or resumes a node */
};

/* What goes over a connection, either way. */
enum message_kind {
    MESSAGE_REGISTER,
    MESSAGE_READY,
    MESSAGE_RANK_FAILED,
    MESSAGE_ENDED,
    MESSAGE_LAUNCH,
    MESSAGE_START,
    MESSAGE_KILL,
    MESSAGE_FORGET,
};

/* How a rank ended: exit code, 128+signal, or one of these. */
enum { RANK_UNKNOWN = -1 };

struct message {
    enum message_kind kind;
    uint64_t job;
    uint32_t attempt;
    uint32_t first_rank, rank_count;
    uint64_t gpus;
    uint32_t cores;
    uint32_t serial; /* of the step; makes its address */
    int16_t ends[SIM_RANKS_PER_NODE_MAX];
    const char *reason; /* static */
};

struct happening {
    int64_t time_ms;
    uint64_t order; /* of two at one time, the one planned first */
    enum happening_kind kind;
    uint32_t agent;
    uint32_t connection; /* messages of an older connection vanish */
    uint32_t serial;     /* of a step, or number of a job */
    int what;
    struct message message;
};

/* What a run can do wrong on purpose, to see that a rule notices. */
enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_LOSE_EVENT,  /* an event is not recorded */
    SABOTAGE_START_EARLY, /* a part starts without the others */
    SABOTAGE_FREE_EARLY,  /* what is on a lost node counts as ended at once */
    SABOTAGE_MAKE_UP_END, /* a part is said to have ended that lives */
};

/* What came of a run; added up over runs to see that nothing is left untried. */
struct tally {
    uint64_t happenings, events, server_crashes;
    uint64_t ends[LS_JOB_NODE_FAIL + 1]; /* jobs by final state */
};

struct world {
    uint64_t seed, dice;
    bool trace;
    enum sabotage sabotage;
    int64_t now_ms;
    uint64_t planned; /* happenings so far */
    struct happening *heap;
    size_t heap_count, heap_capacity;
    uint32_t node_count;
    bool failed; /* a rule was broken; the text was printed */
    char failure[256];
    struct tally tally;
    struct server *server;
    struct agent *agents; /* node_count */
    struct load *load;
};

/* Run a world to its end; false when a rule was broken. */
bool world_run(struct world *world);

/* A number in low … high, both included; and true in `percent` of 100 cases. */
uint32_t world_dice(struct world *world, uint32_t low, uint32_t high);
bool world_chance(struct world *world, uint32_t percent);

/* Let something happen in `delay_ms`; time and order are filled in. */
void world_plan(struct world *world, int64_t delay_ms, struct happening happening);

/* Faults only happen while chaos reigns. */
bool world_in_chaos(const struct world *world);

/* A rule is broken: the first one is kept and ends the run. */
void world_fail(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void world_trace(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

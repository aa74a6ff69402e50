/* tests/sim/agent.h - fake agents: they prepare, run, fail, crash, lose contact, come
 * back, and say everything more than once. */
#ifndef LS_TESTS_SIM_AGENT_H
#define LS_TESTS_SIM_AGENT_H

#include "tests/sim/world.h"

enum step_state { STEP_PREPARING, STEP_READY, STEP_RUNNING, STEP_ENDED };

/* What an agent has of one attempt. ENDED: only the record is left, until FORGET. */
struct step {
    uint64_t job;
    uint32_t attempt;
    uint32_t serial; /* unique in the world */
    enum step_state state;
    bool dying; /* KILL came */
    uint32_t first_rank, rank_count;
    uint64_t gpus;
    uint32_t cores;
    int16_t ends[SIM_RANKS_PER_NODE_MAX];
    const char *reason;
};

struct agent {
    uint32_t index;
    char name[16];
    bool running;             /* the node is not crashed */
    uint32_t connection;      /* number of the one it has; 0 = none */
    int64_t last_delivery_ms; /* messages to it stay in order */
    struct step *steps;
    size_t step_count, step_capacity;
};

void agents_start(struct world *world);
void agents_stop(struct world *world);

void agent_connect(struct world *world, struct agent *agent);
void agent_receive(struct world *world, struct agent *agent,
                   const struct message *message);
void agent_resend(struct world *world, struct agent *agent);
void agent_step_due(struct world *world, struct agent *agent,
                    const struct happening *happening);
void agent_fault(struct world *world, struct agent *agent);

/* The connection is gone for the agent; it tries again by itself. */
void agent_disconnect(struct world *world, struct agent *agent);

struct step *agent_find_step(const struct agent *agent, uint64_t job, uint32_t attempt);

#endif

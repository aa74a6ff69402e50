/* tests/sim/load.h - users and operators: they submit, ask twice, cancel, drain. */
#ifndef LS_TESTS_SIM_LOAD_H
#define LS_TESTS_SIM_LOAD_H

#include "tests/sim/world.h"

enum { LOAD_JOBS_MAX = 40 };

struct load {
    uint32_t job_count;
    enum ls_job_state seen[LOAD_JOBS_MAX + 1]; /* last state of each job id */
    struct {
        bool answered, refused;
        uint64_t id; /* as accepted; 0 before */
        struct ls_request request;
    } jobs[LOAD_JOBS_MAX];
};

void load_start(struct world *world);
void load_stop(struct world *world);
void load_submit(struct world *world, uint32_t number);
void load_cancel(struct world *world, uint32_t number);
void load_operate(struct world *world, uint32_t node);

#endif

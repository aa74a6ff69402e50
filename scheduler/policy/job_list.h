/* scheduler/policy/job_list.h - a queue of jobs: the kept, the waiting, the live, the
 * ended. Borrows the jobs. Pure. */
#ifndef LS_SCHEDULER_POLICY_JOB_LIST_H
#define LS_SCHEDULER_POLICY_JOB_LIST_H

#include <stddef.h>

#include "scheduler/policy/policy.h"

/* Start from {0}. The jobs are items[first … first + count - 1]. */
struct ls_job_list {
    struct ls_job **items;
    size_t first, count, capacity;
};

void ls_job_list_push(struct ls_job_list *list, struct ls_job *job);
struct ls_job *ls_job_list_at(const struct ls_job_list *list, size_t position);
struct ls_job *ls_job_list_pop(struct ls_job_list *list);
void ls_job_list_free(struct ls_job_list *list);

/* For lists whose jobs were pushed in id order: find by id (NULL when absent), and
 * remove a job that is in the list. */
struct ls_job *ls_job_list_find(const struct ls_job_list *list, uint64_t id);
void ls_job_list_remove(struct ls_job_list *list, const struct ls_job *job);

#endif

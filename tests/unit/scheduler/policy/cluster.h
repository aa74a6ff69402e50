/* tests/unit/scheduler/policy/cluster.h - a cluster in a few words, for tests of the
 * core.
 *
 * Each call is one event; the effects of the last one are in `effects`. The asserts
 * fail the test. Time stands still unless `now_ms` is moved. */
#ifndef LS_TESTS_POLICY_CLUSTER_H
#define LS_TESTS_POLICY_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler/policy/policy.h"

enum { CLUSTER_TIMEOUT_MS = 10000, CLUSTER_CORES = 16, CLUSTER_GPUS = 8 };

struct cluster {
    struct ls_policy *policy;
    struct ls_effects effects;
    int64_t now_ms;
};

void cluster_start(struct cluster *cluster);
void cluster_stop(struct cluster *cluster);

/* Apply an event; its time is set here. */
void cluster_step(struct cluster *cluster, struct ls_event *event);
void cluster_fabric(struct cluster *cluster, const char *const *names,
                    const char *const *nodes, size_t count);

/* Nodes of 16 cores, 8 GPUs, 64 GiB; `cluster_node_sized` for others. */
void cluster_nodes(struct cluster *cluster, uint32_t count); /* n0, n1, … */
void cluster_node(struct cluster *cluster, const char *name);
void cluster_node_sized(struct cluster *cluster, const char *name, uint32_t cores,
                        uint32_t gpus, uint64_t memory_bytes);
void cluster_node_event(struct cluster *cluster, enum ls_event_kind kind,
                        const char *node);

/* A request of `nodes` nodes with one rank and one core each. */
struct ls_request request_of(uint32_t nodes, uint32_t gpus_per_node);

/* Submit as user 1000; the id, or 0 when it was refused (the reason is in effects). */
uint64_t cluster_submit(struct cluster *cluster, const struct ls_request *request);
uint64_t cluster_submit_as(struct cluster *cluster, const struct ls_request *request,
                           uint32_t uid, const char *key);
void cluster_cancel(struct cluster *cluster, uint64_t job, uint32_t uid);

/* Reports of the node about attempt 1 of the job. */
void cluster_ready(struct cluster *cluster, uint64_t job, const char *node);
void cluster_ended(struct cluster *cluster, uint64_t job, const char *node,
                   const char *reason, int32_t exit_code, int32_t signal);
void cluster_rank_failed(struct cluster *cluster, uint64_t job, const char *node,
                         uint32_t rank, int32_t exit_code);
void cluster_tick(struct cluster *cluster, int64_t now_ms);

/* Report ready, or ended with 0, from each node of the job. */
void cluster_all_ready(struct cluster *cluster, uint64_t job);
void cluster_all_ended(struct cluster *cluster, uint64_t job);

const struct ls_job *cluster_job(const struct cluster *cluster, uint64_t job);
const struct ls_node *cluster_at(const struct cluster *cluster, const char *node);
/* Name of the node of the job's part. */
const char *cluster_part_node(const struct cluster *cluster, uint64_t job,
                              uint32_t part);

/* How many effects of the kind the last event had; and to one node. */
size_t cluster_effects(const struct cluster *cluster, enum ls_effect_kind kind);
bool cluster_told(const struct cluster *cluster, enum ls_effect_kind kind,
                  const char *node);
const struct ls_effect *cluster_refusal(const struct cluster *cluster);

void assert_state(const struct cluster *cluster, uint64_t job, enum ls_job_state state);
void assert_reason(const struct cluster *cluster, uint64_t job, const char *reason);
void assert_refused(const struct cluster *cluster, int code, const char *text);

#endif

/* scheduler/policy/policy.h - the pure core: step(state, event) -> effects.
 *
 * No clock, I/O, randomness, threads or hash-order dependence: time and seeds come in
 * events, and the same events give the same effects, byte for byte. The daemon, its
 * recovery, the simulator and the tests all drive ls_policy_step(). Includes nothing
 * of the system beyond stdint/stdbool/stddef/string (tests/layering proves it).
 * One thread at a time. */
#ifndef LS_SCHEDULER_POLICY_POLICY_H
#define LS_SCHEDULER_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ls_policy;

enum {
    LS_GPUS_PER_NODE_MAX = 64,
    LS_NODE_NAME_MAX = 64,   /* with the NUL */
    LS_RANKS_MAX = 1 << 20,
    LS_JOBS_MAX = 1 << 20,   /* queued and running at once */
    LS_REASON_MAX = 256,
    LS_NODES_MAX = 1 << 17,  /* ever registered */
};

/* ---- what is known of a node, a job, an attempt ---------------------------- */

enum ls_node_state { LS_NODE_DOWN, LS_NODE_UP };

struct ls_node {
    char name[LS_NODE_NAME_MAX];
    uint32_t index;                 /* dense, in order of first registration */
    uint32_t rack;                  /* index of its rack in the fabric */
    bool up;                        /* its agent is connected */
    bool drained;                   /* operator: no new jobs */
    char reason[LS_REASON_MAX];     /* of the drain or the loss */
    uint32_t cores, gpu_count;
    uint64_t memory_bytes;
    uint32_t cores_used;
    uint64_t gpus_used;             /* bit per GPU index */
    uint64_t memory_used;
    uint32_t job_count;             /* attempts that hold something here */
    bool exclusive;                 /* one job holds the node whole */
};

/* What a job asks for, in full: no field is "not given" any more. */
struct ls_request {
    uint32_t nodes;                 /* >= 1 */
    uint32_t ranks;                 /* >= nodes */
    uint32_t cpus_per_rank;         /* >= 1 */
    uint32_t gpus_per_rank;         /* 0 … LS_GPUS_PER_NODE_MAX */
    uint32_t gpus_per_node;         /* held by the job on each node, >= its ranks' need */
    uint64_t memory_bytes;          /* per node, 0 = any */
    uint64_t time_limit_ms;         /* 0 = none */
    bool exclusive, overcommit, within_rack;
    const char *const *nodelist;    /* only these, NULL = any; borrowed */
    size_t nodelist_count;
    const char *const *exclude;
    size_t exclude_count;
};

enum ls_job_state {                 /* the values of JobState in lockstep.proto */
    LS_JOB_NONE = 0,
    LS_JOB_PENDING,
    LS_JOB_RUNNING,
    LS_JOB_COMPLETING,              /* told to end; some node has not confirmed yet */
    LS_JOB_COMPLETED,
    LS_JOB_FAILED,
    LS_JOB_CANCELLED,
    LS_JOB_TIMEOUT,
    LS_JOB_NODE_FAIL,
};

enum ls_part_state {                /* a job's attempt on one node */
    LS_PART_LAUNCHED,               /* told to prepare */
    LS_PART_READY,
    LS_PART_STARTED,
    LS_PART_ENDED,
    LS_PART_LOST,                   /* its node was silent too long; the share there stays
                                     * reserved until the node says that nothing is left */
};

/* A job's share of one node, in plan order. */
struct ls_part {
    uint32_t node;                  /* ls_node.index */
    uint32_t first_rank, rank_count;
    uint64_t gpus;                  /* bits held */
    uint32_t cores;
    enum ls_part_state state;
    char address[128];              /* gang address of its step */
};

/* The end of one rank, as its step reported it. */
struct ls_rank_end {
    bool known;
    int32_t exit_code;              /* -1 with a signal */
    int32_t signal;
    char text[LS_REASON_MAX];       /* why it could not start; else "" */
};

struct ls_job {
    uint64_t id;                    /* 1, 2, … in order of acceptance; never reused */
    uint32_t uid, gid;
    char submit_key[64];
    enum ls_job_state state;
    enum ls_job_state ending;       /* in COMPLETING: what it will be */
    char reason[LS_REASON_MAX];     /* why it waits, or how it ended */
    struct ls_request request;      /* owned copy */
    void *spec;                     /* packed JobSpec, opaque here; owned */
    size_t spec_size;
    uint32_t attempt;               /* starts so far */
    uint32_t part_count;
    struct ls_part *parts;          /* of the current attempt, or NULL */
    uint32_t parts_ready;           /* before the start: parts that are READY */
    uint32_t parts_ended;           /* ENDED or LOST */
    struct ls_rank_end *rank_ends;  /* request.ranks, of the current attempt, or NULL */
    int64_t submit_ms, start_ms, end_ms;
    int32_t exit_code;
};

/* ---- events: all that may happen ------------------------------------------ */

enum ls_event_kind {
    LS_EVENT_NONE = 0,
    LS_EVENT_FABRIC,        /* racks of the nodes, from configuration; first in a log */
    LS_EVENT_NODE_UP,       /* an agent registered */
    LS_EVENT_NODE_DOWN,     /* its connection is gone or silent */
    LS_EVENT_NODE_DRAIN,
    LS_EVENT_NODE_RESUME,
    LS_EVENT_JOB_SUBMIT,
    LS_EVENT_JOB_CANCEL,
    LS_EVENT_PART_READY,    /* a step is prepared; carries its address */
    LS_EVENT_PART_ENDED,    /* nothing of the attempt is left on that node */
    LS_EVENT_RANK_FAILED,   /* a rank failed: end the rest of the gang now */
    LS_EVENT_TICK,          /* time has passed: limits, node time-outs */
};

struct ls_event {
    enum ls_event_kind kind;
    int64_t time_ms;        /* Unix time; never goes back within a log (daemon's duty) */
    char node[LS_NODE_NAME_MAX];
    char text[LS_REASON_MAX];       /* reason */
    uint64_t job;
    uint32_t attempt;
    uint32_t uid, gid;              /* SUBMIT, CANCEL */
    /* FABRIC */
    const char *const *rack_names;
    const char *const *rack_nodes;  /* hostlist of each rack, already expanded: */
    size_t rack_count;              /* names separated by ',' */
    /* NODE_UP */
    uint32_t cores, gpu_count;
    uint64_t memory_bytes;
    /* JOB_SUBMIT */
    struct ls_request request;
    char submit_key[64];
    const void *spec;
    size_t spec_size;
    /* PART_READY */
    char address[128];
    /* PART_ENDED, RANK_FAILED */
    const struct ls_rank_end *rank_ends; /* rank_count entries from first_rank on */
    uint32_t first_rank, rank_count;
};

/* ---- effects: what the caller has to do, once the event is durable ---------- */

enum ls_effect_kind {
    LS_EFFECT_LAUNCH,       /* tell node `node` to prepare its part of job/attempt */
    LS_EFFECT_START,        /* tell node `node`: all are ready, start the ranks */
    LS_EFFECT_KILL,         /* tell node `node` to end its part; `text` says why */
    LS_EFFECT_FORGET,       /* node may forget the attempt: its end is recorded */
    LS_EFFECT_JOB_CHANGED,  /* answer who waits on the job */
    LS_EFFECT_ACCEPTED,     /* of a submit: job id */
    LS_EFFECT_REFUSED,      /* of any request: `text` says why, `code` positive errno */
};

struct ls_effect {
    enum ls_effect_kind kind;
    uint64_t job;
    uint32_t attempt;
    uint32_t node;
    int code;
    char text[LS_REASON_MAX];
};

/* Start from {0}; ls_effects_clear() keeps the memory, _free() gives it back. */
struct ls_effects {
    struct ls_effect *items;
    size_t count, capacity;
};
void ls_effects_clear(struct ls_effects *effects);
void ls_effects_free(struct ls_effects *effects);

/* ---- the core --------------------------------------------------------------- */

struct ls_policy_config {
    int64_t node_timeout_ms;   /* a node silent for longer: its parts count as lost */
    size_t ended_jobs_max;     /* ended jobs kept for queries; the oldest go first */
};

struct ls_policy *ls_policy_new(const struct ls_policy_config *config);
void ls_policy_free(struct ls_policy *policy);

/* What the caller owes the core:
 *  - after a restart: NODE_DOWN for every node that is up in the replayed state, since no
 *    agent is connected yet; agents that come back send NODE_UP, which re-sends what is
 *    outstanding on the node (LAUNCH, START, KILL: all are idempotent at the agent);
 *  - PART_ENDED (text: why) for a part that is beyond LAUNCHED when its node registers
 *    without it: nothing of it is left there. A LAUNCHED one is simply launched again;
 *  - agents' reports as often as they come: a repeated READY of a started part re-sends
 *    its START, a repeated ENDED its FORGET, and one of a stale attempt KILL or FORGET. */

/* Apply one event and append its effects. Any event is legal in any state: what makes
 * no sense (stale attempt, unknown job) is refused or ignored, never a crash. */
void ls_policy_step(struct ls_policy *policy, const struct ls_event *event,
                    struct ls_effects *effects);

/* Would this submission be accepted? True, or false with the reason, which names the
 * largest request that could run. Checks against the whole cluster, not what is free. */
bool ls_policy_admit(const struct ls_policy *policy, const struct ls_request *request,
                     char reason[LS_REASON_MAX]);

/* When the next TICK is due (Unix ms), INT64_MAX when none is. */
int64_t ls_policy_next_tick_ms(const struct ls_policy *policy);

/* Queries; all borrowed, valid until the next step. */
const struct ls_job *ls_policy_job(const struct ls_policy *policy, uint64_t id);
const struct ls_job *ls_policy_job_by_key(const struct ls_policy *policy, uint32_t uid,
                                          const char *submit_key);
/* The kept jobs in id order: index 0 … count-1. */
size_t ls_policy_job_count(const struct ls_policy *policy);
const struct ls_job *ls_policy_job_at(const struct ls_policy *policy, size_t index);
size_t ls_policy_node_count(const struct ls_policy *policy);
const struct ls_node *ls_policy_node_at(const struct ls_policy *policy, size_t index);
const struct ls_node *ls_policy_node(const struct ls_policy *policy, const char *name);
/* Nodes that no rack of the fabric names are in one more rack, the last. */
uint32_t ls_policy_rack_count(const struct ls_policy *policy);
const char *ls_policy_rack_name(const struct ls_policy *policy, uint32_t rack);
bool ls_job_ended(const struct ls_job *job);

/* A digest of all state (FNV-1a): equal for equal histories. For replay tests. */
uint64_t ls_policy_hash(const struct ls_policy *policy);

#endif

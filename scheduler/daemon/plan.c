/* scheduler/daemon/plan.c - ranks to devices. Depends on cores, the policy's jobs. */
#include "scheduler/daemon/plan.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"

/* The `count` lowest bits of `bits` after skipping the `skip` lowest. */
static uint64_t slice_bits(uint64_t bits, uint32_t skip, uint32_t count)
{
    uint64_t slice = 0;

    for (; skip > 0 && bits; skip--)
        bits &= bits - 1;
    for (; count > 0 && bits; count--) {
        slice |= bits & -bits;
        bits &= bits - 1;
    }
    return slice;
}

/* Ranks with GPUs of their own get them in order; else the ranks of a node share what
 * the job holds there, as under Slurm. */
static uint64_t rank_gpus(const struct ls_part *part, uint32_t per_rank, uint32_t local)
{
    return per_rank > 0 ? slice_bits(part->gpus, local * per_rank, per_rank)
                        : part->gpus;
}

static const Ls__GpuInfo *first_gpu(const Ls__NodeDigest *digest, uint64_t gpus)
{
    uint32_t index = gpus ? (uint32_t)__builtin_ctzll(gpus) : UINT32_MAX;

    return digest && index < digest->n_gpus ? digest->gpus[index] : NULL;
}

/* NICs of the better kind in turn: RDMA where there is any. */
static int32_t spread_nic(const Ls__NodeDigest *digest, uint32_t local)
{
    uint32_t rdma = 0;
    uint32_t usable;
    uint32_t wanted;

    for (size_t i = 0; i < digest->n_nics; i++)
        rdma += strcmp(digest->nics[i]->kind, "rdma") == 0;
    usable = rdma > 0 ? rdma : (uint32_t)digest->n_nics;
    if (usable == 0)
        return -1;
    wanted = local % usable;
    for (size_t i = 0; i < digest->n_nics; i++) {
        if (rdma > 0 && strcmp(digest->nics[i]->kind, "rdma") != 0)
            continue;
        if (wanted-- == 0)
            return (int32_t)i;
    }
    return -1;
}

static int32_t rank_nic(const Ls__NodeDigest *digest, uint64_t gpus, bool own_gpus,
                        uint32_t local)
{
    const Ls__GpuInfo *gpu = first_gpu(digest, gpus);

    if (!digest)
        return -1;
    if (gpu && own_gpus && gpu->nic >= 0)
        return gpu->nic;
    return spread_nic(digest, local);
}

/* The cpu list near a rank's first GPU; "" without a wish. */
static const char *near_cores(const Ls__NodeDigest *digest, uint64_t gpus)
{
    const Ls__GpuInfo *gpu = first_gpu(digest, gpus);

    if (!gpu)
        return "";
    if (gpu->cores[0])
        return gpu->cores;
    for (size_t i = 0; i < digest->n_numas; i++) {
        if (digest->numas[i]->os_index == gpu->numa)
            return digest->numas[i]->cores;
    }
    return "";
}

static void take_cores(struct ls_plan_rank *rank, struct ls_member *member,
                       uint32_t want)
{
    rank->core_ids = ls_calloc(want, sizeof(*rank->core_ids));
    if (want == 0 || !member->digest ||
        !ls_cores_take(member->cores, near_cores(member->digest, rank->gpus), want,
                       rank->core_ids)) {
        rank->cores = ls_strdup("");
        return;
    }
    rank->core_count = want;
    rank->cores = ls_cores_text(member->cores, rank->core_ids, want);
}

static void plan_part(struct ls_plan *plan, const struct ls_job *job, uint32_t index,
                      struct ls_member *member)
{
    const struct ls_part *part = &job->parts[index];
    uint32_t per_rank = job->request.gpus_per_rank;
    uint32_t cores = part->cores / part->rank_count;

    ls_assert(part->first_rank + part->rank_count <= plan->rank_count);
    for (uint32_t local = 0; local < part->rank_count; local++) {
        struct ls_plan_rank *rank = &plan->ranks[part->first_rank + local];

        rank->part = index;
        rank->local_rank = local;
        rank->gpus = rank_gpus(part, per_rank, local);
        rank->nic = rank_nic(member->digest, rank->gpus, per_rank > 0, local);
        take_cores(rank, member, cores);
    }
}

struct ls_plan *ls_plan_make(const struct ls_job *job, struct ls_member *const *members,
                             bool batch)
{
    struct ls_plan *plan = ls_calloc(1, sizeof(*plan));

    plan->attempt = job->attempt;
    plan->rank_count = batch ? 1 : job->request.ranks;
    plan->ranks = ls_calloc(plan->rank_count, sizeof(*plan->ranks));
    for (uint32_t i = 0; i < (batch ? 1 : job->part_count); i++)
        plan_part(plan, job, i, members[i]);
    return plan;
}

void ls_plan_release(struct ls_plan *plan, uint32_t part, struct ls_member *member)
{
    for (uint32_t i = 0; i < plan->rank_count; i++) {
        struct ls_plan_rank *rank = &plan->ranks[i];

        if (rank->part != part || !member->cores)
            continue;
        ls_cores_give_back(member->cores, rank->core_ids, rank->core_count);
        rank->core_count = 0;
    }
}

void ls_plan_free(struct ls_plan *plan)
{
    if (!plan)
        return;
    for (uint32_t i = 0; i < plan->rank_count; i++) {
        ls_free(plan->ranks[i].cores);
        ls_free(plan->ranks[i].core_ids);
    }
    ls_free(plan->ranks);
    ls_free(plan);
}

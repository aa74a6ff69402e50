/* scheduler/policy/pass.c - start what can start, in strict order.
 *
 * No job overtakes: while the first one waits, all do. So a pass costs one look at the
 * nodes for each job it starts and one for the job that does not fit. Pure. */
#include "scheduler/policy/pass.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/gang.h"
#include "scheduler/policy/need.h"
#include "scheduler/policy/place.h"
#include "scheduler/policy/text.h"

enum { NAMED_NODES_MAX = 3 }; /* in one reason */

/* How the nodes that could take a part of the first job are. */
struct supply {
    uint32_t capable;      /* large enough when empty */
    uint32_t away;         /* of these, down or drained */
    uint32_t free;         /* of these, with room now */
    uint32_t free_in_rack; /* most of the free ones that are in one rack */
    const struct ls_node *named[NAMED_NODES_MAX]; /* the first that are away */
};

static void count_node(struct supply *supply, const struct ls_need *need,
                       const struct ls_node *node, uint32_t *free_by_rack)
{
    if (!ls_need_fits_ever(need, node))
        return;
    supply->capable++;
    if (!node->up || node->drained) {
        if (supply->away < NAMED_NODES_MAX)
            supply->named[supply->away] = node;
        supply->away++;
    }
    if (!ls_need_fits_now(need, node))
        return;
    supply->free++;
    if (++free_by_rack[node->rack] > supply->free_in_rack)
        supply->free_in_rack = free_by_rack[node->rack];
}

static struct supply count_supply(const struct ls_policy *policy,
                                  const struct ls_request *request)
{
    struct supply supply = {0};
    struct ls_filter filter = ls_filter_new(policy, request);
    struct ls_need need = ls_need_of(request);
    uint32_t *free_by_rack =
        ls_calloc(policy->rack_count + (size_t)1, sizeof(*free_by_rack));

    for (size_t i = 0; i < policy->node_count; i++) {
        const struct ls_node *node = &policy->nodes[policy->plan_order[i]]->node;

        if (ls_filter_allows(&filter, node))
            count_node(&supply, &need, node, free_by_rack);
    }
    ls_free(free_by_rack);
    ls_filter_free(&filter);
    return supply;
}

/* ": n3 is down, n5 is drained and 4 more" */
static void add_away(struct ls_text *why, const struct supply *supply)
{
    for (uint32_t i = 0; i < supply->away && i < NAMED_NODES_MAX; i++) {
        ls_text_add(why, i ? ", " : ": ");
        ls_text_add(why, supply->named[i]->name);
        ls_text_add(why, supply->named[i]->up ? " is drained" : " is down");
    }
    if (supply->away > NAMED_NODES_MAX) {
        ls_text_add(why, " and ");
        ls_text_add_number(why, supply->away - NAMED_NODES_MAX);
        ls_text_add(why, " more");
    }
}

static void explain(const struct ls_policy *policy, struct ls_job *job)
{
    const struct ls_request *request = &job->request;
    struct supply supply = count_supply(policy, request);
    struct ls_text why = ls_text_begin(job->reason, sizeof(job->reason));
    uint32_t free = request->within_rack ? supply.free_in_rack : supply.free;

    ls_assert(free < request->nodes);
    ls_text_add(&why, "waiting for ");
    ls_text_add_number(&why, request->nodes - free);
    ls_text_add(&why, free ? " more free node" : " free node");
    if (request->nodes - free != 1)
        ls_text_add(&why, "s");
    if (request->within_rack && free)
        ls_text_add(&why, " in the same rack");
    else if (request->within_rack)
        ls_text_add(&why, " in one rack");
    if (supply.capable < request->nodes) {
        ls_text_add(&why, ": only ");
        ls_text_add_number(&why, supply.capable);
        ls_text_add(&why, " of the cluster are large enough");
    } else if (supply.capable - supply.away < request->nodes)
        add_away(&why, &supply);
}

/* Start the job if it fits. */
static bool try_start(struct ls_policy *policy, struct ls_job *job,
                      struct ls_effects *effects)
{
    uint32_t *nodes = ls_calloc(job->request.nodes, sizeof(*nodes));
    bool placed = ls_place(policy, &job->request, nodes);

    if (placed) {
        ls_job_list_remove(&policy->waiting, job);
        ls_gang_launch(policy, job, nodes, effects);
    }
    ls_free(nodes);
    return placed;
}

void ls_pass(struct ls_policy *policy, struct ls_effects *effects)
{
    struct ls_job *first = NULL;

    if (!policy->pass_due)
        return;
    policy->pass_due = false;
    while (policy->waiting.count > 0) { /* each turn takes one job out or ends it */
        first = ls_job_list_at(&policy->waiting, 0);
        ls_assert(first->state == LS_JOB_PENDING && first->part_count == 0);
        if (!try_start(policy, first, effects))
            break;
    }
    if (policy->waiting.count > 0)
        explain(policy, first);
    ls_assert(!policy->pass_due);
}

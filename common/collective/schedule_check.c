/* common/collective/schedule_check.c - the simulation behind the proof. */
#include "common/collective/schedule_check.h"

#include <errno.h>
#include <string.h>

#include "common/util/mem.h"

/* What a block holds at a node, or a message carries: whose contributions (a bit set in
 * `members`), combined in which order (a hash of the expression). */
struct value {
    uint64_t expression;
    bool final;
    uint64_t *members;
};

struct message {
    bool full;
    uint32_t block;
    struct value value;
};

struct node {
    uint32_t next; /* step */
    uint32_t sends;
    bool one_peer; /* all sends so far went to `send_peer` */
    uint32_t send_peer;
    uint32_t *sent; /* per block: 1 + number of the last SEND of it, or 0 */
};

struct check {
    const struct ls_schedule_set *set;
    size_t words; /* of a bit set */
    struct node *nodes;
    struct value *values;      /* [node][block] */
    struct message **channels; /* [from][to], NULL until used */
    struct ls_error *err;
};

static uint64_t mix(uint64_t left, uint64_t right)
{
    uint64_t hash = left * UINT64_C(0x9e3779b97f4a7c15) + right;

    return (hash ^ hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static struct value *value_of(const struct check *check, uint32_t node, uint32_t block)
{
    return &check->values[(size_t)node * check->set->block_count + block];
}

static bool has_all(const struct check *check, const struct value *value)
{
    for (uint32_t i = 0; i < check->set->node_count; i++) {
        if (!(value->members[i / 64] >> i % 64 & 1))
            return false;
    }
    return true;
}

static bool is_empty(const struct check *check, const struct value *value)
{
    for (size_t i = 0; i < check->words; i++) {
        if (value->members[i])
            return false;
    }
    return true;
}

static void value_copy(const struct check *check, struct value *to,
                       const struct value *from)
{
    to->expression = from->expression;
    to->final = from->final;
    memcpy(to->members, from->members, check->words * sizeof(*to->members));
}

/* What nodes hold before the first step. */
static void fill_in(struct check *check, uint32_t node, uint32_t block)
{
    const struct ls_schedule_set *set = check->set;
    struct value *value = value_of(check, node, block);
    bool holds = true;

    if (set->goal == LS_GOAL_ALLGATHER)
        holds = node == block;
    else if (set->goal == LS_GOAL_BROADCAST)
        holds = node == set->root;
    value->members = ls_calloc(check->words, sizeof(*value->members));
    if (!holds)
        return;
    value->members[node / 64] |= UINT64_C(1) << node % 64;
    value->expression = mix(node + 1, block + 1);
}

static int bad(const struct check *check, uint32_t node, const char *what)
{
    return ls_error_set(check->err, -EINVAL, "node %u, step %u: %s", node,
                        check->nodes[node].next, what);
}

static struct message *channel(struct check *check, uint32_t from, uint32_t to)
{
    struct message **slot =
        &check->channels[(size_t)from * check->set->node_count + to];

    if (!*slot) {
        *slot = ls_calloc(1, sizeof(**slot));
        (*slot)->value.members = ls_calloc(check->words, sizeof(uint64_t));
    }
    return *slot;
}

/* Steps return 1 when carried out, 0 when they must wait, -EINVAL when wrong. */
static int run_send(struct check *check, uint32_t me,
                    const struct ls_schedule_step *step)
{
    struct message *message = channel(check, me, step->peer);
    struct node *node = &check->nodes[me];
    struct value *value = value_of(check, me, step->block);

    if (is_empty(check, value))
        return bad(check, me, "sends a block that it does not hold");
    if (message->full)
        return 0;
    message->full = true;
    message->block = step->block;
    value_copy(check, &message->value, value);
    node->one_peer =
        node->sends == 0 || (node->one_peer && node->send_peer == step->peer);
    node->send_peer = step->peer;
    node->sent[step->block] = ++node->sends;
    return 1;
}

/* Sends to one peer leave in order; to several, only all of them can be waited for. */
static int check_overwrite(struct check *check, uint32_t me,
                           const struct ls_schedule_step *step)
{
    const struct node *node = &check->nodes[me];

    if (step->sends_done > node->sends)
        return bad(check, me, "waits for sends that come later");
    if (node->sent[step->block] > step->sends_done)
        return bad(check, me, "overwrites a block that is still being sent");
    if (step->sends_done && step->sends_done < node->sends && !node->one_peer)
        return bad(check, me, "waits for some of its sends to several peers");
    return 0;
}

static int run_reduce(struct check *check, uint32_t me,
                      const struct ls_schedule_step *step, const struct value *in)
{
    struct value *value = value_of(check, me, step->block);
    bool peer_first = step->peer < me;

    if (in->final || value->final)
        return bad(check, me, "combines a block that was finished before");
    for (size_t i = 0; i < check->words; i++) {
        if (value->members[i] & in->members[i])
            return bad(check, me, "a contribution arrives twice");
        value->members[i] |= in->members[i];
    }
    value->expression = peer_first ? mix(in->expression, value->expression)
                                   : mix(value->expression, in->expression);
    value->final = step->final;
    if (step->final && !has_all(check, value))
        return bad(check, me, "finishes a block that lacks contributions");
    return 1;
}

static int run_receive(struct check *check, uint32_t me,
                       const struct ls_schedule_step *step)
{
    struct message *message = channel(check, step->peer, me);
    int rc;

    if (!message->full)
        return 0;
    if (message->block != step->block)
        return bad(check, me, "receives another block than it expects");
    rc = check_overwrite(check, me, step);
    if (rc < 0)
        return rc;
    message->full = false;
    if (step->action == LS_STEP_REDUCE)
        return run_reduce(check, me, step, &message->value);
    value_copy(check, value_of(check, me, step->block), &message->value);
    return 1;
}

static int run_step(struct check *check, uint32_t me)
{
    const struct ls_schedule_step *step = &check->set->steps[me][check->nodes[me].next];

    if (step->peer >= check->set->node_count || step->peer == me)
        return bad(check, me, "has no such peer");
    if (step->block >= check->set->block_count)
        return bad(check, me, "has no such block");
    if (step->action == LS_STEP_SEND)
        return run_send(check, me, step);
    return run_receive(check, me, step);
}

/* Run every node as far as it gets, until nobody moves. */
static int run_all(struct check *check)
{
    bool moved = true;

    while (moved) {
        moved = false;
        for (uint32_t i = 0; i < check->set->node_count; i++) {
            int rc = 1;

            while (check->nodes[i].next < check->set->step_counts[i] && rc > 0) {
                rc = run_step(check, i);
                if (rc < 0)
                    return rc;
                check->nodes[i].next += (uint32_t)rc;
                moved |= rc > 0;
            }
        }
    }
    return 0;
}

static int check_end(struct check *check)
{
    const struct ls_schedule_set *set = check->set;
    const size_t pairs = (size_t)set->node_count * set->node_count;

    for (uint32_t i = 0; i < set->node_count; i++) {
        if (check->nodes[i].next < set->step_counts[i])
            return bad(check, i, "waits for ever");
    }
    for (size_t i = 0; i < pairs; i++) {
        if (check->channels[i] && check->channels[i]->full)
            return bad(check, (uint32_t)(i % set->node_count),
                       "leaves a message unread");
    }
    return 0;
}

static int check_result(struct check *check, uint32_t node, uint32_t block)
{
    const struct ls_schedule_set *set = check->set;
    const struct value *value = value_of(check, node, block);
    const struct value *first = value_of(check, 0, block);
    bool reduces =
        set->goal == LS_GOAL_ALLREDUCE || set->goal == LS_GOAL_REDUCE_SCATTER;
    uint32_t source = set->goal == LS_GOAL_ALLGATHER ? block : set->root;

    if (set->goal == LS_GOAL_REDUCE_SCATTER && node != block)
        return 0;
    if (reduces && !has_all(check, value))
        return bad(check, node, "ends without all contributions");
    if (reduces && !value->final && set->node_count > 1)
        return bad(check, node, "ends without the divisor applied");
    if (!reduces && value->expression != mix(source + 1, block + 1))
        return bad(check, node, "ends without the sender's block");
    if (set->goal == LS_GOAL_ALLREDUCE && value->expression != first->expression)
        return bad(check, node, "combined in another order than node 0");
    return 0;
}

static int run(struct check *check)
{
    int rc = run_all(check);

    if (rc == 0)
        rc = check_end(check);
    for (uint32_t i = 0; i < check->set->node_count && rc == 0; i++) {
        for (uint32_t b = 0; b < check->set->block_count && rc == 0; b++)
            rc = check_result(check, i, b);
    }
    return rc;
}

static void check_init(struct check *check)
{
    const uint32_t n = check->set->node_count, blocks = check->set->block_count;

    check->words = (n + 63) / 64;
    check->nodes = ls_calloc(n, sizeof(*check->nodes));
    check->values = ls_calloc((size_t)n * blocks, sizeof(*check->values));
    check->channels = ls_calloc((size_t)n * n, sizeof(struct message *));
    for (uint32_t i = 0; i < n; i++) {
        check->nodes[i].sent = ls_calloc(blocks, sizeof(uint32_t));
        for (uint32_t b = 0; b < blocks; b++)
            fill_in(check, i, b);
    }
}

static void check_free(struct check *check)
{
    const size_t n = check->set->node_count;

    for (size_t i = 0; i < n * n; i++) {
        if (check->channels[i])
            ls_free(check->channels[i]->value.members);
        ls_free(check->channels[i]);
    }
    for (size_t i = 0; i < n * check->set->block_count; i++)
        ls_free(check->values[i].members);
    for (size_t i = 0; i < n; i++)
        ls_free(check->nodes[i].sent);
    ls_free(check->channels);
    ls_free(check->values);
    ls_free(check->nodes);
}

int ls_schedule_check(const struct ls_schedule_set *set, struct ls_error *err)
{
    struct check check = {.set = set, .err = err};
    int rc;

    check_init(&check);
    rc = run(&check);
    check_free(&check);
    return rc;
}

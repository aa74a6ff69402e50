/* scheduler/policy/nodes.c - racks, nodes, and what attempts hold of them. Pure. */
#include "scheduler/policy/nodes.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/text.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static uint64_t read_number(const char **text)
{
    uint64_t number = 0;

    while (is_digit(**text)) /* a name is short: wraps at worst, then strcmp decides */
        number = number * 10 + (uint64_t)(*(*text)++ - '0');
    return number;
}

int ls_node_name_compare(const char *a, const char *b)
{
    const char *x = a, *y = b;

    while (*x && *y) {
        if (is_digit(*x) && is_digit(*y)) {
            uint64_t left = read_number(&x), right = read_number(&y);

            if (left != right)
                return left < right ? -1 : 1;
        } else if (*x != *y) {
            break;
        } else {
            x++;
            y++;
        }
    }
    if (*x != *y)
        return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
    return strcmp(a, b); /* n1 and n01 */
}

/* ---- racks and the order of the plan ------------------------------------------ */

static bool comes_before(const struct ls_node_entry *a, const struct ls_node_entry *b)
{
    if (a->node.rack != b->node.rack)
        return a->node.rack < b->node.rack;
    if (a->position != b->position)
        return a->position < b->position;
    return ls_node_name_compare(a->node.name, b->node.name) < 0;
}

static void find_rack(struct ls_policy *policy, struct ls_node_entry *entry)
{
    uint64_t place;

    entry->node.rack = policy->rack_count;
    entry->position = UINT32_MAX;
    if (ls_index_find(&policy->racked, 0, entry->node.name, &place)) {
        entry->node.rack = (uint32_t)(place >> 32);
        entry->position = (uint32_t)place;
    }
}

/* Put a node into the first `count` entries of the plan's order. */
static void insert_in_order(struct ls_policy *policy, size_t count, uint32_t node)
{
    const struct ls_node_entry *entry = policy->nodes[node];
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (comes_before(policy->nodes[policy->plan_order[middle]], entry))
            low = middle + 1;
        else
            high = middle;
    }
    memmove(policy->plan_order + low + 1, policy->plan_order + low,
            (count - low) * sizeof(*policy->plan_order));
    policy->plan_order[low] = node;
}

void ls_nodes_free_racks(struct ls_policy *policy)
{
    for (uint32_t i = 0; i < policy->rack_count; i++) {
        ls_free(policy->racks[i].name);
        ls_free(policy->racks[i].nodes);
    }
    ls_free(policy->racks);
    policy->racks = NULL;
    policy->rack_count = 0;
    ls_index_free(&policy->racked);
}

/* Index the names of one rack, which are separated by commas. */
static void index_rack(struct ls_policy *policy, uint32_t rack)
{
    char *name = policy->racks[rack].nodes;
    uint32_t position = 0;

    while (name) {
        char *comma = strchr(name, ',');
        uint64_t known;

        if (comma)
            *comma = '\0';
        /* A node that two racks name stays in the first. */
        if (*name && !ls_index_find(&policy->racked, 0, name, &known))
            ls_index_add(&policy->racked, 0, name, (uint64_t)rack << 32 | position++);
        name = comma ? comma + 1 : NULL;
    }
}

void ls_nodes_set_fabric(struct ls_policy *policy, const struct ls_event *event)
{
    ls_assert(event->rack_count < UINT32_MAX);
    ls_nodes_free_racks(policy);
    policy->racks = ls_calloc(event->rack_count, sizeof(*policy->racks));
    policy->rack_count = (uint32_t)event->rack_count;
    for (uint32_t i = 0; i < policy->rack_count; i++) {
        policy->racks[i].name = ls_strdup(event->rack_names[i]);
        policy->racks[i].nodes = ls_strdup(event->rack_nodes[i]);
        index_rack(policy, i);
    }
    for (uint32_t i = 0; i < policy->node_count; i++) {
        find_rack(policy, policy->nodes[i]);
        insert_in_order(policy, i, i);
    }
    policy->pass_due = true;
}

/* ---- nodes --------------------------------------------------------------------- */

struct ls_node_entry *ls_nodes_find(const struct ls_policy *policy, const char *name)
{
    uint64_t index;

    if (!ls_index_find(&policy->node_index, 0, name, &index))
        return NULL;
    ls_assert(index < policy->node_count);
    return policy->nodes[index];
}

static struct ls_node_entry *add_node(struct ls_policy *policy, const char *name)
{
    struct ls_node_entry *entry = ls_calloc(1, sizeof(*entry));
    uint32_t index = (uint32_t)policy->node_count;

    ls_text_copy(entry->node.name, sizeof(entry->node.name), name);
    entry->node.index = index;
    if (policy->node_count == policy->node_capacity) {
        size_t capacity = policy->node_capacity ? policy->node_capacity * 2 : 8;

        policy->nodes =
            ls_realloc(policy->nodes, capacity, sizeof(struct ls_node_entry *));
        policy->plan_order =
            ls_realloc(policy->plan_order, capacity, sizeof(*policy->plan_order));
        policy->node_capacity = capacity;
    }
    policy->nodes[policy->node_count++] = entry;
    ls_index_add(&policy->node_index, 0, entry->node.name, index);
    find_rack(policy, entry);
    insert_in_order(policy, index, index);
    return entry;
}

static bool can_register(const struct ls_policy *policy, const struct ls_event *event,
                         char reason[LS_REASON_MAX])
{
    struct ls_text text = ls_text_begin(reason, LS_REASON_MAX);

    if (!event->node[0]) {
        ls_text_add(&text, "a node needs a name");
        return false;
    }
    if (event->gpu_count > LS_GPUS_PER_NODE_MAX) {
        ls_text_add(&text, "node ");
        ls_text_add(&text, event->node);
        ls_text_add(&text, " has ");
        ls_text_add_count(&text, event->gpu_count, "GPU");
        ls_text_add(&text, ", the limit is ");
        ls_text_add_number(&text, LS_GPUS_PER_NODE_MAX);
        return false;
    }
    if (policy->node_count >= LS_NODES_MAX && !ls_nodes_find(policy, event->node)) {
        ls_text_add(&text, "the cluster has as many nodes as it can");
        return false;
    }
    return true;
}

struct ls_node_entry *ls_nodes_up(struct ls_policy *policy,
                                  const struct ls_event *event,
                                  char reason[LS_REASON_MAX])
{
    struct ls_node_entry *entry;

    if (!can_register(policy, event, reason))
        return NULL;
    entry = ls_nodes_find(policy, event->node);
    if (!entry)
        entry = add_node(policy, event->node);
    entry->node.up = true;
    entry->node.cores = event->cores;
    entry->node.gpu_count = event->gpu_count;
    entry->node.memory_bytes = event->memory_bytes;
    if (!entry->node.drained)
        entry->node.reason[0] = '\0';
    policy->pass_due = true;
    return entry;
}

void ls_nodes_down(struct ls_policy *policy, struct ls_node_entry *entry,
                   const char *reason)
{
    ls_assert(entry->node.up);
    entry->node.up = false;
    entry->down_ms = policy->now_ms;
    if (!entry->node.drained)
        ls_text_copy(entry->node.reason, sizeof(entry->node.reason), reason);
    policy->pass_due = true; /* the first job's reason may name this node now */
}

void ls_nodes_drain(struct ls_policy *policy, struct ls_node_entry *entry,
                    const char *reason)
{
    entry->node.drained = true;
    ls_text_copy(entry->node.reason, sizeof(entry->node.reason), reason);
    policy->pass_due = true;
}

void ls_nodes_resume(struct ls_policy *policy, struct ls_node_entry *entry)
{
    entry->node.drained = false;
    entry->node.reason[0] = '\0';
    policy->pass_due = true;
}

/* ---- shares -------------------------------------------------------------------- */

void ls_nodes_hold(struct ls_node_entry *entry, const struct ls_hold *hold)
{
    struct ls_node *node = &entry->node;

    ls_assert(!(node->gpus_used & hold->gpus));
    ls_assert(!node->exclusive);
    ls_assert(!hold->exclusive || node->job_count == 0);
    ls_assert(!hold->cores || node->cores_used + hold->cores <= node->cores);
    LS_GROW(entry->holds, entry->hold_count, entry->hold_capacity);
    entry->holds[entry->hold_count++] = *hold;
    node->gpus_used |= hold->gpus;
    node->cores_used += hold->cores;
    node->memory_used += hold->memory_bytes;
    node->exclusive = hold->exclusive;
    node->job_count++;
}

void ls_nodes_release(struct ls_policy *policy, struct ls_node_entry *entry,
                      struct ls_hold *hold)
{
    struct ls_node *node = &entry->node;
    size_t at = (size_t)(hold - entry->holds);

    ls_assert(at < entry->hold_count);
    ls_assert((node->gpus_used & hold->gpus) == hold->gpus);
    ls_assert(node->cores_used >= hold->cores);
    ls_assert(node->memory_used >= hold->memory_bytes);
    node->gpus_used &= ~hold->gpus;
    node->cores_used -= hold->cores;
    node->memory_used -= hold->memory_bytes;
    node->exclusive = false; /* a node held whole has no other hold */
    node->job_count--;
    entry->hold_count--;
    memmove(hold, hold + 1, (entry->hold_count - at) * sizeof(*hold));
    policy->pass_due = true;
}

struct ls_hold *ls_nodes_find_hold(const struct ls_node_entry *entry, uint64_t job,
                                   uint32_t attempt)
{
    for (size_t i = 0; i < entry->hold_count; i++) {
        if (entry->holds[i].job == job && entry->holds[i].attempt == attempt)
            return &entry->holds[i];
    }
    return NULL;
}

/* scheduler/policy/place.c - which nodes and GPUs a job gets.
 *
 * Racks first: a gang in few racks has most of its traffic under one switch. Then best
 * fit, so that whole nodes and whole racks stay free for the gangs that need them.
 * Pure. */
#include "scheduler/policy/place.h"

#include "common/util/check.h"
#include "common/util/mem.h"
#include "scheduler/policy/need.h"

/* A node with room for the request. */
struct candidate {
    uint32_t node;
    uint32_t free_gpus, free_cores;
    uint32_t order; /* in the plan */
};

/* The candidates of one rack are neighbours in the list. */
struct rack_room {
    uint32_t first, count;
    uint64_t free_gpus, free_cores; /* of its candidates together */
    bool taken;
};

struct search {
    struct candidate *candidates; /* in the order of the plan */
    uint32_t candidate_count;
    struct rack_room *racks; /* rack_count + 1: one for nodes of no rack */
    uint32_t rack_count;
};

static void add_candidate(struct search *search, const struct ls_node *node)
{
    struct rack_room *rack = &search->racks[node->rack];
    struct candidate candidate = {
        .node = node->index,
        .free_gpus = ls_node_free_gpu_count(node),
        .free_cores = ls_node_free_cores(node),
        .order = search->candidate_count,
    };

    ls_assert(node->rack < search->rack_count);
    if (rack->count == 0)
        rack->first = search->candidate_count;
    rack->count++;
    rack->free_gpus += candidate.free_gpus;
    rack->free_cores += candidate.free_cores;
    search->candidates[search->candidate_count++] = candidate;
    ls_assert(rack->first + rack->count == search->candidate_count);
}

static struct search search_begin(const struct ls_policy *policy,
                                  const struct ls_request *request)
{
    struct search search = {.rack_count = policy->rack_count + 1};
    struct ls_filter filter = ls_filter_new(policy, request);
    struct ls_need need = ls_need_of(request);

    search.candidates = ls_calloc(policy->node_count, sizeof(*search.candidates));
    search.racks = ls_calloc(search.rack_count, sizeof(*search.racks));
    for (size_t i = 0; i < policy->node_count; i++) {
        const struct ls_node *node = &policy->nodes[policy->plan_order[i]]->node;

        if (ls_filter_allows(&filter, node) && ls_need_fits_now(&need, node))
            add_candidate(&search, node);
    }
    ls_filter_free(&filter);
    return search;
}

static void search_end(struct search *search)
{
    ls_free(search->candidates);
    ls_free(search->racks);
}

/* ---- racks --------------------------------------------------------------------- */

static bool has_less_room(const struct rack_room *a, const struct rack_room *b)
{
    if (a->free_gpus != b->free_gpus)
        return a->free_gpus < b->free_gpus;
    return a->free_cores < b->free_cores;
}

/* Is `a` better than `b` for a gang that still needs `needed` nodes? One that can take
 * all is, then the one with the least room; of racks too small, the one that takes
 * most. */
static bool is_better(const struct rack_room *a, const struct rack_room *b,
                      uint32_t needed)
{
    bool a_fits = a->count >= needed, b_fits = b->count >= needed;

    if (a_fits != b_fits)
        return a_fits;
    if (!a_fits && a->count != b->count)
        return a->count > b->count;
    return has_less_room(a, b);
}

static struct rack_room *best_rack(struct search *search, uint32_t needed)
{
    struct rack_room *best = NULL;

    for (uint32_t i = 0; i < search->rack_count; i++) {
        struct rack_room *rack = &search->racks[i];

        if (rack->taken || rack->count == 0)
            continue;
        if (!best || is_better(rack, best, needed))
            best = rack;
    }
    return best;
}

/* ---- nodes of a rack ------------------------------------------------------------ */

static bool is_fuller(const struct candidate *a, const struct candidate *b)
{
    if (a->free_gpus != b->free_gpus)
        return a->free_gpus < b->free_gpus;
    if (a->free_cores != b->free_cores)
        return a->free_cores < b->free_cores;
    return a->order < b->order;
}

/* Put the item at `at` where it belongs in a heap with the least full one on top. */
static void sift_down(struct candidate *heap, uint32_t count, uint32_t at)
{
    struct candidate moved = heap[at];

    for (uint32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_fuller(&heap[child], &heap[child + 1]))
            child++;
        if (!is_fuller(&moved, &heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Gather the `wanted` fullest of the items at the front, in no order. */
static void keep_fullest(struct candidate *items, uint32_t count, uint32_t wanted)
{
    for (uint32_t at = wanted / 2; at-- > 0;)
        sift_down(items, wanted, at);
    for (uint32_t i = wanted; i < count; i++) {
        if (!is_fuller(&items[i], &items[0]))
            continue;
        items[0] = items[i];
        sift_down(items, wanted, 0);
    }
}

/* Shell sort: short, in place, no recursion. */
static void sort_by_order(struct candidate *items, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            struct candidate moved = items[i];
            uint32_t at = i;

            for (; at >= gap && moved.order < items[at - gap].order; at -= gap)
                items[at] = items[at - gap];
            items[at] = moved;
        }
    }
}

/* Move the `wanted` fullest candidates of a rack to its front, in the plan's order. */
static void choose_nodes(struct search *search, struct rack_room *rack, uint32_t wanted)
{
    struct candidate *candidates = search->candidates + rack->first;

    ls_assert(wanted > 0 && wanted <= rack->count);
    if (wanted < rack->count) {
        keep_fullest(candidates, rack->count, wanted);
        sort_by_order(candidates, wanted);
    }
    rack->taken = true;
    rack->count = wanted;
}

static void write_nodes(const struct search *search, uint32_t *ret_nodes,
                        uint32_t count)
{
    uint32_t written = 0;

    for (uint32_t i = 0; i < search->rack_count; i++) {
        const struct rack_room *rack = &search->racks[i];

        for (uint32_t k = 0; rack->taken && k < rack->count; k++)
            ret_nodes[written++] = search->candidates[rack->first + k].node;
    }
    ls_assert(written == count);
}

bool ls_place(const struct ls_policy *policy, const struct ls_request *request,
              uint32_t *ret_nodes)
{
    struct search search = search_begin(policy, request);
    uint32_t needed = request->nodes;
    bool possible = search.candidate_count >= needed;

    ls_assert(needed > 0);
    /* Largest rack first until the rest fits into one: no set of racks is smaller. */
    while (possible && needed > 0) {
        struct rack_room *rack = best_rack(&search, needed);

        ls_assert(rack);
        if (request->within_rack && rack->count < needed)
            possible = false;
        else {
            choose_nodes(&search, rack, needed < rack->count ? needed : rack->count);
            needed -= rack->count;
        }
    }
    if (possible)
        write_nodes(&search, ret_nodes, request->nodes);
    search_end(&search);
    return possible;
}

/* ---- GPUs ------------------------------------------------------------------------ */

/* The lowest free group of `count` neighbours that starts at a multiple of `stride`. */
static uint64_t find_group(uint64_t free, uint32_t count, uint32_t stride)
{
    uint64_t group = count == 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;

    for (uint32_t first = 0; first + count <= 64; first += stride) {
        if ((free >> first & group) == group)
            return group << first;
    }
    return 0;
}

uint64_t ls_place_gpus(uint64_t free, uint32_t count)
{
    uint64_t chosen = 0;

    ls_assert(count <= (uint32_t)__builtin_popcountll(free));
    if (count == 0)
        return 0;
    chosen = find_group(free, count, count);
    if (!chosen)
        chosen = find_group(free, count, 1);
    if (chosen)
        return chosen;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t lowest = free & -free;

        chosen |= lowest;
        free ^= lowest;
    }
    return chosen;
}

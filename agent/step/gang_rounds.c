/* agent/step/gang_rounds.c - all-gather rounds under way. Depends on common/util. */
#include "agent/step/gang_rounds.h"

#include "common/util/mem.h"

static struct ls_round *find(const struct ls_rounds *rounds, uint32_t number)
{
    struct ls_round *round = rounds->first;

    while (round && round->number != number)
        round = round->next;
    return round;
}

static struct ls_round *add(struct ls_rounds *rounds, uint32_t number)
{
    struct ls_round *round;

    if (rounds->count >= LS_ROUNDS_MAX)
        return NULL;
    round = ls_calloc(1, sizeof(*round));
    round->number = number;
    round->data = ls_calloc(rounds->node_count, sizeof(*round->data));
    round->sizes = ls_calloc(rounds->node_count, sizeof(*round->sizes));
    round->next = rounds->first;
    rounds->first = round;
    rounds->count++;
    return round;
}

struct ls_round *ls_rounds_put(struct ls_rounds *rounds, uint32_t number, uint32_t node,
                               const void *data, size_t size)
{
    struct ls_round *round = find(rounds, number);

    if (size > LS_ROUND_BYTES_MAX || (round && round->data[node]))
        return NULL;
    if (!round)
        round = add(rounds, number);
    if (!round)
        return NULL;
    round->data[node] = ls_memdup(size ? data : "", size ? size : 1);
    round->sizes[node] = size;
    round->count++;
    return round;
}

void ls_rounds_remove(struct ls_rounds *rounds, struct ls_round *round)
{
    struct ls_round **link = &rounds->first;

    while (*link != round)
        link = &(*link)->next;
    *link = round->next;
    rounds->count--;
    for (uint32_t i = 0; i < rounds->node_count; i++)
        ls_free(round->data[i]);
    ls_free(round->data);
    ls_free(round->sizes);
    ls_free(round);
}

void ls_rounds_free(struct ls_rounds *rounds)
{
    while (rounds->first)
        ls_rounds_remove(rounds, rounds->first);
}

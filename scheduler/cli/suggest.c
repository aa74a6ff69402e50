/* scheduler/cli/suggest.c - optimal string alignment distance, and what counts as
 * near. */
#include "scheduler/cli/suggest.h"

#include <string.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t ls_edit_distance(const char *a, const char *b)
{
    size_t rows[3][LS_SUGGEST_WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    size_t a_length = strlen(a), b_length = strlen(b);

    if (a_length > LS_SUGGEST_WORD_MAX || b_length > LS_SUGGEST_WORD_MAX)
        return LS_SUGGEST_WORD_MAX;
    for (size_t j = 0; j <= b_length; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *oldest = before;

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t differs = a[i - 1] != b[j - 1];

            row[j] = least(least(last[j], row[j - 1]) + 1, last[j - 1] + differs);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        before = last;
        last = row;
        row = oldest;
    }
    return last[b_length];
}

void ls_suggest(struct ls_suggestion *best, const char *typed, const char *candidate)
{
    size_t near = strlen(typed) / 3 + 1;
    size_t distance = ls_edit_distance(typed, candidate);

    /* A word of which nothing is left is no typing error. */
    if (distance > near || distance >= strlen(candidate))
        return;
    if (!best->word || distance < best->distance)
        *best = (struct ls_suggestion){.word = candidate, .distance = distance};
}

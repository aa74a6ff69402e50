/* scheduler/cli/suggest.h - "did you mean": the nearest known word to a mistyped one.
 * Pure. */
#ifndef LS_SCHEDULER_CLI_SUGGEST_H
#define LS_SCHEDULER_CLI_SUGGEST_H

#include <stddef.h>

enum { LS_SUGGEST_WORD_MAX = 32 }; /* longer words are never suggested for */

/* How many insertions, deletions, replacements and swaps of neighbours lead from
 * `a` to `b`; LS_SUGGEST_WORD_MAX when a word is too long to say. */
size_t ls_edit_distance(const char *a, const char *b);

/* The best candidate so far. Start from {0}. */
struct ls_suggestion {
    const char *word; /* borrowed; NULL while nothing is near enough */
    size_t distance;
};

/* Consider `candidate` as what was meant by `typed`. */
void ls_suggest(struct ls_suggestion *best, const char *typed, const char *candidate);

#endif

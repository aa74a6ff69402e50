/* bench/train/progress.h - what rank 0 prints while the training runs: a bar that is
 * redrawn, or a plain line per tenth of an epoch. */
#ifndef LS_BENCH_TRAIN_PROGRESS_H
#define LS_BENCH_TRAIN_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum ls_progress_mode { LS_PROGRESS_AUTO, LS_PROGRESS_BAR, LS_PROGRESS_PLAIN };

/* "auto", "bar" or "plain"; false for anything else. */
bool ls_progress_mode_read(const char *text, enum ls_progress_mode *ret_mode);

/* AUTO becomes what LOCKSTEP_PROGRESS says (the launcher takes the output through a
 * pipe, only the user knows whether a terminal is behind it), else BAR on a terminal.
 */
enum ls_progress_mode ls_progress_mode_settle(enum ls_progress_mode mode, FILE *out);

struct ls_progress_state {
    uint32_t epoch, epochs; /* from 1 */
    double fraction;        /* of the epoch done, 0 to 1 */
    double loss;            /* mean since the last report */
    double images_per_s;
    double bus_bytes_per_s; /* all-reduce bandwidth on the bus; 0 = one rank */
};
void ls_progress_print(FILE *out, enum ls_progress_mode mode,
                       const struct ls_progress_state *state);

/* One line at the end of an epoch, in both modes. */
void ls_progress_epoch(FILE *out, enum ls_progress_mode mode,
                       const struct ls_progress_state *state, double accuracy,
                       double seconds);

#endif

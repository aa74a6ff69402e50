/* scheduler/cli/output.h - printing what the ranks write, as it comes.
 *
 * stdout to stdout, stderr to stderr; with labels whole lines with the rank before
 * them. Chunks carry their offset, so that what comes twice (after a connection was
 * lost) is printed once. */
#ifndef LS_SCHEDULER_CLI_OUTPUT_H
#define LS_SCHEDULER_CLI_OUTPUT_H

#include <stdbool.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

struct ls_output;

struct ls_output *ls_output_new(bool labels);

/* Print what is new in a chunk. -errno when it cannot be written: -EPIPE when nobody
 * reads it any more. */
int ls_output_add(struct ls_output *output, const Ls__LogChunk *chunk,
                  struct ls_error *err);

/* Print last lines that have no newline, each with one. */
int ls_output_finish(struct ls_output *output, struct ls_error *err);

/* The -errno of the first failed write; 0 while all went well. */
int ls_output_failed(const struct ls_output *output);

void ls_output_free(struct ls_output *output);

#endif

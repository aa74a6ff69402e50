/* agent/step/output.h - one output stream of one rank: from a pipe to a file.
 *
 * A write that fails (disk full) loses what it was to write, is counted, and the next
 * one is tried again: the rank goes on. Depends on common/util, libuv. */
#ifndef LS_AGENT_STEP_OUTPUT_H
#define LS_AGENT_STEP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/util/error.h"

struct ls_output;

/* A stream into the open file `file_fd`, which it takes over, also on failure. */
int ls_output_open(uv_loop_t *loop, int file_fd, struct ls_output **ret_output,
                   struct ls_error *err);

/* The end that the rank writes to; borrowed until ls_output_read(). */
int ls_output_pipe(const struct ls_output *output);

/* The rank has its copy of the pipe, or will never run: read until the end. */
void ls_output_read(struct ls_output *output);

/* Every process of the rank has ended: move what is still in the pipe, and stop. Waits
 * for nobody, even if a stranger holds the pipe open. Safe to call again. */
void ls_output_drain(struct ls_output *output);

/* Bytes that could not be written, and the first reason (negative errno). */
size_t ls_output_lost(const struct ls_output *output, int *ret_code);

/* Close and free it, once the loop has let go of it. NULL is fine. */
void ls_output_close(struct ls_output *output);

#endif

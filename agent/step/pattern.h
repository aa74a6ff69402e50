/* agent/step/pattern.h - file names of a job's output: "logs/%x-%j.%t".
 *
 * The letters of Slurm: %j job, %J job.0, %x job name, %t rank, %n node index, %N node
 * name, %u user, %s step (0), %A job, %% a percent sign; a width pads numbers
 * with zeros: %4t. Depends on common/util. */
#ifndef LS_AGENT_STEP_PATTERN_H
#define LS_AGENT_STEP_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util/error.h"

enum { LS_PATTERN_WIDTH_MAX = 10 };

struct ls_pattern_values {
    uint64_t job;
    uint32_t rank, node;
    const char *job_name, *node_name, *user;
};

/* The name for these values; the caller frees with ls_free(). A '/' in a value becomes
 * '_'. -EINVAL for an unknown letter. */
int ls_pattern_expand(const char *pattern, const struct ls_pattern_values *values,
                      char **ret_name, struct ls_error *err);

#endif

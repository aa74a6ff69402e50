/* scheduler/cli/format.h - jobs, nodes, times and sizes in words and in JSON. Pure. */
#ifndef LS_SCHEDULER_CLI_FORMAT_H
#define LS_SCHEDULER_CLI_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/wire/lockstep.pb-c.h"
#include "scheduler/cli/table.h"

/* "pending" … "node_fail"; "unknown" for a state of a newer scheduler. */
const char *ls_job_state_name(Ls__JobState state);
enum ls_style ls_job_state_style(Ls__JobState state);
bool ls_job_state_ended(Ls__JobState state);

/* "idle" … "down". */
const char *ls_node_state_name(Ls__NodeState state);
enum ls_style ls_node_state_style(Ls__NodeState state);

/* A span: "0:07", "12:34", "1:02:03", "2-03:04:05"; "-" when negative. */
void ls_format_span(int64_t ms, char text[32]);

/* Local time "2026-11-22 10:00:00"; "-" for 0. */
void ls_format_time(int64_t ms, char text[32]);

/* "512 MiB", "1.5 TiB"; "-" for 0. */
void ls_format_bytes(uint64_t bytes, char text[32]);

/* How long a job has run: until its end or until `now_ms`; -1 before its start. */
int64_t ls_job_run_ms(const Ls__JobInfo *job, int64_t now_ms);

/* A list of numbers in the short form: "0-3,7"; "-" when empty. Free with ls_free(). */
char *ls_format_numbers(const uint32_t *numbers, size_t count);

/* How a rank ended or that it runs: "running", "exit 7", "signal 9 (KILL)",
 * "waiting". */
void ls_format_rank_end(const Ls__RankInfo *rank, char text[64]);

/* Text from outside as a JSON string, also when it is no valid UTF-8. */
json_t *ls_json_text(const char *text);

/* Unix seconds with milliseconds, null for 0. */
json_t *ls_json_time(int64_t ms);

/* Print indented to stdout with a newline, and drop the reference. */
void ls_json_print(json_t *value);

#endif

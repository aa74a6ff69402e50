/* common/util/log.h - log lines of the daemons, to stderr.
 *
 * Lower case, one line, about something: "job 12: agent n3 lost after 3.2 s".
 * Form: `2026-11-22T10:00:00.123Z scheduler info  text`, or one JSON object a line.
 * Thread-safe: each line is one write(2). */
#ifndef LS_COMMON_UTIL_LOG_H
#define LS_COMMON_UTIL_LOG_H

#include <stdbool.h>

enum ls_log_level { LS_LOG_ERROR, LS_LOG_WARN, LS_LOG_INFO, LS_LOG_DEBUG };

/* Set the program's name in log lines, the most detailed level and the form.
 * Call once, before threads start. `name` is borrowed. */
void ls_log_open(const char *name, enum ls_log_level level, bool json);

/* Read a level's name ("error" … "debug"); -1 if it is none. */
int ls_log_level_parse(const char *name);

void ls_log(enum ls_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ls_log_error(...) ls_log(LS_LOG_ERROR, __VA_ARGS__)
#define ls_log_warn(...)  ls_log(LS_LOG_WARN, __VA_ARGS__)
#define ls_log_info(...)  ls_log(LS_LOG_INFO, __VA_ARGS__)
#define ls_log_debug(...) ls_log(LS_LOG_DEBUG, __VA_ARGS__)

#endif

/* common/util/log.c - log lines to stderr. Depends on libc and strbuf. */
#include "common/util/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/util/strbuf.h"

enum { LINE_MAX_BYTES = 2048 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *log_name = "lockstep";
static enum ls_log_level log_level = LS_LOG_INFO;
static bool log_json;

void ls_log_open(const char *name, enum ls_log_level level, bool json)
{
    log_name = name;
    log_level = level;
    log_json = json;
}

int ls_log_level_parse(const char *name)
{
    for (int i = LS_LOG_ERROR; i <= LS_LOG_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0)
            return i;
    }
    return -1;
}

static void format_time(char *text, size_t size)
{
    struct timespec now;
    struct tm tm;
    size_t used;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    used = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
}

void ls_log(enum ls_log_level level, const char *format, ...)
{
    char message[LINE_MAX_BYTES];
    char when[40];
    struct ls_strbuf line = {0};
    va_list args;

    if (level > log_level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    format_time(when, sizeof(when));
    if (log_json) {
        ls_strbuf_printf(&line, "{\"time\":\"%s\",\"program\":\"%s\",\"level\":\"%s\",\"text\":",
                         when, log_name, level_names[level]);
        ls_strbuf_add_json(&line, message);
        ls_strbuf_add(&line, "}\n");
    } else {
        ls_strbuf_printf(&line, "%s %s %-5s ", when, log_name, level_names[level]);
        ls_strbuf_add_printable(&line, message);
        ls_strbuf_add(&line, "\n");
    }
    if (write(STDERR_FILENO, line.text, line.length) < 0) {
        /* Nowhere left to say it. */
    }
    ls_strbuf_free(&line);
}

/* scheduler/cli/format.c - words for states, times, sizes. */
#include "scheduler/cli/format.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

struct state_words {
    const char *name;
    enum ls_style style;
};

static const struct state_words job_states[] = {
    [LS__JOB_STATE__JOB_PENDING] = {"pending", LS_STYLE_WARN},
    [LS__JOB_STATE__JOB_RUNNING] = {"running", LS_STYLE_GOOD},
    [LS__JOB_STATE__JOB_COMPLETING] = {"completing", LS_STYLE_WARN},
    [LS__JOB_STATE__JOB_COMPLETED] = {"completed", LS_STYLE_PLAIN},
    [LS__JOB_STATE__JOB_FAILED] = {"failed", LS_STYLE_BAD},
    [LS__JOB_STATE__JOB_CANCELLED] = {"cancelled", LS_STYLE_PLAIN},
    [LS__JOB_STATE__JOB_TIMEOUT] = {"timeout", LS_STYLE_BAD},
    [LS__JOB_STATE__JOB_NODE_FAIL] = {"node_fail", LS_STYLE_BAD},
};

static const struct state_words node_states[] = {
    [LS__NODE_STATE__NODE_IDLE] = {"idle", LS_STYLE_GOOD},
    [LS__NODE_STATE__NODE_MIXED] = {"mixed", LS_STYLE_GOOD},
    [LS__NODE_STATE__NODE_ALLOCATED] = {"allocated", LS_STYLE_GOOD},
    [LS__NODE_STATE__NODE_DRAINING] = {"draining", LS_STYLE_WARN},
    [LS__NODE_STATE__NODE_DRAINED] = {"drained", LS_STYLE_WARN},
    [LS__NODE_STATE__NODE_DOWN] = {"down", LS_STYLE_BAD},
};

/* A row of a table, or "unknown" for values it does not have. */
static struct state_words words_of(const struct state_words *rows, size_t count,
                                   unsigned value)
{
    if (value < count && rows[value].name)
        return rows[value];
    return (struct state_words){"unknown", LS_STYLE_PLAIN};
}

static struct state_words job_words(Ls__JobState state)
{
    return words_of(job_states, LS_ARRAY_SIZE(job_states), (unsigned)state);
}

static struct state_words node_words(Ls__NodeState state)
{
    return words_of(node_states, LS_ARRAY_SIZE(node_states), (unsigned)state);
}

const char *ls_job_state_name(Ls__JobState state)
{
    return job_words(state).name;
}

enum ls_style ls_job_state_style(Ls__JobState state)
{
    return job_words(state).style;
}

bool ls_job_state_ended(Ls__JobState state)
{
    return state >= LS__JOB_STATE__JOB_COMPLETED;
}

const char *ls_node_state_name(Ls__NodeState state)
{
    return node_words(state).name;
}

enum ls_style ls_node_state_style(Ls__NodeState state)
{
    return node_words(state).style;
}

void ls_format_span(int64_t ms, char text[32])
{
    int64_t s = ms / 1000;
    int days = (int)(s / 86400), hours = (int)(s / 3600 % 24);
    int minutes = (int)(s / 60 % 60), seconds = (int)(s % 60);

    if (ms < 0)
        snprintf(text, 32, "-");
    else if (days)
        snprintf(text, 32, "%d-%02d:%02d:%02d", days, hours, minutes, seconds);
    else if (hours)
        snprintf(text, 32, "%d:%02d:%02d", hours, minutes, seconds);
    else
        snprintf(text, 32, "%d:%02d", minutes, seconds);
}

void ls_format_time(int64_t ms, char text[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;

    if (ms <= 0 || !localtime_r(&seconds, &parts) ||
        strftime(text, 32, "%Y-%m-%d %H:%M:%S", &parts) == 0)
        snprintf(text, 32, "-");
}

void ls_format_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double number = (double)bytes;
    size_t unit = 0;

    if (bytes == 0) {
        snprintf(text, 32, "-");
        return;
    }
    for (; number >= 1024 && unit + 1 < LS_ARRAY_SIZE(units); unit++)
        number /= 1024;
    snprintf(text, 32,
             number < 10 && number != (double)(int)number ? "%.1f %s" : "%.0f %s",
             number, units[unit]);
}

int64_t ls_job_run_ms(const Ls__JobInfo *job, int64_t now_ms)
{
    if (!job->start_ms)
        return -1;
    if (job->end_ms)
        return job->end_ms - job->start_ms;
    return now_ms > job->start_ms ? now_ms - job->start_ms : 0;
}

char *ls_format_numbers(const uint32_t *numbers, size_t count)
{
    struct ls_strbuf text = {0};

    for (size_t i = 0; i < count;) {
        size_t end = i + 1;

        while (end < count && numbers[end] == numbers[end - 1] + 1)
            end++;
        ls_strbuf_printf(&text, "%s%" PRIu32, i ? "," : "", numbers[i]);
        if (end - i > 1)
            ls_strbuf_printf(&text, "-%" PRIu32, numbers[end - 1]);
        i = end;
    }
    if (count == 0)
        ls_strbuf_add(&text, "-");
    return ls_strbuf_take(&text);
}

void ls_format_rank_end(const Ls__RankInfo *rank, char text[64])
{
    const char *name = rank->signal > 0 ? sigabbrev_np(rank->signal) : NULL;

    if (!rank->ended)
        snprintf(text, 64, rank->pid ? "running" : "-");
    else if (rank->signal)
        snprintf(text, 64, "signal %d (%s)", rank->signal, name ? name : "?");
    else
        snprintf(text, 64, "exit %d", rank->exit_code);
}

json_t *ls_json_text(const char *text)
{
    struct ls_strbuf quoted = {0};
    json_t *value = json_string(text);

    if (value)
        return value;
    ls_strbuf_add_json(&quoted, text); /* replaces what is no UTF-8 */
    value = json_loads(quoted.text, JSON_DECODE_ANY, NULL);
    ls_strbuf_free(&quoted);
    ls_assert(value != NULL);
    return value;
}

json_t *ls_json_time(int64_t ms)
{
    return ms > 0 ? json_real((double)ms / 1000) : json_null();
}

void ls_json_print(json_t *value)
{
    enum { DIGITS = 13 }; /* milliseconds of a Unix time */

    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS));
    putchar('\n');
    json_decref(value);
}

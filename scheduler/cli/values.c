/* scheduler/cli/values.c - readers of counts, times, sizes and signals. */
#include "scheduler/cli/values.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint64_t MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400;
static const uint64_t LIMIT_S_MAX = UINT64_C(100) * 365 * 86400;

/* Digits at *text to a number; *text goes on after them. False without a digit or when
 * the number is over UINT64_MAX. */
static bool take_number(const char **text, uint64_t *ret)
{
    uint64_t number = 0;

    if (!isdigit((unsigned char)**text))
        return false;
    for (; isdigit((unsigned char)**text); (*text)++) {
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(**text - '0'), &number))
            return false;
    }
    *ret = number;
    return true;
}

int ls_read_count(const char *text, uint64_t min, uint64_t max, uint64_t *ret,
                  struct ls_error *err)
{
    const char *at = text;
    uint64_t number;

    if (!take_number(&at, &number) || *at)
        return ls_error_set(err, -EINVAL, "\"%.60s\" is not a whole number", text);
    if (number < min)
        return ls_error_set(err, -EINVAL, "%.60s is too small, at least %llu", text,
                            (unsigned long long)min);
    if (number > max)
        return ls_error_set(err, -EINVAL, "%.60s is too large, at most %llu", text,
                            (unsigned long long)max);
    *ret = number;
    return 0;
}

static int bad_time(const char *text, struct ls_error *err)
{
    return ls_error_set(err, -EINVAL,
                        "\"%.60s\" is not a time; write MINUTES, MIN:SEC, "
                        "HOURS:MIN:SEC, DAYS-HOURS or DAYS-HOURS:MIN:SEC",
                        text);
}

/* Up to three numbers with colons between; returns how many, 0 when malformed. */
static int take_fields(const char *text, uint64_t fields[3])
{
    int count = 0;

    while (count < 3 && take_number(&text, &fields[count])) {
        count++;
        if (!*text)
            return count;
        if (*text++ != ':')
            return 0;
    }
    return 0;
}

/* What one unit of the first field is worth: after "D-" the fields start at hours. */
static uint64_t first_unit_s(bool has_days, int count)
{
    if (has_days || count == 3)
        return HOUR_S;
    return MINUTE_S;
}

int ls_read_time_limit(const char *text, uint64_t *ret_s, struct ls_error *err)
{
    const char *dash = strchr(text, '-'), *at = text;
    uint64_t days = 0, fields[3], total, unit;
    int count;

    if (!strcasecmp(text, "unlimited") || !strcasecmp(text, "infinite")) {
        *ret_s = 0;
        return 0;
    }
    if (dash && (!take_number(&at, &days) || at++ != dash))
        return bad_time(text, err);
    count = take_fields(at, fields);
    if (count == 0)
        return bad_time(text, err);
    total = days < LIMIT_S_MAX ? days * DAY_S : UINT64_MAX;
    unit = first_unit_s(dash != NULL, count);
    for (int i = 0; i < count && total <= LIMIT_S_MAX; i++, unit /= 60)
        total = fields[i] < LIMIT_S_MAX ? total + fields[i] * unit : UINT64_MAX;
    if (total > LIMIT_S_MAX)
        return ls_error_set(err, -EINVAL, "%.60s is longer than 100 years", text);
    *ret_s = total;
    return 0;
}

int ls_read_span(const char *text, uint32_t *ret_ms, struct ls_error *err)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"m", 60000}};
    const double ms_max = 3600e3;
    char *end = (char *)text;
    double number = -1;

    if (isdigit((unsigned char)*text) && text[1] != 'x')
        number = strtod(text, &end);
    for (size_t i = 0; number >= 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcasecmp(end, units[i].unit) != 0)
            continue;
        if (number * units[i].ms > ms_max)
            return ls_error_set(err, -EINVAL, "%.60s is longer than an hour", text);
        *ret_ms = (uint32_t)(number * units[i].ms + 0.5);
        return 0;
    }
    return ls_error_set(err, -EINVAL,
                        "\"%.60s\" is not a time; write 5, 2.5s, 500ms or 1m", text);
}

static bool read_unit(const char *unit, unsigned *ret_shift)
{
    static const char letters[] = "KMGTP";
    const char *letter;

    if (!*unit) {
        *ret_shift = 20;
        return true;
    }
    letter = strchr(letters, toupper((unsigned char)*unit));
    if (!letter ||
        (unit[1] && strcasecmp(unit + 1, "B") != 0 && strcasecmp(unit + 1, "iB") != 0))
        return false;
    *ret_shift = 10 * (unsigned)(letter - letters + 1);
    return true;
}

int ls_read_bytes(const char *text, uint64_t *ret, struct ls_error *err)
{
    const char *at = text;
    unsigned shift;
    uint64_t number;

    if (!take_number(&at, &number) || !read_unit(at, &shift))
        return ls_error_set(err, -EINVAL,
                            "\"%.60s\" is not a size; write a number of MiB, or with "
                            "K, M, G or T",
                            text);
    if (number > UINT64_MAX >> shift)
        return ls_error_set(err, -EINVAL, "%.60s is too large", text);
    *ret = number << shift;
    return 0;
}

int ls_read_signal(const char *text, int *ret, struct ls_error *err)
{
    const char *name = strncasecmp(text, "SIG", 3) ? text : text + 3;
    uint64_t number = 0;

    if (!ls_read_count(text, 1, (uint64_t)SIGRTMAX, &number, NULL)) {
        *ret = (int)number;
        return 0;
    }
    for (int signal = 1; signal < SIGRTMIN; signal++) {
        const char *known = sigabbrev_np(signal);

        if (known && !strcasecmp(known, name)) {
            *ret = signal;
            return 0;
        }
    }
    return ls_error_set(err, -EINVAL, "\"%.60s\" is no signal", text);
}

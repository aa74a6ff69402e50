/* agent/step/pattern.c - file names of a job's output. Depends on common/util. */
#include "agent/step/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"

static void add_number(struct ls_strbuf *name, int width, uint64_t number)
{
    ls_strbuf_printf(name, "%0*" PRIu64, width, number);
}

static void add_text(struct ls_strbuf *name, const char *text)
{
    for (; *text; text++)
        ls_strbuf_add_bytes(name, *text == '/' ? "_" : text, 1);
}

static bool add_value(struct ls_strbuf *name, char letter, int width,
                      const struct ls_pattern_values *values)
{
    switch (letter) {
    case 'j':
    case 'A':
        add_number(name, width, values->job);
        return true;
    case 'J':
        ls_strbuf_printf(name, "%" PRIu64 ".0", values->job);
        return true;
    case 't':
        add_number(name, width, values->rank);
        return true;
    case 'n':
        add_number(name, width, values->node);
        return true;
    case 's':
        add_number(name, width, 0);
        return true;
    case 'x':
        add_text(name, values->job_name);
        return true;
    case 'N':
        add_text(name, values->node_name);
        return true;
    case 'u':
        add_text(name, values->user);
        return true;
    case '%':
        ls_strbuf_add(name, "%");
        return true;
    default:
        return false;
    }
}

int ls_pattern_expand(const char *pattern, const struct ls_pattern_values *values,
                      char **ret_name, struct ls_error *err)
{
    struct ls_strbuf name = {0};

    for (const char *at = pattern; *at; at++) {
        unsigned long width = 0;
        char *after;

        if (*at != '%') {
            ls_strbuf_add_bytes(&name, at, 1);
            continue;
        }
        at++;
        if (isdigit((unsigned char)*at)) {
            width = strtoul(at, &after, 10);
            at = after;
        }
        if (width > LS_PATTERN_WIDTH_MAX)
            width = LS_PATTERN_WIDTH_MAX;
        if (!add_value(&name, *at, (int)width, values)) {
            ls_strbuf_free(&name);
            return ls_error_set(err, -EINVAL,
                                "output file '%s': '%%%.1s' is none of "
                                "%%j %%J %%x %%t %%n %%N %%u %%s %%A %%%%",
                                pattern, at);
        }
    }
    *ret_name = ls_strbuf_take(&name);
    return 0;
}

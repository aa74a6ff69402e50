/* agent/proc/environment.c - environments, kept in order of first setting.
 *
 * Lookup is linear: environments have a few hundred lines and are made once a rank.
 * Depends on common/util. */
#include "agent/proc/environment.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

static char **find(const struct ls_environment *environment, const char *name,
                   size_t name_size)
{
    for (size_t i = 0; i < environment->count; i++) {
        const char *item = environment->items[i];

        if (strncmp(item, name, name_size) == 0 && item[name_size] == '=')
            return &environment->items[i];
    }
    return NULL;
}

/* Take over `line`, NAME=value. */
static void put(struct ls_environment *environment, char *line)
{
    char **old = find(environment, line, strcspn(line, "="));

    if (old) {
        ls_free(*old);
        *old = line;
        return;
    }
    if (environment->count + 1 >= environment->capacity) {
        environment->capacity = environment->capacity ? environment->capacity * 2 : 64;
        environment->items = ls_realloc(environment->items, environment->capacity,
                                        sizeof(*environment->items));
    }
    environment->items[environment->count++] = line;
    environment->items[environment->count] = NULL;
}

void ls_environment_load(struct ls_environment *environment, char *const *lines,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lines[i][0] != '=' && strchr(lines[i], '='))
            put(environment, ls_strdup(lines[i]));
    }
}

void ls_environment_set(struct ls_environment *environment, const char *name,
                        const char *format, ...)
{
    struct ls_strbuf line = {0};
    va_list args;
    int size;
    char *value;

    va_start(args, format);
    size = vasprintf(&value, format, args);
    va_end(args);
    ls_assert(size >= 0); /* out of memory */
    ls_strbuf_printf(&line, "%s=%s", name, value);
    ls_free(value);
    put(environment, ls_strbuf_take(&line));
}

void ls_environment_default(struct ls_environment *environment, const char *name,
                            const char *value)
{
    const char *old = ls_environment_get(environment, name);

    if (!old || !old[0])
        ls_environment_set(environment, name, "%s", value);
}

void ls_environment_unset(struct ls_environment *environment, const char *name)
{
    char **old = find(environment, name, strlen(name));
    size_t after;

    if (!old)
        return;
    ls_free(*old);
    after = environment->count - (size_t)(old - environment->items) - 1;
    memmove(old, old + 1, (after + 1) * sizeof(*old)); /* with the NULL */
    environment->count--;
}

const char *ls_environment_get(const struct ls_environment *environment,
                               const char *name)
{
    size_t name_size = strlen(name);
    char **item = find(environment, name, name_size);

    return item ? *item + name_size + 1 : NULL;
}

void ls_environment_free(struct ls_environment *environment)
{
    for (size_t i = 0; i < environment->count; i++)
        ls_free(environment->items[i]);
    ls_free(environment->items);
    *environment = (struct ls_environment){0};
}

/* scheduler/cli/export.c - the job's environment, as --export asks for it. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "common/util/mem.h"
#include "scheduler/cli/spec.h"

struct environment {
    char **items;
    size_t count, capacity;
};

static bool same_name(const char *a, const char *b, size_t length)
{
    return !strncmp(a, b, length) && a[length] == '=';
}

/* Add NAME=value (owned from here), in place of an older value. */
static void put(struct environment *env, char *variable)
{
    size_t length = strcspn(variable, "=");

    for (size_t i = 0; i < env->count; i++) {
        if (same_name(env->items[i], variable, length)) {
            ls_free(env->items[i]);
            env->items[i] = variable;
            return;
        }
    }
    LS_GROW(env->items, env->count, env->capacity);
    env->items[env->count++] = variable;
}

static const char *find(char *const *environment, const char *name, size_t length)
{
    for (; *environment; environment++) {
        if (same_name(*environment, name, length))
            return *environment;
    }
    return NULL;
}

/* Marks the processes of one step of one job: not for the jobs submitted from there. */
static bool is_private(const char *variable)
{
    return same_name(variable, "LOCKSTEP_STEP_ID", strlen("LOCKSTEP_STEP_ID"));
}

static void put_all(struct environment *env, char *const *environment)
{
    for (; *environment; environment++) {
        if (strchr(*environment, '=') && !is_private(*environment)) {
            LS_GROW(env->items, env->count, env->capacity);
            env->items[env->count++] = ls_strdup(*environment);
        }
    }
}

static void put_login(struct environment *env, char *const *environment)
{
    static const char *const names[] = {"HOME", "USER", "LOGNAME", "SHELL"};

    put(env, ls_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *variable = find(environment, names[i], strlen(names[i]));

        if (variable)
            put(env, ls_strdup(variable));
    }
}

/* One item of the list: NAME or NAME=VALUE. */
static int put_item(struct environment *env, char *const *environment, const char *item,
                    size_t length, struct ls_error *err)
{
    size_t name_length = strcspn(item, "=,");
    const char *variable;

    if (name_length == 0)
        return ls_error_set(err, -EINVAL, "--export: a variable without a name");
    if (name_length < length) {
        put(env, ls_asprintf("%.*s", (int)length, item));
        return 0;
    }
    variable = find(environment, item, length); /* not set here: not set there */
    if (variable)
        put(env, ls_strdup(variable));
    return 0;
}

static bool item_is(const char *item, size_t length, const char *word)
{
    return length == strlen(word) && !strncasecmp(item, word, length);
}

static bool list_has(const char *list, const char *word)
{
    for (;;) {
        size_t length = strcspn(list, ",");

        if (item_is(list, length, word))
            return true;
        if (!list[length])
            return false;
        list += length + 1;
    }
}

int ls_export_build(const char *list, char *const *environment, char ***ret_env,
                    size_t *ret_count, struct ls_error *err)
{
    struct environment env = {0};
    int rc = 0;

    if (!list || list_has(list, "ALL"))
        put_all(&env, environment);
    else
        put_login(&env, environment);
    while (list && rc == 0) {
        size_t length = strcspn(list, ",");

        if (!item_is(list, length, "ALL") && !item_is(list, length, "NONE"))
            rc = put_item(&env, environment, list, length, err);
        list = list[length] ? list + length + 1 : NULL;
    }
    if (rc < 0) {
        for (size_t i = 0; i < env.count; i++)
            ls_free(env.items[i]);
        ls_free(env.items);
        return rc;
    }
    *ret_env = env.items;
    *ret_count = env.count;
    return 0;
}

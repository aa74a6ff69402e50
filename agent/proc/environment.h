/* agent/proc/environment.h - the environment of a process to be started.
 *
 * Depends on common/util. */
#ifndef LS_AGENT_PROC_ENVIRONMENT_H
#define LS_AGENT_PROC_ENVIRONMENT_H

#include <stddef.h>

/* Start from {0}. `items` ends with NULL once something was set. */
struct ls_environment {
    char **items; /* NAME=value, owned */
    size_t count, capacity;
};

/* Take over NAME=value lines; a later one of a name wins, lines without a name are left
 * out. Copied. */
void ls_environment_load(struct ls_environment *environment, char *const *lines,
                         size_t count);

/* Set a variable, over an older value. */
void ls_environment_set(struct ls_environment *environment, const char *name,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Set a variable unless it has a value. */
void ls_environment_default(struct ls_environment *environment, const char *name,
                            const char *value);

void ls_environment_unset(struct ls_environment *environment, const char *name);

/* The value, borrowed until the next change; NULL when there is none. */
const char *ls_environment_get(const struct ls_environment *environment,
                               const char *name);

void ls_environment_free(struct ls_environment *environment);

#endif

/* common/util/hostlist.h - sets of node names: "n[0-3,7],gpu12" <-> names.
 *
 * The syntax of Slurm's hostlists: brackets with ranges and zero padding, several
 * brackets in a name, commas outside brackets between names. */
#ifndef LS_COMMON_UTIL_HOSTLIST_H
#define LS_COMMON_UTIL_HOSTLIST_H

#include <stddef.h>

#include "common/util/error.h"

enum { LS_HOSTLIST_NAMES_MAX = 1 << 20 };

/* Expand into names, in the order written. *ret_names is an array of *ret_count
 * strings; free with ls_hostlist_free(). -EINVAL with what is wrong and where. */
int ls_hostlist_expand(const char *text, char ***ret_names, size_t *ret_count,
                       struct ls_error *err);

/* The short form of names: neighbours that differ in one trailing number join.
 * Order is kept. The caller frees with ls_free(). */
char *ls_hostlist_compress(char *const *names, size_t count);

void ls_hostlist_free(char **names, size_t count);

#endif

/* common/topology/yaml_error.h - load YAML by a libcyaml schema, with errors that say
 * line, field and what was expected there. */
#ifndef LS_COMMON_TOPOLOGY_YAML_ERROR_H
#define LS_COMMON_TOPOLOGY_YAML_ERROR_H

#include <cyaml/cyaml.h>
#include <stddef.h>

#include "common/util/error.h"

/* What belongs into a field, by its key; "" = the whole file. Ends with {NULL, NULL}.
 */
struct ls_yaml_expectation {
    const char *field;
    const char *expected;
};

/* Load text (it needs no NUL). 0 and *ret_data, which the caller frees with
 * ls_yaml_free(); or -EINVAL "line 5: racks[1]: unexpected key: nme; expected …". */
int ls_yaml_load(const char *text, size_t size, const cyaml_schema_value_t *schema,
                 const struct ls_yaml_expectation *expectations, void **ret_data,
                 struct ls_error *err);

void ls_yaml_free(const cyaml_schema_value_t *schema, void *data);

/* The line (from 1) of a `key:` with `value` in it, after `skip` others; 0 if none.
 * `text` is NUL-terminated. */
unsigned ls_yaml_line_of(const char *text, const char *key, const char *value,
                         size_t skip);

#endif

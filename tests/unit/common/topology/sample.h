/* sample.h - a small digest in memory: two GPUs with NVLink, two NICs, two NUMA nodes.
 */
#ifndef LS_TESTS_UNIT_COMMON_TOPOLOGY_SAMPLE_H
#define LS_TESTS_UNIT_COMMON_TOPOLOGY_SAMPLE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/topology/digest.h"
#include "common/util/mem.h"

/* The caller frees with ls__node_digest__free_unpacked(). */
Ls__NodeDigest *sample_digest(void);

/* Replace a text field. */
void sample_set(char **field, const char *text);

#endif

/* fixture.h - fixture files, and edited copies of them. */
#ifndef LS_TESTS_UNIT_AGENT_DISCOVER_FIXTURE_H
#define LS_TESTS_UNIT_AGENT_DISCOVER_FIXTURE_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/discover/discover.h"
#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

#define HGX "agent/discover/topologies/hgx-h100.xml"

/* The text of a file of the source tree; the caller frees. */
char *fixture_text(const char *file);

/* `text` with the first `from` after `after` replaced by `to`; takes and gives memory.
 */
char *fixture_edit(char *text, const char *after, const char *from, const char *to);

/* Write a temporary file; the caller unlinks and frees the path. */
char *fixture_file(const void *bytes, size_t size);

/* Discover from text that has to be fine; takes the text, the caller frees the digest.
 */
Ls__NodeDigest *fixture_digest(char *text);

#endif

/* agent/discover/xml.h - is this text an hwloc XML that is worth parsing?
 *
 * Gives the user a sentence for the common mistakes. It is no defence: that is the
 * limited child. Pure. */
#ifndef LS_AGENT_DISCOVER_XML_H
#define LS_AGENT_DISCOVER_XML_H

#include <stddef.h>

#include "common/util/error.h"

/* `text` is NUL-terminated after `size` bytes. 0, or -EINVAL with what it is and what
 * was expected: empty, not XML, not hwloc's, written by hwloc 3, absurd indices. */
int ls_xml_check(const char *text, size_t size, struct ls_error *err);

#endif

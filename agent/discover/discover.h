/* agent/discover/discover.h - what this node is made of, by hwloc.
 *
 * hwloc always runs in a child process: its XML parser crashes or eats memory on
 * crafted files, and vendor libraries may do the same on a real machine. The caller
 * gets a checked digest or one sentence. Depends on topology, wire, util, hwloc. */
#ifndef LS_AGENT_DISCOVER_DISCOVER_H
#define LS_AGENT_DISCOVER_DISCOVER_H

#include <stdint.h>

#include "common/topology/digest.h"
#include "common/util/error.h"

enum {
    LS_DISCOVER_TIME_MS = 20000,
    LS_DISCOVER_MEMORY_MIB = 256,
    LS_DISCOVER_XML_MAX = 16 << 20, /* bytes of an XML file */
};

struct ls_discover_config {
    const char
        *xml_path; /* hwloc XML (format 2) of the node to model; NULL = this machine */
    uint32_t time_ms_max;    /* wall clock and CPU; 0 = LS_DISCOVER_TIME_MS */
    uint32_t memory_mib_max; /* what parsing XML may take; 0 = LS_DISCOVER_MEMORY_MIB */
};

/* Discover a node. Blocks for as long as the time limit; call it before the event loop
 * starts. On success *ret_digest passes ls_digest_validate() and is the caller's, to
 * free with ls__node_digest__free_unpacked(digest, NULL). Errors: the system's for the
 * file, -EFBIG, -EINVAL (not the XML we expect, or the parser crashed on it),
 * -ETIMEDOUT, -EIO; the text names the file and why. */
int ls_discover_node(const struct ls_discover_config *config,
                     Ls__NodeDigest **ret_digest, struct ls_error *err);

#endif

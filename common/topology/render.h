/* common/topology/render.h - a node's digest as text for people.
 *
 * Needs a digest that passed ls_digest_validate(). Depends on digest, strbuf. */
#ifndef LS_COMMON_TOPOLOGY_RENDER_H
#define LS_COMMON_TOPOLOGY_RENDER_H

#include "common/topology/digest.h"
#include "common/util/strbuf.h"

/* Package > NUMA node > its cores, GPUs and NICs, indented, one a line. */
void ls_digest_render_tree(const Ls__NodeDigest *digest, struct ls_strbuf *out);

/* GPU x GPU and GPU x NIC in the manner of `nvidia-smi topo -m`, with its legend. */
void ls_digest_render_matrix(const Ls__NodeDigest *digest, struct ls_strbuf *out);

#endif

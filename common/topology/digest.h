/* common/topology/digest.h - what may be relied on in a node's digest, and how to read
 * it.
 *
 * A digest (NodeDigest of lockstep.proto) is the compact picture of one node: made by
 * agent/discover, sent to the scheduler, shown by the commands. The type is the
 * message itself; free one with ls__node_digest__free_unpacked(digest, NULL).
 * Depends on wire (the message), jansson. */
#ifndef LS_COMMON_TOPOLOGY_DIGEST_H
#define LS_COMMON_TOPOLOGY_DIGEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/util/error.h"
#include "common/wire/lockstep.pb-c.h"

enum {
    LS_DIGEST_GPUS_MAX = 64,
    LS_DIGEST_NICS_MAX = 64,
    LS_DIGEST_NUMAS_MAX = 256,
    LS_DIGEST_PACKAGES_MAX = 256,
    LS_DIGEST_PUS_MAX = 65536,
    LS_DIGEST_TEXT_MAX = 256,   /* bytes of a name, model, id; without the NUL */
    LS_DIGEST_CORES_MAX = 4096, /* bytes of a cpu list */
    LS_DIGEST_PATH_MAX = 4096,  /* bytes of `source` */
};

/* Check a digest that came from outside: counts and sizes within the bounds above,
 * matrices square and of known values, texts printable UTF-8, cpu lists well-formed,
 * indices in order and in range. 0, or -EPROTO naming the field, what it is and what
 * was expected. All functions below need a digest that passed. */
int ls_digest_validate(const Ls__NodeDigest *digest, struct ls_error *err);

/* How two devices reach one another; indices below the counts. */
Ls__Path ls_digest_gpu_gpu(const Ls__NodeDigest *digest, size_t gpu, size_t other);
Ls__Path ls_digest_gpu_nic(const Ls__NodeDigest *digest, size_t gpu, size_t nic);
Ls__Path ls_digest_nic_nic(const Ls__NodeDigest *digest, size_t nic, size_t other);

/* NVLink, XGMI or Xe Link between two GPUs, MB/s in one direction; 0 = none known. */
uint32_t ls_digest_link_mb_per_s(const Ls__NodeDigest *digest, size_t gpu,
                                 size_t other);

/* A path in the words of nvidia-smi: "X" "PIX" "PXB" "PHB" "NODE" "SYS" "LINK". */
const char *ls_path_name(Ls__Path path);

/* The GPU-to-GPU word with what is known of the link: "NV18", "XGMI", "XeL", else
 * ls_path_name(). Fits `text`. */
void ls_digest_gpu_word(const Ls__NodeDigest *digest, size_t gpu, size_t other,
                        char text[16]);

/* The digest as a JSON object: gpus[{index model bus_id numa nic …}],
 * nics[{name kind numa …}], numas, cores, memory_bytes, paths … . `nic` is the nearest
 * NIC's name; what is unknown is null. The caller decrefs. */
json_t *ls_digest_to_json(const Ls__NodeDigest *digest);

#endif

/* agent/discover/discover.c - what this node is made of: the child loads and digests,
 * the parent checks and words the errors. */
#include "agent/discover/discover.h"

#include <errno.h>
#include <hwloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "agent/discover/child.h"
#include "agent/discover/inventory.h"
#include "agent/discover/xml.h"
#include "common/util/file.h"
#include "common/util/mem.h"

/* ---- in the child --------------------------------------------------------------- */

/* hwloc takes its input from the environment before it looks at the machine, and the
 * environment is not ours to trust. */
static void forget_environment(void)
{
    static const char *const names[] = {
        "HWLOC_XMLFILE",    "HWLOC_SYNTHETIC", "HWLOC_FSROOT",       "HWLOC_CPUID_PATH",
        "HWLOC_THISSYSTEM", "HWLOC_LIBXML",    "HWLOC_LIBXML_IMPORT"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        (void)unsetenv(names[i]); /* fails for bad names only */
}

static int set_xml(hwloc_topology_t topology, const char *path, char **ret_text,
                   struct ls_error *err)
{
    char *text = NULL;
    size_t size = 0;
    int rc = ls_file_read(path, LS_DISCOVER_XML_MAX, &text, &size, NULL);

    if (rc == -EFBIG)
        return ls_error_set(err, rc, "larger than %d MiB", LS_DISCOVER_XML_MAX >> 20);
    if (rc < 0)
        return ls_error_set(err, rc, "%s", strerror(-rc));
    rc = ls_xml_check(text, size, err);
    if (rc == 0 && hwloc_topology_set_xmlbuffer(topology, text, (int)size + 1) < 0)
        rc = ls_error_set(err, -EINVAL,
                          "hwloc cannot read it (malformed XML, or cut off); "
                          "expected hwloc XML version 2");
    if (rc < 0)
        ls_free(text);
    else
        *ret_text = text;
    return rc;
}

/* Where an index was absurd, or memory ran out under the limit, hwloc loads something
 * and says nothing. */
static int check_loaded(hwloc_topology_t topology, struct ls_error *err)
{
    hwloc_obj_t pu = NULL;

    while ((pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu))) {
        if (pu->os_index >= LS_DIGEST_PUS_MAX)
            return ls_error_set(err, -EINVAL, "PU with os_index %u, expected 0 to %d",
                                pu->os_index, LS_DIGEST_PUS_MAX - 1);
        if (!hwloc_bitmap_isset(hwloc_topology_get_topology_cpuset(topology),
                                pu->os_index))
            return ls_error_set(err, -EINVAL, "PU %u is not in the machine's cpuset",
                                pu->os_index);
    }
    return 0;
}

static int load(hwloc_topology_t topology, bool modelled, struct ls_error *err)
{
    if (hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL) < 0 ||
        hwloc_topology_load(topology) < 0)
        return ls_error_set(err, -EINVAL, "hwloc cannot load it (%s)%s",
                            strerror(errno),
                            modelled ? "; expected hwloc XML version 2" : "");
    return check_loaded(topology, err);
}

static void pack(Ls__NodeDigest *digest, uint8_t **ret_bytes, size_t *ret_size)
{
    *ret_size = ls__node_digest__get_packed_size(digest);
    *ret_bytes = ls_calloc(*ret_size, 1);
    ls__node_digest__pack(digest, *ret_bytes);
}

/* An ls_child_function; the argument is the XML file's path or NULL. */
static int discover_in_child(const void *argument, uint8_t **ret_bytes,
                             size_t *ret_size, struct ls_error *err)
{
    const char *xml_path = argument;
    hwloc_topology_t topology;
    Ls__NodeDigest *digest;
    char *text = NULL;
    int rc = 0;

    forget_environment();
    if (xml_path) /* opening and closing these takes longer than parsing */
        setenv("HWLOC_PLUGINS_BLACKLIST", "hwloc_opencl.so,hwloc_gl.so,hwloc_pci.so",
               1);
    if (hwloc_topology_init(&topology) < 0)
        return ls_error_sys(err, -ENOMEM, "hwloc_topology_init");
    if (xml_path)
        rc = set_xml(topology, xml_path, &text, err);
    if (rc == 0)
        rc = load(topology, xml_path != NULL, err);
    if (rc == 0) {
        digest = ls_node_digest_build(topology, xml_path);
        pack(digest, ret_bytes, ret_size);
        ls__node_digest__free_unpacked(digest, NULL);
    }
    hwloc_topology_destroy(topology);
    ls_free(text);
    return rc;
}

/* ---- in the parent -------------------------------------------------------------- */

/* Say which node failed, and for a crash what would have been fine. */
static int describe(const char *xml_path, int rc, struct ls_error *err)
{
    if (xml_path && rc == -EFAULT && err) {
        struct ls_error crash = *err;

        rc = ls_error_set(err, -EINVAL, "%s; expected hwloc XML version 2", crash.text);
    }
    if (xml_path)
        ls_error_wrap(err, "topology %s", xml_path);
    else
        ls_error_wrap(err, "this machine");
    return rc;
}

static int unpack(const uint8_t *bytes, size_t size, Ls__NodeDigest **ret_digest,
                  struct ls_error *err)
{
    Ls__NodeDigest *digest = ls__node_digest__unpack(NULL, size, bytes);
    int rc;

    if (!digest)
        return ls_error_set(err, -EIO, "answered with bytes that are no digest");
    rc = ls_digest_validate(digest, err);
    if (rc < 0)
        ls__node_digest__free_unpacked(digest, NULL);
    else
        *ret_digest = digest;
    return rc;
}

int ls_discover_node(const struct ls_discover_config *config,
                     Ls__NodeDigest **ret_digest, struct ls_error *err)
{
    uint64_t memory_mib =
        config->memory_mib_max ? config->memory_mib_max : LS_DISCOVER_MEMORY_MIB;
    struct ls_child_limits limits = {
        .what = config->xml_path ? "the hwloc parser" : "hwloc",
        .time_ms = config->time_ms_max ? config->time_ms_max : LS_DISCOVER_TIME_MS,
        /* Vendor libraries reserve far more addresses than they use. */
        .memory_bytes = config->xml_path ? memory_mib << 20 : 0,
    };
    uint8_t *bytes = NULL;
    size_t size = 0;
    int rc =
        ls_child_run(discover_in_child, config->xml_path, &limits, &bytes, &size, err);

    if (rc == 0) {
        rc = unpack(bytes, size, ret_digest, err);
        ls_free(bytes);
    }
    return rc < 0 ? describe(config->xml_path, rc, err) : 0;
}

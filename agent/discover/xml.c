/* agent/discover/xml.c - is this text an hwloc XML that is worth parsing? */
#include "agent/discover/xml.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/topology/digest.h"

enum { INDEX_MAX = LS_DIGEST_PUS_MAX - 1 };

/* A run of characters inside the text. */
struct span {
    const char *begin;
    size_t length;
};

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && isspace((unsigned char)*at))
        at++;
    return at;
}

/* The value of ` name="value"` in a tag; .begin NULL when it has none. */
static struct span attribute(struct span tag, const char *name)
{
    size_t length = strlen(name);
    const char *end = tag.begin + tag.length;
    const char *at = tag.begin;

    while ((at = memmem(at, (size_t)(end - at), name, length)) != NULL) {
        const char *value = skip_space(at + length, end);
        const char *close;

        if (isspace((unsigned char)at[-1]) && value < end && *value == '=') {
            value = skip_space(value + 1, end);
            close = value < end ? memchr(value + 1, *value, (size_t)(end - value - 1))
                                : NULL;
            if (close && (*value == '"' || *value == '\''))
                return (struct span){value + 1, (size_t)(close - value - 1)};
        }
        at += length;
    }
    return (struct span){NULL, 0};
}

/* The next `<name …>` at or after `from`, without its end; .begin NULL when there is
 * none. Looks at each byte once: files are up to LS_DISCOVER_XML_MAX. */
static struct span next_tag(const char *from, const char *text_end, const char *name)
{
    size_t length = strlen(name);
    const char *end;

    while ((from = memchr(from, '<', (size_t)(text_end - from))) != NULL) {
        if (strncmp(from, name, length) == 0)
            break;
        from++;
    }
    end = from ? memchr(from, '>', (size_t)(text_end - from)) : NULL;
    if (!end)
        return (struct span){NULL, 0};
    return (struct span){from, (size_t)(end - from)};
}

static int check_format(const char *text, const char *end, struct ls_error *err)
{
    struct span topology = next_tag(text, end, "<topology");
    struct span version;

    if (!topology.begin)
        return ls_error_set(err, -EINVAL,
                            "no <topology> in it; expected hwloc XML version 2, "
                            "as `lstopo FILE.xml` writes it");
    version = attribute(topology, "version");
    if (version.begin && version.length > 0 && atoi(version.begin) > 2)
        return ls_error_set(
            err, -EINVAL,
            "written by hwloc 3 (XML version %.*s), expected version 2: "
            "export it with `lstopo --export-xml-flags v2 FILE.xml`",
            (int)(version.length < 16 ? version.length : 16), version.begin);
    return 0;
}

/* hwloc allocates bitmaps up to the largest index of a PU or NUMA node. */
static int check_indices(const char *text, const char *end, struct ls_error *err)
{
    struct span tag = next_tag(text, end, "<object");

    for (; tag.begin; tag = next_tag(tag.begin + tag.length, end, "<object")) {
        struct span type = attribute(tag, "type");
        struct span index = attribute(tag, "os_index");

        if (!type.begin || !index.begin || (*type.begin != 'P' && *type.begin != 'N'))
            continue;
        if (*index.begin == '-' || strtoul(index.begin, NULL, 10) > INDEX_MAX)
            return ls_error_set(
                err, -EINVAL, "%.*s with os_index %.*s, expected 0 to %d",
                (int)(type.length < 16 ? type.length : 16), type.begin,
                (int)(index.length < 24 ? index.length : 24), index.begin, INDEX_MAX);
    }
    return 0;
}

int ls_xml_check(const char *text, size_t size, struct ls_error *err)
{
    size_t begin = strspn(text, "\xEF\xBB\xBF \t\r\n");
    int rc;

    if (size == 0)
        return ls_error_set(err, -EINVAL,
                            "the file is empty; expected hwloc XML "
                            "version 2");
    if (text[begin] != '<' || strlen(text) != size)
        return ls_error_set(err, -EINVAL, "not XML; expected hwloc XML version 2");
    rc = check_format(text, text + size, err);
    return rc < 0 ? rc : check_indices(text, text + size, err);
}

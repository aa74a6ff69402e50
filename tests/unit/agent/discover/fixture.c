/* fixture.c - fixture files, and edited copies of them. */
#include "fixture.h"

char *fixture_text(const char *file)
{
    const char *source = getenv("LOCKSTEP_SOURCE");
    char *path = ls_asprintf("%s/%s", source ? source : ".", file);
    char *text = NULL;
    size_t size = 0;

    assert_int_equal(ls_file_read(path, 16 << 20, &text, &size, NULL), 0);
    ls_free(path);
    return text;
}

char *fixture_edit(char *text, const char *after, const char *from, const char *to)
{
    struct ls_strbuf out = {0};
    char *start = strstr(text, after);
    char *at = start ? strstr(start, from) : NULL;

    assert_non_null(at);
    ls_strbuf_add_bytes(&out, text, (size_t)(at - text));
    ls_strbuf_add(&out, to);
    ls_strbuf_add(&out, at + strlen(from));
    ls_free(text);
    return ls_strbuf_take(&out);
}

char *fixture_file(const void *bytes, size_t size)
{
    char *path = ls_strdup("/tmp/lockstep-topology-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(ls_write_all(fd, bytes, size), 0);
    close(fd);
    return path;
}

Ls__NodeDigest *fixture_digest(char *text)
{
    char *path = fixture_file(text, strlen(text));
    struct ls_discover_config config = {.xml_path = path};
    struct ls_error err = {0};
    Ls__NodeDigest *digest = NULL;

    ls_discover_node(&config, &digest, &err);
    assert_string_equal(err.text, "");
    assert_non_null(digest);
    unlink(path);
    ls_free(path);
    ls_free(text);
    return digest;
}

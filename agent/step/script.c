/* agent/step/script.c - a batch script. Depends on agent/proc, common/util. */
#include "agent/step/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"

enum { FIRST_LINE_MAX = 1024 };

static const char blanks[] = " \t\r";

/* Cut "#! INTERPRETER ARGUMENT" as the kernel does: one argument, up to the end of the
 * line. `line` is changed. */
static bool parse_first_line(char *line, struct ls_script *script)
{
    char *end;

    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "#!", 2) != 0)
        return false;
    line += 2;
    line += strspn(line, blanks);
    end = line + strlen(line);
    while (end > line && strchr(blanks, end[-1]))
        *--end = '\0';
    end = line + strcspn(line, blanks);
    if (end == line)
        return false;
    if (*end) {
        *end++ = '\0';
        script->argument = ls_strdup(end + strspn(end, blanks));
    }
    script->interpreter = ls_strdup(line);
    return true;
}

static int write_file(const char *path, const void *bytes, size_t size,
                      const struct ls_identity *identity, struct ls_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
    int rc = fd < 0 ? -errno : ls_write_all(fd, bytes, size);

    if (rc == 0 && identity->change && fchown(fd, identity->uid, identity->gid) < 0)
        rc = -errno;
    ls_close(fd);
    return rc < 0 ? ls_error_sys(err, rc, "%s", path) : 0;
}

int ls_script_write(const char *path, const void *bytes, size_t size,
                    const struct ls_identity *identity, struct ls_script *ret_script,
                    struct ls_error *err)
{
    struct ls_script script = {0};
    char line[FIRST_LINE_MAX] = {0};
    int rc;

    memcpy(line, bytes, size < sizeof(line) - 1 ? size : sizeof(line) - 1);
    if (!parse_first_line(line, &script))
        return ls_error_set(err, -EINVAL,
                            "batch script: its first line must be "
                            "'#!' and an interpreter, as #!/bin/sh");
    rc = write_file(path, bytes, size, identity, err);
    if (rc < 0) {
        ls_script_free(&script);
        return rc;
    }
    script.path = ls_strdup(path);
    *ret_script = script;
    return 0;
}

void ls_script_free(struct ls_script *script)
{
    ls_free(script->path);
    ls_free(script->interpreter);
    ls_free(script->argument);
    *script = (struct ls_script){0};
}

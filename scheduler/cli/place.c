/* scheduler/cli/place.c - where a cluster lives. */
#include "scheduler/cli/place.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/mem.h"
#include "common/wire/address.h"

#define SOCKET_NAME "/scheduler.sock"

static char *choose(const char *wanted)
{
    const char *variable = getenv("LOCKSTEP_DIR");
    const char *runtime = getenv("XDG_RUNTIME_DIR");

    if (wanted)
        return ls_strdup(wanted);
    if (variable && *variable)
        return ls_strdup(variable);
    if (runtime && *runtime)
        return ls_asprintf("%s/lockstep", runtime);
    if (geteuid() == 0)
        return ls_strdup("/run/lockstep");
    return ls_asprintf("/tmp/lockstep-%u", (unsigned)geteuid());
}

static int make_absolute(char **path, struct ls_error *err)
{
    char *here, *absolute;

    if (**path == '/')
        return 0;
    here = getcwd(NULL, 0);
    if (!here)
        return ls_error_sys(err, -errno, "cannot find out the current directory");
    absolute = ls_asprintf("%s/%s", here, *path);
    free(here);
    ls_free(*path);
    *path = absolute;
    return 0;
}

/* One name for one directory: processes are told apart by it. */
static void resolve(char **path)
{
    char *real = realpath(*path, NULL);

    if (!real)
        return; /* not made yet */
    ls_free(*path);
    *path = real;
}

int ls_place_find(const char *wanted, char **ret_directory, struct ls_error *err)
{
    const size_t length_max = LS_ADDRESS_PATH_MAX - sizeof(SOCKET_NAME);
    char *path = choose(wanted);
    size_t length;
    int rc = make_absolute(&path, err);

    if (rc < 0)
        goto free_path;
    resolve(&path);
    length = strlen(path);
    if (length > length_max) {
        rc = ls_error_set(err, -ENAMETOOLONG,
                          "%s: this directory's name is too long for a socket in it: "
                          "%zu bytes, at most %zu; choose another with --dir or "
                          "LOCKSTEP_DIR",
                          path, length, length_max);
        goto free_path;
    }
    *ret_directory = path;
    return 0;

free_path:
    ls_free(path);
    return rc;
}

char *ls_place_address(const char *directory)
{
    return ls_asprintf("unix:%s" SOCKET_NAME, directory);
}

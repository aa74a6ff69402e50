/* common/wire/address.c - reading addresses. Depends on util. */
#include "common/wire/address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int parse_path(const char *path, struct ls_address *ret_address,
                      struct ls_error *err)
{
    size_t length = strlen(path);

    if (length == 0)
        return ls_error_set(err, -EINVAL, "address 'unix:': no path");
    if (length >= LS_ADDRESS_PATH_MAX)
        return ls_error_set(
            err, -ENAMETOOLONG,
            "socket %s: path of %zu bytes, a socket's path may have %d; "
            "choose a shorter directory",
            path, length, LS_ADDRESS_PATH_MAX - 1);
    *ret_address = (struct ls_address){.is_unix = true};
    memcpy(ret_address->path, path, length + 1);
    return 0;
}

static bool valid_port(const char *port)
{
    size_t length = strlen(port);

    return length > 0 && length < LS_ADDRESS_PORT_MAX &&
           strspn(port, "0123456789") == length && strtol(port, NULL, 10) <= 65535;
}

int ls_address_parse(const char *text, struct ls_address *ret_address,
                     struct ls_error *err)
{
    struct ls_address address = {0};
    const char *colon;
    size_t length;

    if (strncmp(text, "unix:", 5) == 0)
        return parse_path(text + 5, ret_address, err);
    colon = strrchr(text, ':');
    if (!colon || !valid_port(colon + 1))
        return ls_error_set(err, -EINVAL,
                            "address '%s': expected unix:PATH or HOST:PORT", text);
    length = (size_t)(colon - text);
    if (length > 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= LS_ADDRESS_HOST_MAX)
        return ls_error_set(err, -EINVAL, "address '%s': no valid host", text);
    memcpy(address.host, text, length);
    memcpy(address.port, colon + 1, strlen(colon + 1) + 1);
    *ret_address = address;
    return 0;
}

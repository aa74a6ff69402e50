/* common/wire/address.h - where a daemon listens: "unix:PATH" or "HOST:PORT".
 *
 * Pure text; names are resolved by who connects. IPv6 hosts stand in brackets:
 * "[::1]:7000". Depends on error. */
#ifndef LS_COMMON_WIRE_ADDRESS_H
#define LS_COMMON_WIRE_ADDRESS_H

#include <stdbool.h>

#include "common/util/error.h"

enum {
    LS_ADDRESS_PATH_MAX = 108, /* sun_path with its NUL */
    LS_ADDRESS_HOST_MAX = 256,
    LS_ADDRESS_PORT_MAX = 6,
    LS_ADDRESS_TEXT_MAX = LS_ADDRESS_HOST_MAX + LS_ADDRESS_PORT_MAX + 4,
};

struct ls_address {
    bool is_unix;
    char path[LS_ADDRESS_PATH_MAX];
    char host[LS_ADDRESS_HOST_MAX];
    char port[LS_ADDRESS_PORT_MAX];
};

/* -EINVAL for another form, -ENAMETOOLONG for a path that no socket can have. */
int ls_address_parse(const char *text, struct ls_address *ret_address,
                     struct ls_error *err);

#endif

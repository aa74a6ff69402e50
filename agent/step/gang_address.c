/* agent/step/gang_address.c - where a step is found. Depends on common/util. */
#include "agent/step/gang_address.h"

#include <errno.h>
#include <string.h>

int ls_gang_address_parse(const char *text, struct ls_gang_address *ret_address,
                          struct ls_error *err)
{
    const char *last = strrchr(text, ':');
    const char *middle = last ? memrchr(text, ':', (size_t)(last - text)) : NULL;
    struct ls_gang_address address = {0};

    if (!middle || middle == text || (size_t)(middle - text) >= sizeof(address.host) ||
        (size_t)(last - middle) > sizeof(address.port) ||
        strlen(last) > sizeof(address.master_port))
        return ls_error_set(err, -EINVAL,
                            "gang address '%.80s': expected "
                            "HOST:PORT:MASTER_PORT",
                            text);
    memcpy(address.host, text, (size_t)(middle - text));
    memcpy(address.port, middle + 1, (size_t)(last - middle) - 1);
    memcpy(address.master_port, last + 1, strlen(last + 1));
    *ret_address = address;
    return 0;
}

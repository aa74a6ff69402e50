/* agent/step/gang_address.h - "HOST:PORT:MASTER_PORT", where a step is found.
 *
 * Depends on common/util. */
#ifndef LS_AGENT_STEP_GANG_ADDRESS_H
#define LS_AGENT_STEP_GANG_ADDRESS_H

#include "common/util/error.h"

struct ls_gang_address {
    char host[256];      /* IPv6 in brackets */
    char port[8];        /* of the gang link; "0" where nobody listens */
    char master_port[8]; /* free for the job's own rendezvous */
};

/* Cut an address in three. -EINVAL for another form. */
int ls_gang_address_parse(const char *text, struct ls_gang_address *ret_address,
                          struct ls_error *err);

#endif

/* agent/daemon/options.h - the command line of lockstep-agent. */
#ifndef LS_AGENT_DAEMON_OPTIONS_H
#define LS_AGENT_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "common/util/error.h"
#include "common/util/log.h"

struct ls_agent_options {
    const char *node;
    char *dir;            /* absolute */
    char *scheduler;      /* address */
    char *key;            /* of the cluster, over TCP; NULL = none */
    const char *topology; /* XML file, NULL = this machine */
    const char *host;     /* our address for the other nodes */
    enum ls_log_level log_level;
    bool log_json;
    int ready_fd; /* -1 = none */
};

/* Read the command line; on --help, --version and wrong usage it ends the program. The
 * key file is read and must be private. Free with ls_agent_options_free(). */
int ls_agent_options_read(int argc, char **argv, struct ls_agent_options *ret_options,
                          struct ls_error *err);
void ls_agent_options_free(struct ls_agent_options *options);

#endif

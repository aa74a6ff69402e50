/* agent/step/master_port.h - a free TCP port for the job's own rendezvous.
 *
 * PyTorch and others listen on MASTER_PORT of node 0, seconds after it was chosen. So
 * it is taken from outside the range from which the kernel gives ports to connections,
 * and held until the ranks start. Depends on common/util. */
#ifndef LS_AGENT_STEP_MASTER_PORT_H
#define LS_AGENT_STEP_MASTER_PORT_H

#include "common/util/error.h"

/* Find a port and hold it. Returns a descriptor that the caller closes, and
 * *ret_port; -EADDRINUSE when none was found. */
int ls_master_port_hold(unsigned *ret_port, struct ls_error *err);

#endif

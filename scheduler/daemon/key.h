/* scheduler/daemon/key.h - the cluster's secret, and the secrets derived from it. */
#ifndef LS_SCHEDULER_DAEMON_KEY_H
#define LS_SCHEDULER_DAEMON_KEY_H

#include "scheduler/daemon/server.h"

enum { LS_GANG_KEY_SIZE = 32 };

/* Read the key file (64 hex digits, mode 0600), or make it with fresh random bytes. */
int ls_key_open(const char *path, uint8_t ret_key[LS_CLUSTER_KEY_SIZE],
                struct ls_error *err);

/* Is the text this key? In the same time wherever it differs. */
bool ls_key_equal(const uint8_t key[LS_CLUSTER_KEY_SIZE], const char *text);

/* The secret by which the steps of one attempt know one another: always the same for
 * the attempt, and of no use to guess another's. */
void ls_key_of_gang(const uint8_t key[LS_CLUSTER_KEY_SIZE], uint64_t job,
                    uint32_t attempt, uint8_t ret_key[LS_GANG_KEY_SIZE]);

/* SipHash-2-4 (Aumasson, Bernstein 2012), the keyed function behind it. */
uint64_t ls_siphash(const uint8_t key[16], const uint8_t *bytes, size_t size);

#endif

/* common/collective/path_large.h - what the large paths share: addresses in the arenas.
 *
 * Private to common/collective. Depends on operation. */
#ifndef LS_COMMON_COLLECTIVE_PATH_LARGE_H
#define LS_COMMON_COLLECTIVE_PATH_LARGE_H

#include "common/collective/operation.h"

/* Where a local rank's buffers are in this process; NULL (and the exchange has failed)
 * when it published a place outside its arena. Valid once the operation is gathered. */
char *ls_large_in(struct ls_comm *comm, const struct ls_operation *op, int local);
char *ls_large_out(struct ls_comm *comm, const struct ls_operation *op, int local);
bool ls_large_addresses(struct ls_comm *comm, const struct ls_operation *op,
                        const void *in[LS_MEMBERS_MAX], void *out[LS_MEMBERS_MAX]);

/* Reduce `count` elements at element `in_at` of all local inputs into element `out_at` of
 * the outputs. */
void ls_large_reduce(const struct ls_comm *comm, const struct ls_operation *op,
                     const void *const *inputs, uint64_t in_at, void *const *outputs,
                     unsigned output_count, uint64_t out_at, uint64_t count,
                     uint32_t divisor);

/* Copy scratch back to ordinary memory and complete the operation. */
void ls_large_finish(struct ls_comm *comm, struct ls_operation *op);

#endif

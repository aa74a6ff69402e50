/* lockstep.h - the library that a training program links: liblockstep.
 *
 * A program started by `lockstep run` or `lockstep submit` (or under mpirun, see
 * lockstep_init_with()) calls lockstep_init(), gets its rank, and exchanges gradients
 * with the other ranks of its job. All collectives must be called by all ranks in the
 * same order with the same count, type and operation; a mismatch is an error that names
 * both ranks, not a hang.
 *
 * Memory. Buffers from lockstep_alloc() are shared with the node's other ranks and are
 * read in place (single copy); any other memory works too, through one more copy.
 *
 * Threads. One thread at a time per communicator. Requests of non-blocking operations
 * make progress inside any lockstep call on that communicator, and, between nodes, in
 * the background while the step drives the exchange (`lockstep run --exchange`).
 *
 * Results of `sum` have a fixed order per job layout: the same run gives the same bits. */
#ifndef LOCKSTEP_H
#define LOCKSTEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOCKSTEP_API __attribute__((visibility("default")))

/* Every call returns one of these; lockstep_error_text() says more of the last error. */
typedef enum lockstep_status {
    LOCKSTEP_OK = 0,
    LOCKSTEP_IN_PROGRESS = 1,      /* lockstep_test() only */
    LOCKSTEP_ERR_ARGUMENT = -1,    /* a parameter is out of range */
    LOCKSTEP_ERR_MEMORY = -2,      /* the shared arena or the system has no room */
    LOCKSTEP_ERR_INIT = -3,        /* no connection to the step, bad environment */
    LOCKSTEP_ERR_MISMATCH = -4,    /* ranks disagree on operation, type, count or order */
    LOCKSTEP_ERR_PEER_LOST = -5,   /* a rank, its step or its node is gone */
    LOCKSTEP_ERR_FABRIC = -6,      /* the network between nodes failed */
    LOCKSTEP_ERR_BUSY = -7,        /* too many operations in flight (see below) */
} lockstep_status;

typedef enum lockstep_type {
    LOCKSTEP_FLOAT32 = 0,
    LOCKSTEP_FLOAT64 = 1,
    LOCKSTEP_FLOAT16 = 2,          /* IEEE 754 binary16; sums accumulate in float32 */
    LOCKSTEP_BFLOAT16 = 3,         /* sums accumulate in float32 */
    LOCKSTEP_INT32 = 4,
    LOCKSTEP_INT64 = 5,
    LOCKSTEP_TYPE_COUNT = 6,
} lockstep_type;

typedef enum lockstep_op {
    LOCKSTEP_SUM = 0,
    LOCKSTEP_AVG = 1,              /* sum divided by the number of ranks; integers round to 0 */
    LOCKSTEP_MIN = 2,
    LOCKSTEP_MAX = 3,
    LOCKSTEP_PROD = 4,
    LOCKSTEP_OP_COUNT = 5,
} lockstep_op;

enum { LOCKSTEP_IN_FLIGHT_MAX = 16 };  /* operations started and not yet complete */

typedef struct lockstep_comm lockstep_comm;        /* the ranks of a job */
typedef struct lockstep_request lockstep_request;  /* one operation in flight */

/* Join the job that the environment names (LOCKSTEP_STEP_SOCKET, LOCKSTEP_RANK, …) and
 * wait until all its ranks have joined. A program started by hand is a job of one rank.
 * The caller ends *ret_comm with lockstep_finalize(). */
LOCKSTEP_API lockstep_status lockstep_init(lockstep_comm **ret_comm);

/* How ranks find one another without a lockstep cluster, e.g. under mpirun: the caller
 * gives rank, size and an all-gather of `size` bytes from each rank to all (for MPI:
 * MPI_Allgather of MPI_BYTE). `node` says which machine a rank is on: ranks with equal
 * `node` share memory; pass any string, at most 63 bytes, equal on one node. */
typedef struct lockstep_bootstrap {
    int rank;
    int size;
    const char *node;
    int (*allgather)(void *context, const void *in, size_t size, void *out);
    void *context;
} lockstep_bootstrap;
LOCKSTEP_API lockstep_status lockstep_init_with(const lockstep_bootstrap *bootstrap,
                                                lockstep_comm **ret_comm);

/* Leave the job; waits for operations in flight. Frees all of the communicator,
 * lockstep_alloc() memory too. NULL is fine. */
LOCKSTEP_API lockstep_status lockstep_finalize(lockstep_comm *comm);

LOCKSTEP_API int lockstep_rank(const lockstep_comm *comm);
LOCKSTEP_API int lockstep_size(const lockstep_comm *comm);
LOCKSTEP_API int lockstep_local_rank(const lockstep_comm *comm);  /* on this node */
LOCKSTEP_API int lockstep_local_size(const lockstep_comm *comm);
LOCKSTEP_API int lockstep_node_rank(const lockstep_comm *comm);   /* which node */
LOCKSTEP_API int lockstep_node_count(const lockstep_comm *comm);

/* `bytes` of zeroed shared memory, aligned to 4096; NULL when there is no room. Freed by
 * lockstep_free() or lockstep_finalize(). Local: no other rank takes part. */
LOCKSTEP_API void *lockstep_alloc(lockstep_comm *comm, size_t bytes);
LOCKSTEP_API void lockstep_free(lockstep_comm *comm, void *memory);

/* in[0 … count) of all ranks combined into out[0 … count) on all ranks. `in` == `out`
 * is in place; else they must not overlap. Any count, 0 too. */
LOCKSTEP_API lockstep_status lockstep_allreduce(lockstep_comm *comm, const void *in,
                                                void *out, size_t count,
                                                lockstep_type type, lockstep_op op);

/* in[0 … count * size) of all ranks combined; rank r gets elements [r * count, (r+1) *
 * count) in out[0 … count). In place when out == in + rank * count elements. */
LOCKSTEP_API lockstep_status lockstep_reduce_scatter(lockstep_comm *comm, const void *in,
                                                     void *out, size_t count,
                                                     lockstep_type type, lockstep_op op);

/* in[0 … count) of rank r to out[r * count … (r+1) * count) of all ranks. In place when
 * in == out + rank * count elements. */
LOCKSTEP_API lockstep_status lockstep_allgather(lockstep_comm *comm, const void *in,
                                                void *out, size_t count,
                                                lockstep_type type);

/* buffer[0 … count) of rank `root` to all ranks. */
LOCKSTEP_API lockstep_status lockstep_broadcast(lockstep_comm *comm, void *buffer,
                                                size_t count, lockstep_type type,
                                                int root);

/* Return when all ranks have called it. */
LOCKSTEP_API lockstep_status lockstep_barrier(lockstep_comm *comm);

/* Non-blocking forms: the operation is started, buffers must stay untouched until
 * lockstep_wait() returned or lockstep_test() said LOCKSTEP_OK; both free the request.
 * LOCKSTEP_ERR_BUSY with LOCKSTEP_IN_FLIGHT_MAX operations in flight. */
LOCKSTEP_API lockstep_status lockstep_allreduce_start(lockstep_comm *comm, const void *in,
                                                      void *out, size_t count,
                                                      lockstep_type type, lockstep_op op,
                                                      lockstep_request **ret_request);
LOCKSTEP_API lockstep_status lockstep_reduce_scatter_start(
    lockstep_comm *comm, const void *in, void *out, size_t count, lockstep_type type,
    lockstep_op op, lockstep_request **ret_request);
LOCKSTEP_API lockstep_status lockstep_allgather_start(lockstep_comm *comm, const void *in,
                                                      void *out, size_t count,
                                                      lockstep_type type,
                                                      lockstep_request **ret_request);
LOCKSTEP_API lockstep_status lockstep_broadcast_start(lockstep_comm *comm, void *buffer,
                                                      size_t count, lockstep_type type,
                                                      int root,
                                                      lockstep_request **ret_request);
LOCKSTEP_API lockstep_status lockstep_barrier_start(lockstep_comm *comm,
                                                    lockstep_request **ret_request);
LOCKSTEP_API lockstep_status lockstep_wait(lockstep_comm *comm, lockstep_request *request);
LOCKSTEP_API lockstep_status lockstep_test(lockstep_comm *comm, lockstep_request *request);

/* Drive operations in flight a little without waiting, e.g. between two layers of a
 * backward pass. */
LOCKSTEP_API lockstep_status lockstep_progress(lockstep_comm *comm);

/* Names for messages: "float32", "sum"; NULL when out of range. Bytes of one element,
 * 0 when out of range. */
LOCKSTEP_API const char *lockstep_type_name(lockstep_type type);
LOCKSTEP_API const char *lockstep_op_name(lockstep_op op);
LOCKSTEP_API size_t lockstep_type_size(lockstep_type type);
LOCKSTEP_API const char *lockstep_status_name(lockstep_status status);

/* One sentence about this thread's last failed call; borrowed until the next one. */
LOCKSTEP_API const char *lockstep_error_text(void);

#ifdef __cplusplus
}
#endif

#endif

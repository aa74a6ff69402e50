/* common/client/client.c - lockstep.h: the calls of a training program.
 * Depends on collective. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/client/client_private.h"
#include "common/collective/join.h"
#include "common/collective/reduce.h"
#include "common/util/clock.h"
#include "common/util/file.h"
#include "common/util/mem.h"

enum { DRAIN_MS_MAX = 1000 };

struct lockstep_comm {
    struct ls_comm comm;
    int socket;             /* to the step, -1 without */
};

static _Thread_local char error_text[LS_ERROR_TEXT_MAX];

const char *lockstep_error_text(void)
{
    return error_text;
}

static lockstep_status say(lockstep_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static lockstep_status say(lockstep_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error_text, sizeof(error_text), format, args);
    va_end(args);
    return status;
}

/* ---- names --------------------------------------------------------------------- */

const char *lockstep_type_name(lockstep_type type)
{
    return ls_type_name(type);
}

const char *lockstep_op_name(lockstep_op op)
{
    return ls_op_name(op);
}

size_t lockstep_type_size(lockstep_type type)
{
    return ls_type_size(type);
}

const char *lockstep_status_name(lockstep_status status)
{
    switch (status) {
    case LOCKSTEP_OK:
        return "ok";
    case LOCKSTEP_IN_PROGRESS:
        return "in progress";
    case LOCKSTEP_ERR_ARGUMENT:
        return "bad argument";
    case LOCKSTEP_ERR_MEMORY:
        return "out of memory";
    case LOCKSTEP_ERR_INIT:
        return "cannot join the job";
    case LOCKSTEP_ERR_MISMATCH:
        return "ranks disagree";
    case LOCKSTEP_ERR_PEER_LOST:
        return "peer lost";
    case LOCKSTEP_ERR_FABRIC:
        return "network failed";
    case LOCKSTEP_ERR_BUSY:
        return "too many operations in flight";
    }
    return "unknown status";
}

/* ---- joining and leaving ------------------------------------------------------------ */

int ls_join_open_lane(struct ls_comm *comm, uint32_t local_rank, const char *device,
                      const char *host, struct ls_error *err)
{
    struct ls_segment *segment = comm->segment;
    struct ls_lane_config config = {
        .node_count = segment->node_count,
        .node_index = segment->node_index,
        .lane = local_rank,
        .lane_count = segment->lane_count,
        .ranks_per_node = ls_segment_ranks_per_node(segment),
        .ring = ls_segment_lane(segment, local_rank),
        .arena_address = ls_comm_lane_address,
        .context = comm,
        .fabric = {.device = device, .host = host},
    };

    comm->local_size = (int)segment->local_count; /* ls_comm_lane_address() needs it */
    return ls_lane_open(&config, &comm->lane, err);
}

/* Only after a first barrier is everybody really here. */
static lockstep_status finish_init(lockstep_comm *comm, int rc, const struct ls_error *err,
                                   lockstep_comm **ret_comm)
{
    lockstep_status status = LOCKSTEP_OK;

    if (rc < 0)
        status = say(LOCKSTEP_ERR_INIT, "%s", err->text);
    else
        status = lockstep_barrier(comm);
    if (status != LOCKSTEP_OK) {
        ls_comm_release(&comm->comm);
        ls_close(comm->socket);
        ls_free(comm);
        return status;
    }
    *ret_comm = comm;
    return LOCKSTEP_OK;
}

static lockstep_comm *new_comm(void)
{
    lockstep_comm *comm = ls_calloc(1, sizeof(*comm));

    ls_bell_prepare();
    comm->socket = comm->comm.door_fd = -1;
    return comm;
}

lockstep_status lockstep_init(lockstep_comm **ret_comm)
{
    const char *path = getenv("LOCKSTEP_STEP_SOCKET");
    struct ls_error err = {0};
    lockstep_comm *comm;
    int rc;

    if (!ret_comm)
        return say(LOCKSTEP_ERR_ARGUMENT, "lockstep_init: ret_comm is NULL");
    comm = new_comm();
    if (path)
        rc = ls_join_step(&comm->comm, path, &comm->socket, &err);
    else
        rc = ls_join_alone(&comm->comm, &err);
    return finish_init(comm, rc, &err, ret_comm);
}

lockstep_status lockstep_init_with(const lockstep_bootstrap *bootstrap,
                                   lockstep_comm **ret_comm)
{
    struct ls_error err = {0};
    lockstep_comm *comm;

    if (!ret_comm || !bootstrap || !bootstrap->allgather || !bootstrap->node ||
        bootstrap->size < 1 || bootstrap->rank < 0 || bootstrap->rank >= bootstrap->size)
        return say(LOCKSTEP_ERR_ARGUMENT,
                   "lockstep_init_with: expected rank, size, node and an all-gather");
    comm = new_comm();
    return finish_init(comm, ls_join_bootstrap(&comm->comm, bootstrap, &err), &err, ret_comm);
}

/* What is still on its way to other nodes must leave before the lane closes. */
static void drain_lane(struct ls_comm *comm)
{
    uint64_t limit = ls_clock_ms() + DRAIN_MS_MAX;

    while (comm->lane && ls_lane_busy(comm->lane) && ls_clock_ms() < limit) {
        if (ls_lane_progress(comm->lane, NULL) < 0)
            return;
        ls_lane_wait(comm->lane, -1, 1);
    }
}

lockstep_status lockstep_finalize(lockstep_comm *comm)
{
    struct ls_join_packet packet = {.magic = LS_JOIN_MAGIC, .kind = LS_JOIN_LEAVE};
    lockstep_status status = LOCKSTEP_OK;

    if (!comm)
        return LOCKSTEP_OK;
    while (comm->comm.in_flight > 0 && status == LOCKSTEP_OK)
        status = lockstep_wait(comm, (lockstep_request *)comm->comm.queue[0]);
    if (status == LOCKSTEP_OK)
        status = lockstep_barrier(comm);
    if (status == LOCKSTEP_OK)
        drain_lane(&comm->comm);
    if (comm->socket >= 0)
        ls_join_send(comm->socket, &packet, NULL, 0);
    ls_comm_release(&comm->comm);
    ls_close(comm->socket);
    ls_free(comm);
    return status;
}

int lockstep_rank(const lockstep_comm *comm)
{
    return comm->comm.rank;
}

int lockstep_size(const lockstep_comm *comm)
{
    return comm->comm.size;
}

int lockstep_local_rank(const lockstep_comm *comm)
{
    return comm->comm.local_rank;
}

int lockstep_local_size(const lockstep_comm *comm)
{
    return comm->comm.local_size;
}

int lockstep_node_rank(const lockstep_comm *comm)
{
    return comm->comm.node_rank;
}

int lockstep_node_count(const lockstep_comm *comm)
{
    return comm->comm.node_count;
}

void *lockstep_alloc(lockstep_comm *comm, size_t bytes)
{
    void *memory = ls_arena_alloc(comm->comm.arena, bytes, true);

    if (!memory)
        say(LOCKSTEP_ERR_MEMORY, "no room for %zu bytes in the shared arena of %llu bytes",
            bytes, (unsigned long long)ls_arena_size(comm->comm.arena));
    return memory;
}

void lockstep_free(lockstep_comm *comm, void *memory)
{
    if (memory && !ls_arena_free(comm->comm.arena, memory))
        say(LOCKSTEP_ERR_ARGUMENT, "lockstep_free: not memory of lockstep_alloc()");
}

/* ---- collectives --------------------------------------------------------------------- */

static lockstep_status start(lockstep_comm *comm, const struct ls_call_args *args,
                             lockstep_request **ret_request)
{
    struct ls_operation *operation = NULL;
    lockstep_status status;

    if (!comm)
        return say(LOCKSTEP_ERR_ARGUMENT, "communicator is NULL");
    status = ls_comm_start(&comm->comm, args, &operation);
    if (status != LOCKSTEP_OK)
        return say(status, "%s", comm->comm.error.text);
    *ret_request = (lockstep_request *)operation;
    return LOCKSTEP_OK;
}

static lockstep_status run(lockstep_comm *comm, const struct ls_call_args *args)
{
    lockstep_request *request = NULL;
    lockstep_status status = start(comm, args, &request);

    return status == LOCKSTEP_OK ? lockstep_wait(comm, request) : status;
}

lockstep_status lockstep_wait(lockstep_comm *comm, lockstep_request *request)
{
    lockstep_status status = ls_comm_wait(&comm->comm, (struct ls_operation *)request);

    return status == LOCKSTEP_OK ? status : say(status, "%s", comm->comm.error.text);
}

lockstep_status lockstep_test(lockstep_comm *comm, lockstep_request *request)
{
    lockstep_status status = ls_comm_test(&comm->comm, (struct ls_operation *)request);

    return status >= LOCKSTEP_OK ? status : say(status, "%s", comm->comm.error.text);
}

lockstep_status lockstep_progress(lockstep_comm *comm)
{
    ls_comm_progress(&comm->comm);
    return LOCKSTEP_OK;
}

static struct ls_call_args allreduce_args(const void *in, void *out, size_t count,
                                          lockstep_type type, lockstep_op op)
{
    return (struct ls_call_args){LS_ALLREDUCE, in, out, count, type, op, 0};
}

static struct ls_call_args reduce_scatter_args(const void *in, void *out, size_t count,
                                               lockstep_type type, lockstep_op op)
{
    return (struct ls_call_args){LS_REDUCE_SCATTER, in, out, count, type, op, 0};
}

static struct ls_call_args allgather_args(const void *in, void *out, size_t count,
                                          lockstep_type type)
{
    return (struct ls_call_args){LS_ALLGATHER, in, out, count, type, LOCKSTEP_SUM, 0};
}

static struct ls_call_args broadcast_args(void *buffer, size_t count, lockstep_type type,
                                          int root)
{
    return (struct ls_call_args){LS_BROADCAST, buffer, buffer, count, type, LOCKSTEP_SUM, root};
}

static struct ls_call_args barrier_args(void)
{
    return (struct ls_call_args){.collective = LS_BARRIER};
}

lockstep_status lockstep_allreduce(lockstep_comm *comm, const void *in, void *out, size_t count,
                                   lockstep_type type, lockstep_op op)
{
    struct ls_call_args args = allreduce_args(in, out, count, type, op);

    return run(comm, &args);
}

lockstep_status lockstep_reduce_scatter(lockstep_comm *comm, const void *in, void *out,
                                        size_t count, lockstep_type type, lockstep_op op)
{
    struct ls_call_args args = reduce_scatter_args(in, out, count, type, op);

    return run(comm, &args);
}

lockstep_status lockstep_allgather(lockstep_comm *comm, const void *in, void *out, size_t count,
                                   lockstep_type type)
{
    struct ls_call_args args = allgather_args(in, out, count, type);

    return run(comm, &args);
}

lockstep_status lockstep_broadcast(lockstep_comm *comm, void *buffer, size_t count,
                                   lockstep_type type, int root)
{
    struct ls_call_args args = broadcast_args(buffer, count, type, root);

    return run(comm, &args);
}

lockstep_status lockstep_barrier(lockstep_comm *comm)
{
    struct ls_call_args args = barrier_args();

    return run(comm, &args);
}

lockstep_status lockstep_allreduce_start(lockstep_comm *comm, const void *in, void *out,
                                         size_t count, lockstep_type type, lockstep_op op,
                                         lockstep_request **ret_request)
{
    struct ls_call_args args = allreduce_args(in, out, count, type, op);

    return start(comm, &args, ret_request);
}

lockstep_status lockstep_reduce_scatter_start(lockstep_comm *comm, const void *in, void *out,
                                              size_t count, lockstep_type type, lockstep_op op,
                                              lockstep_request **ret_request)
{
    struct ls_call_args args = reduce_scatter_args(in, out, count, type, op);

    return start(comm, &args, ret_request);
}

lockstep_status lockstep_allgather_start(lockstep_comm *comm, const void *in, void *out,
                                         size_t count, lockstep_type type,
                                         lockstep_request **ret_request)
{
    struct ls_call_args args = allgather_args(in, out, count, type);

    return start(comm, &args, ret_request);
}

lockstep_status lockstep_broadcast_start(lockstep_comm *comm, void *buffer, size_t count,
                                         lockstep_type type, int root,
                                         lockstep_request **ret_request)
{
    struct ls_call_args args = broadcast_args(buffer, count, type, root);

    return start(comm, &args, ret_request);
}

lockstep_status lockstep_barrier_start(lockstep_comm *comm, lockstep_request **ret_request)
{
    struct ls_call_args args = barrier_args();

    return start(comm, &args, ret_request);
}

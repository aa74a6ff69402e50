/* bench/collectives/mpi.c - see mpi.h. The only file that sees MPI's types. */
#include "bench/collectives/mpi.h"

#include <errno.h>
#include <limits.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/util/clock.h"

bool ls_mpi_started_us(void)
{
    return getenv("OMPI_COMM_WORLD_RANK") != NULL;
}

static int mpi_error(struct ls_error *err, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;

    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        snprintf(text, sizeof(text), "error %d", code);
    return ls_error_set(err, -EIO, "%s: %s", what, text);
}

int ls_mpi_init(int *ret_rank, int *ret_size, struct ls_error *err)
{
    int code = MPI_Init(NULL, NULL);

    if (code == MPI_SUCCESS)
        code = MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_rank(MPI_COMM_WORLD, ret_rank);
    if (code == MPI_SUCCESS)
        code = MPI_Comm_size(MPI_COMM_WORLD, ret_size);
    return code == MPI_SUCCESS ? 0 : mpi_error(err, "MPI_Init", code);
}

void ls_mpi_finalize(void)
{
    MPI_Finalize();
}

_Noreturn void ls_mpi_abort(void)
{
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

int ls_mpi_allgather(void *context, const void *in, size_t size, void *out)
{
    (void)context;
    if (size > INT_MAX)
        return -EINVAL;
    return MPI_Allgather(in, (int)size, MPI_BYTE, out, (int)size, MPI_BYTE,
                         MPI_COMM_WORLD) == MPI_SUCCESS
               ? 0
               : -EIO;
}

void ls_mpi_version(char *text, size_t size)
{
    char full[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;

    MPI_Get_library_version(full, &length);
    full[strcspn(full, ",")] = '\0'; /* the rest says who built it, when */
    snprintf(text, size, "%s", full);
}

void ls_mpi_settings(char *text, size_t size)
{
    static const char *const names[] = {
        "OMPI_MCA_btl",           "OMPI_MCA_pml",
        "OMPI_MCA_coll",          "OMPI_MCA_coll_tuned_use_dynamic_rules",
        "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
        "MALLOC_MMAP_MAX_"};
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);

        if (value && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s=%s",
                                     used ? " " : "", names[i], value);
    }
    if (used == 0)
        snprintf(text, size, "default settings of MPI and of malloc");
}

static MPI_Datatype datatype(lockstep_type type)
{
    switch (type) {
    case LOCKSTEP_FLOAT32:
        return MPI_FLOAT;
    case LOCKSTEP_FLOAT64:
        return MPI_DOUBLE;
    case LOCKSTEP_INT32:
        return MPI_INT32_T;
    case LOCKSTEP_INT64:
        return MPI_INT64_T;
    default:
        return MPI_DATATYPE_NULL;
    }
}

static MPI_Op operation(lockstep_op op)
{
    switch (op) {
    case LOCKSTEP_MIN:
        return MPI_MIN;
    case LOCKSTEP_MAX:
        return MPI_MAX;
    case LOCKSTEP_PROD:
        return MPI_PROD;
    default:
        return MPI_SUM;
    }
}

bool ls_mpi_supports(const struct ls_case *c)
{
    return datatype(c->type) != MPI_DATATYPE_NULL && ls_case_in_count(c) <= INT_MAX &&
           ls_case_out_count(c) <= INT_MAX;
}

static int run(const struct ls_case *c, const void *in, void *out)
{
    MPI_Datatype type = datatype(c->type);
    MPI_Op op = operation(c->op);
    int count = (int)c->count;

    switch (c->kind) {
    case LS_BENCH_ALLREDUCE:
        return MPI_Allreduce(in, out, count, type, op, MPI_COMM_WORLD);
    case LS_BENCH_REDUCE_SCATTER:
        return MPI_Reduce_scatter_block(in, out, count, type, op, MPI_COMM_WORLD);
    case LS_BENCH_ALLGATHER:
        return MPI_Allgather(in, count, type, out, count, type, MPI_COMM_WORLD);
    case LS_BENCH_BROADCAST:
        return MPI_Bcast(out, count, type, c->root, MPI_COMM_WORLD);
    case LS_BENCH_BARRIER:
        return MPI_Barrier(MPI_COMM_WORLD);
    case LS_BENCH_KIND_COUNT:
        break;
    }
    return MPI_ERR_ARG;
}

int ls_mpi_time(const struct ls_case *c, const void *in, void *out, unsigned iterations,
                double *ret_seconds, struct ls_error *err)
{
    int code = MPI_Barrier(MPI_COMM_WORLD);
    uint64_t start_ns = ls_clock_ns();

    for (unsigned i = 0; i < iterations && code == MPI_SUCCESS; i++)
        code = run(c, in, out);
    if (code != MPI_SUCCESS)
        return mpi_error(err, ls_collective_name(c->kind), code);
    *ret_seconds = (double)(ls_clock_ns() - start_ns) * 1e-9 / iterations;
    return 0;
}

/* bench/collectives/mpi.h - what we need of MPI, without its types. */
#ifndef LS_BENCH_COLLECTIVES_MPI_H
#define LS_BENCH_COLLECTIVES_MPI_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/collectives/collective.h"
#include "common/util/error.h"

/* True when this process was started by Open MPI's mpirun. */
bool ls_mpi_started_us(void);

int ls_mpi_init(int *ret_rank, int *ret_size, struct ls_error *err);
void ls_mpi_finalize(void);
_Noreturn void ls_mpi_abort(void); /* end all ranks */

/* A lockstep_bootstrap.allgather. */
int ls_mpi_allgather(void *context, const void *in, size_t size, void *out);

/* "Open MPI v4.1.4" */
void ls_mpi_version(char *text, size_t size);

/* What is set of MPI's and malloc's settings in this environment
 * ("OMPI_MCA_btl=tcp,self …"), or that they are the defaults. Open MPI takes scratch
 * memory in every call, so that malloc's settings decide about its large sizes. */
void ls_mpi_settings(char *text, size_t size);

/* MPI has no 16-bit floats. Its average is timed as a sum. */
bool ls_mpi_supports(const struct ls_case *c);

/* After a barrier of all ranks: seconds of one of `iterations` operations, on this
 * rank. */
int ls_mpi_time(const struct ls_case *c, const void *in, void *out, unsigned iterations,
                double *ret_seconds, struct ls_error *err);

#endif

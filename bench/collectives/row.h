/* bench/collectives/row.h - the result of one case: a line of the table. */
#ifndef LS_BENCH_COLLECTIVES_ROW_H
#define LS_BENCH_COLLECTIVES_ROW_H

#include <stdint.h>

#include "bench/collectives/collective.h"

struct ls_timing {
    double time_us; /* of one operation; 0 = not measured */
    double algbw;   /* GB/s: size / time */
    double busbw;   /* GB/s */
    int64_t wrong;  /* elements on all ranks; -1 = not checked */
};

struct ls_row {
    struct ls_case c;
    uint64_t bytes;
    struct ls_timing out_of_place, in_place;
    double p50_us, p99_us; /* of single operations out of place, slowest rank */
    double limit_us;       /* least time the machine allows; 0 = not known */
    double mpi_us;         /* 0 = not measured */
    double baseline_us;    /* 0 = none */
};

struct ls_rows {
    struct ls_row *rows;
    size_t count, capacity;
};

/* Share of the limit reached, 0 to about 1; 0 = not known. */
static inline double ls_row_limit_share(const struct ls_row *row)
{
    return row->out_of_place.time_us > 0 ? row->limit_us / row->out_of_place.time_us
                                         : 0;
}

/* How many times faster than MPI and than the baseline; 0 = not known. */
static inline double ls_row_ratio(const struct ls_row *row)
{
    return row->out_of_place.time_us > 0 ? row->mpi_us / row->out_of_place.time_us : 0;
}
static inline double ls_row_baseline_ratio(const struct ls_row *row)
{
    return row->out_of_place.time_us > 0 ? row->baseline_us / row->out_of_place.time_us
                                         : 0;
}

#endif

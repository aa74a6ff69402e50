/* bench/collectives/table.h - the report for people: nccl-tests' columns, then ours. */
#ifndef LS_BENCH_COLLECTIVES_TABLE_H
#define LS_BENCH_COLLECTIVES_TABLE_H

#include <stdio.h>

#include "bench/collectives/bench.h"
#include "bench/collectives/row.h"

void ls_table_header(FILE *out, const struct ls_bench *bench);
void ls_table_row(FILE *out, const struct ls_bench *bench, const struct ls_row *row);
void ls_table_footer(FILE *out, const struct ls_bench *bench,
                     const struct ls_rows *rows);

/* The same as comma-separated values, with a line of names first. */
int ls_csv_write(const char *path, const struct ls_rows *rows, struct ls_error *err);

/* Mean bus bandwidth over all measurements of data, GB/s, as nccl-tests prints it. */
double ls_rows_mean_busbw(const struct ls_rows *rows);

/* Wrong elements in all rows. */
int64_t ls_rows_wrong(const struct ls_rows *rows);

#endif

/* bench/collectives/options.c - see options.h. */
#include "bench/collectives/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/collectives/size.h"

static const char USAGE[] =
    "Usage: lockstep-bench COLLECTIVE [OPTION]...\n"
    "Measure a collective of liblockstep, check its results bit by bit.\n"
    "\n"
    "Collectives: allreduce reducescatter allgather broadcast barrier\n"
    "\n"
    "  lockstep run -n 4 -- lockstep-bench allreduce     as a job\n"
    "  lockstep-bench allreduce --local 4                4 processes, no cluster "
    "needed\n"
    "  mpirun -np 4 lockstep-bench allreduce --vs mpi    MPI's ranks, both libraries\n"
    "\n"
    "As in nccl-tests:\n"
    "  -b, --minbytes N       smallest size; K, M, G are powers of 1024 (8)\n"
    "  -e, --maxbytes N       largest size (64M)\n"
    "  -f, --stepfactor N     from one size to the next: times N (4)\n"
    "  -i, --stepbytes N      or: plus N\n"
    "  -d, --datatype LIST    float double half bfloat16 int32 int64, or all (float)\n"
    "  -o, --op LIST          sum avg min max prod, or all (sum)\n"
    "  -r, --root N           of a broadcast (0)\n"
    "  -n, --iters N          operations in a batch (as many as take about 2 ms)\n"
    "  -w, --warmup_iters N   operations before measuring (5)\n"
    "  -c, --check 0|1        check the results (1)\n"
    "  -a, --average N        time of: 0 rank 0, 1 mean, 2 min, 3 max of ranks (3)\n"
    "\n"
    "  --time-budget S        seconds for the batches of a size and place (0.25)\n"
    "  --vs mpi               Open MPI in turn with ours, batch by batch\n"
    "  --memory KIND          buffers from lockstep (shared) or malloc (lockstep)\n"
    "  --local N              start N ranks on this machine\n"
    "  --ranks-per-node N     with --local or mpirun: treat every N ranks as a node\n"
    "  --json FILE            write results; - is standard output\n"
    "  --csv FILE             the same as a table\n"
    "  --baseline FILE        compare with an earlier --json; exit 1 on a regression\n"
    "  --tolerance X          slower by this share is a regression (0.2)\n"
    "  --help                 this text\n";

const char *ls_bench_usage(void)
{
    return USAGE;
}

/* Names of types and operations, as nccl-tests has them and as we print them. */
struct name {
    const char *name;
    unsigned bit;
};

static const struct name TYPES[] = {
    {"float", LOCKSTEP_FLOAT32},     {"float32", LOCKSTEP_FLOAT32},
    {"double", LOCKSTEP_FLOAT64},    {"float64", LOCKSTEP_FLOAT64},
    {"half", LOCKSTEP_FLOAT16},      {"float16", LOCKSTEP_FLOAT16},
    {"bfloat16", LOCKSTEP_BFLOAT16}, {"bf16", LOCKSTEP_BFLOAT16},
    {"int32", LOCKSTEP_INT32},       {"int", LOCKSTEP_INT32},
    {"int64", LOCKSTEP_INT64},       {NULL, LOCKSTEP_TYPE_COUNT},
};
static const struct name OPS[] = {
    {"sum", LOCKSTEP_SUM}, {"avg", LOCKSTEP_AVG},   {"min", LOCKSTEP_MIN},
    {"max", LOCKSTEP_MAX}, {"prod", LOCKSTEP_PROD}, {NULL, LOCKSTEP_OP_COUNT},
};

/* A comma-separated list of names, or "all", as a bit set. */
static int read_set(const char *option, const char *text, const struct name *names,
                    unsigned *ret_set, struct ls_error *err)
{
    unsigned set = 0;

    while (strcmp(text, "all") != 0) {
        size_t length = strcspn(text, ",");
        const struct name *name = names;

        while (name->name &&
               (strlen(name->name) != length || strncmp(name->name, text, length) != 0))
            name++;
        if (!name->name)
            return ls_error_set(err, -EINVAL, "%s %s: no such name (--help lists them)",
                                option, text);
        set |= 1U << name->bit;
        if (!text[length]) {
            *ret_set = set;
            return 0;
        }
        text += length + 1;
    }
    while (names->name)
        set |= 1U << (names++)->bit;
    *ret_set = set;
    return 0;
}

static int read_size(const char *option, const char *text, uint64_t min,
                     uint64_t *ret_size, struct ls_error *err)
{
    if (ls_size_parse(text, ret_size) && *ret_size >= min)
        return 0;
    return ls_error_set(err, -EINVAL, "%s %s: expected a size such as 8, 4K or 256M",
                        option, text);
}

static int read_number(const char *option, const char *text, long min, long max,
                       long *ret_number, struct ls_error *err)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < min || number > max)
        return ls_error_set(err, -EINVAL, "%s %s: expected a number from %ld to %ld",
                            option, text, min, max);
    *ret_number = number;
    return 0;
}

static int read_fraction(const char *option, const char *text, double min, double max,
                         double *ret_value, struct ls_error *err)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !isfinite(value) || value < min || value > max)
        return ls_error_set(err, -EINVAL, "%s %s: expected a number from %g to %g",
                            option, text, min, max);
    *ret_value = value;
    return 0;
}

/* One of two words; *ret_first says whether it is the first. */
static int read_word(const char *option, const char *text, const char *first,
                     const char *second, bool *ret_first, struct ls_error *err)
{
    *ret_first = strcmp(text, first) == 0;
    if (*ret_first || (second && strcmp(text, second) == 0))
        return 0;
    return ls_error_set(err, -EINVAL, "%s %s: expected %s%s%s", option, text, first,
                        second ? " or " : "", second ? second : "");
}

enum bench_option {
    OPTION_TIME_BUDGET = 256,
    OPTION_VS,
    OPTION_MEMORY,
    OPTION_LOCAL,
    OPTION_RANKS_PER_NODE,
    OPTION_JSON,
    OPTION_CSV,
    OPTION_BASELINE,
    OPTION_TOLERANCE,
    OPTION_PEER_SERVER,
    OPTION_HELP,
};

static const struct option LONG_OPTIONS[] = {
    {"minbytes", required_argument, NULL, 'b'},
    {"maxbytes", required_argument, NULL, 'e'},
    {"stepfactor", required_argument, NULL, 'f'},
    {"stepbytes", required_argument, NULL, 'i'},
    {"datatype", required_argument, NULL, 'd'},
    {"op", required_argument, NULL, 'o'},
    {"root", required_argument, NULL, 'r'},
    {"iters", required_argument, NULL, 'n'},
    {"warmup_iters", required_argument, NULL, 'w'},
    {"check", required_argument, NULL, 'c'},
    {"average", required_argument, NULL, 'a'},
    {"time-budget", required_argument, NULL, OPTION_TIME_BUDGET},
    {"vs", required_argument, NULL, OPTION_VS},
    {"memory", required_argument, NULL, OPTION_MEMORY},
    {"local", required_argument, NULL, OPTION_LOCAL},
    {"ranks-per-node", required_argument, NULL, OPTION_RANKS_PER_NODE},
    {"json", required_argument, NULL, OPTION_JSON},
    {"csv", required_argument, NULL, OPTION_CSV},
    {"baseline", required_argument, NULL, OPTION_BASELINE},
    {"tolerance", required_argument, NULL, OPTION_TOLERANCE},
    {"peer-server", required_argument, NULL, OPTION_PEER_SERVER},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

/* The flags of nccl-tests. */
static int read_short(int option, const char *text, struct ls_bench_options *options,
                      struct ls_error *err)
{
    char name[] = {'-', (char)option, '\0'};
    long number = 0;
    int rc;

    switch (option) {
    case 'b':
        return read_size(name, text, 0, &options->bytes_min, err);
    case 'e':
        return read_size(name, text, 0, &options->bytes_max, err);
    case 'f':
        return read_size(name, text, 2, &options->step_factor, err);
    case 'i':
        return read_size(name, text, 1, &options->step_bytes, err);
    case 'd':
        return read_set(name, text, TYPES, &options->types, err);
    case 'o':
        return read_set(name, text, OPS, &options->ops, err);
    case 'r':
        rc = read_number(name, text, 0, INT32_MAX, &number, err);
        options->root = (int)number;
        return rc;
    case 'n':
        rc = read_number(name, text, 1, 1000000, &number, err);
        options->iterations = (unsigned)number;
        return rc;
    case 'w':
        rc = read_number(name, text, 0, 1000000, &number, err);
        options->warmup = (unsigned)number;
        return rc;
    case 'c':
        rc = read_number(name, text, 0, 1, &number, err);
        options->check = number == 1;
        return rc;
    default: /* 'a' */
        rc = read_number(name, text, LS_AVERAGE_RANK0, LS_AVERAGE_MAX, &number, err);
        options->average = (enum ls_average)number;
        return rc;
    }
}

/* Our own. */
static int read_long(int option, const char *text, struct ls_bench_options *options,
                     struct ls_error *err)
{
    long number = 0;
    int rc = 0;

    switch (option) {
    case OPTION_TIME_BUDGET:
        return read_fraction("--time-budget", text, 0, 3600, &options->budget_s, err);
    case OPTION_VS:
        return read_word("--vs", text, "mpi", NULL, &options->vs_mpi, err);
    case OPTION_MEMORY:
        return read_word("--memory", text, "lockstep", "malloc",
                         &options->shared_memory, err);
    case OPTION_LOCAL:
        rc = read_number("--local", text, 1, 1024, &number, err);
        options->local = (int)number;
        return rc;
    case OPTION_RANKS_PER_NODE:
        rc = read_number("--ranks-per-node", text, 1, 1024, &number, err);
        options->ranks_per_node = (int)number;
        return rc;
    case OPTION_JSON:
        options->json = text;
        return 0;
    case OPTION_CSV:
        options->csv = text;
        return 0;
    case OPTION_BASELINE:
        options->baseline = text;
        return 0;
    case OPTION_TOLERANCE:
        return read_fraction("--tolerance", text, 0, 1000, &options->tolerance, err);
    default: /* OPTION_PEER_SERVER */
        options->peer_server = text;
        return 0;
    }
}

/* The collective's name, and what must fit together. */
static int settle(int argc, char **argv, struct ls_bench_options *options,
                  struct ls_error *err)
{
    if (options->peer_server)
        return 0;
    if (optind >= argc)
        return ls_error_set(err, -EINVAL,
                            "which collective? allreduce, reducescatter, allgather, "
                            "broadcast or barrier");
    if (!ls_collective_by_name(argv[optind], &options->kind))
        return ls_error_set(
            err, -EINVAL,
            "%s: no such collective; there are allreduce, reducescatter, "
            "allgather, broadcast and barrier",
            argv[optind]);
    if (optind + 1 < argc)
        return ls_error_set(err, -EINVAL, "%s: unexpected argument", argv[optind + 1]);
    if (options->bytes_min > options->bytes_max)
        return ls_error_set(err, -EINVAL, "-b is more than -e: no size to measure");
    return 0;
}

enum ls_options_result ls_bench_options_read(int argc, char **argv,
                                             struct ls_bench_options *ret_options,
                                             struct ls_error *err)
{
    struct ls_bench_options options = {
        .bytes_min = 8,
        .bytes_max = 64 << 20,
        .step_factor = 4,
        .types = 1U << LOCKSTEP_FLOAT32,
        .ops = 1U << LOCKSTEP_SUM,
        .warmup = 5,
        .check = true,
        .average = LS_AVERAGE_MAX,
        .budget_s = 0.25,
        .shared_memory = true,
        .tolerance = 0.2,
    };
    int option;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":b:e:f:i:d:o:r:n:w:c:a:h", LONG_OPTIONS,
                                 NULL)) != -1) {
        if (option == OPTION_HELP || option == 'h')
            return LS_OPTIONS_HELP;
        if (option == '?' || option == ':') {
            ls_error_set(err, -EINVAL, "%s: %s (--help lists the options)",
                         argv[optind - 1],
                         option == ':' ? "needs a value" : "no such option");
            return LS_OPTIONS_BAD;
        }
        if ((option < 256 ? read_short(option, optarg, &options, err)
                          : read_long(option, optarg, &options, err)) < 0)
            return LS_OPTIONS_BAD;
    }
    if (settle(argc, argv, &options, err) < 0)
        return LS_OPTIONS_BAD;
    *ret_options = options;
    return LS_OPTIONS_RUN;
}

uint64_t ls_bench_next_size(const struct ls_bench_options *options, uint64_t bytes)
{
    uint64_t next;

    if (options->step_bytes > 0)
        next =
            bytes > UINT64_MAX - options->step_bytes ? 0 : bytes + options->step_bytes;
    else
        next = bytes == 0 ? 1
               : bytes > UINT64_MAX / options->step_factor
                   ? 0
                   : bytes * options->step_factor;
    return next > options->bytes_max ? 0 : next;
}

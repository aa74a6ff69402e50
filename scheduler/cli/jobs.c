/* scheduler/cli/jobs.c - `lockstep jobs`: the list of jobs, or one in detail. */
#include <inttypes.h>
#include <stdio.h>

#include "common/util/check.h"
#include "common/util/clock.h"
#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "scheduler/cli/client.h"
#include "scheduler/cli/command.h"
#include "scheduler/cli/format.h"

struct jobs_options {
    bool all;
};

/* ---- JSON -------------------------------------------------------------------- */

static json_t *rank_json(const Ls__RankInfo *rank)
{
    json_t *gpus = json_array();
    bool exited = rank->ended && !rank->signal;

    for (size_t i = 0; i < rank->n_gpus; i++)
        json_array_append_new(gpus, json_integer(rank->gpus[i]));
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o, s:o}", "rank",
                     (json_int_t)rank->rank, "node", ls_json_text(rank->node), "gpus",
                     gpus, "nic", *rank->nic ? ls_json_text(rank->nic) : json_null(),
                     "cores", *rank->cores ? ls_json_text(rank->cores) : json_null(),
                     "pid", (json_int_t)rank->pid, "ended", rank->ended, "exit_code",
                     exited ? json_integer(rank->exit_code) : json_null(), "signal",
                     rank->signal ? json_integer(rank->signal) : json_null(), "text",
                     ls_json_text(rank->text));
}

static json_t *job_json(const Ls__JobInfo *job, bool with_ranks)
{
    json_t *nodes = json_array(), *value;

    for (size_t i = 0; i < job->n_nodes; i++)
        json_array_append_new(nodes, ls_json_text(job->nodes[i]));
    value = json_pack(
        "{s:I, s:o, s:o, s:s, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
        "id", (json_int_t)job->id, "name", ls_json_text(job->name), "user",
        ls_json_text(job->user), "state", ls_job_state_name(job->state), "reason",
        ls_json_text(job->reason), "nodes", nodes, "ranks", (json_int_t)job->rank_count,
        "gpus", (json_int_t)job->gpu_count, "submit_time", ls_json_time(job->submit_ms),
        "start_time", ls_json_time(job->start_ms), "end_time",
        ls_json_time(job->end_ms), "exit_code",
        ls_job_state_ended(job->state) ? json_integer(job->exit_code) : json_null(),
        "time_limit_s",
        job->time_limit_s ? json_integer((json_int_t)job->time_limit_s) : json_null(),
        "command", ls_json_text(job->command), "cwd", ls_json_text(job->cwd));
    if (with_ranks) {
        json_t *ranks = json_array();

        for (size_t i = 0; i < job->n_ranks; i++)
            json_array_append_new(ranks, rank_json(job->ranks[i]));
        json_object_set_new(value, "rank_list", ranks);
    }
    return value;
}

static void print_json(const Ls__JobsReply *reply, bool with_ranks)
{
    json_t *list = json_array();

    for (size_t i = 0; i < reply->n_jobs; i++)
        json_array_append_new(list, job_json(reply->jobs[i], with_ranks));
    ls_json_print(list);
}

/* ---- the table --------------------------------------------------------------- */

static void print_table(const Ls__JobsReply *reply)
{
    static const struct ls_table_column columns[] = {
        {"ID", LS_ALIGN_RIGHT, false},   {"NAME", LS_ALIGN_LEFT, true},
        {"USER", LS_ALIGN_LEFT, true},   {"STATE", LS_ALIGN_LEFT, false},
        {"NODES", LS_ALIGN_LEFT, true},  {"RANKS", LS_ALIGN_RIGHT, false},
        {"TIME", LS_ALIGN_RIGHT, false}, {"REASON", LS_ALIGN_LEFT, true},
    };
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));
    int64_t now_ms = ls_clock_wall_ms();

    for (size_t i = 0; i < reply->n_jobs; i++) {
        const Ls__JobInfo *job = reply->jobs[i];
        char *nodes = ls_hostlist_compress(job->nodes, job->n_nodes);
        char time[32];

        ls_format_span(ls_job_run_ms(job, now_ms), time);
        ls_table_cell(table, LS_STYLE_PLAIN, "%" PRIu64, job->id);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", job->name);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", job->user);
        ls_table_cell(table, ls_job_state_style(job->state), "%s",
                      ls_job_state_name(job->state));
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", *nodes ? nodes : "-");
        ls_table_cell(table, LS_STYLE_PLAIN, "%" PRIu32, job->rank_count);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", time);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", job->reason);
        ls_free(nodes);
    }
    ls_table_print(table);
    ls_table_free(table);
}

/* ---- one job ----------------------------------------------------------------- */

static void print_ranks(const Ls__JobInfo *job)
{
    static const struct ls_table_column columns[] = {
        {"RANK", LS_ALIGN_RIGHT, false}, {"NODE", LS_ALIGN_LEFT, true},
        {"GPUS", LS_ALIGN_LEFT, false},  {"NIC", LS_ALIGN_LEFT, false},
        {"CORES", LS_ALIGN_LEFT, true},  {"EXIT", LS_ALIGN_LEFT, false},
        {"WHY", LS_ALIGN_LEFT, true},
    };
    struct ls_table *table = ls_table_new(columns, LS_ARRAY_SIZE(columns));

    for (size_t i = 0; i < job->n_ranks; i++) {
        const Ls__RankInfo *rank = job->ranks[i];
        char *gpus = ls_format_numbers(rank->gpus, rank->n_gpus);
        bool bad = rank->ended && (rank->exit_code || rank->signal);
        char end[64];

        ls_format_rank_end(rank, end);
        ls_table_cell(table, LS_STYLE_PLAIN, "%" PRIu32, rank->rank);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", rank->node);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", gpus);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", *rank->nic ? rank->nic : "-");
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", *rank->cores ? rank->cores : "-");
        ls_table_cell(table, bad ? LS_STYLE_BAD : LS_STYLE_PLAIN, "%s", end);
        ls_table_cell(table, LS_STYLE_PLAIN, "%s", rank->text);
        ls_free(gpus);
    }
    ls_table_print(table);
    ls_table_free(table);
}

static void print_field(const char *name, const char *value)
{
    struct ls_strbuf inert = {0};

    ls_strbuf_add_printable(&inert, value);
    printf("  %-10s %s\n", name, *inert.text ? inert.text : "-");
    ls_strbuf_free(&inert);
}

static void print_times(const Ls__JobInfo *job)
{
    char text[32];

    ls_format_time(job->submit_ms, text);
    print_field("submitted", text);
    ls_format_time(job->start_ms, text);
    print_field("started", text);
    ls_format_time(job->end_ms, text);
    print_field("ended", text);
    ls_format_span(ls_job_run_ms(job, ls_clock_wall_ms()), text);
    print_field("ran", text);
    ls_format_span(job->time_limit_s ? (int64_t)job->time_limit_s * 1000 : -1, text);
    print_field("limit", text);
}

static void print_job(const Ls__JobInfo *job)
{
    char *nodes = ls_hostlist_compress(job->nodes, job->n_nodes);
    char number[32];

    printf("job %" PRIu64 "\n", job->id);
    print_field("name", job->name);
    print_field("user", job->user);
    print_field("state", ls_job_state_name(job->state));
    print_field("reason", job->reason);
    print_field("command", job->command);
    print_field("directory", job->cwd);
    print_field("nodes", nodes);
    snprintf(number, sizeof(number), "%" PRIu32, job->rank_count);
    print_field("ranks", number);
    snprintf(number, sizeof(number), "%" PRIu32, job->gpu_count);
    print_field("GPUs", number);
    print_times(job);
    if (ls_job_state_ended(job->state)) {
        snprintf(number, sizeof(number), "%" PRId32, job->exit_code);
        print_field("exit code", number);
    }
    if (job->n_ranks) {
        putchar('\n');
        print_ranks(job);
    }
    ls_free(nodes);
}

static int run(const struct ls_command *command, int argc, char **argv)
{
    struct jobs_options options = {0};
    void *const targets[] = {&options};
    struct ls_command_line line;
    struct ls_client client;
    struct ls_error err;
    Ls__Frame *answer;
    uint64_t job = 0;
    int rc = ls_command_begin(command, argc, argv, targets, &line);

    if (rc >= 0)
        return rc;
    if (line.operands.count &&
        ls_client_read_job(line.operands.items[0], &job, &err) < 0)
        return ls_complain_usage(command, &err);
    rc = ls_client_open(line.directory, &client, &err);
    if (rc == 0)
        rc = ls_client_jobs(&client, job, options.all || job, &answer, &err);
    ls_client_close(&client);
    if (rc != 0)
        return ls_complain(&err);
    if (line.json)
        print_json(answer->jobs_reply, job != 0);
    else if (job)
        print_job(answer->jobs_reply->jobs[0]);
    else if (answer->jobs_reply->n_jobs)
        print_table(answer->jobs_reply);
    else
        puts(options.all ? "no jobs yet"
                         : "no jobs wait or run (--all shows ended ones)");
    ls__frame__free_unpacked(answer, NULL);
    return LS_EXIT_DONE;
}

static const struct ls_option option_table[] = {
    {"all", 'a', NULL, ls_set_flag, offsetof(struct jobs_options, all),
     "also jobs that have ended"},
    {0},
};

const struct ls_command ls_command_jobs = {
    .name = "jobs",
    .group = LS_COMMANDS_JOBS,
    .summary = "list jobs, or show one in detail",
    .operands = "[ID]",
    .text = "Without ID: the jobs that wait or run. With ID: all about this job,\n"
            "with node, GPUs, NIC, cores and exit of each rank.\n\n"
            "JSON is an array of objects: id name user state reason nodes ranks\n"
            "gpus submit_time start_time end_time exit_code time_limit_s command\n"
            "cwd; with ID also rank_list [rank node gpus nic cores pid ended\n"
            "exit_code signal text]. Times are Unix seconds; what is not known yet\n"
            "is null. States: pending running completing completed failed cancelled\n"
            "timeout node_fail.",
    .examples = "  lockstep jobs                what waits and runs\n"
                "  lockstep jobs --all          with what has ended\n"
                "  lockstep jobs 12             where its ranks are\n"
                "  lockstep jobs 12 --json | jq '.[0].state'",
    .operands_max = 1,
    .json = true,
    .tables = {{"Options", option_table}},
    .run = run,
};

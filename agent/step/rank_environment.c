/* agent/step/rank_environment.c - the variables that a rank finds.
 *
 * Depends on wire (Launch), agent/proc, common/util. */
#include "agent/step/rank_environment.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "agent/proc/process.h"
#include "common/util/hostlist.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

static const char *node_name(const Ls__Launch *launch)
{
    return launch->nodes[launch->node_index];
}

/* "0,3": indices of the rank's GPUs. */
static char *list_gpus(const Ls__RankPlan *plan)
{
    struct ls_strbuf list = {0};

    for (size_t i = 0; i < plan->n_gpus; i++)
        ls_strbuf_printf(&list, i ? ",%" PRIu32 : "%" PRIu32, plan->gpus[i]);
    return ls_strbuf_take(&list);
}

/* Ranks of each node in Slurm's short form: "8(x4),2". */
static char *list_tasks(const Ls__Launch *launch)
{
    uint32_t *counts = ls_calloc(launch->n_nodes, sizeof(*counts));
    struct ls_strbuf list = {0};

    for (size_t i = 0; i < launch->n_ranks; i++) {
        if (launch->ranks[i]->node < launch->n_nodes)
            counts[launch->ranks[i]->node]++;
    }
    for (size_t i = 0, next; i < launch->n_nodes; i = next) {
        for (next = i + 1; next < launch->n_nodes && counts[next] == counts[i];)
            next++;
        ls_strbuf_printf(&list, i ? ",%" PRIu32 : "%" PRIu32, counts[i]);
        if (next - i > 1)
            ls_strbuf_printf(&list, "(x%zu)", next - i);
    }
    ls_free(counts);
    return ls_strbuf_take(&list);
}

static void set_number(struct ls_environment *environment, const char *name,
                       uint64_t number)
{
    ls_environment_set(environment, name, "%" PRIu64, number);
}

/* Names that have one value each, whatever the family of the variable. */
static void set_ranks(const struct ls_rank_place *place, struct ls_environment *to)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"LOCKSTEP_JOB_ID", place->launch->job},
        {"LOCKSTEP_ATTEMPT", place->launch->attempt},
        {"LOCKSTEP_RANK", place->plan->rank},
        {"LOCKSTEP_WORLD_SIZE", place->world_size},
        {"LOCKSTEP_LOCAL_RANK", place->plan->local_rank},
        {"LOCKSTEP_LOCAL_WORLD_SIZE", place->local_size},
        {"LOCKSTEP_NODE_RANK", place->launch->node_index},
        {"RANK", place->plan->rank},
        {"WORLD_SIZE", place->world_size},
        {"LOCAL_RANK", place->plan->local_rank},
        {"LOCAL_WORLD_SIZE", place->local_size},
        {"NODE_RANK", place->launch->node_index},
        {"GROUP_RANK", place->launch->node_index},
        {"SLURM_PROCID", place->plan->rank},
        {"SLURM_LOCALID", place->plan->local_rank},
        {"SLURM_NODEID", place->launch->node_index},
        {"SLURM_JOB_ID", place->launch->job},
        {"SLURM_JOBID", place->launch->job},
        {"SLURM_JOB_UID", place->launch->uid},
        {"SLURM_JOB_GID", place->launch->gid},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        set_number(to, numbers[i].name, numbers[i].value);
}

/* SLURM_STEP_ID is left out on purpose: with it Open MPI expects a PMI server. */
static void set_slurm(const Ls__Launch *launch, struct ls_environment *to)
{
    char *nodes = ls_hostlist_compress(launch->nodes, launch->n_nodes);
    char *tasks = list_tasks(launch);
    const Ls__JobSpec *spec = launch->spec;

    ls_environment_set(to, "SLURM_JOB_NODELIST", "%s", nodes);
    ls_environment_set(to, "SLURM_NODELIST", "%s", nodes);
    ls_environment_set(to, "SLURM_STEP_NODELIST", "%s", nodes);
    set_number(to, "SLURM_JOB_NUM_NODES", launch->n_nodes);
    set_number(to, "SLURM_NNODES", launch->n_nodes);
    set_number(to, "SLURM_STEP_NUM_NODES", launch->n_nodes);
    set_number(to, "SLURM_NTASKS", launch->n_ranks);
    set_number(to, "SLURM_NPROCS", launch->n_ranks);
    set_number(to, "SLURM_STEP_NUM_TASKS", launch->n_ranks);
    ls_environment_set(to, "SLURM_TASKS_PER_NODE", "%s", tasks);
    ls_environment_set(to, "SLURM_STEP_TASKS_PER_NODE", "%s", tasks);
    if (spec->ntasks_per_node)
        set_number(to, "SLURM_NTASKS_PER_NODE", spec->ntasks_per_node);
    if (spec->cpus_per_task)
        set_number(to, "SLURM_CPUS_PER_TASK", spec->cpus_per_task);
    if (launch->attempt > 1)
        set_number(to, "SLURM_RESTART_COUNT", launch->attempt - 1);
    ls_environment_set(to, "SLURMD_NODENAME", "%s", node_name(launch));
    ls_environment_set(to, "SLURM_JOB_NAME", "%s", spec->name);
    ls_environment_set(to, "SLURM_JOB_USER", "%s", launch->user);
    ls_environment_set(to, "SLURM_SUBMIT_DIR", "%s", spec->cwd);
    ls_free(nodes);
    ls_free(tasks);
}

static void set_gpus(const struct ls_rank_place *place, struct ls_environment *to)
{
    const char *vendor = place->plan->gpu_vendor;
    char *list = list_gpus(place->plan);

    ls_environment_set(to, "LOCKSTEP_GPUS", "%s", list);
    if (strcasestr(vendor, "nvidia")) {
        ls_environment_set(to, "CUDA_DEVICE_ORDER",
                           "PCI_BUS_ID"); /* as we count them */
        ls_environment_set(to, "CUDA_VISIBLE_DEVICES", "%s", list);
    } else if (strcasestr(vendor, "amd") || strcasestr(vendor, "advanced micro")) {
        ls_environment_set(to, "ROCR_VISIBLE_DEVICES", "%s", list);
    } else if (strcasestr(vendor, "intel")) {
        ls_environment_set(to, "ZE_AFFINITY_MASK", "%s", list);
    }
    if (place->plan->n_gpus > 0)
        ls_environment_set(to, "SLURM_STEP_GPUS", "%s", list);
    ls_free(list);
}

/* The plan's NIC, for libraries that choose their own: only where it is real. */
static void set_nic(const struct ls_rank_place *place, struct ls_environment *to)
{
    const char *name = place->plan->nic_name;

    ls_environment_set(to, "LOCKSTEP_NIC", "%s", name);
    if (!name[0] || place->launch->modelled)
        return;
    if (strcmp(place->plan->nic_kind, "rdma") == 0) {
        char *port = ls_asprintf("%s:1", name);

        ls_environment_default(to, "NCCL_IB_HCA", name);
        ls_environment_default(to, "UCX_NET_DEVICES", port);
        ls_free(port);
    } else {
        ls_environment_default(to, "NCCL_SOCKET_IFNAME", name);
    }
}

/* What a login would have set, if the submitter did not send it. */
static void set_login(const Ls__Launch *launch, struct ls_environment *to)
{
    const struct passwd *account = getpwuid(launch->uid);

    if (account) {
        ls_environment_default(to, "HOME", account->pw_dir);
        ls_environment_default(to, "SHELL", account->pw_shell);
    }
    if (launch->user[0]) {
        ls_environment_default(to, "USER", launch->user);
        ls_environment_default(to, "LOGNAME", launch->user);
    }
    if (launch->spec->cwd[0])
        ls_environment_set(to, "PWD", "%s", launch->spec->cwd);
}

void ls_rank_environment(const struct ls_rank_place *place,
                         struct ls_environment *ret_environment)
{
    const Ls__JobSpec *spec = place->launch->spec;
    struct ls_environment to = {0};
    char threads[16];

    ls_environment_load(&to, spec->env, spec->n_env);
    set_login(place->launch, &to);
    set_ranks(place, &to);
    set_slurm(place->launch, &to);
    set_gpus(place, &to);
    set_nic(place, &to);
    ls_environment_set(&to, LS_STEP_ID_VARIABLE, "%s", place->step_id);
    ls_environment_set(&to, "LOCKSTEP_STEP_SOCKET", "%s", place->step_socket);
    ls_environment_set(&to, "LOCKSTEP_NODE", "%s", node_name(place->launch));
    ls_environment_set(&to, "LOCKSTEP_CORES", "%s", place->plan->cores);
    ls_environment_set(&to, "MASTER_ADDR", "%s", place->master_host);
    ls_environment_set(&to, "MASTER_PORT", "%s", place->master_port);
    snprintf(threads, sizeof(threads), "%" PRIu32,
             spec->cpus_per_task ? spec->cpus_per_task : 1);
    ls_environment_default(&to, "OMP_NUM_THREADS", threads);
    /* Open MPI would take the Slurm variables for a Slurm that can start its daemons.
     */
    ls_environment_default(&to, "OMPI_MCA_plm", "^slurm");
    ls_environment_default(&to, "OMPI_MCA_ras", "^slurm");
    *ret_environment = to;
}

/* bench/machine/placement.c - see placement.h. */
#include "bench/machine/placement.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/util/file.h"
#include "common/util/mem.h"
#include "common/util/strbuf.h"

static void copy_text(char to[LS_PLACEMENT_TEXT_MAX], const char *from)
{
    snprintf(to, LS_PLACEMENT_TEXT_MAX, "%s", from);
}

/* The first of the variables that is set and not empty. */
static void copy_first_set(char to[LS_PLACEMENT_TEXT_MAX], const char *const *names)
{
    for (; *names; names++) {
        const char *value = getenv(*names);

        if (value && value[0]) {
            copy_text(to, value);
            return;
        }
    }
}

static void read_machine(char to[LS_PLACEMENT_TEXT_MAX])
{
    char *text = NULL;
    size_t size = 0;

    if (ls_file_read("/proc/sys/kernel/random/boot_id", 256, &text, &size, NULL) < 0)
        return;
    text[strcspn(text, "\n")] = '\0';
    copy_text(to, text);
    ls_free(text);
}

/* "0-3,8": the CPUs of this process's affinity mask. */
static void read_cores(char to[LS_PLACEMENT_TEXT_MAX])
{
    struct ls_strbuf list = {0};
    cpu_set_t cpus;
    int first = -1;

    if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
        return;
    for (int cpu = 0; cpu <= CPU_SETSIZE; cpu++) {
        bool in = cpu < CPU_SETSIZE && CPU_ISSET(cpu, &cpus);

        if (in && first < 0)
            first = cpu;
        if (in || first < 0)
            continue;
        ls_strbuf_printf(&list, list.length ? ",%d" : "%d", first);
        if (cpu - 1 > first)
            ls_strbuf_printf(&list, "-%d", cpu - 1);
        first = -1;
    }
    if (list.text)
        copy_text(to, list.text);
    ls_strbuf_free(&list);
}

void ls_placement_read(const char *node, struct ls_placement *ret_placement)
{
    static const char *const node_names[] = {"LOCKSTEP_NODE", "SLURMD_NODENAME", NULL};
    static const char *const gpu_names[] = {"LOCKSTEP_GPUS", "CUDA_VISIBLE_DEVICES",
                                            "ROCR_VISIBLE_DEVICES", NULL};
    static const char *const nic_names[] = {"LOCKSTEP_NIC", "NCCL_IB_HCA",
                                            "UCX_NET_DEVICES", NULL};
    struct ls_placement placement;

    memset(&placement, 0, sizeof(placement));
    placement.pid = (int32_t)getpid();
    if (node)
        copy_text(placement.node, node);
    else
        copy_first_set(placement.node, node_names);
    if (!placement.node[0])
        (void)gethostname(placement.node, sizeof(placement.node) - 1);
    copy_first_set(placement.gpus, gpu_names);
    copy_first_set(placement.nic, nic_names);
    read_machine(placement.machine);
    read_cores(placement.cores);
    *ret_placement = placement;
}

int ls_placement_gather(lockstep_comm *comm, const struct ls_placement *own,
                        struct ls_placement **ret_all, struct ls_error *err)
{
    int size = lockstep_size(comm);
    struct ls_placement *all = ls_calloc((size_t)size, sizeof(*all));
    size_t words = sizeof(*own) / sizeof(int32_t);

    _Static_assert(sizeof(*own) % sizeof(int32_t) == 0, "travels as 32-bit words");
    if (lockstep_allgather(comm, own, all, words, LOCKSTEP_INT32) != LOCKSTEP_OK) {
        ls_free(all);
        return ls_exchange_error(err, "cannot gather where the ranks run");
    }
    for (int rank = 0; rank < size; rank++) {
        all[rank].node[LS_PLACEMENT_TEXT_MAX - 1] = '\0';
        all[rank].machine[LS_PLACEMENT_TEXT_MAX - 1] = '\0';
        all[rank].gpus[LS_PLACEMENT_TEXT_MAX - 1] = '\0';
        all[rank].nic[LS_PLACEMENT_TEXT_MAX - 1] = '\0';
        all[rank].cores[LS_PLACEMENT_TEXT_MAX - 1] = '\0';
    }
    *ret_all = all;
    return 0;
}

bool ls_placement_one_machine(const struct ls_placement *all, int count)
{
    for (int rank = 1; rank < count; rank++)
        if (strcmp(all[rank].machine, all[0].machine) != 0)
            return false;
    return true;
}

int ls_exchange_error(struct ls_error *err, const char *what)
{
    return ls_error_set(err, -EIO, "%s: %s", what, lockstep_error_text());
}

/* agent/daemon/devices.c - names for the indices of a plan. Depends on wire. */
#include "agent/daemon/devices.h"

static char *const nothing = (char *)protobuf_c_empty_string;

void ls_devices_name(Ls__Launch *launch, const Ls__NodeDigest *digest)
{
    launch->modelled = digest->modelled;
    for (size_t i = 0; i < launch->n_ranks; i++) {
        Ls__RankPlan *rank = launch->ranks[i];

        if (rank->node != launch->node_index)
            continue;
        if (digest->n_gpus > 0)
            rank->gpu_vendor = digest->gpus[0]->vendor;
        if (rank->nic >= 0 && (size_t)rank->nic < digest->n_nics) {
            rank->nic_name = digest->nics[rank->nic]->name;
            rank->nic_kind = digest->nics[rank->nic]->kind;
        }
    }
}

void ls_devices_unname(Ls__Launch *launch)
{
    for (size_t i = 0; i < launch->n_ranks; i++) {
        launch->ranks[i]->gpu_vendor = nothing;
        launch->ranks[i]->nic_name = nothing;
        launch->ranks[i]->nic_kind = nothing;
    }
}

/* common/collective/segment.c - the control segment of one node. Depends on bell, lane. */
#include "common/collective/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/collective/arena.h"

static uint64_t align_up(uint64_t value)
{
    return (value + 4095) & ~UINT64_C(4095);
}

static int cpu_count(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return CPU_COUNT(&set);
}

static void lay_out(struct ls_segment *s, const uint32_t *ranks_per_node)
{
    s->lane_count = ranks_per_node[0];
    s->first_rank = s->world_size = 0;
    for (uint32_t n = 0; n < s->node_count; n++) {
        if (ranks_per_node[n] < s->lane_count)
            s->lane_count = ranks_per_node[n];
        if (n < s->node_index)
            s->first_rank += ranks_per_node[n];
        s->world_size += ranks_per_node[n];
    }
    if (s->node_count == 1)
        s->lane_count = 0;
    s->local_count = ranks_per_node[s->node_index];
    s->lanes_offset =
        align_up(sizeof(*s) + (uint64_t)s->local_count * sizeof(struct ls_member));
    s->doors_offset =
        align_up(s->lanes_offset + (uint64_t)s->lane_count * sizeof(struct ls_lane_ring));
    s->ranks_per_node_offset =
        align_up(s->doors_offset + (uint64_t)s->lane_count * sizeof(struct ls_lane_door));
    s->size = align_up(s->ranks_per_node_offset + (uint64_t)s->node_count * sizeof(uint32_t));
}

int ls_segment_create(uint32_t node_count, uint32_t node_index,
                      const uint32_t *ranks_per_node, bool rank_hosted, int *ret_fd,
                      struct ls_segment **ret_segment, struct ls_error *err)
{
    struct ls_segment head = {
        .magic = LS_SEGMENT_MAGIC,
        .version = LS_SEGMENT_VERSION,
        .node_count = node_count,
        .node_index = node_index,
        .rank_hosted = rank_hosted,
    };
    struct ls_segment *segment;
    int fd, rc;

    if (ranks_per_node[node_index] == 0 || ranks_per_node[node_index] > LS_MEMBERS_MAX)
        return ls_error_set(err, -EINVAL, "%u ranks on one node, expected 1 to %d",
                            ranks_per_node[node_index], LS_MEMBERS_MAX);
    lay_out(&head, ranks_per_node);
    head.crowded = head.local_count + (rank_hosted ? 0 : head.lane_count) >
                   (uint32_t)cpu_count();
    fd = memfd_create("lockstep-segment", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)head.size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        rc = ls_error_sys(err, -errno, "control segment of %llu bytes",
                          (unsigned long long)head.size);
        goto close_fd;
    }
    segment = ls_arena_map(fd, head.size, err);
    if (!segment) {
        rc = -ENOMEM;
        goto close_fd;
    }
    memcpy(segment, &head, sizeof(head));
    memcpy((char *)segment + head.ranks_per_node_offset, ranks_per_node,
           node_count * sizeof(uint32_t));
    *ret_fd = fd;
    *ret_segment = segment;
    return 0;

close_fd:
    if (fd >= 0)
        close(fd);
    return rc;
}

int ls_segment_map(int fd, struct ls_segment **ret_segment, struct ls_error *err)
{
    struct ls_segment *segment;
    struct stat status;

    if (fstat(fd, &status) < 0 || (size_t)status.st_size < sizeof(*segment))
        return ls_error_set(err, -EINVAL, "control segment: too small");
    segment = ls_arena_map(fd, (uint64_t)status.st_size, err);
    if (!segment)
        return -EINVAL;
    if (segment->magic != LS_SEGMENT_MAGIC || segment->version != LS_SEGMENT_VERSION ||
        segment->size != (uint64_t)status.st_size) {
        munmap(segment, (size_t)status.st_size);
        return ls_error_set(err, -EPROTO,
                            "control segment: not of this version of lockstep (%d)",
                            LS_SEGMENT_VERSION);
    }
    *ret_segment = segment;
    return 0;
}

void ls_segment_unmap(struct ls_segment *segment)
{
    if (segment)
        munmap(segment, segment->size);
}

struct ls_lane_ring *ls_segment_lane(struct ls_segment *segment, uint32_t lane)
{
    return (struct ls_lane_ring *)(void *)((char *)segment + segment->lanes_offset) + lane;
}

struct ls_lane_door *ls_segment_door(struct ls_segment *segment, uint32_t lane)
{
    return (struct ls_lane_door *)(void *)((char *)segment + segment->doors_offset) + lane;
}

const uint32_t *ls_segment_ranks_per_node(const struct ls_segment *segment)
{
    return (const uint32_t *)(const void *)((const char *)segment +
                                            segment->ranks_per_node_offset);
}

void ls_segment_fail(struct ls_segment *segment, lockstep_status status, uint32_t rank,
                     const char *why)
{
    uint32_t nobody = 0;

    if (!atomic_compare_exchange_strong(&segment->failing, &nobody, 1))
        return;
    segment->lost_rank = rank;
    snprintf(segment->why, sizeof(segment->why), "%s", why);
    atomic_store_explicit(&segment->failed, status, memory_order_release);
    for (uint32_t i = 0; i < segment->local_count; i++)
        ls_bell_ring(&segment->members[i].bell);
}

void ls_segment_fail_lane(struct ls_segment *segment, uint32_t lane, const char *why)
{
    struct ls_lane_ring *ring = ls_segment_lane(segment, lane);
    const uint32_t *ranks = ls_segment_ranks_per_node(segment);
    uint32_t node = atomic_load(&ring->lost_node), rank = 0;

    for (uint32_t n = 0; n < node && n < segment->node_count; n++)
        rank += ranks[n];
    ls_segment_fail(segment, atomic_load(&ring->status), rank, why);
}

/* common/client/join_bootstrap.c - ranks find one another by the caller's all-gather.
 *
 * Every step is collective: whoever fails says so in the next all-gather, and all fail
 * alike. Ranks drive their lanes themselves. Depends on collective. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/client/client_private.h"
#include "common/util/file.h"
#include "common/util/mem.h"

struct card {               /* what each rank tells the others first */
    char node[64];
    int32_t pid, arena_fd;
    uint64_t arena_size;
    int32_t status;         /* 0 or -errno */
    char why[160];
};

struct second_card {        /* and then */
    int32_t status;
    int32_t segment_fd;     /* of a node's first rank */
    char why[160];
    uint8_t hello[LS_LANE_HELLO_MAX];
};

struct layout {             /* which rank is where */
    uint32_t node_count, node_index;
    uint32_t *ranks_per_node;
    uint32_t first_rank, local_count;
};

static int gather(const lockstep_bootstrap *bootstrap, const void *in, size_t size, void *out,
                  struct ls_error *err)
{
    if (bootstrap->allgather(bootstrap->context, in, size, out) == 0)
        return 0;
    return ls_error_set(err, -EIO, "the all-gather of lockstep_init_with() failed");
}

static int first_failure(const void *cards, size_t card_size, size_t status_offset,
                         size_t why_offset, int size, struct ls_error *err)
{
    for (int i = 0; i < size; i++) {
        const char *card = (const char *)cards + (size_t)i * card_size;
        int32_t status;

        memcpy(&status, card + status_offset, sizeof(status));
        if (status < 0)
            return ls_error_set(err, status, "rank %d: %.159s", i, card + why_offset);
    }
    return 0;
}

static int lay_out(const struct card *cards, const lockstep_bootstrap *bootstrap,
                   struct layout *layout, struct ls_error *err)
{
    layout->ranks_per_node = ls_calloc((size_t)bootstrap->size, sizeof(uint32_t));
    for (int i = 0; i < bootstrap->size; i++) {
        if (i == 0 || strcmp(cards[i].node, cards[i - 1].node) != 0) {
            for (int j = 0; j < i; j++) {
                if (strcmp(cards[j].node, cards[i].node) == 0)
                    return ls_error_set(err, -EINVAL,
                                        "ranks %d and %d are both on %.63s with others between "
                                        "them: number ranks node after node",
                                        j, i, cards[i].node);
            }
            layout->node_count++;
        }
        layout->ranks_per_node[layout->node_count - 1]++;
        if (i == bootstrap->rank)
            layout->node_index = layout->node_count - 1;
    }
    for (uint32_t n = 0; n < layout->node_index; n++)
        layout->first_rank += layout->ranks_per_node[n];
    layout->local_count = layout->ranks_per_node[layout->node_index];
    return 0;
}

static int open_of(const struct card *card, int fd, struct ls_error *err)
{
    char path[64];
    int opened;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", card->pid, fd);
    opened = open(path, O_RDWR | O_CLOEXEC);
    if (opened < 0)
        return ls_error_sys(err, -errno, "shared memory of process %d at %s", card->pid, path);
    return opened;
}

static int map_arenas(struct ls_comm *comm, const struct card *cards,
                      const struct layout *layout, int own, struct ls_error *err)
{
    for (uint32_t i = 0; i < layout->local_count; i++) {
        const struct card *card = &cards[layout->first_rank + i];
        int fd;

        comm->arena_sizes[i] = card->arena_size;
        if ((int)i == own) {
            comm->arenas[i] = ls_arena_base(comm->arena);
            continue;
        }
        fd = open_of(card, card->arena_fd, err);
        if (fd < 0)
            return fd;
        comm->arenas[i] = ls_arena_map(fd, card->arena_size, err);
        close(fd);
        if (!comm->arenas[i])
            return -EINVAL;
    }
    return 0;
}

static int make_card(struct ls_comm *comm, const lockstep_bootstrap *bootstrap,
                     struct card *card)
{
    struct ls_error err = {0};

    snprintf(card->node, sizeof(card->node), "%s", bootstrap->node);
    card->pid = getpid();
    card->status = ls_arena_create(0, &comm->arena, &err);
    snprintf(card->why, sizeof(card->why), "%.150s", err.text);
    if (card->status == 0) {
        card->arena_fd = ls_arena_fd(comm->arena);
        card->arena_size = ls_arena_size(comm->arena);
    }
    return card->status;
}

/* The first rank of a node makes the segment; the others map it once they know its number. */
static void make_segment(struct ls_comm *comm, const struct layout *layout, int own,
                         struct second_card *card)
{
    struct ls_error err = {0};
    int fd = -1;

    if (own != 0)
        return;
    card->status = ls_segment_create(layout->node_count, layout->node_index,
                                     layout->ranks_per_node, true, &fd, &comm->segment, &err);
    card->segment_fd = fd;
    snprintf(card->why, sizeof(card->why), "%.150s", err.text);
}

static int map_segment(struct ls_comm *comm, const struct card *leader, int segment_fd, int own,
                       struct ls_error *err)
{
    int fd, rc;

    if (own == 0)
        return 0;
    fd = open_of(leader, segment_fd, err);
    if (fd < 0)
        return fd;
    rc = ls_segment_map(fd, &comm->segment, err);
    close(fd);
    return rc;
}

static int connect_lane(struct ls_comm *comm, const struct second_card *cards,
                        const struct layout *layout, int own, struct ls_error *err)
{
    uint8_t *table = ls_calloc(layout->node_count, LS_LANE_HELLO_MAX);
    uint32_t first = 0;
    int rc;

    for (uint32_t n = 0; n < layout->node_count; n++) {
        memcpy(table + (size_t)n * LS_LANE_HELLO_MAX, cards[first + (uint32_t)own].hello,
               LS_LANE_HELLO_MAX);
        first += layout->ranks_per_node[n];
    }
    rc = ls_lane_connect(comm->lane, table, err);
    ls_free(table);
    return rc;
}

/* Map, open the lane, and tell how it went; `second` holds everybody's cards. */
static int join_with(struct ls_comm *comm, const lockstep_bootstrap *bootstrap,
                     const struct card *cards, struct second_card *second,
                     const struct layout *layout, struct ls_error *err)
{
    int own = bootstrap->rank - (int)layout->first_rank;
    struct second_card mine = {.segment_fd = -1};
    struct ls_error local = {0};
    int rc;

    make_segment(comm, layout, own, &mine);
    rc = gather(bootstrap, &mine, sizeof(mine), second, err);
    if (rc == 0)
        rc = first_failure(second, sizeof(*second), offsetof(struct second_card, status),
                           offsetof(struct second_card, why), bootstrap->size, err);
    if (rc < 0)
        goto close_segment;
    rc = map_segment(comm, &cards[layout->first_rank], second[layout->first_rank].segment_fd,
                     own, &local);
    if (rc == 0)
        rc = map_arenas(comm, cards, layout, own, &local);
    if (rc == 0 && (uint32_t)own < comm->segment->lane_count) {
        rc = ls_join_open_lane(comm, (uint32_t)own, NULL, NULL, &local);
        if (rc == 0)
            ls_lane_hello(comm->lane, mine.hello);
    }
    mine.status = rc;
    snprintf(mine.why, sizeof(mine.why), "%.150s", local.text);
    rc = gather(bootstrap, &mine, sizeof(mine), second, err);
    if (rc == 0)
        rc = first_failure(second, sizeof(*second), offsetof(struct second_card, status),
                           offsetof(struct second_card, why), bootstrap->size, err);
    if (rc == 0 && comm->lane)
        rc = connect_lane(comm, second, layout, own, err);
    if (rc == 0)
        ls_comm_prepare(comm, own);
close_segment:
    ls_close(mine.segment_fd);
    return rc;
}

int ls_join_bootstrap(struct ls_comm *comm, const lockstep_bootstrap *bootstrap,
                      struct ls_error *err)
{
    struct card mine = {0};
    struct card *cards = ls_calloc((size_t)bootstrap->size, sizeof(*cards));
    struct second_card *second = ls_calloc((size_t)bootstrap->size, sizeof(*second));
    struct layout layout = {0};
    int rc;

    comm->door_fd = -1;
    make_card(comm, bootstrap, &mine);
    rc = gather(bootstrap, &mine, sizeof(mine), cards, err);
    if (rc == 0)
        rc = first_failure(cards, sizeof(*cards), offsetof(struct card, status),
                           offsetof(struct card, why), bootstrap->size, err);
    if (rc == 0)
        rc = lay_out(cards, bootstrap, &layout, err);
    if (rc == 0)
        rc = join_with(comm, bootstrap, cards, second, &layout, err);
    ls_free(layout.ranks_per_node);
    ls_free(second);
    ls_free(cards);
    return rc;
}

int ls_join_alone(struct ls_comm *comm, struct ls_error *err)
{
    uint32_t one = 1;
    int fd, rc;

    comm->door_fd = -1;
    rc = ls_arena_create(0, &comm->arena, err);
    if (rc < 0)
        return rc;
    rc = ls_segment_create(1, 0, &one, true, &fd, &comm->segment, err);
    if (rc < 0)
        return rc;
    close(fd);
    comm->arenas[0] = ls_arena_base(comm->arena);
    comm->arena_sizes[0] = ls_arena_size(comm->arena);
    ls_comm_prepare(comm, 0);
    return 0;
}

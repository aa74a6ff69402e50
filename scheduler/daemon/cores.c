/* scheduler/daemon/cores.c - picking cores. Depends on util, the messages. */
#include "scheduler/daemon/cores.h"

#include <stdlib.h>
#include <string.h>

#include "common/util/mem.h"
#include "common/util/strbuf.h"

enum { PU_MAX = 16384 }; /* OS indices of hardware threads, of any node */

/* ---- cpu lists --------------------------------------------------------------- */

struct pu_set {
    uint8_t has[PU_MAX];
};

/* Add the PUs of a list "0-13,56-69"; stops at the first thing that is no list. */
static void pu_set_add(struct pu_set *set, const char *list)
{
    while (*list >= '0' && *list <= '9') {
        char *end;
        unsigned long first = strtoul(list, &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

        for (unsigned long pu = first; pu <= last && pu < PU_MAX; pu++)
            set->has[pu] = 1;
        if (*end != ',')
            return;
        list = end + 1;
    }
}

static char *pu_set_text(const struct pu_set *set)
{
    struct ls_strbuf text = {0};

    for (unsigned first = 0; first < PU_MAX; first++) {
        unsigned last = first;

        if (!set->has[first])
            continue;
        while (last + 1 < PU_MAX && set->has[last + 1])
            last++;
        if (text.length > 0)
            ls_strbuf_add(&text, ",");
        ls_strbuf_printf(&text, first == last ? "%u" : "%u-%u", first, last);
        first = last;
    }
    return ls_strbuf_take(&text);
}

/* ---- the cores of a node ------------------------------------------------------- */

/* Add the cores of one NUMA node with `threads` hardware threads each. */
static void add_numa(struct ls_cores *cores, const struct pu_set *set, uint32_t threads)
{
    uint32_t *pus = ls_calloc(PU_MAX, sizeof(*pus));
    uint32_t pu_count = 0;
    uint32_t core_count;

    for (uint32_t pu = 0; pu < PU_MAX; pu++) {
        if (set->has[pu])
            pus[pu_count++] = pu;
    }
    if (pu_count % threads != 0)
        threads = 1;
    core_count = pu_count / threads;
    cores->items =
        ls_realloc(cores->items, cores->count + core_count + 1, sizeof(*cores->items));
    for (uint32_t i = 0; i < core_count; i++) {
        struct ls_core core = {.pu_count = threads};

        for (uint32_t t = 0; t < threads; t++)
            core.pus[t] = pus[i + t * core_count];
        cores->items[cores->count++] = core;
    }
    ls_free(pus);
}

static uint32_t threads_per_core(const Ls__NodeDigest *digest)
{
    uint32_t threads = digest->cores > 0 ? digest->pus / digest->cores : 1;

    return threads >= 1 && threads <= LS_CORE_THREADS_MAX ? threads : 1;
}

void ls_cores_init(struct ls_cores *cores, const Ls__NodeDigest *digest)
{
    struct pu_set *set = ls_calloc(1, sizeof(*set));

    ls_cores_free(cores);
    for (size_t i = 0; i < digest->n_numas; i++) {
        memset(set, 0, sizeof(*set));
        pu_set_add(set, digest->numas[i]->cores);
        add_numa(cores, set, threads_per_core(digest));
    }
    ls_free(set);
}

void ls_cores_free(struct ls_cores *cores)
{
    ls_free(cores->items);
    *cores = (struct ls_cores){0};
}

bool ls_cores_same(const struct ls_cores *a, const struct ls_cores *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->items[i].pu_count != b->items[i].pu_count ||
            memcmp(a->items[i].pus, b->items[i].pus, sizeof(a->items[i].pus)) != 0)
            return false;
    }
    return true;
}

/* ---- taking ---------------------------------------------------------------------- */

static uint32_t pick(const struct ls_cores *cores, const struct pu_set *near,
                     bool is_near, uint32_t want, uint32_t *ids)
{
    uint32_t got = 0;

    for (uint32_t i = 0; i < cores->count && got < want; i++) {
        const struct ls_core *core = &cores->items[i];

        if (core->takers == 0 && (near->has[core->pus[0]] != 0) == is_near)
            ids[got++] = i;
    }
    return got;
}

bool ls_cores_take(struct ls_cores *cores, const char *near, uint32_t want,
                   uint32_t *ids)
{
    struct pu_set *set = ls_calloc(1, sizeof(*set));
    uint32_t got;

    pu_set_add(set, near);
    got = pick(cores, set, true, want, ids);
    got += pick(cores, set, false, want - got, ids + got);
    ls_free(set);
    if (got < want)
        return false;
    for (uint32_t i = 0; i < got; i++)
        cores->items[ids[i]].takers++;
    return true;
}

void ls_cores_give_back(struct ls_cores *cores, const uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        /* A node may have come back smaller than it was. */
        if (ids[i] < cores->count && cores->items[ids[i]].takers > 0)
            cores->items[ids[i]].takers--;
    }
}

char *ls_cores_text(const struct ls_cores *cores, const uint32_t *ids, uint32_t count)
{
    struct pu_set *set = ls_calloc(1, sizeof(*set));
    char *text;

    for (uint32_t i = 0; i < count; i++) {
        const struct ls_core *core = &cores->items[ids[i]];

        for (uint32_t t = 0; t < core->pu_count; t++)
            set->has[core->pus[t]] = 1;
    }
    text = pu_set_text(set);
    ls_free(set);
    return text;
}

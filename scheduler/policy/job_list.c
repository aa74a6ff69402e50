/* scheduler/policy/job_list.c - a queue of jobs. Pure. */
#include "scheduler/policy/job_list.h"

#include <string.h>

#include "common/util/check.h"
#include "common/util/mem.h"

/* Move the jobs to the front of the array when most of it is free there. */
static void close_gap(struct ls_job_list *list)
{
    if (list->first < list->capacity / 2)
        return;
    memmove(list->items, list->items + list->first,
            list->count * sizeof(struct ls_job *));
    list->first = 0;
}

void ls_job_list_push(struct ls_job_list *list, struct ls_job *job)
{
    size_t end;

    if (list->capacity)
        close_gap(list);
    end = list->first + list->count;
    if (end == list->capacity) {
        list->capacity = end ? end * 2 : 8;
        list->items = ls_realloc(list->items, list->capacity, sizeof(struct ls_job *));
    }
    list->items[end] = job;
    list->count++;
}

struct ls_job *ls_job_list_at(const struct ls_job_list *list, size_t position)
{
    ls_assert(position < list->count);
    return list->items[list->first + position];
}

struct ls_job *ls_job_list_pop(struct ls_job_list *list)
{
    struct ls_job *job = ls_job_list_at(list, 0);

    list->first++;
    list->count--;
    return job;
}

void ls_job_list_free(struct ls_job_list *list)
{
    ls_free(list->items);
    *list = (struct ls_job_list){0};
}

/* The position of the first job whose id is not below `id`. */
static size_t lower_bound(const struct ls_job_list *list, uint64_t id)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ls_job_list_at(list, middle)->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct ls_job *ls_job_list_find(const struct ls_job_list *list, uint64_t id)
{
    size_t position = lower_bound(list, id);
    struct ls_job *job;

    if (position == list->count)
        return NULL;
    job = ls_job_list_at(list, position);
    return job->id == id ? job : NULL;
}

void ls_job_list_remove(struct ls_job_list *list, const struct ls_job *job)
{
    size_t position = lower_bound(list, job->id);
    struct ls_job **at = list->items + list->first + position;

    ls_assert(position < list->count && *at == job);
    if (position == 0) {
        ls_job_list_pop(list);
        return;
    }
    memmove(at, at + 1, (list->count - position - 1) * sizeof(struct ls_job *));
    list->count--;
}

/* scheduler/daemon/book.h - what the daemon remembers of each job beside the policy:
 * the words of its spec that listings show, and the plan of its latest attempt.
 *
 * Made from the log's events and the digests alone, so a restart makes it again. */
#ifndef LS_SCHEDULER_DAEMON_BOOK_H
#define LS_SCHEDULER_DAEMON_BOOK_H

#include "scheduler/daemon/plan.h"

struct ls_book_job {
    uint64_t id;
    char *name, *command, *cwd, *user;
    bool batch; /* a script: one process, on the first node */
    uint64_t time_limit_s;
    struct ls_plan *plan; /* NULL before the first launch */
    UT_hash_handle hh;
};

struct ls_book {
    const struct ls_policy *policy;
    struct ls_roster *roster;
    struct ls_book_job *jobs; /* uthash by id */
};

struct ls_book *ls_book_new(const struct ls_policy *policy, struct ls_roster *roster);
void ls_book_free(struct ls_book *book);

/* The job's page; NULL for a job that the policy does not know (any more). */
struct ls_book_job *ls_book_find(struct ls_book *book, uint64_t id);

/* The policy accepted, launched, or ended parts of a job: keep the book right. */
void ls_book_note(struct ls_book *book, const struct ls_effect *effect);

/* The node of one part of a job. */
struct ls_member *ls_book_member(const struct ls_book *book,
                                 const struct ls_part *part);

/* Does this part run no process of its own? Such parts hold their share of the node
 * until the script on the first node has ended. */
bool ls_book_part_is_silent(const struct ls_book_job *job, uint32_t part);

#endif

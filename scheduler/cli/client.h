/* scheduler/cli/client.h - a command's connection to the scheduler. */
#ifndef LS_SCHEDULER_CLI_CLIENT_H
#define LS_SCHEDULER_CLI_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/util/error.h"
#include "common/wire/call.h"

/* The requests of the commands: how long an answer that needs no waiting may take. */
enum { LS_CLIENT_CONNECT_MS = 10000 };

struct ls_client {
    char *directory;      /* of the cluster */
    struct ls_call *call; /* NULL while not connected */
};

/* Connect to the cluster that --dir (or NULL) and the environment name. When nobody
 * listens the error says how to start one. Close with ls_client_close(), which is
 * also fine on {0}. */
int ls_client_open(const char *wanted_directory, struct ls_client *client,
                   struct ls_error *err);
void ls_client_close(struct ls_client *client);

/* Was this error a lost or refused connection: may it be another time? */
bool ls_client_lost(int code);

/* Ask again over a new connection until `deadline_ms` (ls_clock_ms()) while the
 * scheduler is away. For requests that may be repeated. Answers as ls_call_ask(). */
int ls_client_ask_again(struct ls_client *client, Ls__Frame *request,
                        uint64_t deadline_ms, Ls__Frame **ret_answer,
                        struct ls_error *err);

/* Connect once more after the connection was lost, trying until `deadline_ms`. */
int ls_client_reconnect(struct ls_client *client, uint64_t deadline_ms,
                        struct ls_error *err);

/* Ask once; the answer must have the body `wanted` (-EPROTO). */
int ls_client_ask(struct ls_client *client, Ls__Frame *request,
                  Ls__Frame__BodyCase wanted, Ls__Frame **ret_answer,
                  struct ls_error *err);

/* All jobs, or one. The caller frees the frame; jobs are in (*ret_answer)->jobs_reply.
 * An unknown job is -ENOENT. */
int ls_client_jobs(struct ls_client *client, uint64_t job, bool ended,
                   Ls__Frame **ret_answer, struct ls_error *err);

/* Nodes, all or one (-ENOENT), in (*ret_answer)->nodes_reply. */
int ls_client_nodes(struct ls_client *client, const char *name, Ls__Frame **ret_answer,
                    struct ls_error *err);

/* End a job (signal 0) or send it a signal. */
int ls_client_cancel(struct ls_client *client, uint64_t job, int signal,
                     struct ls_error *err);

/* A job number of the command line. */
int ls_client_read_job(const char *text, uint64_t *ret_job, struct ls_error *err);

#endif

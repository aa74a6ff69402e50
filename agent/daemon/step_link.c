/* agent/daemon/step_link.c - the agent's connection to one step.
 *
 * Depends on wire, common/util, libuv. */
#include "agent/daemon/step_link.h"

#include "common/util/mem.h"
#include "common/wire/connection.h"

struct ls_step_link {
    struct ls_connection *connection;
    bool open;
    const struct ls_step_link_events *events;
    void *context;
};

static void received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct ls_step_link *link = ls_connection_data(connection);

    if (frame->body_case == LS__FRAME__BODY_STEP_REPORT)
        link->events->reported(link->context, frame->step_report);
    else
        ls_connection_close(connection, "a message that no step sends");
}

static void closed(struct ls_connection *connection, const char *why)
{
    struct ls_step_link *link = ls_connection_data(connection);

    (void)why; /* the lock of the directory says what it means */
    link->events->closed(link->context);
    ls_free(link);
}

static const struct ls_connection_events connection_events = {
    .received = received,
    .closed = closed,
};

static void connected(struct ls_connection *connection, int status)
{
    struct ls_step_link *link = ls_connection_data(connection);
    uid_t uid;
    gid_t gid;
    pid_t pid;

    if (status < 0)
        return; /* closed() follows */
    ls_connection_peer(connection, &uid, &gid, &pid);
    link->open = true;
    link->events->connected(link->context, pid);
}

int ls_step_link_open(uv_loop_t *loop, const char *socket_path,
                      const struct ls_step_link_events *events, void *context,
                      struct ls_step_link **ret_link, struct ls_error *err)
{
    struct ls_step_link *link = ls_calloc(1, sizeof(*link));
    char *address = ls_asprintf("unix:%s", socket_path);
    int rc;

    link->events = events;
    link->context = context;
    rc = ls_connection_open(loop, address, &connection_events, link, connected,
                            &link->connection, err);
    ls_free(address);
    if (rc < 0) {
        ls_free(link);
        return rc;
    }
    *ret_link = link;
    return 0;
}

bool ls_step_link_is_open(const struct ls_step_link *link)
{
    return link->open;
}

void ls_step_link_start(struct ls_step_link *link, const Ls__StepStart *start)
{
    Ls__Frame frame = LS__FRAME__INIT;

    frame.body_case = LS__FRAME__BODY_STEP_START;
    frame.step_start = (Ls__StepStart *)start;
    ls_connection_send(link->connection, &frame);
}

void ls_step_link_kill(struct ls_step_link *link, const Ls__StepKill *kill)
{
    Ls__Frame frame = LS__FRAME__INIT;

    frame.body_case = LS__FRAME__BODY_STEP_KILL;
    frame.step_kill = (Ls__StepKill *)kill;
    ls_connection_send(link->connection, &frame);
}

void ls_step_link_forget(struct ls_step_link *link)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__StepForget forget = LS__STEP_FORGET__INIT;

    if (!link->open)
        return;
    frame.body_case = LS__FRAME__BODY_STEP_FORGET;
    frame.step_forget = &forget;
    ls_connection_send(link->connection, &frame);
}

void ls_step_link_close(struct ls_step_link *link)
{
    if (link)
        ls_connection_close(link->connection, "the agent leaves");
}

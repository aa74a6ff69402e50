/* agent/step/agent_link.c - the step's side of agent.sock.
 *
 * Depends on wire, common/util, libuv. */
#include "agent/step/agent_link.h"

#include <stdbool.h>
#include <unistd.h>

#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/wire/connection.h"

enum { HELLO_MS = 10000 };

struct ls_agent_link {
    struct ls_listener *listener;
    struct ls_connection *agent; /* the newest; NULL while there is none */
    unsigned open_count;         /* connections not yet closed() */
    bool closing;
    const struct ls_agent_link_events *events;
    void *context;
};

static void received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct ls_agent_link *link = ls_connection_data(connection);

    if (link->closing || connection != link->agent)
        return; /* an older agent has no say any more */
    switch (frame->body_case) {
    case LS__FRAME__BODY_STEP_START:
        link->events->start(link->context, frame->step_start);
        break;
    case LS__FRAME__BODY_STEP_KILL:
        link->events->kill(link->context, frame->step_kill);
        break;
    case LS__FRAME__BODY_STEP_FORGET:
        link->events->forget(link->context);
        break;
    default:
        ls_connection_close(connection, "a message that no agent sends");
    }
}

static void free_when_idle(struct ls_agent_link *link)
{
    if (link->closing && link->open_count == 0)
        ls_free(link);
}

static void closed(struct ls_connection *connection, const char *why)
{
    struct ls_agent_link *link = ls_connection_data(connection);

    ls_log_debug("agent link closed: %s", why);
    if (link->agent == connection)
        link->agent = NULL;
    link->open_count--;
    free_when_idle(link);
}

static const struct ls_connection_events connection_events = {
    .received = received,
    .closed = closed,
};

static void accepted(struct ls_listener *listener, struct ls_connection *connection)
{
    struct ls_agent_link *link = ls_listener_data(listener);
    uid_t uid;
    gid_t gid;
    pid_t pid;

    ls_connection_adopt(connection, &connection_events, link, HELLO_MS);
    link->open_count++;
    ls_connection_peer(connection, &uid, &gid, &pid);
    if (uid != geteuid() && uid != 0) {
        ls_connection_close(connection, "not this user's agent");
        return;
    }
    ls_connection_trust(connection);
    if (link->agent)
        ls_connection_close(link->agent, "a newer agent has come");
    link->agent = connection;
    link->events->connected(link->context);
}

int ls_agent_link_open(uv_loop_t *loop, const char *path,
                       const struct ls_agent_link_events *events, void *context,
                       struct ls_agent_link **ret_link, struct ls_error *err)
{
    struct ls_agent_link *link = ls_calloc(1, sizeof(*link));
    char *address = ls_asprintf("unix:%s", path);
    int rc;

    link->events = events;
    link->context = context;
    rc = ls_listener_open(loop, address, false, accepted, link, &link->listener, err);
    ls_free(address);
    if (rc < 0) {
        ls_free(link);
        return rc;
    }
    *ret_link = link;
    return 0;
}

void ls_agent_link_report(struct ls_agent_link *link, const Ls__StepReport *report)
{
    Ls__Frame frame = LS__FRAME__INIT;

    if (!link->agent)
        return;
    frame.body_case = LS__FRAME__BODY_STEP_REPORT;
    frame.step_report = (Ls__StepReport *)report;
    ls_connection_send(link->agent, &frame);
}

void ls_agent_link_close(struct ls_agent_link *link)
{
    if (!link)
        return;
    link->closing = true;
    ls_listener_close(link->listener);
    if (link->agent)
        ls_connection_close(link->agent, "the step has ended");
    free_when_idle(link);
}

/* agent/daemon/scheduler_link.c - the agent's connection to the scheduler.
 *
 * Depends on wire, common/util, libuv. */
#include "agent/daemon/scheduler_link.h"

#include <errno.h>
#include <sys/random.h>

#include "common/util/log.h"
#include "common/util/mem.h"
#include "common/wire/address.h"
#include "common/wire/connection.h"
#include "common/wire/hello.h"

enum {
    PAUSE_MS_MIN = 50,
    PAUSE_MS_MAX = 5000,
    ANSWER_MS = 30000, /* for the welcome and the registration */
    HELLO_REQUEST = 1,
    REGISTER_REQUEST = 2,
};

enum link_state { LINK_PAUSED, LINK_CONNECTING, LINK_GREETING, LINK_REGISTERED };

struct ls_scheduler_link {
    struct ls_scheduler_link_config config;
    uv_loop_t *loop;
    enum link_state state;
    struct ls_connection *connection; /* NULL while there is none */
    uv_timer_t timer;                 /* pause, overdue answer, or heartbeat */
    uint32_t pause_ms;
    bool closing, timer_closed, said_lost;
};

static void connect_now(uv_timer_t *timer);

/* ---- pauses ---------------------------------------------------------------- */

/* Growing, and by chance shorter, so that a cluster does not come back all at once. */
static uint32_t next_pause_ms(struct ls_scheduler_link *link)
{
    uint32_t pause_ms = link->pause_ms;
    uint32_t chance = 0;

    link->pause_ms = pause_ms * 2 > PAUSE_MS_MAX ? PAUSE_MS_MAX : pause_ms * 2;
    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
        return pause_ms;
    return pause_ms / 2 + chance % (pause_ms / 2 + 1);
}

static void pause_then_connect(struct ls_scheduler_link *link)
{
    link->state = LINK_PAUSED;
    uv_timer_start(&link->timer, connect_now, next_pause_ms(link), 0);
}

/* ---- sending --------------------------------------------------------------- */

static void send_hello(struct ls_scheduler_link *link)
{
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Hello hello =
        ls_hello(LS__ROLE__ROLE_AGENT, link->config.node, link->config.key);

    frame.request = HELLO_REQUEST;
    frame.body_case = LS__FRAME__BODY_HELLO;
    frame.hello = &hello;
    ls_connection_send(link->connection, &frame);
}

static void send_register(void *context, const Ls__Register *message)
{
    struct ls_scheduler_link *link = context;
    Ls__Frame frame = LS__FRAME__INIT;

    frame.request = REGISTER_REQUEST;
    frame.body_case = LS__FRAME__BODY_REGISTER;
    frame.register_ = (Ls__Register *)message;
    ls_connection_send(link->connection, &frame);
}

static void heartbeat(uv_timer_t *timer)
{
    struct ls_scheduler_link *link = timer->data;
    Ls__Frame frame = LS__FRAME__INIT;
    Ls__Heartbeat message = LS__HEARTBEAT__INIT;

    frame.body_case = LS__FRAME__BODY_HEARTBEAT;
    frame.heartbeat = &message;
    ls_connection_send(link->connection, &frame);
}

void ls_scheduler_link_send(struct ls_scheduler_link *link, const Ls__Frame *frame)
{
    if (link->state == LINK_REGISTERED && link->connection)
        ls_connection_send(link->connection, frame);
}

/* ---- receiving ------------------------------------------------------------- */

/* Refusals that will not change by asking again. */
static bool is_final(int code)
{
    return code == EEXIST || code == EPROTO || code == EPROTONOSUPPORT ||
           code == EACCES || code == EPERM || code == EINVAL;
}

static void take_refusal(struct ls_scheduler_link *link, const Ls__Error *error)
{
    if (is_final(error->code)) {
        link->config.refused(link->config.context, error->text);
        return;
    }
    ls_log_warn("scheduler: not registered: %s", error->text);
    ls_connection_close(link->connection, error->text);
}

static void take_registered(struct ls_scheduler_link *link,
                            const Ls__Registered *message)
{
    uint32_t period_ms = message->heartbeat_ms ? message->heartbeat_ms : 1000;

    ls_log_info("registered as %s with %s", link->config.node, link->config.address);
    link->state = LINK_REGISTERED;
    link->pause_ms = PAUSE_MS_MIN;
    link->said_lost = false;
    uv_timer_start(&link->timer, heartbeat, period_ms, period_ms);
    link->config.registered(link->config.context);
}

static void received(struct ls_connection *connection, const Ls__Frame *frame)
{
    struct ls_scheduler_link *link = ls_connection_data(connection);
    Ls__Register message = LS__REGISTER__INIT;

    if (link->closing)
        return;
    if (link->state == LINK_REGISTERED) {
        link->config.received(link->config.context, frame);
        return;
    }
    switch (frame->body_case) {
    case LS__FRAME__BODY_WELCOME:
        link->config.fill_register(link->config.context, &message, send_register, link);
        break;
    case LS__FRAME__BODY_REGISTERED:
        take_registered(link, frame->registered);
        break;
    case LS__FRAME__BODY_ERROR:
        take_refusal(link, frame->error);
        break;
    default:
        ls_connection_close(connection, "the scheduler did not answer the hello");
    }
}

/* ---- connecting ------------------------------------------------------------ */

static void free_when_idle(struct ls_scheduler_link *link)
{
    if (link->closing && !link->connection && link->timer_closed)
        ls_free(link);
}

static void closed(struct ls_connection *connection, const char *why)
{
    struct ls_scheduler_link *link = ls_connection_data(connection);
    bool was_registered = link->state == LINK_REGISTERED;

    link->connection = NULL;
    if (link->closing) {
        free_when_idle(link);
        return;
    }
    if (!link->said_lost) /* once, not at every try */
        ls_log_warn("scheduler at %s: %s; will connect again", link->config.address,
                    why);
    link->said_lost = true;
    pause_then_connect(link);
    if (was_registered)
        link->config.lost(link->config.context);
}

static const struct ls_connection_events connection_events = {
    .received = received,
    .closed = closed,
};

static void answer_overdue(uv_timer_t *timer)
{
    struct ls_scheduler_link *link = timer->data;

    ls_connection_close(link->connection, "no answer to the hello or registration");
}

static void connected(struct ls_connection *connection, int status)
{
    struct ls_scheduler_link *link = ls_connection_data(connection);

    if (status < 0 || link->closing)
        return; /* closed() follows */
    link->state = LINK_GREETING;
    uv_timer_start(&link->timer, answer_overdue, ANSWER_MS, 0);
    send_hello(link);
}

static void connect_now(uv_timer_t *timer)
{
    struct ls_scheduler_link *link = timer->data;
    struct ls_error err = {0};

    link->state = LINK_CONNECTING;
    if (ls_connection_open(link->loop, link->config.address, &connection_events, link,
                           connected, &link->connection, &err) == 0)
        return;
    ls_log_warn("scheduler: %s", err.text);
    pause_then_connect(link);
}

int ls_scheduler_link_open(uv_loop_t *loop,
                           const struct ls_scheduler_link_config *config,
                           struct ls_scheduler_link **ret_link, struct ls_error *err)
{
    struct ls_scheduler_link *link;
    struct ls_address address;
    int rc = ls_address_parse(config->address, &address, err);

    if (rc < 0)
        return rc;
    link = ls_calloc(1, sizeof(*link));
    link->config = *config;
    link->loop = loop;
    link->pause_ms = PAUSE_MS_MIN;
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    connect_now(&link->timer);
    *ret_link = link;
    return 0;
}

static void timer_closed(uv_handle_t *handle)
{
    struct ls_scheduler_link *link = handle->data;

    link->timer_closed = true;
    free_when_idle(link);
}

void ls_scheduler_link_close(struct ls_scheduler_link *link)
{
    if (!link || link->closing)
        return;
    link->closing = true;
    if (link->connection)
        ls_connection_close(link->connection, "the agent ends");
    uv_close((uv_handle_t *)&link->timer, timer_closed);
}

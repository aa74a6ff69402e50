/* scheduler/daemon/client_api.c - requests of commands to their files. */
#include "scheduler/daemon/client_api.h"

#include <errno.h>

#include "scheduler/daemon/client_jobs.h"
#include "scheduler/daemon/client_logs.h"
#include "scheduler/daemon/client_nodes.h"
#include "scheduler/daemon/client_submit.h"
#include "scheduler/daemon/fabric_view.h"
#include "scheduler/daemon/waits.h"

const struct ls_effect *ls_effects_find(const struct ls_effects *effects,
                                        enum ls_effect_kind kind)
{
    for (size_t i = 0; i < effects->count; i++) {
        if (effects->items[i].kind == kind)
            return &effects->items[i];
    }
    return NULL;
}

void ls_client_settled_ok(struct ls_server *server, const struct ls_event *event,
                          struct ls_ticket ticket, const struct ls_effects *effects,
                          const struct ls_error *failure)
{
    const struct ls_effect *refused;

    (void)event;
    if (failure) {
        ls_ticket_refuse(server, ticket, -failure->code, failure->text);
        return;
    }
    refused = ls_effects_find(effects, LS_EFFECT_REFUSED);
    if (refused)
        ls_ticket_refuse(server, ticket, refused->code, refused->text);
    else
        ls_ticket_ok(server, ticket);
}

void ls_client_queue(struct ls_peer *peer, uint64_t request, struct ls_event *event,
                     ls_settled_fn *settled)
{
    struct ls_ticket ticket;
    struct ls_error err;

    if (!ls_peer_open_request(peer, request, &ticket)) {
        ls_event_release(event);
        return;
    }
    if (ls_commit_add(peer->server->commit, event, ticket, settled, &err) < 0)
        ls_ticket_refuse(peer->server, ticket, -err.code, err.text);
}

void ls_client_received(struct ls_peer *peer, const Ls__Frame *frame)
{
    switch (frame->body_case) {
    case LS__FRAME__BODY_SUBMIT:
        ls_client_submit(peer, frame);
        break;
    case LS__FRAME__BODY_JOBS:
        ls_client_jobs(peer, frame);
        break;
    case LS__FRAME__BODY_WAIT:
        ls_wait_received(peer, frame);
        break;
    case LS__FRAME__BODY_CANCEL:
        ls_client_cancel(peer, frame);
        break;
    case LS__FRAME__BODY_NODES:
        ls_client_nodes(peer, frame);
        break;
    case LS__FRAME__BODY_DRAIN:
        ls_client_drain(peer, frame);
        break;
    case LS__FRAME__BODY_RESUME:
        ls_client_resume(peer, frame);
        break;
    case LS__FRAME__BODY_FABRIC:
        ls_client_fabric(peer, frame);
        break;
    case LS__FRAME__BODY_LOGS:
        ls_client_logs(peer, frame);
        break;
    case LS__FRAME__BODY_LOG_ACK:
        ls_client_log_ack(peer, frame);
        break;
    default:
        ls_connection_refuse(peer->connection, frame->request, EPROTO,
                             "message %d is not for a scheduler from a client",
                             (int)frame->body_case);
        ls_peer_expel(peer, "a message that no client sends");
    }
}

void ls_client_gone(struct ls_peer *peer)
{
    if (peer->open_requests == 0)
        return;
    ls_waits_peer_gone(peer->server, peer);
    ls_relays_client_gone(peer);
}

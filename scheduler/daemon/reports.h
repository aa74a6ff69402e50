/* scheduler/daemon/reports.h - what agents say of steps, turned into events.
 *
 * Agents repeat a report until it is acted on. What is news becomes an event; what the
 * policy knows already is answered at once, so that repetition does not grow the log.
 */
#ifndef LS_SCHEDULER_DAEMON_REPORTS_H
#define LS_SCHEDULER_DAEMON_REPORTS_H

#include "scheduler/daemon/peer.h"

void ls_report_received(struct ls_peer *peer, const Ls__StepReport *report);

/* A registering agent lists all that its node still has: what the policy believes to be
 * prepared or running there and is not in the list has ended. */
void ls_reports_missing(struct ls_peer *peer, const Ls__Register *body);

#endif

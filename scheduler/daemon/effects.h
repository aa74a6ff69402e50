/* scheduler/daemon/effects.h - carry out what the policy decided. */
#ifndef LS_SCHEDULER_DAEMON_EFFECTS_H
#define LS_SCHEDULER_DAEMON_EFFECTS_H

#include "scheduler/daemon/server.h"

/* Remember what effects mean for listings and plans. Also during replay: it acts on
 * nothing outside. */
void ls_effects_note(struct ls_server *server, const struct ls_effects *effects);

/* Tell agents and who waits on jobs. Agents that are not connected are skipped: the
 * policy says it again when they register. */
void ls_effects_carry_out(struct ls_server *server, const struct ls_effects *effects);

/* Tell one part's node to start its ranks; a second time is harmless. */
void ls_effects_send_start(struct ls_server *server, const struct ls_job *job,
                           const struct ls_part *to);

#endif

/* common/collective/lane_host.h - a thread that drives one lane, for the step.
 *
 * Depends on lane, segment, bell. */
#ifndef LS_COMMON_COLLECTIVE_LANE_HOST_H
#define LS_COMMON_COLLECTIVE_LANE_HOST_H

#include "common/collective/lane.h"
#include "common/collective/segment.h"

struct ls_lane_host;

/* Start the thread; it takes over `lane` (closed when the host stops). `door_fd` is an
 * eventfd that ranks write to while the thread sleeps, `failed_fd` one that the thread
 * writes to after it has declared the segment failed; both borrowed. */
int ls_lane_host_start(struct ls_segment *segment, uint32_t lane_index, struct ls_lane *lane,
                       int door_fd, int failed_fd, struct ls_lane_host **ret_host,
                       struct ls_error *err);

/* Stop the thread, close the lane. NULL is fine. */
void ls_lane_host_stop(struct ls_lane_host *host);

#endif

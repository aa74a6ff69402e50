/* scheduler/policy/nodes.h - racks, nodes, and what attempts hold of them. Pure. */
#ifndef LS_SCHEDULER_POLICY_NODES_H
#define LS_SCHEDULER_POLICY_NODES_H

#include "scheduler/policy/state.h"

/* Replace the racks; nodes that are known already move to where they belong now. */
void ls_nodes_set_fabric(struct ls_policy *policy, const struct ls_event *event);

void ls_nodes_free_racks(struct ls_policy *policy);

/* NULL when no such node has registered. */
struct ls_node_entry *ls_nodes_find(const struct ls_policy *policy, const char *name);

/* Register a node, or note that it is back with maybe other resources. NULL with the
 * reason when it cannot be taken. */
struct ls_node_entry *ls_nodes_up(struct ls_policy *policy,
                                  const struct ls_event *event,
                                  char reason[LS_REASON_MAX]);
void ls_nodes_down(struct ls_policy *policy, struct ls_node_entry *entry,
                   const char *reason);
void ls_nodes_drain(struct ls_policy *policy, struct ls_node_entry *entry,
                    const char *reason);
void ls_nodes_resume(struct ls_policy *policy, struct ls_node_entry *entry);

/* Take or give back a share of a node. */
void ls_nodes_hold(struct ls_node_entry *entry, const struct ls_hold *hold);
void ls_nodes_release(struct ls_policy *policy, struct ls_node_entry *entry,
                      struct ls_hold *hold);
/* NULL when the attempt holds nothing there. Valid until the next hold or release. */
struct ls_hold *ls_nodes_find_hold(const struct ls_node_entry *entry, uint64_t job,
                                   uint32_t attempt);

/* -1, 0, 1 as strcmp(), with numbers in the names by value: n2 before n10. */
int ls_node_name_compare(const char *a, const char *b);

#endif

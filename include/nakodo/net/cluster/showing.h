/*
 * showing: what `nakodo ctl cluster` and `nakodo ctl units` show, in the first process.
 */
#pragma once

struct cluster;
struct ctl_call;

/* As ctl_action.run and .end. */
int showing_nodes(struct cluster *cluster, struct ctl_call *call);
void showing_nodes_end(struct ctl_call *call);
int showing_units(const struct cluster *cluster, struct ctl_call *call);
void showing_units_end(struct ctl_call *call);

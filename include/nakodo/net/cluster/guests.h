/*
 * guests: connections that other nodes bring to this one, since their unit is said to be its.
 */
#pragma once

struct inlet_call;
struct relay_line;

/* As inlet.called and .gone; the cookie is the cluster. */
void guests_receive(void *cookie, struct inlet_call *call, const struct relay_line *line);
void guests_lose(void *cookie, struct inlet_call *call);

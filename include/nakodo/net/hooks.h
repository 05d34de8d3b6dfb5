/*
 * hooks: the servers that are told what happens here (event-webhook) and asked who may come in
 * (auth-webhook): joins what is told and asked to the event loop, and logs whether it is heard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct admissions;
struct courier;
struct deadlines;
struct errand;
struct events;
struct options;
struct problem;
struct webhook;

struct hooks {
	struct events *events; /* what dialect_env has; tells nobody without `tells` */
	struct admissions *admissions; /* asks nobody without `asks` */
	struct webhook *tells, *asks; /* NULL: event-webhook, auth-webhook is unset */
	bool silent; /* other processes tell and ask; set before hooks_init() */
	uv_loop_t *loop; /* NULL: not started, or finished */
	struct deadlines *deadlines;
	struct courier *courier; /* NULL: nothing was told yet */
	struct errand *errand; /* what is being told */
	bool deaf, mute; /* the log says that nobody hears; that nobody answers */
	uint64_t told; /* ms: until then the log does not say again that nobody answers */
};

/* Make what needs no loop. `worker`: which of several that tell events this is, from 1; 0: the only
 * one. 0, or -errno with a sentence; hooks_destroy() in either case. */
int hooks_init(struct hooks *hooks, const struct options *options, uint64_t max_memory,
	unsigned worker, struct problem *problem);
/* Another max-memory from now on. */
void hooks_set_max_memory(struct hooks *hooks, uint64_t max_memory);
void hooks_start(struct hooks *hooks, uv_loop_t *loop, struct deadlines *deadlines);
/* What the options say, for hooks_swap(); NULL: nobody. 0, or -errno with a sentence. */
int hooks_make(struct webhook **ret_tells, struct webhook **ret_asks, const struct options *options,
	struct problem *problem);
/* Tell and ask these from now on, what waits included. They become the hooks', and those before are
 * the caller's, in their place. */
void hooks_swap(struct hooks *hooks, struct webhook **tells, struct webhook **asks);
/* The last peer has left. True: it would be well to wait a little for what is being told. */
bool hooks_stop(struct hooks *hooks);
void hooks_finish(struct hooks *hooks); /* give the handles back to the loop */
void hooks_destroy(struct hooks *hooks); /* the loop has ended */

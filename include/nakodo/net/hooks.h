/*
 * hooks: the servers that are told what happens here (event-webhook): joins the queue of events to
 * the event loop, and logs whether they are heard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct courier;
struct deadlines;
struct errand;
struct events;
struct options;
struct problem;
struct webhook;

struct hooks {
	struct events *events; /* what dialect_env has; tells nobody without `webhook` */
	struct webhook *webhook; /* NULL: event-webhook is unset */
	uv_loop_t *loop; /* NULL: not started, or finished */
	struct deadlines *deadlines;
	struct courier *courier; /* NULL: nothing was told yet */
	struct errand *errand; /* the request under way */
	bool down; /* the last request failed */
};

/* Make what needs no loop. 0, or -errno with a sentence; hooks_destroy() in either case. */
int hooks_init(struct hooks *hooks, const struct options *options, uint64_t max_memory,
	struct problem *problem);
/* Another max-memory from now on. */
void hooks_set_max_memory(struct hooks *hooks, uint64_t max_memory);
void hooks_start(struct hooks *hooks, uv_loop_t *loop, struct deadlines *deadlines);
/* What the options say, for hooks_swap(). *ret NULL: nobody is to be told. 0, or -errno with a
 * sentence. */
int hooks_make(struct webhook **ret, const struct options *options, struct problem *problem);
/* Tell that one from now on, what waits included; it becomes the hooks'. Returns whom they told
 * before, now the caller's. */
struct webhook *hooks_swap(struct hooks *hooks, struct webhook *webhook);
/* The last peer has left. True: it would be well to wait a little for what is being told. */
bool hooks_stop(struct hooks *hooks);
void hooks_finish(struct hooks *hooks); /* give the handles back to the loop */
void hooks_destroy(struct hooks *hooks); /* the loop has ended */

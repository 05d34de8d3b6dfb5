/*
 * ctl: the unix socket at which `nakodo ctl` asks, on the daemon's loop.
 *
 * A request is a line, {"verb":"peers","argument":"room"}, without `argument` if the verb takes
 * none. The answer is lines, too: an object for each thing that is listed, then {"ok":true} or
 * {"ok":false,"error":"a sentence"}. One request is answered after the other. The answer is made in
 * pieces, and the next one when the client has taken the one before: a long one does not hold up
 * the loop, and who reads slowly costs one piece.
 */
#pragma once

#include <stdbool.h>
#include <uv.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/net/ctl/verb.h"

struct ctl_client;

#define CTL_LATER 2

#define CTL_CLIENTS 8 /* at once; one more is told so and closed */
#define CTL_LINE 4096 /* bytes of a request, its \n included; a longer one is the client's last */
#define CTL_PATIENCE 60000 /* ms, after which a client that neither asks nor reads is closed */

/* A request that is being answered. */
struct ctl_call {
	const char *argument; /* UTF-8; NULL: none */
	struct text out; /* the lines of this piece go there */
	struct problem problem; /* set it before a -errno is returned */
	void *state; /* the verb's, freed by its `end`; NULL at first */
};

/* What a verb does. */
struct ctl_action {
	/* Make a piece of the answer. 1: there is more; 0: that was all; -errno with a sentence;
	 * CTL_LATER: nothing is there yet, ctl_resume() follows. */
	int (*run)(void *cookie, struct ctl_call *call);
	/* The answer is complete or the client is gone. NULL: nothing to do. */
	void (*end)(struct ctl_call *call);
};

struct ctl {
	const struct ctl_action *actions; /* VERB_COUNT of them, */
	void *cookie; /* which they are given */
	uv_loop_t *loop;
	uv_pipe_t pipe;
	uv_pipe_t away; /* one that there was no memory for; data NULL: none */
	bool more_away; /* one more waits to be accepted */
	bool listening;
	int fd; /* -1: none, or the pipe's */
	char path[108]; /* absolute, as sockaddr_un's sun_path */
	struct ctl_client *clients; /* utlist DL */
	int count;
};

/* Open the socket, mode 0660; what a crash has left at `path` is replaced. "": there is none, and
 * the others do nothing. 0, or -errno with a sentence that begins with `where`. */
int ctl_open(struct ctl *ctl, const char *path, const char *where, struct problem *problem);
/* Answer, from the next turn of the loop on. 0 or -errno. */
int ctl_start(struct ctl *ctl, uv_loop_t *loop, const struct ctl_action *actions, void *cookie);
/* The next piece of that answer can be made. */
void ctl_resume(struct ctl_call *call);
/* Give the handles back to the loop and remove the socket's path. */
void ctl_finish(struct ctl *ctl);

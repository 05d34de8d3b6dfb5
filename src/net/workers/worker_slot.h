/*
 * worker_slot: the place of one worker, as the files of workers.h know it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "nakodo/net/workers/channel.h"

struct workers;

struct worker_slot {
	struct workers *workers;
	size_t index;
	pid_t pid; /* 0: there is none now */
	struct channel channel;
	bool ready, was_ready, drained;
	unsigned failures; /* starts one after the other that ended with a status, not ready yet */
	int left; /* what its last worker has left (estate.h); -1: nothing */
	bool took; /* what the daemon before this one has left is of no more use here */
	bool taking; /* its worker takes over what it was given */
	bool spoilt; /* one ended while it did that, so that none is given it again */
	unsigned reloading; /* orders to reload that it has not carried out */
	bool asked; /* whether it is alive, and has not answered yet */
	unsigned life; /* how often it has been started */
	uint64_t started; /* the loop's ms */
	uint64_t pause; /* ms until the next start */
	uv_timer_t again;
};

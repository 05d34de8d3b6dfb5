/*
 * restart_left: what the process before has left, found and looked through; for restart.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "nakodo/base/saved.h"

#define LEFT_NAME "nakodo.sessions" /* in state-dir */
#define LEFT_ASIDE LEFT_NAME ".failed"
#define LEFT_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What lies somewhere. */
struct left {
	void *bytes; /* mapped; NULL: nothing that is of use */
	size_t len;
	const char *name; /* in state-dir; NULL: nothing was there */
	bool found; /* something lies there, whatever it is worth */
	struct saved saved; /* behind the time */
	uint64_t booted, real; /* when it was written, ms of CLOCK_BOOTTIME and CLOCK_REALTIME */
	int error; /* why something that was found is of no use; 0: nothing is wrong */
};

/* ms of that clock. */
uint64_t left_clock(clockid_t clock);
/* Look at one that lies there, of at most so many bytes; `memory`: it is a sealed memfd. 0 or
 * -errno; `left` is zeroed. */
int left_load(struct left *left, int fd, bool memory, uint64_t most);
/* The same, and it is what counts if it is newer than what was found before. */
void left_consider(struct left *best, int fd, bool memory, uint64_t most);
/* Find what counts. It is marked, so that a start that ends while it reads it is the last. */
void left_look_in_store(struct left *best, uint64_t most);
void left_look_in_directory(int directory, struct left *best, uint64_t most);
/* It has not been taken over, and what is called so there shall be found again, if nothing newer
 * is. 0 or -errno. */
int left_put_back(int directory, const char *name);
/* How old it is, ms. */
uint64_t left_elapsed(const struct left *left);
void left_let_go(const struct left *left);

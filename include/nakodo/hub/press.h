/*
 * press: who waits for whom to read. A receiver whose outbox is over half full presses those who
 * send to it: together they may send it PRESS_RATE until it has read. The rate is shared by the
 * parties (the addresses) that wait, and a party's part by its peers; each peer waits as long as
 * its own bytes take at its part of the rate. So a receiver of that rate is never given too much,
 * and who sends little hardly waits, whatever others send. A slower receiver is closed when it has
 * too much waiting.
 *
 * Whether a receiver was slower is known from two numbers: what it was given, and what still waits.
 * The time for which not all could be written that was to be, to whomever, is no receiver's fault,
 * nor is that for which all that waits for it is held (hold.h).
 * Times are ms of hub_now().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct outbox;
struct peer;

/* Bytes per second. A quarter below the 1 MB that is promised (README.md): headers and TLS take
 * their part of it. */
#define PRESS_RATE 786432
/* ms by which a receiver of that rate may be late: TCP tells of what was read in gulps. */
#define PRESS_GRACE 1000

/* Of a peer, as receiver and as sender. */
struct press {
	uint64_t since; /* when its outbox went over half; 0: it is not */
	uint64_t lost; /* the time lost to backlogs until then */
	size_t before; /* bytes that waited then */
	size_t put; /* these, and all that it was given since */
	struct peer *waiting; /* senders that wait for it, by party (utlist DL by prev, next), */
	uint64_t shared; /* and when its rate was shared out to them; 0: it has to be */
	struct peer *behind; /* whom it waits for itself; NULL: nobody */
	const void *party; /* that it waits as one of */
	size_t parts; /* by which that rate was divided for it; 0: it came later */
	size_t sent; /* bytes that it gave the other one, */
	uint64_t from; /* since when, */
	uint64_t end; /* and until when it waits, as far as is known */
	struct peer *prev, *next;
};

/* What all of a hub have in common. */
struct presses {
	size_t most; /* bytes that may wait for one peer */
	struct peer *first; /* of those over half since press_hear(), who presses longest, */
	size_t given; /* and the bytes that it was given since */
	uint64_t backlog; /* since when not all is written; 0: it is */
	uint64_t lost; /* ms of all such times before */
	/* The sender need not wait any more; nothing may be sent from in here. NULL: nobody waits.
	 */
	void (*relieved)(struct peer *sender);
};

/* Bytes of what waits, as far as `most` bounds it, with one more frame of `more` bytes; 0: without.
 * Tiny frames count for the memory they take. */
size_t press_load(const struct outbox *outbox, size_t more);
/* May a frame of `len` bytes be put in? More than `most` may wait for one that was not slow. */
bool press_has_room(
	const struct presses *presses, const struct peer *receiver, size_t len, uint64_t now);
/* A frame of `len` bytes was put in, and the load is over half of `most` with it. */
void press_add(struct presses *presses, struct peer *receiver, size_t len, uint64_t now);

/* A message of a peer is about to be given to its dialect: forget who was given too much before. */
void press_hear(struct presses *presses);
/* What was sent since press_hear() is the sender's doing: if some outbox is over half full by it,
 * it begins to wait for that one. Peers with the same `party`, which is only compared, share one
 * part of the rate. The ms to wait at most; 0: it does not wait. */
uint64_t press_wait(struct presses *presses, struct peer *sender, const void *party, uint64_t now);
/* The same, later: 0 when the time is over or the receiver has read or is gone. */
uint64_t press_still_waits(struct peer *sender, uint64_t now);
/* Does it wait for one that has too much waiting and was slow? That one is to be closed. */
struct peer *press_find_slow(
	const struct presses *presses, const struct peer *sender, uint64_t now);

/* Some of what waited for this peer has been written: relieve those who wait, if it is enough. */
void press_relieve(struct presses *presses, struct peer *receiver);
/* The writes of a turn have left something, or have written all. */
void press_note_backlog(struct presses *presses, uint64_t now);
void press_end_backlog(struct presses *presses, uint64_t now);
/* All that waits for this peer was held until now. */
void press_restart(const struct presses *presses, struct peer *receiver, uint64_t now);
/* The peer is gone, as receiver and as sender. */
void press_end(struct presses *presses, struct peer *peer);

/*
 * grant: what a token allows its bearer. A place without rooms is the room "".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/wheel.h"

struct jwt_claims;
struct problem;
struct text;

#define GRANT_NAME 128 /* bytes of a subject, a name or a room, without the NUL */
#define GRANT_ROOMS 64 /* at most so many */

enum grant_right {
	GRANT_SEND = 1,
	GRANT_RECEIVE = 2,
	GRANT_MODERATE = 4,
	GRANT_ADMIN = 8,
};

/* One block, counted in MEMORY_CONNECTIONS; grant_destroy() frees it. */
struct grant {
	size_t size; /* bytes of the block */
	int64_t expires; /* as in struct jwt_claims */
	unsigned can; /* of enum grant_right */
	unsigned max; /* participants that its rooms may have; 0: not said */
	unsigned rooms;
	const char *subject, *name; /* "": not said */
	/* Until it ends: whose it is (net/ws/expiry.h). */
	struct wheel_timer timer;
	void *bearer;
	int64_t ends, renewal; /* ms since the epoch */
	bool asked; /* The bearer was asked for one that is good for longer. An answer that is not
			is not asked again: expiry hands this on to it. */
	char text[]; /* the rooms, each with a NUL behind it, then these two */
};

/* What the claims `sub`, `name`, `room`, `can` and `max` say. `room` is a text or an array of them:
 * a room's name, or with a * at its end what the name begins with. Without `can` it is send and
 * receive; other words in it are passed over. 0; -EACCES with a sentence that goes on where "the
 * token " ended; -ENOMEM. */
int grant_read(struct grant **ret, const struct jwt_claims *claims, struct problem *problem);
/* What auth-webhook says of one whom it lets in: `user`, `name`, `room`, `can` and `max`, as `sub`
 * and the others do in a token, or else as its token has said; `user` and `room` are always the
 * token's if there is one. *ret NULL: it says nothing of these. As grant_read(); the sentence goes
 * on where "its answer " ended. */
int grant_answer(struct grant **ret, const struct grant *token, const char *text, size_t len,
	struct problem *problem);
void grant_destroy(struct grant *grant); /* NULL: nothing happens */
/* Whose it is, for auth-webhook: the members `user` and `name` of an object that has others before
 * them. NULL: nothing. */
void grant_print(const struct grant *grant, struct text *out);
/* The right (enum grant_right) that a word of `can` is; 0: none. */
unsigned grant_right_of(const char *word);

/* How many may be in a room that has place for `most`, as far as its bearer goes. NULL: `most`. */
size_t grant_bound(const struct grant *grant, size_t most);

/* May its bearer come into that room? NULL: no token is asked for, so everybody may. Who may not
 * both send and receive can take part in no signaling, so such a bearer may nowhere. */
bool grant_may_join(const struct grant *grant, const char *room);

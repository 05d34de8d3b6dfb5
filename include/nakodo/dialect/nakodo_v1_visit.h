/*
 * nakodo_v1_visit: what the URL of a client says, and whose seat that means.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nakodo/hub/hub.h"
#include "nakodo/service/token.h"

struct grant;
struct nakodo_v1;
struct nakodo_v1_key;
struct nakodo_v1_seat;
struct request;

#define NAKODO_V1_SESSION "/" /* scope of the tokens that we issue; a nonce's is its room */

struct nakodo_v1_visit {
	const struct request *request;
	const struct grant *grant; /* NULL: no token is asked for */
	struct nakodo_v1 *v1;
	struct nakodo_v1_seat *old; /* whose token was presented */
	struct nakodo_v1_key *shown; /* the token */
	char name[HUB_NAME_MAX + 1]; /* "": none */
	char nonce[TOKEN_TEXT]; /* the same */
	uint32_t attempt; /* which of its visit; 0: it does not say */
	bool lost; /* a session was presented that cannot be resumed */
	bool inside; /* it replaces one who was in the room */
	bool locked; /* which was locked then */
};

/* Read room, name, nonce and try. Why it cannot be, as a sentence; NULL: all is well. */
const char *nakodo_v1_visit_read(struct nakodo_v1_visit *visit);
/* The nonce alone. False: it is none. */
bool nakodo_v1_visit_read_nonce(struct nakodo_v1_visit *visit);
/* What `n` says. False: the session in `old` cannot be resumed there. */
bool nakodo_v1_visit_read_count(const struct nakodo_v1_visit *visit, uint64_t *ret);

/* The seat of the token in `argument`. 0: there is none; 1: it is in `old`; -EPERM: it is wrong. */
int nakodo_v1_visit_find(struct nakodo_v1_visit *visit, const char *argument);
/* The seat of the nonce. NULL: none. */
struct nakodo_v1_seat *nakodo_v1_visit_seat(const struct nakodo_v1_visit *visit);
/* Is it the same person's, as far as tokens say who that is? */
bool nakodo_v1_visit_is_of(const struct nakodo_v1_visit *visit, const struct nakodo_v1_seat *seat);
/* Is it a try of a visit, as the nonce says, that has come by a later one already, so that it was
 * given up and arrives only now? Browsers keep some back. Of `old`, what "session" has shown. */
bool nakodo_v1_visit_is_late(const struct nakodo_v1_visit *visit);

/* Is it a room's or a participant's name: 1 to 128 bytes of UTF-8, no control characters, no /? */
bool nakodo_v1_is_name(const char *text);

/*
 * v1: participants of nakodo.v1 without sockets, for the tests of that dialect. They hear what
 * waits in their outboxes (peers.h) and know the ids and tokens that they were given.
 */
#pragma once

#include "peers.h"

struct v1_one {
	struct peer *peer;
	char id[64], session[64];
};

/* Connect to /v1/`url` and hear the first message, which must be of that type; its id and session
 * are kept. */
struct v1_one v1_join(struct peers *peers, const char *url);
/* The same from that address. */
struct v1_one v1_join_from(struct peers *peers, const char *address, const char *url);
/* Two join the room of the first `url`: they have heard all, and have shown that they can resume.
 */
void v1_join_two(struct peers *peers, const char *url, struct v1_one *ret_a, struct v1_one *ret_b);
/* It acknowledges its welcome, and so shows that it can resume. */
void v1_confirm(struct v1_one one);
struct v1_one v1_resume(struct peers *peers, const char *room, const char *session, unsigned n);
/* Connect with that session; `n` NULL: without it. */
struct peer *v1_present(struct peers *peers, const char *room, const char *session, const char *n);
/* It is a fresh participant, and knows that the old one could not be resumed. */
struct v1_one v1_is_not_recovered(struct peer *peer);
void v1_hears_joined(struct v1_one one, struct v1_one other);
/* The first message that waits, which must be a text. */
const char *v1_hear(struct v1_one one);
/* The same must be exactly this; %s in it is the id. */
void v1_hears(struct v1_one one, const char *format, const char *id);
void v1_hears_nothing(struct v1_one one);
/* All that waits is thrown away: it was heard. */
void v1_skip(struct v1_one one);
/* The client's close frame of that code has come, or with 0 its connection has just ended. */
void v1_drop(struct v1_one one, unsigned code);
/* The member's value in the text, up to the next quote. */
void v1_read(const char *text, const char *member, char ret[64]);

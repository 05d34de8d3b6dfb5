/*
 * bearer: the token that a request brings, and what it allows.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct gate;
struct gate_door;
struct grant;
struct head;
struct jwt_keys;
struct mount;
struct options;
struct problem;
struct refusal;

/* Is a token asked for at a listener with that `auth` (base/endpoint.h)? */
bool bearer_is_asked(const struct gate *gate, const char *auth);

bool bearer_has_keys(const struct gate *gate); /* so that there are tokens at all */

/* Read the keys of the options. 0, or -EINVAL or -ENOMEM with a sentence. */
int bearer_load(struct jwt_keys **ret, const struct options *options, struct problem *problem);

bool bearer_has_token(const struct head *head); /* good or bad */

/* Read what a token allows, if it is good now. 0, or -EACCES or -ENOMEM, and gate->problem goes on
 * where "the token " ended. The grant is to be destroyed. */
int bearer_read(struct gate *gate, struct grant **ret, const char *token, size_t len);

/* Does the request bring a token that lets it into that room of the mount, if one is asked for at
 * the door? `room` is what its path says. *ret_grant is to be destroyed, NULL: none was asked for.
 */
struct refusal bearer_check(struct gate *gate, const struct gate_door *door,
	const struct head *head, const struct mount *mount, const char *room,
	struct grant **ret_grant);
/* Does it bring any good token, if one is asked for there? */
struct refusal bearer_check_any(
	struct gate *gate, const struct gate_door *door, const struct head *head);
/* Does it bring a good token of an administrator, whether tokens are asked for there or not? */
struct refusal bearer_check_admin(struct gate *gate, const struct head *head);

/*
 * dialect_env: what the daemon gives its dialects.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct address;
struct admission_text;
struct changes;
struct events;
struct grant;
struct ice;
struct mount;
struct options;
struct peer;
struct request;

/* Functions that are NULL: the daemon does not have that. */
struct dialect_env {
	const struct ice *ice; /* the servers that peers are told of; NULL: none */
	struct events *events; /* who joins and who leaves is told there (event.h); NULL: nowhere */
	const struct options *options;
	/* Count a client that has lost its connection but is waited for as if it were still
	 * connected; leave_place() ends that. False: no memory, it is not counted. NULL: nobody
	 * counts. */
	bool (*keep_place)(void *cookie, const struct address *address);
	void (*leave_place)(void *cookie, const struct address *address);
	/* What a token allows, the caller's to destroy or to hand to take_grant(). -EACCES: it is
	 * not good; *ret_why goes on where "The token " ended, and stays until the next call. */
	int (*read_token)(void *cookie, const char *token, size_t len, struct grant **ret,
		const char **ret_why);
	/* From now on this is what the peer may, until it expires and the peer is closed with 4401;
	 * what it was before is destroyed. */
	void (*take_grant)(void *cookie, struct peer *peer, struct grant *grant);
	/* Where the peer comes from. NULL: that is not known. */
	const struct address *(*address_of)(void *cookie, const struct peer *peer);
	/* The peer has shown in a message who it is, or says what it wants: ask auth-webhook. True:
	 * it is the dialect's no more, which has forgotten it; it will be opened anew if it may
	 * come in. False: nobody is asked. NULL: the same. */
	bool (*ask)(void *cookie, struct peer *peer, const struct request *request);
	/* Ask in the dialect's own words. True: dialect.answered is called, perhaps before this
	 * returns, unless the peer leaves; it is sent no message meanwhile. False, NULL: the same.
	 */
	bool (*ask_in)(void *cookie, struct peer *peer, const struct admission_text *text);
	/* Is that room of the mount served by this process? Of those that are restored the others
	 * are another's. NULL: all are. */
	bool (*serves)(void *cookie, const struct mount *mount, const char *room);
	/* Is there a store outside of the process for that room of the mount (changes.h)? It is
	 * told what has changed, and dialect.recorded is called later with the number that is
	 * returned; 0: it is not there, and will
	 * be said to be there again. NULL, both: there is none. */
	bool (*records)(void *cookie, const struct mount *mount, const char *room);
	uint64_t (*record)(void *cookie, const struct mount *mount, const char *room,
		const struct changes *changes);
	void *cookie;
};

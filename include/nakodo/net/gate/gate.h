/*
 * gate: who may come in. Decisions on the head of a request and on how many are here, and the count
 * of those who were let in. It knows no socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/problem.h"

struct address;
struct census;
struct census_group;
struct dialect_table;
struct grant;
struct head;
struct jwt_keys;
struct mount;
struct options;
struct tls;

/* An answer that refuses a request. `option` names what an operator could set to allow it. */
struct refusal {
	int status; /* HTTP; 0: not refused */
	const char *code; /* for programs: "bad-origin" */
	const char *message; /* for a person; neither " nor \ nor control characters */
	const char *detail; /* from the request, behind the message, as free of these; NULL: none */
	const char *option; /* for the log; NULL: none would */
};

struct gate {
	const struct options *options;
	struct dialect_table *dialects;
	const struct tls *tls; /* NULL: no certificate */
	struct census *census;
	struct jwt_keys *keys; /* for tokens */
	struct problem problem; /* of the token that was looked at last */
	size_t most_peers; /* that file descriptors allow, of what max-peers was at the start */
	size_t max_peers; /* as far as file descriptors allow */
	uint64_t max_memory; /* bytes held for clients; see gate_is_short_of_memory() */
	size_t processes; /* that share max_peers and max_memory */
	bool short_of_memory; /* the last look (ws/budget.h) could not get below that */
	size_t peers; /* let in and not gone yet */
	size_t awaited; /* places kept for those who lost their connection (gate_keep()) */
	bool draining; /* told to stop: nobody new comes in */
};

/* What the gate needs to know of the listener at which a request came. */
struct gate_door {
	const char *origin; /* the one that a listener of its own lets in; "": the options' */
	const char *auth; /* the listener's own `auth`; "": the option's */
	const struct mount *own; /* the one dialect of a listener's whole URL space; NULL: none */
	bool loopback; /* only this machine reaches it */
	bool tls; /* TLS is spoken there */
	bool proxied; /* it came by a proxy, so that how the client came is not known */
	bool misplaced; /* plain HTTP where TLS is due */
	bool direct; /* a trusted proxy is itself the client, as its PROXY header says */
	bool metrics; /* /metrics is answered there */
	bool counted; /* its connection has been counted against connect-rate */
	uint64_t now; /* ms */
};

/* Where a WebSocket that was let in belongs. */
struct gate_place {
	const struct mount *mount;
	const char *subprotocol; /* of those that the client offers; NULL: none */
	struct census_group *group; /* that it is counted in; NULL: its address is not known */
	struct grant *grant; /* what its token allows, the caller's; NULL: none was asked for, or
			      * it is still to come (dialect.token_in_message) */
};

/* `options` and `dialects` must outlive the gate. 0 or -ENOMEM. */
int gate_init(struct gate *gate, const struct options *options, struct dialect_table *dialects);
/* What max-memory comes to, in bytes. */
uint64_t gate_max_memory(const struct options *options);
/* What of it this process may hold: what the others leave, and its equal part at least. */
uint64_t gate_memory_share(const struct gate *gate);
void gate_finish(struct gate *gate);

/* May this be answered at all? On success the client's address is what a trusted proxy says of
 * it. */
struct refusal gate_check_request(const struct gate *gate, const struct gate_door *door,
	const struct head *head, struct address *client);
/* The same for what no other site's page may read, whatever `origin` says. */
struct refusal gate_check_private(
	const struct gate *gate, const struct gate_door *door, const struct head *head);
/* The same for what pages that may connect may read. */
struct refusal gate_check_page(
	const struct gate *gate, const struct gate_door *door, const struct head *head);
/* May this WebSocket be opened? If so it is counted as a peer of its client, until gate_leave(). */
struct refusal gate_check_upgrade(struct gate *gate, const struct gate_door *door,
	const struct head *head, struct address *client, struct gate_place *ret);
void gate_leave(struct gate *gate, struct census_group *group);

/* Keep the place of one who has lost its connection. False: no memory, none is kept. */
bool gate_keep(struct gate *gate, const struct address *client);
void gate_give_up(struct gate *gate, const struct address *client);

/* Is more held than may be, and could the last look (ws/budget.h) not get below that, so that
 * nobody new comes in? */
bool gate_is_short_of_memory(const struct gate *gate);
/* Would nobody new be let in, for want of places or memory? */
bool gate_is_full(const struct gate *gate);
/* Where a decoded path leads at this door; NULL: no protocol is spoken there. `ret_room` as of
 * dialect_table_route(). */
const struct mount *gate_route(const struct gate *gate, const struct gate_door *door,
	const char *path, const char **ret_room);
/* May who asks read what those are told who may join that room of the mount? By what it sends:
 * nothing is said of places and rates. *ret_grant is as of bearer_check(). */
struct refusal gate_check_joiner(struct gate *gate, const struct gate_door *door,
	const struct head *head, const struct mount *mount, const char *room,
	struct grant **ret_grant);
/* May pages of the head's origin connect here, and read what a dialect answers? */
bool gate_admits_origin(
	const struct gate *gate, const struct gate_door *door, const struct head *head);

/*
 * dialect: one wire protocol.
 *
 * A dialect speaks with nothing but the hub's verbs. It never sees a socket, so a test drives it
 * with bytes and looks into outboxes. To add one: write src/dialect/NAME.c, name it in the
 * alphabetical table of src/dialect/dialect_table.c, and follow the list in CONTRIBUTING.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/dialect/changes.h"
#include "nakodo/dialect/dialect_env.h"
#include "nakodo/dialect/mount.h"
#include "nakodo/dialect/request.h"
#include "nakodo/hub/hub.h"

struct address;
struct admission_answer;
struct problem;
struct save;
struct saved;
struct shortage;

/* A plain HTTP request: GET, HEAD or OPTIONS. */
struct dialect_request {
	const char *path; /* decoded */
	const char *const *arguments; /* as in struct request */
	bool preflight; /* OPTIONS */
	const struct address *address; /* of the client; NULL: not known */
	/* May who asks be told what those are told who may join that room of the mount? False: it
	 * is refused, and no answer is needed. *ret_grant is what its token allows, until the
	 * answer is given; NULL: none is asked for. NULL: everybody may. */
	bool (*may_join)(void *cookie, const struct mount *mount, const char *room,
		const struct grant **ret_grant);
	void *cookie;
};

/* The answer to such a request; zeroed before the dialect fills it in. */
struct dialect_answer {
	int status;
	const char *type; /* media type */
	const char *body; /* lives until the answer is written, or is `owned` */
	size_t len;
	char *owned; /* to be freed, or NULL */
	bool cors; /* pages of any allowed origin may read it */
};

/* All callbacks may use any verb of the hub. */
struct dialect {
	const char *name; /* as in `mount = PATH=NAME` */
	bool room_in_path; /* /PATH/ROOM is a room of its own */
	bool room_in_query; /* so is ?room= */
	bool one_room; /* all of a mount hear each other, whatever the path says */
	bool room_in_message; /* the dialect asks grant_may_join() itself */
	bool token_in_message; /* and it takes a token itself, by dialect_env.read_token */
	/* All listeners of its own have one space and state; .start and .stop are called for each,
	 * and .start finds what the first has made. */
	bool own_together;
	const char *subprotocol; /* its own, the only one at its mounts; NULL: none */
	bool subprotocols; /* those of the options name what is spoken at its mounts */
	/* Is this one of the mount's paths, and which room does it name? NULL: the mount's path,
	 * and if room_in_path one more segment. */
	bool (*match)(const struct mount *mount, const char *path, const char **ret_room);
	/* Take the mount into use: are its parameters right? Make its state, but set no timer yet.
	 * 0, or -EINVAL / -ENOMEM with a sentence. */
	int (*start)(struct mount *mount, struct problem *problem);
	/* The numbers in env->options are others now. NULL: the dialect has no copy. */
	void (*adapt)(struct mount *mount);
	/* No peer is left. Clear timers, free the state. NULL: nothing to do. */
	void (*stop)(struct mount *mount);
	/* Answer a plain HTTP request of any path, if it is one of the dialect's; false: it is not.
	 * NULL: the dialect has none. */
	bool (*http)(const struct mount *mount, const struct dialect_request *request,
		struct dialect_answer *ret);
	/* Would the client that asks take over a place that it holds already? Then it is let
	 * in even when the daemon is full. NULL: the dialect keeps no places. */
	bool (*is_awaited)(const struct mount *mount, const struct request *request);
	/* Memory is short. Count for their addresses what is kept that could be lost, such as
	 * chat, and for those who lost their connection, in shortage->held; then end what is kept
	 * for addresses of which shortage_takes(): the cheapest loss first, then the oldest. NULL:
	 * none is kept. */
	void (*weigh)(const struct mount *mount, struct shortage *shortage);
	void (*shed)(struct mount *mount, struct shortage *shortage);
	/* The daemon is full: end the stay of one who lost its connection and gives way to a
	 * newcomer of that address. False: nobody does. NULL: nobody is waited for. */
	bool (*give_way)(struct mount *mount, const struct address *newcomer);
	/* The seat that the peer has by its session. NULL: its seats are its own. */
	const struct member *(*seat)(const struct peer *peer);
	/* How many bytes are kept for the peer beyond what waits for it? NULL: none. */
	size_t (*kept)(const struct peer *peer);
	/* Forget these, and with them that it could come back; the caller closes it. NULL: they go
	 * with the peer. */
	void (*forsake)(struct peer *peer);
	/* An administrator sends it away for good: tell it and the others so; the caller closes it.
	 * NULL: its protocol has no words for it. */
	void (*kick)(struct peer *peer);
	/* Let nobody new into the room any more, or again. NULL: its rooms have no lock. */
	void (*lock)(struct room *room, bool locked);
	/* The process ends, and no peer is left: write what the next one needs so that clients can
	 * go on with it. NULL: nothing outlives the process; then the next two are NULL too. */
	void (*save)(const struct mount *mount, struct save *save);
	/* Take over what .save wrote `elapsed` ms ago, before any peer comes; read until
	 * SAVE_MOUNT_END. 0, -EBADMSG or -ENOMEM: then all is to be forgotten. */
	int (*restore)(struct mount *mount, struct saved *saved, uint64_t elapsed);
	void (*forget)(struct mount *mount);
	/* The turn ends, and what was queued in it is written next: tell dialect_env.record what
	 * has changed. NULL: nothing is told; then the next two are NULL too. */
	void (*settle)(struct mount *mount);
	/* That has been done, or can be from now on, or is not any more. */
	void (*recorded)(
		struct mount *mount, const char *room, uint64_t number, enum journal_news news);
	/* Take over what another process has recorded of a room, which was there `elapsed` ms ago
	 * last; as .restore, but of one room. `stale`: what is here of it is older; else what is
	 * here stays, and nothing is taken. `saved` NULL: nothing is recorded. */
	int (*restore_room)(struct mount *mount, const char *room, struct saved *saved,
		uint64_t elapsed, bool stale);
	/* The peer has connected. Whoever is not wanted is closed with hub_close(). */
	void (*open)(struct peer *peer, const struct request *request);
	/* auth-webhook does not let a peer in of which the dialect has not heard, for a reason that
	 * is not long: tell it, and close it with that code. NULL: it is just closed. */
	void (*refuse)(struct peer *peer, unsigned code, const char *reason);
	/* What dialect_env.ask_in() has asked. NULL: the dialect does not ask itself, so that of
	 * each peer is asked before it is opened. */
	void (*answered)(struct peer *peer, const struct admission_answer *answer);
	/* One whole message; text has been checked to be UTF-8. Never called for a peer that is not
	 * open. Not NUL-terminated. */
	void (*message)(struct peer *peer, const char *data, size_t len, bool binary);
	/* Three quarters of the time are over that its token is good for. NULL: it is not asked for
	 * another. */
	void (*renew)(struct peer *peer);
	/* The daemon is about to close the peer; it should come back in `retry_after` ms. NULL:
	 * nothing is said. */
	void (*closing)(struct peer *peer, const char *reason, uint64_t retry_after);
	/* The peer leaves, for whatever reason, even during its `open`; it still has its seats and
	 * hears nothing any more. NULL: nothing to do. */
	void (*close)(struct peer *peer);
};

extern const struct dialect dialect_ayame, dialect_chat, dialect_echo, dialect_gstreamer,
	dialect_libdatachannel, dialect_matchbox, dialect_nakodo_v1, dialect_named_room,
	dialect_peerjs, dialect_pixel_streaming, dialect_relay, dialect_signal, dialect_webtorrent,
	dialect_y_webrtc;

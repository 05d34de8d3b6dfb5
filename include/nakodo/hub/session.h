/*
 * session: what makes a participant's messages outlive its connections. It counts the numbered
 * messages of both directions and keeps those that the client may not have got, as XEP-0198 (stream
 * management) does: counters, not ids.
 *
 * It knows neither the wire nor the connection. Number n of a direction is the n-th numbered
 * message since the session began; n as a count means that 1 to n have come.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/hub/outbox.h"

#define SESSION_ACK_EVERY 16 /* messages; each side tells at the latest then */

struct frame;
struct frame_book;
struct save;
struct saved;

struct session_limits {
	size_t messages, bytes; /* kept at most */
};

struct session {
	const struct session_limits *limits;
	struct outbox kept; /* the last messages to the client, as many as it may not have got */
	uint64_t pushed; /* how often that was done, ever */
	uint64_t sent; /* to the client; the last kept.count of them are kept */
	uint64_t acked; /* of these, the client has said that it has them */
	uint64_t received; /* from the client */
	uint64_t told; /* of these, it has been told that we have them */
};

/* `limits` must live as long as the session. */
void session_init(struct session *session, const struct session_limits *limits);
/* Keeps nothing any more and counts from 0. */
void session_finish(struct session *session);

/* Count one more numbered message for the client, and keep it with a reference of the session's
 * own. Past the limits the oldest are forgotten; without memory, or if there was none for the frame
 * (`frame` NULL), all are. False: some were forgotten, so a client without them cannot resume. */
bool session_push(struct session *session, struct frame *frame);
/* The same, past the limits too: for what the caller bounds. False: no memory, all are forgotten.
 */
bool session_push_unbounded(struct session *session, struct frame *frame);
/* The client shall never get that message, which it cannot have got yet: as if it had not been
 * pushed. False: it is not kept. */
bool session_withdraw(struct session *session, struct frame *frame);
/* The client has the first n. Below what it said before: nothing happens. -EINVAL: above what was
 * sent. */
int session_ack(struct session *session, uint64_t n);
/* Is every message after the first n kept? */
bool session_can_resume(const struct session *session, uint64_t n);
/* Is that message, which may be gone, still kept? NULL: no. */
bool session_keeps(const struct session *session, const struct frame *frame);
/* Number acked + 1 + i, for i < session->kept.count, of a session that can resume. */
struct frame *session_kept(const struct session *session, unsigned i);

/* Count one more numbered message from the client. True: tell the client the count now. */
bool session_receive(struct session *session);
/* Count from 0 again: the client sends and counts anew. */
void session_restart_received(struct session *session);
/* The count of messages received, which the client is told now. */
uint64_t session_tell(struct session *session);

/* For the next process: write records of the kept frames; then, into the record that has been
 * begun, the session. 0 or -ENOMEM. */
int session_save_frames(const struct session *session, struct frame_book *book, struct save *save);
void session_save(const struct session *session, const struct frame_book *book, struct save *save);
/* The session, which is fresh, becomes what was saved. What cannot be makes all bad. 0 or -ENOMEM.
 */
int session_restore(struct session *session, const struct frame_book *book, struct saved *saved);

/*
 * nakodo_v1_seat: who sits where, and what each is sent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "nakodo/dialect/nakodo_v1_waiting.h"

struct message;
struct nakodo_v1;
struct nakodo_v1_seat;
struct peer;
struct room;
struct text;

/* A seat in the room for a new participant. 0; -ENOSPC: room or mount is full; -ENOMEM. */
int nakodo_v1_seat_create(struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room);
/* One of an earlier process, with that id, whatever room and mount may have; its strings and keys
 * are the caller's to set, then nakodo_v1_seat_await(). 0; -EINVAL, -EEXIST: there cannot be such
 * a one; -ENOMEM. */
int nakodo_v1_seat_restore(
	struct nakodo_v1_seat **ret, struct nakodo_v1 *v1, const char *room, const char *id);
/* The participant leaves, and the others hear it. A connection of it is closed with that code, but
 * not for 0. */
void nakodo_v1_seat_leave(struct nakodo_v1_seat *seat, const char *reason, unsigned code);
/* The same without a word, when the daemon ends. */
void nakodo_v1_seat_destroy(struct nakodo_v1_seat *seat);
/* Tell a peer without a seat why, in a sentence that JSON needs not quote, and close it. */
void nakodo_v1_refuse(struct peer *peer, const char *code, const char *message, unsigned close);
/* From now on `peer`, which is open, is the seat's connection. Returns the connection that the seat
 * had before, for the caller to close, or NULL. */
struct peer *nakodo_v1_seat_attach(struct nakodo_v1_seat *seat, struct peer *peer);
/* The connection is lost; wait so many ms for another, or less if it is not confirmed. */
void nakodo_v1_seat_detach(struct nakodo_v1_seat *seat, uint64_t wait);
/* It has no connection, which the others have not heard: they will if it does not come back soon.
 */
void nakodo_v1_seat_miss(struct nakodo_v1_seat *seat, uint64_t wait);
/* It has no connection: for so many ms it may come back. */
void nakodo_v1_seat_await(struct nakodo_v1_seat *seat, uint64_t wait);
/* The seat's strings have changed: count anew what they take (base/memory.h). */
void nakodo_v1_seat_count(struct nakodo_v1_seat *seat);
/* The client is being sent this snapshot of the room, which becomes the seat's. The seat keeps it
 * until the client is known to have it, or resume-seconds are over. */
void nakodo_v1_seat_keep(struct nakodo_v1_seat *seat, char *snapshot);
void nakodo_v1_seat_confirm(struct nakodo_v1_seat *seat); /* its client has the issued token */
/* Has its client ever shown that it can resume? */
bool nakodo_v1_seat_is_confirmed(const struct nakodo_v1_seat *seat);

/* Send a numbered message of ours to the seat. */
void nakodo_v1_seat_send(struct nakodo_v1_seat *seat, const struct iovec *parts, int count);
/* The same to all others in its room: news of the seat. */
void nakodo_v1_seat_publish(struct nakodo_v1_seat *seat, enum nakodo_v1_news news,
	const struct iovec *parts, int count);
/* Publish what was written into `text`, which is empty then; nothing if there was no memory. */
void nakodo_v1_seat_publish_text(
	struct nakodo_v1_seat *seat, enum nakodo_v1_news news, struct text *text);
/* Pass a message of the participant `from` on to another. False: that one is away, and has as much
 * waiting from the sender's address as it may; nothing was kept. */
bool nakodo_v1_seat_pass(
	const struct nakodo_v1_seat *from, struct nakodo_v1_seat *to, struct message *message);
/* Send a message that is not numbered; it is lost if there is no connection. */
void nakodo_v1_seat_tell(struct nakodo_v1_seat *seat, const struct iovec *parts, int count);
/* Write "id":…,"name":…,"meta":… */
void nakodo_v1_seat_print(const struct nakodo_v1_seat *seat, struct text *out);
/* Tell the client how many of its messages have come. */
void nakodo_v1_seat_ack(struct nakodo_v1_seat *seat);

struct nakodo_v1_seat *nakodo_v1_seat_at(const struct peer *peer); /* NULL: it has none */
bool nakodo_v1_is_deserted(const struct room *room); /* Has everybody lost the connection? */

/*
 * audit: what a walk through everything finds, compared with what was counted on the way: members
 * with their rooms and their peers, references with those of each frame, bytes with base/memory.
 *
 * In debug builds only (NAKODO_AUDIT, CMakeLists.txt); others have neither the functions nor the
 * fields that these need. Between two turns of the loop, when no message is under way, every layer
 * is asked for what it holds; then audit_finish() compares. Nothing is allocated.
 */
#pragma once

#ifdef NAKODO_AUDIT

#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/problem.h"

struct frame;
struct member;
struct outbox;
struct peer;
struct room;

struct audit {
	uint64_t bytes[METER_COUNT]; /* by enum memory_kind */
	size_t seats; /* in rooms, and not yet at their owners */
	size_t waiting; /* frames, in outboxes of peers */
	size_t awaited; /* places kept for those who lost their connection */
	struct frame *frames;
	struct problem first; /* what is wrong; "": nothing so far */
};

/* Zeroed memory is an audit that has found nothing. */
void audit_bytes(struct audit *audit, enum memory_kind kind, size_t bytes);
void audit_frame(struct audit *audit, struct frame *frame); /* one reference to it */
/* The references in it, as often as it holds them. */
void audit_outbox(struct audit *audit, const struct outbox *outbox);
/* A room and its members: all rooms come before the first seat or peer. */
void audit_room(struct audit *audit, struct room *room);
/* A seat, at whoever it belongs to. */
void audit_seat(struct audit *audit, struct member *seat);
/* What a peer holds: seats, outbox, and who waits for it. */
void audit_peer(struct audit *audit, const struct peer *peer);
/* Something is wrong. The first such sentence is kept. */
void audit_fault(struct audit *audit, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Everything has been found: compare. NULL: all is right; else what is wrong. */
const char *audit_finish(struct audit *audit);

#endif

/*
 * session: owns a ring of references to frames, that others may hold as well, and four counters:
 *
 *   to the client:   acked <= sent - kept, which is more if something was forgotten
 *   from the client: told <= received
 */
#include "nakodo/hub/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/hub/frame.h"

#define ROOM_FIRST 8

void session_init(struct session *session, const struct session_limits *limits)
{
	memset(session, 0, sizeof(*session));
	session->limits = limits;
}

static void forget_oldest(struct session *session)
{
	struct frame *frame = session->ring[session->head];

	session->head = (session->head + 1) & (session->room - 1);
	session->bytes -= frame->len;
	frame_unref(frame);
	if (--session->kept == 0) {
		free(session->ring);
		session->ring = NULL;
		session->head = session->room = 0;
	}
}

static void forget_all(struct session *session)
{
	while (session->kept) {
		forget_oldest(session);
	}
}

void session_finish(struct session *session)
{
	forget_all(session);
	session_init(session, session->limits);
}

static bool grow(struct session *session)
{
	unsigned larger = session->room ? session->room * 2 : ROOM_FIRST;
	struct frame **ring = malloc(larger * sizeof(*ring));

	if (!ring) {
		return false;
	}
	for (unsigned i = 0; i < session->kept; i++) {
		ring[i] = session->ring[(session->head + i) & (session->room - 1)];
	}
	free(session->ring);
	session->ring = ring;
	session->room = larger;
	session->head = 0;
	return true;
}

bool session_push(struct session *session, struct frame *frame)
{
	bool all = true;

	session->sent++;
	if (!frame || (session->kept == session->room && !grow(session))) {
		forget_all(session);
		return false;
	}
	session->ring[(session->head + session->kept) & (session->room - 1)] = frame_ref(frame);
	session->kept++;
	session->bytes += frame->len;
	while (session->kept > session->limits->messages ||
		session->bytes > session->limits->bytes) {
		forget_oldest(session);
		all = false;
	}
	return all;
}

int session_ack(struct session *session, uint64_t n)
{
	if (n > session->sent) {
		return -EINVAL;
	}
	if (n > session->acked) {
		session->acked = n;
		while (session->kept > session->sent - n) {
			forget_oldest(session);
		}
	}
	return 0;
}

bool session_can_resume(const struct session *session, uint64_t n)
{
	return n <= session->sent && session->sent - n <= session->kept;
}

struct frame *session_kept(const struct session *session, size_t i)
{
	return session->ring[(session->head + i) & (session->room - 1)];
}

bool session_receive(struct session *session)
{
	session->received++;
	return session->received - session->told >= SESSION_ACK_EVERY;
}

void session_restart_received(struct session *session)
{
	session->received = session->told = 0;
}

uint64_t session_tell(struct session *session)
{
	session->told = session->received;
	return session->told;
}

/*
 * session: owns references to frames that others may hold as well, and four counters:
 *
 *   to the client:   acked <= sent - kept, which is more if something was forgotten
 *   from the client: told <= received
 */
#include "nakodo/hub/session.h"

#include <errno.h>
#include <string.h>

#include "nakodo/hub/frame.h"

void session_init(struct session *session, const struct session_limits *limits)
{
	memset(session, 0, sizeof(*session));
	session->limits = limits;
}

static void forget_oldest(struct session *session)
{
	frame_unref(outbox_pop(&session->kept));
}

void session_finish(struct session *session)
{
	outbox_clear(&session->kept);
	session_init(session, session->limits);
}

bool session_push_unbounded(struct session *session, struct frame *frame)
{
	session->sent++;
	if (!frame || !outbox_push(&session->kept, frame)) {
		outbox_clear(&session->kept);
		return false;
	}
	return true;
}

bool session_withdraw(struct session *session, struct frame *frame)
{
	if (!outbox_remove(&session->kept, frame)) {
		return false;
	}
	session->sent--;
	frame_unref(frame);
	return true;
}

bool session_push(struct session *session, struct frame *frame)
{
	const struct session_limits *limits = session->limits;
	bool all = session_push_unbounded(session, frame);

	while (session->kept.count > limits->messages || session->kept.bytes > limits->bytes) {
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
		while (session->kept.count > session->sent - n) {
			forget_oldest(session);
		}
	}
	return 0;
}

bool session_can_resume(const struct session *session, uint64_t n)
{
	return n <= session->sent && session->sent - n <= session->kept.count;
}

struct frame *session_kept(const struct session *session, unsigned i)
{
	return outbox_at(&session->kept, i);
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

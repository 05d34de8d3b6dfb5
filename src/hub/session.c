/*
 * session: owns references to frames that others may hold as well, and four counters:
 *
 *   to the client:   acked <= sent - kept, which is more if something was forgotten
 *   from the client: told <= received
 */
#include "nakodo/hub/session.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/saved.h"
#include "nakodo/hub/frame.h"
#include "nakodo/hub/frame_book.h"

#define SENT_MOST (UINT64_C(1) << 53) /* what JSON can say */

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
	session->pushed++;
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
		meter_add(METER_MESSAGES_FORGOTTEN, 1);
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

bool session_keeps(const struct session *session, const struct frame *frame)
{
	unsigned i = 0;

	while (frame && i < session->kept.count && outbox_at(&session->kept, i) != frame) {
		i++;
	}
	return frame && i < session->kept.count;
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

int session_save_frames(const struct session *session, struct frame_book *book, struct save *save)
{
	for (unsigned i = 0; i < session->kept.count; i++) {
		if (frame_book_write(book, save, session_kept(session, i))) {
			return -ENOMEM;
		}
	}
	return 0;
}

void session_save(const struct session *session, const struct frame_book *book, struct save *save)
{
	save_number(save, session->sent);
	save_number(save, session->acked);
	save_number(save, session->received);
	save_number(save, session->told);
	save_number(save, session->kept.count);
	for (unsigned i = 0; i < session->kept.count; i++) {
		save_number(save, frame_book_number(book, session_kept(session, i)));
	}
}

int session_restore(struct session *session, const struct frame_book *book, struct saved *saved)
{
	session->sent = saved_number_up_to(saved, SENT_MOST);
	session->acked = saved_number_up_to(saved, session->sent);
	session->received = saved_number_up_to(saved, SENT_MOST);
	session->told = saved_number_up_to(saved, session->received);
	for (size_t left = saved_count(saved, 8); left; left--) {
		struct frame *frame = frame_book_find(book, saved);

		saved->bad |= !frame || session->kept.count >= session->sent - session->acked;
		if (saved->bad) {
			return 0;
		}
		if (!outbox_push(&session->kept, frame)) {
			return -ENOMEM;
		}
		session->pushed++;
	}
	return 0;
}

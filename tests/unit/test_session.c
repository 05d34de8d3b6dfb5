/* session: what is kept, what is forgotten, who can resume where, and when a client is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/hub/frame.h"
#include "nakodo/hub/session.h"

#define FRAME 102 /* bytes of each frame here, its header included */

static const struct session_limits limits = {.messages = 20, .bytes = 15 * FRAME};
static struct session session;

static int set_up(void **state)
{
	(void)state;
	session_init(&session, &limits);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	session_finish(&session);
	return 0;
}

/* Numbered message n; its first two bytes of payload say so. */
static struct frame *frame_of(unsigned n)
{
	char payload[FRAME - 2] = {(char)(n >> 8), (char)n};
	struct iovec part = {payload, sizeof(payload)};
	struct frame *frame = frame_create(FRAME_TEXT, &part, 1);

	assert_non_null(frame);
	assert_int_equal(frame->len, FRAME);
	return frame;
}

static bool push(unsigned n)
{
	struct frame *frame = frame_of(n);
	bool all = session_push(&session, frame);

	frame_unref(frame);
	return all;
}

static void push_many(unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++) {
		push(n);
	}
}

/* Exactly the messages `from` to `to` are kept; none if `to` is less. */
static void keeps(unsigned from, unsigned to)
{
	assert_int_equal(session.kept.count, to + 1 - from);
	assert_int_equal(session.kept.bytes, session.kept.count * FRAME);
	for (unsigned i = 0; i < session.kept.count; i++) {
		const unsigned char *payload = session_kept(&session, i)->bytes + 2;

		assert_int_equal(payload[0] << 8 | payload[1], from + i);
	}
}

/* A client can resume at `from` to `to`, and nowhere else. */
static void can_resume(uint64_t from, uint64_t to)
{
	for (uint64_t n = 0; n < to + 50; n++) {
		assert_int_equal(session_can_resume(&session, n), n >= from && n <= to);
	}
	assert_false(session_can_resume(&session, UINT64_MAX));
}

static void one_that_was_sent_nothing_resumes_at_nothing(void **state)
{
	(void)state;
	keeps(1, 0);
	can_resume(0, 0);
}

static void what_was_sent_is_kept_until_the_client_has_it(void **state)
{
	(void)state;
	push_many(1, 10);
	keeps(1, 10);
	assert_int_equal(session_ack(&session, 4), 0);
	keeps(5, 10);
	can_resume(4, 10);
	assert_int_equal(session_ack(&session, 10), 0);
	keeps(11, 10);
	can_resume(10, 10);
	assert_int_equal(session.kept.room, 0); /* an idle session holds no memory */
}

static void a_count_below_the_last_one_changes_nothing(void **state)
{
	(void)state;
	push_many(1, 10);
	session_ack(&session, 7);
	assert_int_equal(session_ack(&session, 3), 0);
	assert_int_equal(session_ack(&session, 0), 0);
	assert_int_equal(session_ack(&session, 7), 0);
	keeps(8, 10);
	can_resume(7, 10);
}

static void a_count_above_what_was_sent_is_refused(void **state)
{
	(void)state;
	push_many(1, 10);
	assert_int_equal(session_ack(&session, 11), -EINVAL);
	assert_int_equal(session_ack(&session, UINT64_MAX), -EINVAL);
	keeps(1, 10);
}

static void past_the_bound_of_bytes_the_oldest_is_forgotten(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 15; n++) {
		assert_true(push(n));
	}
	assert_false(push(16));
	keeps(2, 16);
	can_resume(1, 16);
}

static void past_the_bound_of_messages_the_oldest_is_forgotten(void **state)
{
	static const struct session_limits few = {.messages = 3, .bytes = 15 * FRAME};

	(void)state;
	session.limits = &few;
	push_many(1, 3);
	assert_false(push(4));
	keeps(2, 4);
	assert_int_equal(session_ack(&session, 2), 0);
	assert_true(push(5)); /* there is room again */
	keeps(3, 5);
}

static void a_count_of_what_was_forgotten_forgets_no_more(void **state)
{
	(void)state;
	push_many(1, 30);
	assert_int_equal(session_ack(&session, 5), 0);
	keeps(16, 30);
	assert_int_equal(session_ack(&session, 15), 0);
	keeps(16, 30);
	assert_int_equal(session_ack(&session, 16), 0);
	keeps(17, 30);
}

static void a_message_longer_than_the_bound_leaves_nothing_kept(void **state)
{
	static const struct session_limits small = {.messages = 20, .bytes = FRAME - 1};

	(void)state;
	session.limits = &small;
	assert_false(push(1));
	keeps(2, 1);
	can_resume(1, 1);
}

static void nobody_resumes_across_a_message_that_there_was_no_memory_for(void **state)
{
	(void)state;
	push_many(1, 5);
	assert_false(session_push(&session, NULL));
	keeps(7, 6);
	can_resume(6, 6);
	assert_true(push(7));
	can_resume(6, 7);
}

static void push_past_the_bound(unsigned n)
{
	struct frame *frame = frame_of(n);

	assert_true(session_push_unbounded(&session, frame));
	frame_unref(frame);
}

static void what_the_caller_bounds_is_kept_past_the_limits(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 40; n++) {
		push_past_the_bound(n);
	}
	keeps(1, 40);
	can_resume(0, 40);
	assert_false(push(41)); /* the limits hold again */
	keeps(27, 41);
}

static void without_memory_for_it_nobody_resumes_across_that_either(void **state)
{
	(void)state;
	push_past_the_bound(1);
	assert_false(session_push_unbounded(&session, NULL));
	keeps(3, 2);
	can_resume(2, 2);
}

static void what_is_withdrawn_was_never_sent(void **state)
{
	struct frame *frame = frame_of(3), *foreign = frame_of(9);

	(void)state;
	push_many(1, 2);
	session_push(&session, frame);
	assert_false(session_withdraw(&session, foreign));
	assert_true(session_withdraw(&session, frame));
	assert_int_equal(frame->refs, 1);
	assert_false(session_withdraw(&session, frame)); /* it was there once */
	keeps(1, 2);
	can_resume(0, 2);
	push(3); /* takes its number */
	keeps(1, 3);
	can_resume(0, 3);
	frame_unref(frame);
	frame_unref(foreign);
}

static void withdrawn_from_the_middle_it_leaves_the_others_numbered_on(void **state)
{
	(void)state;
	push_many(1, 5);
	assert_int_equal(session_ack(&session, 1), 0);
	assert_true(session_withdraw(&session, session_kept(&session, 1))); /* number 3 */
	assert_int_equal(session.kept.count, 3);
	can_resume(1, 4);
	assert_int_equal(session_ack(&session, 3), 0);
	assert_int_equal(session_kept(&session, 0)->bytes[3], 5);
}

static void the_ring_wraps_and_grows_without_losing_the_order(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 1000; n++) {
		push(n);
		if (n % 7 == 0) {
			assert_int_equal(session_ack(&session, n - n % 12), 0);
			keeps(n - n % 12 + 1, n);
		}
	}
}

static void a_frame_is_shared_and_not_copied(void **state)
{
	struct frame *frame = frame_of(1);

	(void)state;
	session_push(&session, frame);
	assert_int_equal(frame->refs, 2);
	assert_ptr_equal(session_kept(&session, 0), frame);
	session_ack(&session, 1);
	assert_int_equal(frame->refs, 1);
	frame_unref(frame);
}

static void the_client_is_told_after_16_messages(void **state)
{
	(void)state;
	for (int round = 1; round <= 3; round++) {
		for (int i = 1; i < SESSION_ACK_EVERY; i++) {
			assert_false(session_receive(&session));
		}
		assert_true(session_receive(&session));
		assert_int_equal(session_tell(&session), round * SESSION_ACK_EVERY);
	}
}

static void being_told_early_starts_the_16_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		session_receive(&session);
	}
	assert_int_equal(session_tell(&session), 10);
	for (int i = 1; i < SESSION_ACK_EVERY; i++) {
		assert_false(session_receive(&session));
	}
	assert_true(session_receive(&session));
}

static void a_client_that_begins_anew_is_counted_from_0(void **state)
{
	(void)state;
	push_many(1, 3);
	session_receive(&session);
	session_restart_received(&session);
	assert_int_equal(session_tell(&session), 0);
	keeps(1, 3);
}

static void a_finished_one_counts_from_0_again(void **state)
{
	(void)state;
	push_many(1, 9);
	session_receive(&session);
	session_finish(&session);
	can_resume(0, 0);
	push(1);
	keeps(1, 1);
	assert_int_equal(session_tell(&session), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_that_was_sent_nothing_resumes_at_nothing),
		TEST(what_was_sent_is_kept_until_the_client_has_it),
		TEST(a_count_below_the_last_one_changes_nothing),
		TEST(a_count_above_what_was_sent_is_refused),
		TEST(past_the_bound_of_bytes_the_oldest_is_forgotten),
		TEST(past_the_bound_of_messages_the_oldest_is_forgotten),
		TEST(a_count_of_what_was_forgotten_forgets_no_more),
		TEST(a_message_longer_than_the_bound_leaves_nothing_kept),
		TEST(nobody_resumes_across_a_message_that_there_was_no_memory_for),
		TEST(what_the_caller_bounds_is_kept_past_the_limits),
		TEST(without_memory_for_it_nobody_resumes_across_that_either),
		TEST(what_is_withdrawn_was_never_sent),
		TEST(withdrawn_from_the_middle_it_leaves_the_others_numbered_on),
		TEST(the_ring_wraps_and_grows_without_losing_the_order),
		TEST(a_frame_is_shared_and_not_copied),
		TEST(the_client_is_told_after_16_messages),
		TEST(being_told_early_starts_the_16_anew),
		TEST(a_client_that_begins_anew_is_counted_from_0),
		TEST(a_finished_one_counts_from_0_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* outbox: what goes in comes out in order, and nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/hub/frame.h"
#include "nakodo/hub/outbox.h"

/* A frame with a number for a payload. */
static struct frame *numbered(unsigned number)
{
	struct iovec part = {&number, sizeof(number)};

	return frame_create(FRAME_BINARY, &part, 1);
}

static unsigned number_of(const struct frame *frame)
{
	unsigned number;

	memcpy(&number, frame->bytes + 2, sizeof(number));
	return number;
}

static void push(struct outbox *outbox, unsigned number)
{
	struct frame *frame = numbered(number);

	assert_true(outbox_push(outbox, frame));
	frame_unref(frame);
}

static void pop(struct outbox *outbox, unsigned number)
{
	struct frame *first = outbox_first(outbox), *frame = outbox_pop(outbox);

	assert_ptr_equal(frame, first);
	assert_int_equal(number_of(frame), number);
	frame_unref(frame);
}

static void zeroed_memory_is_an_empty_outbox(void **state)
{
	struct outbox outbox = {0};

	(void)state;
	assert_null(outbox_first(&outbox));
	assert_null(outbox_pop(&outbox));
	outbox_clear(&outbox);
	assert_int_equal(outbox.count, 0);
	assert_int_equal(outbox.bytes, 0);
}

static void frames_come_out_in_the_order_they_went_in(void **state)
{
	(void)state;
	for (unsigned many = 1; many < 70; many++) {
		struct outbox outbox = {0};

		for (unsigned i = 0; i < many; i++) {
			push(&outbox, i);
		}
		assert_int_equal(outbox.count, many);
		for (unsigned i = 0; i < many; i++) {
			pop(&outbox, i);
		}
		assert_null(outbox_pop(&outbox));
	}
}

/* Growth must sort out a ring whose first frame stands anywhere in it. */
static void the_order_holds_while_it_is_filled_and_emptied(void **state)
{
	(void)state;
	for (unsigned ahead = 1; ahead < 20; ahead++) {
		struct outbox outbox = {0};
		unsigned in = 0, out = 0;

		for (unsigned round = 0; round < 50; round++) {
			unsigned waiting = round < 25 ? ahead : ahead * 2;

			while (in - out < waiting) {
				push(&outbox, in++);
			}
			for (unsigned i = 0; i <= waiting / 2; i++) {
				pop(&outbox, out++);
			}
			assert_int_equal(outbox.count, in - out);
			assert_int_equal(outbox.bytes, (in - out) * (2 + sizeof(in)));
		}
		outbox_clear(&outbox);
	}
}

static void a_few_frames_need_no_memory_of_their_own(void **state)
{
	struct outbox outbox = {0};

	(void)state;
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < OUTBOX_INLINE; i++) {
			push(&outbox, i);
		}
		assert_int_equal(outbox.room, 0);
		for (unsigned i = 0; i < OUTBOX_INLINE - 1; i++) {
			pop(&outbox, i);
		}
		assert_int_equal(outbox.room, 0);
		pop(&outbox, OUTBOX_INLINE - 1);
	}
}

static void the_memory_of_a_long_queue_is_given_back_when_it_is_empty(void **state)
{
	struct outbox outbox = {0};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		push(&outbox, i);
	}
	assert_int_not_equal(outbox.room, 0);
	for (unsigned i = 0; i < 100; i++) {
		pop(&outbox, i);
	}
	assert_int_equal(outbox.room, 0);
	push(&outbox, 7);
	assert_int_equal(outbox.room, 0);
	pop(&outbox, 7);
}

static void what_the_queue_itself_takes_is_counted(void **state)
{
	const uint64_t *counted = &meter_values[METER_MEMORY_FRAMES];
	struct frame *frame = numbered(1);
	uint64_t before = *counted;
	struct outbox outbox = {0};

	(void)state;
	for (unsigned i = 0; i < OUTBOX_INLINE; i++) {
		outbox_push(&outbox, frame);
	}
	assert_int_equal(*counted, before);
	for (unsigned i = OUTBOX_INLINE; i < 1000; i++) {
		outbox_push(&outbox, frame);
	}
	assert_int_equal(*counted - before, 1024 * sizeof(frame));
	assert_int_equal(outbox_weight(&outbox), outbox.bytes + 1024 * sizeof(frame));
	outbox_clear(&outbox);
	assert_int_equal(*counted, before);
	frame_unref(frame);
}

static void clearing_takes_everything(void **state)
{
	struct outbox outbox = {0};
	struct frame *kept = numbered(1);

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(outbox_push(&outbox, kept));
	}
	assert_int_equal(kept->refs, 101);
	outbox_clear(&outbox);
	assert_int_equal(kept->refs, 1);
	assert_int_equal(outbox.count, 0);
	assert_int_equal(outbox.bytes, 0);
	assert_int_equal(outbox.room, 0);
	frame_unref(kept);
}

static void bytes_are_those_of_the_waiting_frames_with_their_headers(void **state)
{
	struct iovec large = {NULL, 1000};
	struct outbox outbox = {0};
	struct frame *small = frame_create(FRAME_PING, NULL, 0), *frame;

	(void)state;
	large.iov_base = calloc(1, large.iov_len);
	frame = frame_create(FRAME_TEXT, &large, 1);
	outbox_push(&outbox, frame);
	assert_int_equal(outbox.bytes, 1004);
	outbox_push(&outbox, small);
	assert_int_equal(outbox.bytes, 1006);
	frame_unref(outbox_pop(&outbox));
	assert_int_equal(outbox.bytes, 2);
	frame_unref(outbox_pop(&outbox));
	assert_int_equal(outbox.bytes, 0);
	frame_unref(frame);
	frame_unref(small);
	free(large.iov_base);
}

static void what_a_connection_begins_with_is_exempt_until_it_is_out(void **state)
{
	struct outbox outbox = {0};
	struct frame *frame = numbered(7);

	(void)state;
	assert_true(outbox_push_exempt(&outbox, frame));
	assert_true(outbox_push_exempt(&outbox, frame));
	push(&outbox, 8);
	assert_int_equal(outbox.exempt, 2);
	assert_int_equal(outbox.exempt_bytes, 2 * frame->len);
	pop(&outbox, 7);
	assert_int_equal(outbox.exempt_bytes, frame->len);
	pop(&outbox, 7);
	pop(&outbox, 8);
	assert_int_equal(outbox.exempt, 0);
	assert_int_equal(outbox.exempt_bytes, 0);
	frame_unref(frame);
}

static void nothing_is_exempt_behind_what_is_not(void **state)
{
	struct outbox outbox = {0};
	struct frame *frame = numbered(7);

	(void)state;
	push(&outbox, 1);
	assert_true(outbox_push_exempt(&outbox, frame));
	assert_int_equal(outbox.exempt, 0);
	assert_int_equal(outbox.exempt_bytes, 0);
	pop(&outbox, 1);
	pop(&outbox, 7);
	assert_true(outbox_push_exempt(&outbox, frame));
	outbox_clear(&outbox);
	assert_int_equal(outbox.exempt, 0);
	assert_int_equal(outbox.exempt_bytes, 0);
	frame_unref(frame);
}

static void remove_number(struct outbox *outbox, unsigned i, unsigned number)
{
	struct frame *frame = outbox_at(outbox, i);

	assert_int_equal(number_of(frame), number);
	assert_true(outbox_remove(outbox, frame));
	frame_unref(frame);
}

/* The frame may stand anywhere in a ring whose first frame stands anywhere. */
static void one_that_is_taken_out_leaves_the_others_in_order(void **state)
{
	(void)state;
	for (unsigned many = 1; many < 10; many++) {
		for (unsigned ahead = 0; ahead < 8; ahead++) {
			for (unsigned out = 0; out < many; out++) {
				struct outbox outbox = {0};

				for (unsigned i = 0; i < many + ahead; i++) {
					push(&outbox, i);
					if (i >= many) {
						pop(&outbox, i - many);
					}
				}
				remove_number(&outbox, out, ahead + out);
				assert_int_equal(outbox.bytes, outbox.count * (2 + sizeof(out)));
				for (unsigned i = 0; i < many; i++) {
					if (i != out) {
						pop(&outbox, ahead + i);
					}
				}
				assert_null(outbox_first(&outbox));
				assert_int_equal(outbox.room, 0);
			}
		}
	}
}

static void of_one_that_waits_twice_the_last_is_taken_out(void **state)
{
	struct outbox outbox = {0};
	struct frame *twice = numbered(7);

	(void)state;
	outbox_push(&outbox, twice);
	push(&outbox, 8);
	outbox_push(&outbox, twice);
	assert_true(outbox_remove(&outbox, twice));
	frame_unref(twice);
	pop(&outbox, 7);
	pop(&outbox, 8);
	assert_null(outbox_first(&outbox));
	assert_int_equal(twice->refs, 1);
	frame_unref(twice);
}

static void what_does_not_wait_or_is_exempt_is_not_taken_out(void **state)
{
	struct outbox outbox = {0};
	struct frame *first = numbered(7), *foreign = numbered(8);

	(void)state;
	assert_false(outbox_remove(&outbox, foreign));
	outbox_push_exempt(&outbox, first);
	push(&outbox, 9);
	assert_false(outbox_remove(&outbox, foreign));
	assert_false(outbox_remove(&outbox, first));
	assert_int_equal(outbox.exempt_bytes, first->len);
	pop(&outbox, 7);
	pop(&outbox, 9);
	assert_int_equal(foreign->refs, 1);
	frame_unref(first);
	frame_unref(foreign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_memory_is_an_empty_outbox),
		cmocka_unit_test(frames_come_out_in_the_order_they_went_in),
		cmocka_unit_test(the_order_holds_while_it_is_filled_and_emptied),
		cmocka_unit_test(a_few_frames_need_no_memory_of_their_own),
		cmocka_unit_test(the_memory_of_a_long_queue_is_given_back_when_it_is_empty),
		cmocka_unit_test(what_the_queue_itself_takes_is_counted),
		cmocka_unit_test(clearing_takes_everything),
		cmocka_unit_test(bytes_are_those_of_the_waiting_frames_with_their_headers),
		cmocka_unit_test(what_a_connection_begins_with_is_exempt_until_it_is_out),
		cmocka_unit_test(nothing_is_exempt_behind_what_is_not),
		cmocka_unit_test(one_that_is_taken_out_leaves_the_others_in_order),
		cmocka_unit_test(of_one_that_waits_twice_the_last_is_taken_out),
		cmocka_unit_test(what_does_not_wait_or_is_exempt_is_not_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

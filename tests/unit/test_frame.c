/* frame: headers of every size, close frames, and which opcode a message takes for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/hub/frame.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct frame *frame_of(const char *text)
{
	struct iovec part = {(void *)text, strlen(text)};

	return frame_create(FRAME_TEXT, &part, 1);
}

static void a_header_is_as_long_as_its_payload_needs(void **state)
{
	static const struct {
		size_t payload, head;
		unsigned char header[10];
	} cases[] = {
		{0, 2, {0x82, 0}},
		{1, 2, {0x82, 1}},
		{125, 2, {0x82, 125}},
		{126, 4, {0x82, 126, 0, 126}},
		{255, 4, {0x82, 126, 0, 255}},
		{256, 4, {0x82, 126, 1, 0}},
		{65535, 4, {0x82, 126, 0xff, 0xff}},
		{65536, 10, {0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0}},
		{70000, 10, {0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *payload = malloc(cases[i].payload + 1);
		struct iovec part = {payload, cases[i].payload};
		struct frame *frame;

		memset(payload, 'x', cases[i].payload);
		frame = frame_create(FRAME_BINARY, &part, 1);
		assert_int_equal(frame->len, cases[i].head + cases[i].payload);
		assert_memory_equal(frame->bytes, cases[i].header, cases[i].head);
		assert_memory_equal(frame->bytes + cases[i].head, payload, cases[i].payload);
		frame_unref(frame);
		free(payload);
	}
}

static void every_opcode_stands_in_a_final_unmasked_frame(void **state)
{
	static const enum frame_opcode opcodes[] = {
		FRAME_TEXT, FRAME_BINARY, FRAME_CLOSE, FRAME_PING};
	static const unsigned char first[] = {0x81, 0x82, 0x88, 0x89};

	(void)state;
	for (size_t i = 0; i < COUNT(opcodes); i++) {
		struct frame *frame = frame_create(opcodes[i], NULL, 0);

		assert_int_equal(frame->len, 2);
		assert_int_equal(frame->bytes[0], first[i]);
		assert_int_equal(frame->bytes[1], 0);
		frame_unref(frame);
	}
}

static void the_parts_of_a_payload_are_joined_in_order(void **state)
{
	struct iovec parts[] = {PART("ab"), {NULL, 0}, PART("c"), PART(""), PART("def")};
	struct frame *frame = frame_create(FRAME_TEXT, parts, COUNT(parts));

	(void)state;
	assert_int_equal(frame->len, 8);
	assert_memory_equal(frame->bytes,
		"\x81\x06"
		"abcdef",
		8);
	frame_unref(frame);
}

/* The sanitizer is the judge: one unref too few is a leak, one too many a use after free. */
static void a_frame_lives_until_its_last_reference_is_gone(void **state)
{
	struct frame *frame = frame_of("x");

	(void)state;
	assert_ptr_equal(frame_ref(frame), frame);
	frame_ref(frame);
	frame_unref(frame);
	frame_unref(frame);
	assert_int_equal(frame->refs, 1);
	assert_int_equal(frame->bytes[2], 'x');
	frame_unref(frame);
	frame_unref(NULL);
}

static void a_close_frame_holds_code_and_reason(void **state)
{
	struct frame *frame = frame_create_close(4508, "too slow");

	(void)state;
	assert_int_equal(frame->len, 12);
	assert_memory_equal(frame->bytes, "\x88\x0a\x11\x9ctoo slow", 12);
	frame_unref(frame);
}

static void a_close_frame_without_a_code_is_empty(void **state)
{
	struct frame *frame = frame_create_close(1005, "never sent");

	(void)state;
	assert_int_equal(frame->len, 2);
	assert_memory_equal(frame->bytes, "\x88\0", 2);
	frame_unref(frame);
}

static void a_reason_is_cut_to_what_a_control_frame_can_hold(void **state)
{
	char reason[200] = "";

	(void)state;
	for (size_t len = 0; len < sizeof(reason); len++) {
		size_t kept = len < 123 ? len : 123;
		struct frame *frame;

		memset(reason, 'r', len);
		frame = frame_create_close(1000, reason);
		assert_int_equal(frame->len, 2 + 2 + kept);
		assert_int_equal(frame->bytes[1], 2 + kept);
		frame_unref(frame);
	}
}

/* The opcode of the frame for that choice. */
static int opcode_for(struct message *message, enum frame_choice choice)
{
	return message_frame(message, choice)->bytes[0] & 0x7f;
}

static void a_receiver_gets_the_opcode_of_its_choice(void **state)
{
	static const struct {
		bool binary;
		const char *payload;
		int as_sent, as_text, as_binary;
	} cases[] = {
		{false, "text", FRAME_TEXT, FRAME_TEXT, FRAME_BINARY},
		{false, "", FRAME_TEXT, FRAME_TEXT, FRAME_BINARY},
		{true, "text", FRAME_BINARY, FRAME_TEXT, FRAME_BINARY},
		{true, "", FRAME_BINARY, FRAME_TEXT, FRAME_BINARY},
		{true, "\xe5\x90\x8d", FRAME_BINARY, FRAME_TEXT, FRAME_BINARY},
		/* what is no UTF-8 cannot be text */
		{true, "\xff", FRAME_BINARY, FRAME_BINARY, FRAME_BINARY},
		{true, "cut \xe5\x90", FRAME_BINARY, FRAME_BINARY, FRAME_BINARY},
		{true, "\xed\xa0\x80", FRAME_BINARY, FRAME_BINARY, FRAME_BINARY},
		{true, "\xc0\x80", FRAME_BINARY, FRAME_BINARY, FRAME_BINARY},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct iovec part = {(void *)cases[i].payload, strlen(cases[i].payload)};
		struct message message;

		message_init(&message, &part, 1, cases[i].binary, false);
		assert_int_equal(opcode_for(&message, FRAME_AS_SENT), cases[i].as_sent);
		assert_int_equal(opcode_for(&message, FRAME_AS_TEXT), cases[i].as_text);
		assert_int_equal(opcode_for(&message, FRAME_AS_BINARY), cases[i].as_binary);
		message_finish(&message);
	}
}

static void a_binary_message_of_parts_is_text_only_if_all_of_them_are(void **state)
{
	struct iovec good[] = {PART("echo: "), PART("\xe5\x90\x8d")};
	struct iovec bad[] = {PART("echo: "), PART("\xff\xfe")};
	struct message message;

	(void)state;
	message_init(&message, good, 2, true, false);
	assert_int_equal(opcode_for(&message, FRAME_AS_TEXT), FRAME_TEXT);
	message_finish(&message);
	message_init(&message, bad, 2, true, false);
	assert_int_equal(opcode_for(&message, FRAME_AS_TEXT), FRAME_BINARY);
	message_finish(&message);
}

static void a_message_makes_one_frame_for_each_opcode_in_use(void **state)
{
	struct iovec part = PART("x");
	struct message message;
	struct frame *text, *binary;

	(void)state;
	message_init(&message, &part, 1, false, false);
	assert_null(message.frames[0]);
	text = message_frame(&message, FRAME_AS_SENT);
	assert_null(message.frames[1]);
	assert_ptr_equal(message_frame(&message, FRAME_AS_TEXT), text);
	binary = message_frame(&message, FRAME_AS_BINARY);
	assert_ptr_not_equal(binary, text);
	assert_ptr_equal(message_frame(&message, FRAME_AS_BINARY), binary);
	assert_int_equal(text->refs, 1);
	message_finish(&message);
}

static void a_receiver_keeps_its_frame_when_the_message_is_gone(void **state)
{
	char payload[] = "kept";
	struct iovec part = {payload, 4};
	struct message message;
	struct frame *frame;

	(void)state;
	message_init(&message, &part, 1, false, false);
	frame = frame_ref(message_frame(&message, FRAME_AS_SENT));
	message_finish(&message);
	memset(payload, 0, sizeof(payload));
	assert_memory_equal(frame->bytes, "\x81\x04kept", 6);
	frame_unref(frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_as_long_as_its_payload_needs),
		cmocka_unit_test(every_opcode_stands_in_a_final_unmasked_frame),
		cmocka_unit_test(the_parts_of_a_payload_are_joined_in_order),
		cmocka_unit_test(a_frame_lives_until_its_last_reference_is_gone),
		cmocka_unit_test(a_close_frame_holds_code_and_reason),
		cmocka_unit_test(a_close_frame_without_a_code_is_empty),
		cmocka_unit_test(a_reason_is_cut_to_what_a_control_frame_can_hold),
		cmocka_unit_test(a_receiver_gets_the_opcode_of_its_choice),
		cmocka_unit_test(a_binary_message_of_parts_is_text_only_if_all_of_them_are),
		cmocka_unit_test(a_message_makes_one_frame_for_each_opcode_in_use),
		cmocka_unit_test(a_receiver_keeps_its_frame_when_the_message_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* reading: who is read on, by what came of its last read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/reading.h"
#include "nakodo/net/ws/ws.h"

#define HEADER 6 /* bytes before a client's short payload */

static struct reading reading;
static struct conn conn;

static int set_up(void **state)
{
	(void)state;
	reading = (struct reading){0};
	conn = (struct conn){0};
	return 0;
}

/* So many messages that fill one read. */
static void read_messages(size_t len)
{
	size_t count = WS_READ_SIZE / (HEADER + len);

	assert_true(reading_note(&reading, &conn, len, 0));
	for (size_t i = 1; i < count; i++) {
		assert_null(reading.more);
		assert_false(reading_note(&reading, &conn, len, 0));
	}
	assert_false(reading_note(&reading, &conn, len, 0));
	assert_in_range(reading.taken, WS_READ_SIZE / 2, WS_READ_SIZE * 2);
}

static void who_has_filled_its_read_is_read_on(void **state)
{
	(void)state;
	read_messages(100);
	assert_ptr_equal(reading.more, &conn);
}

static void messages_without_payload_fill_a_read_too(void **state)
{
	(void)state;
	read_messages(0);
	assert_ptr_equal(reading.more, &conn);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_has_filled_its_read_is_read_on, set_up),
		cmocka_unit_test_setup(messages_without_payload_fill_a_read_too, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

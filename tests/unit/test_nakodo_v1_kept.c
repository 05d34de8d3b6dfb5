/* nakodo.v1: what the server keeps of a client's words, to tell it to others later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "v1.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define LONG 70000 /* more than a room's history holds, less than a message may have here */

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void what_strict_readers_refuse_is_not_kept(void **state)
{
	static const char *const messages[] = {
		"{\"type\":\"update\",\"meta\":{\"a\":\"\\ud800\"}}",
		"{\"type\":\"update\",\"meta\":{\"\\udc00\":1}}",
		"{\"type\":\"update\",\"name\":\"A\",\"meta\":{\"a\":[1e999999]}}",
		"{\"type\":\"update\",\"meta\":{\"a\":\"\\u0000\"}}",
		"{\"type\":\"update\",\"name\":\"\\ud800\"}",
		"{\"type\":\"chat\",\"text\":\"\\ud800\"}",
		"{\"type\":\"chat\",\"text\":\"a\\u0000\"}",
	};
	static const char error[] = "{\"type\":\"error\",\"code\":\"bad-message\"";
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");
	uint64_t before = meter_values[METER_MESSAGES_WRONG];
	const char *welcome;

	(void)state;
	v1_skip(a);
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(a.peer, messages[i]);
		assert_memory_equal(v1_hear(a), error, strlen(error));
		v1_hears_nothing(b);
	}
	assert_int_equal(meter_values[METER_MESSAGES_WRONG] - before, COUNT(messages));
	welcome = peers_hear(peers_connect(&all, "/v1/r"));
	assert_null(strstr(welcome, "\"meta\""));
	assert_null(strstr(welcome, "\"name\""));
	assert_non_null(strstr(welcome, "\"history\":[]"));
}

static void what_is_said_to_one_alone_is_not_looked_into(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");
	char message[256];

	(void)state;
	v1_skip(a);
	snprintf(message, sizeof(message), "{\"type\":\"chat\",\"text\":\"\\ud800\",\"to\":\"%s\"}",
		b.id);
	peers_send(a.peer, message, strlen(message), false);
	v1_hears_nothing(a);
	assert_non_null(strstr(v1_hear(b), "\\ud800"));
}

static void a_line_longer_than_the_history_is_relayed_and_empties_it_not(void **state)
{
	struct v1_one a = v1_join(&all, "r"), b = v1_join(&all, "r");
	char *message = malloc(LONG + 64);
	const char *welcome;
	int len;

	(void)state;
	v1_skip(a);
	peers_say(a.peer, "{\"type\":\"chat\",\"text\":\"before\"}");
	v1_skip(b);
	len = snprintf(message, 64, "{\"type\":\"chat\",\"text\":\"");
	memset(message + len, 'x', LONG);
	memcpy(message + len + LONG, "\"}", 2);
	peers_send(a.peer, message, (size_t)len + LONG + 2, false);
	v1_hears_nothing(a);
	assert_int_equal(b.peer->outbox.count, 1);
	assert_true(b.peer->outbox.bytes > LONG);
	welcome = strstr(peers_hear(peers_connect(&all, "/v1/r")), "\"history\"");
	assert_non_null(strstr(welcome, "before"));
	assert_null(strstr(welcome, "xxxx"));
	free(message);
}

/* Bytes of rooms that the line took. */
static uint64_t cost_of_line(struct v1_one from)
{
	uint64_t before = meter_values[METER_MEMORY_ROOMS];

	peers_say(from.peer, "{\"type\":\"chat\",\"text\":\"a\"}");
	return meter_values[METER_MEMORY_ROOMS] - before;
}

static void the_first_line_of_a_room_takes_more_memory_than_the_next(void **state)
{
	uint64_t before = meter_values[METER_MEMORY_ROOMS];
	struct v1_one a = v1_join(&all, "r");
	uint64_t first = cost_of_line(a);

	(void)state;
	assert_true(first > cost_of_line(a));
	v1_drop(a, 1000);
	assert_int_equal(meter_values[METER_MEMORY_ROOMS], before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_strict_readers_refuse_is_not_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_said_to_one_alone_is_not_looked_into, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_line_longer_than_the_history_is_relayed_and_empties_it_not, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_first_line_of_a_room_takes_more_memory_than_the_next, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

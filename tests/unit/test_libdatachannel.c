/* libdatachannel: what a receiver gets, which messages go nowhere, and who has an id. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define BAD_ID "close 4400 the path must end with an id: UTF-8, 1 to 128 bytes"
#define TAKEN "close 4409 the id was taken by a newer connection"

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, (struct hub_limits){.room_members = 2, .outbox_bytes = 256 * 1024},
		(const char *const[]){
			"/libdatachannel=libdatachannel", "/other=libdatachannel", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void expect(struct peer *peer, const char *text)
{
	assert_string_equal(peers_hear(peer), text);
}

static void expect_silence(void)
{
	for (size_t i = 0; i < all.count; i++) {
		expect(&all.all[i].peer, "nothing");
	}
}

static void a_message_arrives_as_it_was_but_for_the_senders_id(void **state)
{
	static const struct {
		const char *sent, *heard;
	} cases[] = {
		{"{\"id\":\"b\",\"type\":\"offer\",\"description\":\"v=0\",\"extra\":{\"x\":1.10}}",
			"text {\"id\":\"a\",\"type\":\"offer\",\"description\":\"v=0\","
			"\"extra\":{\"x\":1.10}}"},
		{"{\"type\":\"candidate\" , \"id\":\"b\",\"n\":12345678901234567890}",
			"text {\"type\":\"candidate\" , \"id\":\"a\",\"n\":12345678901234567890}"},
		{" { \"\\u0069d\" : \"\\u0062\" } ", "text  { \"\\u0069d\" : \"a\" } "},
		{"{\"x\":\"\\ud800\",\"id\":\"b\",\"x\":{\"id\":\"z\"}}",
			"text {\"x\":\"\\ud800\",\"id\":\"a\",\"x\":{\"id\":\"z\"}}"},
	};
	struct peer *a = peers_connect(&all, "/libdatachannel/a");
	struct peer *b = peers_connect(&all, "/libdatachannel/b");

	(void)state;
	expect_silence();
	for (size_t i = 0; i < COUNT(cases); i++) {
		peers_send(a, cases[i].sent, strlen(cases[i].sent), false);
		expect(b, cases[i].heard);
	}
	expect_silence();
}

static void a_peer_may_write_to_itself(void **state)
{
	struct peer *a = peers_connect(&all, "/libdatachannel/a");

	(void)state;
	peers_say(a, "{\"id\":\"a\"}");
	expect(a, "text {\"id\":\"a\"}");
}

static void any_utf8_is_an_id_and_is_quoted(void **state)
{
	static const char *const ids[][2] = {{"toString", "\"toString\""},
		{"__proto__", "\"__proto__\""}, {"\"\\\n", "\"\\\"\\\\\\u000a\""},
		{"\xe6\x9c\x9d", "\"\xe6\x9c\x9d\""}};
	struct peer *b = peers_connect(&all, "/libdatachannel/b");
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct peer *a;

		snprintf(text, sizeof(text), "/libdatachannel/%s", ids[i][0]);
		a = peers_connect(&all, text);
		peers_say(a, "{\"id\":\"b\"}");
		snprintf(text, sizeof(text), "text {\"id\":%s}", ids[i][1]);
		expect(b, text);
		snprintf(text, sizeof(text), "{\"id\":%s}", ids[i][1]);
		peers_send(b, text, strlen(text), false);
		expect(a, "text {\"id\":\"b\"}");
	}
}

static void what_names_nobody_goes_nowhere_and_is_counted(void **state)
{
	static const char *const messages[] = {"", "x", "null", "[null]", "{}", "1", "\"b\"",
		"{\"id\":\"zzzz\"}", "{\"id\":\"toString\"}", "{\"id\":\"__proto__\"}",
		"{\"id\":null}", "{\"id\":5}", "{\"id\":[\"b\"]}", "{\"id\":\"\"}",
		"{\"id\":\"\\ud800\"}", "{\"id\":\"b\\u0000\"}", "{\"ID\":\"b\"}",
		"{\"type\":\"offer\"}", "{\"id\":\"b\"", "{\"id\":\"b\"}{\"id\":\"b\"}",
		"{\"id\":\"b\",\"id\":\"b\"}", "{\"id\":\"b\",\"\\u0069d\":\"a\"}",
		"{\"x\":{\"id\":\"b\"}}", "[{\"id\":\"b\"}]"};
	struct peer *a = peers_connect(&all, "/libdatachannel/a");
	uint64_t before = meter_values[METER_MESSAGES_PASSED_OVER];

	(void)state;
	peers_connect(&all, "/libdatachannel/b");
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_send(a, messages[i], strlen(messages[i]), false);
	}
	expect_silence();
	assert_int_equal(a->state, PEER_OPEN);
	assert_int_equal(meter_values[METER_MESSAGES_PASSED_OVER] - before, COUNT(messages));
}

static void a_binary_message_is_passed_over(void **state)
{
	struct peer *a = peers_connect(&all, "/libdatachannel/a");

	(void)state;
	peers_send(a, "{\"id\":\"a\"}", strlen("{\"id\":\"a\"}"), true);
	expect_silence();
}

static void each_mount_has_ids_of_its_own(void **state)
{
	struct peer *a = peers_connect(&all, "/libdatachannel/a");
	struct peer *b = peers_connect(&all, "/other/a");

	(void)state;
	peers_connect(&all, "/other/c");
	peers_say(a, "{\"id\":\"c\"}");
	peers_say(b, "{\"id\":\"a\"}");
	expect(a, "nothing");
	expect(b, "text {\"id\":\"a\"}");
	expect_silence();
}

static void the_newest_has_the_id_and_the_older_is_closed(void **state)
{
	struct peer *a = peers_connect(&all, "/libdatachannel/a");
	struct peer *old = peers_connect(&all, "/libdatachannel/b");
	struct peer *new = peers_connect(&all, "/libdatachannel/b");

	(void)state;
	expect(old, TAKEN);
	peers_say(a, "{\"id\":\"b\"}");
	expect(new, "text {\"id\":\"a\"}");
	/* the older one ends last: the id is still the newer one's */
	hub_drop(old);
	peers_say(a, "{\"id\":\"b\",\"n\":2}");
	expect(new, "text {\"id\":\"a\",\"n\":2}");
	expect_silence();
}

static void an_id_is_free_when_its_peer_has_left(void **state)
{
	struct peer *a = peers_connect(&all, "/libdatachannel/a");

	(void)state;
	hub_drop(peers_connect(&all, "/libdatachannel/b"));
	peers_say(a, "{\"id\":\"b\"}");
	expect_silence();
	peers_connect(&all, "/libdatachannel/b");
	expect_silence();
}

static void what_is_no_id_is_refused(void **state)
{
	char url[256];

	(void)state;
	expect(peers_connect(&all, "/libdatachannel"), BAD_ID);
	expect(peers_connect(&all, "/libdatachannel/"), BAD_ID);
	expect(peers_connect(&all, "/libdatachannel/\xff"), BAD_ID);
	expect(peers_connect(&all, "/libdatachannel/\xed\xa0\x80"), BAD_ID);
	snprintf(url, sizeof(url), "/libdatachannel/%0129d", 0);
	expect(peers_connect(&all, url), BAD_ID);
	snprintf(url, sizeof(url), "/libdatachannel/%0128d", 0);
	expect(peers_connect(&all, url), "nothing");
}

/* An id may be all escapes, and so six times as long in the message. */
static void the_longest_id_fits(void **state)
{
	static const char path[] = "/libdatachannel/", head[] = "text {\"id\":\"";
	char url[sizeof(path) + HUB_NAME_MAX], text[sizeof(head) + 6 * HUB_NAME_MAX + 2];
	char *to = stpcpy(text, head);
	struct peer *b = peers_connect(&all, "/libdatachannel/b");

	(void)state;
	memset(stpcpy(url, path), 1, HUB_NAME_MAX);
	url[sizeof(url) - 1] = '\0';
	for (int i = 0; i < HUB_NAME_MAX; i++) {
		to = stpcpy(to, "\\u0001");
	}
	stpcpy(to, "\"}");
	peers_say(peers_connect(&all, url), "{\"id\":\"b\"}");
	expect(b, text);
}

static void a_parameter_is_refused(void **state)
{
	struct mount mount = {.dialect = &dialect_libdatachannel, .parameters = "x=2"};
	struct problem problem;

	(void)state;
	mount.space = hub_space_create(all.hub);
	assert_int_not_equal(dialect_libdatachannel.start(&mount, &problem), 0);
	assert_string_equal(problem.text, "libdatachannel has no parameter `x`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(a_message_arrives_as_it_was_but_for_the_senders_id),
		CASE(a_peer_may_write_to_itself),
		CASE(any_utf8_is_an_id_and_is_quoted),
		CASE(what_names_nobody_goes_nowhere_and_is_counted),
		CASE(a_binary_message_is_passed_over),
		CASE(each_mount_has_ids_of_its_own),
		CASE(the_newest_has_the_id_and_the_older_is_closed),
		CASE(an_id_is_free_when_its_peer_has_left),
		CASE(what_is_no_id_is_refused),
		CASE(the_longest_id_fits),
		CASE(a_parameter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

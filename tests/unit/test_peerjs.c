/* peerjs: who is let in under which id, what goes where and in which form, and when it ends. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define NOTHING_SUPPLIED                                                                           \
	"text {\"type\":\"ERROR\",\"payload\":{\"msg\":\"No id, token, or key supplied to "        \
	"websocket server\"}}"
#define BAD_KEY "text {\"type\":\"ERROR\",\"payload\":{\"msg\":\"Invalid key provided\"}}"
#define BAD_ID                                                                                     \
	"text {\"type\":\"ERROR\",\"payload\":{\"msg\":\"The id is not UTF-8 or has more than "    \
	"128 bytes\"}}"
#define TAKEN "text {\"type\":\"ID-TAKEN\",\"payload\":{\"msg\":\"ID is taken\"}}"
#define FULL                                                                                       \
	"text {\"type\":\"ERROR\",\"payload\":{\"msg\":\"Server has reached its concurrent user "  \
	"limit\"}}"
#define OPEN "text {\"type\":\"OPEN\"}"

#define X16 "xxxxxxxxxxxxxxxx"
#define X128 X16 X16 X16 X16 X16 X16 X16 X16

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	/* Two in a room at most: the register of ids is none of those rooms. */
	peers_init(&all, (struct hub_limits){.room_members = 2, .outbox_bytes = 256 * 1024},
		(const char *const[]){"/peerjs=peerjs", "/other=peerjs?key=K&concurrent-limit=3",
			"/quick=peerjs?alive-timeout=2000", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static struct peer *connect_as(const char *id, const char *token)
{
	char url[256];

	snprintf(url, sizeof(url), "/peerjs?key=peerjs&id=%s&token=%s", id, token);
	return peers_connect(&all, url);
}

/* Connect, and hear OPEN. */
static struct peer *enter(const char *id)
{
	struct peer *peer = connect_as(id, "t");

	assert_string_equal(peers_hear(peer), OPEN);
	return peer;
}

static void assert_refused(struct peer *peer, const char *text)
{
	assert_string_equal(peers_hear(peer), text);
	assert_string_equal(peers_hear(peer), "close");
	assert_string_equal(peers_hear(peer), "nothing");
	assert_int_equal(peer->state, PEER_CLOSING);
}

static void the_transcript(void **state)
{
	struct peer *a, *b, *c;

	(void)state;
	a = connect_as("A", "a");
	assert_string_equal(peers_hear(a), OPEN);
	peers_say(a, "{\"type\":\"OFFER\",\"src\":\"Z\",\"dst\":\"B\",\"payload\":{\"x\":1},"
		     "\"junk\":2}");
	b = connect_as("B", "b");
	assert_string_equal(peers_hear(b), OPEN);
	assert_string_equal(peers_hear(b),
		"text {\"type\":\"OFFER\",\"src\":\"A\",\"dst\":\"B\",\"payload\":{\"x\":1}}");
	peers_say(a, "{\"type\":\"OFFER\",\"dst\":\"C\",\"payload\":{}}");
	peers_wait(&all, 4990);
	assert_string_equal(peers_hear(a), "nothing");
	peers_wait(&all, 50);
	assert_string_equal(
		peers_hear(a), "text {\"type\":\"EXPIRE\",\"src\":\"C\",\"dst\":\"A\"}");
	c = connect_as("A", "zz");
	assert_refused(c, TAKEN);
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "nothing");
}

static void who_may_not_enter_is_told_so_and_closed(void **state)
{
	static const struct {
		const char *query, *text;
	} cases[] = {
		{"", NOTHING_SUPPLIED},
		{"?key=peerjs&id=a", NOTHING_SUPPLIED},
		{"?key=peerjs&token=t", NOTHING_SUPPLIED},
		{"?id=a&token=t", NOTHING_SUPPLIED},
		{"?key=peerjs&id=&token=t", NOTHING_SUPPLIED},
		{"?key=peerjs&id=a&token=", NOTHING_SUPPLIED},
		{"?key=&id=a&token=t", NOTHING_SUPPLIED},
		{"?key=peerjs&id&token=t", NOTHING_SUPPLIED},
		{"?key=peerjs&ID=a&token=t", NOTHING_SUPPLIED},
		{"?key=peerjs&idx=a&token=t", NOTHING_SUPPLIED},
		{"?key=wrong&id=&token=t", NOTHING_SUPPLIED},
		{"?key=wrong&id=a&token=t", BAD_KEY},
		{"?key=peerj&id=a&token=t", BAD_KEY},
		{"?key=peerjss&id=a&token=t", BAD_KEY},
		{"?key=peerjs&id=a&token=t&key=x", BAD_KEY},
		{"?key=wrong&id=x" X128 "&token=t", BAD_KEY},
		{"?key=peerjs&id=x" X128 "&token=t", BAD_ID},
		{"?key=peerjs&id=\xff&token=t", BAD_ID},
		{"?key=peerjs&id=\xed\xa0\x80&token=t", BAD_ID},
	};
	char url[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (all.count == PEERS_MAX) {
			tear_down(NULL);
			set_up(NULL);
		}
		snprintf(url, sizeof(url), "/peerjs%s", cases[i].query);
		assert_refused(peers_connect(&all, url), cases[i].text);
	}
}

static void any_id_of_up_to_128_bytes_is_one(void **state)
{
	static const char *const ids[] = {"a b/\xc3\xa9", "\"\\\x01", X128, "__proto__", "*"};

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		enter(ids[i]);
		assert_refused(connect_as(ids[i], "other"), TAKEN);
	}
}

static void the_last_of_a_doubled_parameter_counts(void **state)
{
	struct peer *a, *b = enter("b");

	(void)state;
	a = peers_connect(&all, "/peerjs?id=x&key=wrong&token=1&key=peerjs&id=a&token=2&version=1");
	assert_string_equal(peers_hear(a), OPEN);
	peers_say(b, "{\"type\":\"LEAVE\",\"dst\":\"a\"}");
	assert_string_equal(peers_hear(a), "text {\"type\":\"LEAVE\",\"src\":\"b\",\"dst\":\"a\"}");
	assert_refused(connect_as("a", "1"), TAKEN);
}

static void the_same_token_takes_over(void **state)
{
	struct peer *old = connect_as("a", "secret"), *b = enter("b"), *new;

	(void)state;
	assert_string_equal(peers_hear(old), OPEN);
	new = connect_as("a", "secret");
	assert_string_equal(peers_hear(new), OPEN);
	assert_string_equal(peers_hear(old), "close");
	assert_int_equal(old->state, PEER_CLOSING);
	peers_say(b, "{\"type\":\"OFFER\",\"dst\":\"a\"}");
	assert_string_equal(
		peers_hear(new), "text {\"type\":\"OFFER\",\"src\":\"b\",\"dst\":\"a\"}");
	assert_string_equal(peers_hear(old), "nothing");
	hub_drop(old); /* the id is not its own any more */
	peers_say(b, "{\"type\":\"OFFER\",\"dst\":\"a\"}");
	assert_string_equal(
		peers_hear(new), "text {\"type\":\"OFFER\",\"src\":\"b\",\"dst\":\"a\"}");
}

static void a_token_counts_in_full(void **state)
{
	static const char *const wrong[] = {
		"secre", "secret!", "Secret", "secreT", "s", X128 X128 "b"};

	(void)state;
	connect_as("a", "secret");
	connect_as("b", X128 "a");
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_refused(connect_as("a", wrong[i]), TAKEN);
	}
	assert_refused(connect_as("b", X128 "b"), TAKEN);
	assert_string_equal(peers_hear(connect_as("b", X128 "a")), OPEN);
}

static void no_more_than_the_limit_enter_but_one_may_take_over(void **state)
{
	struct peer *first;

	(void)state;
	first = peers_connect(&all, "/other/peerjs?key=K&id=a&token=t");
	assert_string_equal(peers_hear(first), OPEN);
	assert_string_equal(
		peers_hear(peers_connect(&all, "/other/peerjs?key=K&id=b&token=t")), OPEN);
	assert_string_equal(
		peers_hear(peers_connect(&all, "/other/peerjs?key=K&id=c&token=t")), OPEN);
	assert_refused(peers_connect(&all, "/other/peerjs?key=K&id=d&token=t"), FULL);
	assert_refused(peers_connect(&all, "/other/peerjs?key=K&id=a&token=u"), TAKEN);
	assert_string_equal(
		peers_hear(peers_connect(&all, "/other/peerjs?key=K&id=a&token=t")), OPEN);
	assert_string_equal(peers_hear(first), "close");
	assert_refused(peers_connect(&all, "/other/peerjs?key=K&id=d&token=t"), FULL);
	assert_string_equal(peers_hear(enter("d")), "nothing"); /* of the other mount */
}

static const struct {
	const char *in, *out; /* NULL: nothing */
} passed_on[] = {
	{"{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":{\"sdp\":1}}",
		"{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":{\"sdp\":1}}"},
	{"{\"type\":\"ANSWER\",\"dst\":\"b\",\"payload\":[]}",
		"{\"type\":\"ANSWER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":[]}"},
	{"{\"type\":\"CANDIDATE\",\"dst\":\"b\",\"payload\":null}",
		"{\"type\":\"CANDIDATE\",\"src\":\"a\",\"dst\":\"b\",\"payload\":null}"},
	{"{\"type\":\"LEAVE\",\"dst\":\"b\"}", "{\"type\":\"LEAVE\",\"src\":\"a\",\"dst\":\"b\"}"},
	{"{\"type\":\"EXPIRE\",\"dst\":\"b\"}",
		"{\"type\":\"EXPIRE\",\"src\":\"a\",\"dst\":\"b\"}"},
	/* every byte of the payload as it came, and nothing else */
	{" {\"junk\":{\"dst\":\"c\"}, \"payload\" : { \"n\" : 1.50e+02, \"n\" : "
	 "12345678901234567890, \"s\" : \"\\u0000\\ud800\\/\xc3\xa9\" } ,"
	 "\"src\":\"c\",\"dst\":\"b\",\"src\":\"d\",\"type\":\"OFFER\"} ",
		"{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"b\",\"payload\":{ \"n\" : "
		"1.50e+02, \"n\" : 12345678901234567890, \"s\" : "
		"\"\\u0000\\ud800\\/\xc3\xa9\" }}"},
	{"{\"\\u0074ype\":\"\\u004fFFER\",\"d\\u0073t\":\"\\u0062\"}",
		"{\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"\\u0062\"}"},
	/* a member that is read stands twice */
	{"{\"type\":\"OFFER\",\"dst\":\"b\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"b\",\"\\u0064st\":\"c\"}", NULL},
	{"{\"type\":\"OFFER\",\"typ\\u0065\":\"LEAVE\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":1,\"payload\":2}", NULL},
	/* no such thing */
	{"{\"type\":\"HEARTBEAT\"}", NULL},
	{"{\"type\":\"HEARTBEAT\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"OPEN\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"ERROR\",\"dst\":\"b\",\"payload\":{\"msg\":\"\"}}", NULL},
	{"{\"type\":\"ID-TAKEN\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"INVALID-KEY\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"offer\",\"dst\":\"b\"}", NULL},
	{"{\"type\":\"OFFER\\u0000\",\"dst\":\"b\"}", NULL},
	{"{\"type\":[\"OFFER\"],\"dst\":\"b\"}", NULL},
	{"{\"dst\":\"b\",\"payload\":{}}", NULL},
	{"{\"type\":\"OFFER\"}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"\"}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":null}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":[\"b\"]}", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"b\\u0000\"}", NULL},
	{"{\"type\":\"LEAVE\",\"dst\":1}", NULL},
	{"null", NULL},
	{"[]", NULL},
	{"\"OFFER\"", NULL},
	{"", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"b\"", NULL},
	{"{\"type\":\"OFFER\",\"dst\":\"b\"}}", NULL},
};

static void what_is_passed_on_looks_like_this(void **state)
{
	static const char not_utf8[] = "{\"type\":\"OFFER\",\"dst\":\"b\",\"payload\":\"\xff\"}";
	struct peer *a = enter("a"), *b = enter("b");
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(passed_on); i++) {
		for (int binary = 0; binary < 2; binary++) {
			peers_send(a, passed_on[i].in, strlen(passed_on[i].in), binary);
			snprintf(text, sizeof(text), "text %s", passed_on[i].out);
			assert_string_equal(peers_hear(b), passed_on[i].out ? text : "nothing");
			assert_string_equal(peers_hear(a), "nothing");
			assert_int_equal(a->state, PEER_OPEN);
		}
	}
	peers_wait(&all, 20000);
	assert_string_equal(peers_hear(a), "nothing");
	peers_send(a, not_utf8, strlen(not_utf8), true);
	assert_string_equal(peers_hear(b), "nothing");
}

static void ids_are_written_as_json_strings(void **state)
{
	struct peer *odd = enter("\"\\\x01/\xc3\xa9"), *b = enter("b");

	(void)state;
	peers_say(odd, "{\"type\":\"OFFER\",\"dst\":\"b\"}");
	assert_string_equal(peers_hear(b), "text {\"type\":\"OFFER\",\"src\":\"\\\"\\\\\\u0001/"
					   "\xc3\xa9\",\"dst\":\"b\"}");
	peers_say(b, "{\"type\":\"ANSWER\",\"dst\":\"\\\"\\\\\\u0001\\/\\u00e9\"}");
	assert_string_equal(peers_hear(odd), "text {\"type\":\"ANSWER\",\"src\":\"b\",\"dst\":"
					     "\"\\\"\\\\\\u0001\\/\\u00e9\"}");
	peers_say(odd, "{\"type\":\"OFFER\",\"dst\":\"\\u0001\"}");
	peers_wait(&all, 5020);
	assert_string_equal(peers_hear(odd), "text {\"type\":\"EXPIRE\",\"src\":\"\\u0001\","
					     "\"dst\":\"\\\"\\\\\\u0001/\xc3\xa9\"}");
}

static void a_peer_may_talk_to_itself(void **state)
{
	struct peer *a = enter("a");

	(void)state;
	peers_say(a, "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}");
	assert_string_equal(peers_hear(a),
		"text {\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"a\",\"payload\":1}");
}

static void leave_without_a_target_gives_the_id_back(void **state)
{
	static const char *const words[] = {"{\"type\":\"LEAVE\"}",
		"{\"type\":\"LEAVE\",\"dst\":\"\"}", "{\"type\":\"LEAVE\",\"dst\":null}"};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct peer *ghost = enter("a"), *a, *b = connect_as("b", "t");

		peers_hear(b);
		peers_say(ghost, words[i]);
		a = connect_as("a", "another token");
		assert_string_equal(peers_hear(a), OPEN);
		peers_say(ghost, "{\"type\":\"OFFER\",\"dst\":\"b\"}"); /* as whom? */
		peers_say(ghost, words[i]);
		assert_string_equal(peers_hear(b), "nothing");
		assert_string_equal(peers_hear(ghost), "nothing");
		assert_int_equal(ghost->state, PEER_OPEN);
		peers_say(b, "{\"type\":\"OFFER\",\"dst\":\"a\"}");
		assert_string_equal(
			peers_hear(a), "text {\"type\":\"OFFER\",\"src\":\"b\",\"dst\":\"a\"}");
		hub_close(a, 1000, "");
	}
}

static void mounts_have_ids_of_their_own(void **state)
{
	struct peer *a = enter("a"), *other;

	(void)state;
	other = peers_connect(&all, "/other/peerjs?key=K&id=a&token=x");
	assert_string_equal(peers_hear(other), OPEN);
	peers_say(other, "{\"type\":\"OFFER\",\"dst\":\"a\",\"payload\":1}");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(other),
		"text {\"type\":\"OFFER\",\"src\":\"a\",\"dst\":\"a\",\"payload\":1}");
}

static void whoever_is_silent_for_the_alive_timeout_is_closed(void **state)
{
	struct peer *peer = peers_connect(&all, "/quick/peerjs?key=peerjs&id=a&token=t");
	struct peer *slow = enter("a");

	(void)state;
	assert_string_equal(peers_hear(peer), OPEN);
	for (int i = 0; i < 5; i++) { /* any message counts, or what net heard: a pong */
		peers_wait(&all, 1000);
		peers_say(peer, i % 2 ? "{\"type\":\"HEARTBEAT\"}" : "?");
		peers_wait(&all, 1500);
		peer->heard = all.now;
	}
	peers_wait(&all, 1900);
	assert_int_equal(peer->state, PEER_OPEN);
	peers_wait(&all, 200);
	assert_string_equal(peers_hear(peer), "close");
	peers_wait(&all, 105000);
	assert_int_equal(slow->state, PEER_OPEN);
	peers_wait(&all, 2000);
	assert_string_equal(peers_hear(slow), "close");
}

static void a_mount_with_wrong_parameters_is_refused(void **state)
{
	static const struct {
		const char *mount, *sentence; /* NULL: nothing is wrong */
	} cases[] = {
		{"/p=peerjs?key=K&allow-discovery=yes&concurrent-limit=1&expire-timeout=1&"
		 "alive-timeout=1",
			NULL},
		{"/p=peerjs?&allow-discovery=no&concurrent-limit=1000000&expire-timeout=600000&"
		 "alive-timeout=86400000",
			NULL},
		{"/p=peerjs?keys=K", "peerjs has no parameter `keys`"},
		{"/p=peerjs?frames=text", "peerjs has no parameter `frames`"},
		{"/p=peerjs?=", "peerjs has no parameter ``"},
		{"/p=peerjs?key=", "key must have 1 to 128 bytes"},
		{"/p=peerjs?key=x" X128, "key must have 1 to 128 bytes"},
		{"/p=peerjs?allow-discovery", "allow-discovery must be yes or no"},
		{"/p=peerjs?allow-discovery=true", "allow-discovery must be yes or no"},
		{"/p=peerjs?allow-discovery=no%20thanks", "allow-discovery must be yes or no"},
		{"/p=peerjs?concurrent-limit=0",
			"concurrent-limit must be a number from 1 to 1000000"},
		{"/p=peerjs?concurrent-limit=1000001",
			"concurrent-limit must be a number from 1 to 1000000"},
		{"/p=peerjs?concurrent-limit=many",
			"concurrent-limit must be a number from 1 to 1000000"},
		{"/p=peerjs?expire-timeout=", "expire-timeout must be a number from 1 to 600000"},
		{"/p=peerjs?expire-timeout=5s", "expire-timeout must be a number from 1 to 600000"},
		{"/p=peerjs?alive-timeout=-1", "alive-timeout must be a number from 1 to 86400000"},
		{"/p=peerjs?alive-timeout=99999999999999999999",
			"alive-timeout must be a number from 1 to 86400000"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct option_item item = {(char *)cases[i].mount, (char *)"test"};
		struct option_list list = {.items = &item, .count = 1};
		struct hub_limits limits = PEERS_ALL;
		struct hub *hub = hub_create(&limits);
		struct dialect_table *table = NULL;
		struct problem problem;
		int error = dialect_table_create(&table, hub, &peers_env, &list, &problem);

		assert_int_equal(error, cases[i].sentence ? -EINVAL : 0);
		if (error) {
			assert_non_null(strstr(problem.text, cases[i].sentence));
		}
		dialect_table_destroy(error ? NULL : table);
		hub_destroy(hub);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_transcript),
		TEST(who_may_not_enter_is_told_so_and_closed),
		TEST(any_id_of_up_to_128_bytes_is_one),
		TEST(the_last_of_a_doubled_parameter_counts),
		TEST(the_same_token_takes_over),
		TEST(a_token_counts_in_full),
		TEST(no_more_than_the_limit_enter_but_one_may_take_over),
		TEST(what_is_passed_on_looks_like_this),
		TEST(ids_are_written_as_json_strings),
		TEST(a_peer_may_talk_to_itself),
		TEST(leave_without_a_target_gives_the_id_back),
		TEST(mounts_have_ids_of_their_own),
		TEST(whoever_is_silent_for_the_alive_timeout_is_closed),
		cmocka_unit_test(a_mount_with_wrong_parameters_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* matchbox: who is told of whom, where a signal goes and what it looks like there, and groups. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct peers all;
static char ids[PEERS_MAX][IDS_UUID]; /* by number of the peer */

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, (struct hub_limits){.room_members = 5, .outbox_bytes = 256 * 1024},
		(const char *const[]){"/matchbox=matchbox", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static const char *id_of(const struct peer *peer)
{
	return ids[peer->id];
}

/* Connect, and hear the id. */
static struct peer *enter(const char *url)
{
	struct peer *peer = peers_connect(&all, url);
	const char *text = peers_hear(peer);

	assert_int_equal(sscanf(text, "text {\"IdAssigned\":\"%36[0-9a-f-]\"}", ids[peer->id]), 1);
	assert_int_equal(strlen(text), strlen("text {\"IdAssigned\":\"\"}") + 36);
	return peer;
}

/* The next that it hears is this word about that peer. */
static void expect(struct peer *peer, const char *word, const struct peer *about)
{
	char text[128];

	snprintf(text, sizeof(text), "text {\"%s\":\"%s\"}", word, id_of(about));
	assert_string_equal(peers_hear(peer), text);
}

static void expect_silence(void)
{
	for (size_t i = 0; i < all.count; i++) {
		assert_string_equal(peers_hear(&all.all[i].peer), "nothing");
	}
}

static void signal_to(struct peer *peer, const char *receiver, const char *data)
{
	char text[512];

	snprintf(text, sizeof(text), "{\"Signal\":{\"receiver\":\"%s\",\"data\":%s}}", receiver,
		data);
	peers_say(peer, text);
}

static void expect_signal(struct peer *peer, const struct peer *sender, const char *data)
{
	char text[512];

	snprintf(text, sizeof(text), "text {\"Signal\":{\"sender\":\"%s\",\"data\":%s}}",
		id_of(sender), data);
	assert_string_equal(peers_hear(peer), text);
}

static void those_who_were_there_are_told_of_the_newcomer(void **state)
{
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r"), *c = enter("/matchbox/r");

	(void)state;
	enter("/matchbox/other");
	enter("/matchbox");
	expect(a, "NewPeer", b);
	expect(a, "NewPeer", c);
	expect(b, "NewPeer", c);
	expect_silence();
}

static void a_peer_that_leaves_is_told_to_its_room(void **state)
{
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r");

	(void)state;
	enter("/matchbox/other");
	expect(a, "NewPeer", b);
	hub_drop(b);
	expect(a, "PeerLeft", b);
	expect_silence();
}

static void a_signal_reaches_its_receiver_alone(void **state)
{
	static const char *const datas[] = {"\"123\"", "{\"Offer\":\"v=0\\r\\n\"}", "null", "[]",
		"{\"a\":1.50,\"b\":12345678901234567890,\"a\":\"\\u671d\\/\"}",
		"{\"IceCandidate\":\"{\\\"candidate\\\":\\\"\\\"}\"}"};
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r"), *c = enter("/matchbox/r");

	(void)state;
	expect(a, "NewPeer", b);
	expect(a, "NewPeer", c);
	expect(b, "NewPeer", c);
	for (size_t i = 0; i < COUNT(datas); i++) {
		signal_to(a, id_of(b), datas[i]);
		signal_to(b, id_of(a), datas[i]);
		expect_signal(b, a, datas[i]);
		expect_signal(a, b, datas[i]);
	}
	expect_silence();
}

static void the_sender_is_who_sends(void **state)
{
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r"), *c = enter("/matchbox/r");
	char text[256];

	(void)state;
	expect(a, "NewPeer", b);
	snprintf(text, sizeof(text),
		"{ \"Si\\u0067nal\" : {\"sender\":\"%s\",\"data\" : 1 ,\"receiver\":\"%s\"}}",
		id_of(c), id_of(b));
	peers_say(a, text);
	expect(b, "NewPeer", c);
	expect_signal(b, a, "1");
}

static void a_uuid_is_read_in_every_usual_form(void **state)
{
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r");
	char upper[40] = "", bare[40] = "", bare_upper[40] = "";
	const char *forms[] = {upper, bare, bare_upper};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 36; i++) {
		char byte = id_of(b)[i];

		upper[i] = (char)(byte >= 'a' ? byte - 'a' + 'A' : byte);
		if (byte != '-') {
			bare[n] = byte;
			bare_upper[n++] = upper[i];
		}
	}
	for (size_t i = 0; i < COUNT(forms); i++) {
		signal_to(a, forms[i], "1");
		expect_signal(b, a, "1");
	}
	/* and not in others */
	signal_to(a, "", "1");
	signal_to(a, "x", "1");
	snprintf(bare_upper, sizeof(bare_upper), "%.31s", bare);
	signal_to(a, bare_upper, "1");
	snprintf(bare_upper, sizeof(bare_upper), "%.31sg", bare);
	signal_to(a, bare_upper, "1");
	snprintf(upper, sizeof(upper), "%s", id_of(b));
	upper[8] = '0';
	signal_to(a, upper, "1");
	snprintf(upper, sizeof(upper), "{%.34s}", id_of(b));
	signal_to(a, upper, "1");
	assert_string_equal(peers_hear(b), "nothing");
}

/* Send the message with an id instead of each @. */
static void say_about(struct peer *peer, const char *message, const char *id)
{
	char text[256] = "";
	size_t len = 0;

	for (; *message; message++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s",
			*message == '@' ? 36 : 1, *message == '@' ? id : message);
		assert_in_range(len, 0, sizeof(text) - 1);
	}
	peers_say(peer, text);
}

static void what_makes_no_sense_is_passed_over(void **state)
{
	static const char *const messages[] = {"", "x", "null", "{}", "[]", "1", "\"KeepAlive\"",
		"{\"KeepAlive\":null}", "\"Signal\"", "{\"Signal\":null}", "{\"Signal\":[]}",
		"{\"Signal\":{}}", "{\"Signal\":{\"receiver\":\"@\"}}", "{\"Signal\":{\"data\":1}}",
		"{\"Signal\":{\"receiver\":5,\"data\":1}}",
		"{\"Signal\":{\"receiver\":[\"@\"],\"data\":1}}",
		"{\"Signal\":{\"receiver\":\"@\",\"data\":1}",
		"{\"signal\":{\"receiver\":\"@\",\"data\":1}}", "{\"IdAssigned\":\"@\"}",
		"{\"PeerLeft\":\"@\"}", "{\"NewPeer\":\"@\"}",
		/* a member that is read stands twice */
		"{\"Signal\":{\"receiver\":\"@\",\"data\":1},\"Signal\":{}}",
		"{\"Signal\":{\"receiver\":\"@\",\"receiver\":\"@\",\"data\":1}}",
		"{\"Signal\":{\"receiver\":\"@\",\"data\":1,\"d\\u0061ta\":2}}"};
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r");

	(void)state;
	expect(a, "NewPeer", b);
	for (size_t i = 0; i < COUNT(messages); i++) {
		say_about(a, messages[i], id_of(b));
		expect_silence();
	}
	assert_int_equal(a->state, PEER_OPEN);
}

static void a_binary_message_is_passed_over(void **state)
{
	struct peer *a = enter("/matchbox/r"), *b = enter("/matchbox/r");
	char text[128];
	int len = snprintf(
		text, sizeof(text), "{\"Signal\":{\"receiver\":\"%s\",\"data\":1}}", id_of(b));

	(void)state;
	expect(a, "NewPeer", b);
	peers_send(a, text, (size_t)len, true);
	expect_silence();
	peers_send(a, text, (size_t)len, false);
	expect_signal(b, a, "1");
}

static void each_n_who_come_are_a_group(void **state)
{
	struct peer *a = enter("/matchbox/r?next=2"), *b = enter("/matchbox/r?next=2");
	struct peer *c = enter("/matchbox/r?next=2"), *d = enter("/matchbox/r?next=02");

	(void)state;
	enter("/matchbox/r");
	enter("/matchbox/r?next=3");
	enter("/matchbox/s?next=2");
	enter("/matchbox?next=2");
	expect(a, "NewPeer", b);
	expect(c, "NewPeer", d);
	expect_silence();
	signal_to(b, id_of(a), "1");
	expect_signal(a, b, "1");
	signal_to(d, id_of(c), "2");
	expect_signal(c, d, "2");
}

static void a_signal_never_leaves_the_room_or_the_group(void **state)
{
	static const char *const urls[] = {"/matchbox/r", "/matchbox/r?next=2",
		"/matchbox/r?next=2", "/matchbox/r?next=2", "/matchbox/r?next=1",
		"/matchbox/r?next=1", "/matchbox/s", "/matchbox"};
	struct peer *peers[COUNT(urls)];

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		peers[i] = enter(urls[i]);
	}
	expect(peers[1], "NewPeer", peers[2]);
	for (size_t from = 0; from < COUNT(urls); from++) {
		for (size_t to = 0; to < COUNT(urls); to++) {
			bool one_group = (from == 1 && to == 2) || (from == 2 && to == 1);

			if (from != to && !one_group) {
				signal_to(peers[from], id_of(peers[to]), "1");
			}
		}
	}
	signal_to(peers[0], "00000000-0000-4000-8000-000000000000", "1");
	expect_silence();
}

static void strangers_never_hear_that_a_peer_left(void **state)
{
	struct peer *a = enter("/matchbox/r?next=3"), *gone = enter("/matchbox/r?next=3");
	struct peer *b, *c, *waiting;

	(void)state;
	expect(a, "NewPeer", gone);
	hub_drop(gone);
	expect(a, "PeerLeft", gone); /* they were waiting together */
	b = enter("/matchbox/r?next=3");
	c = enter("/matchbox/r?next=3");
	expect(a, "NewPeer", b);
	expect(a, "NewPeer", c);
	expect(b, "NewPeer", c);
	waiting = enter("/matchbox/r?next=3");
	hub_drop(b);
	expect(a, "PeerLeft", b);
	expect(c, "PeerLeft", b);
	hub_drop(c);
	expect(a, "PeerLeft", c);
	hub_drop(a); /* the last of its group */
	hub_drop(enter("/matchbox/r?next=1"));
	assert_string_equal(peers_hear(waiting), "nothing");
	/* nobody takes the place of who left a group that was complete */
	b = enter("/matchbox/r?next=3");
	expect(waiting, "NewPeer", b);
	expect_silence();
}

static void a_next_that_is_no_number_is_none(void **state)
{
	static const char *const urls[] = {"/matchbox/r?next=", "/matchbox/r?next=-1",
		"/matchbox/r?next=x", "/matchbox/r?next=2x", "/matchbox/r?other=2"};
	struct peer *a = enter("/matchbox/r");

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct peer *b = enter(urls[i]);

		expect(a, "NewPeer", b);
		hub_drop(b);
		expect(a, "PeerLeft", b);
	}
}

static void a_next_that_makes_no_group_is_refused(void **state)
{
	static const char *const urls[] = {"/matchbox/r?next=0", "/matchbox/r?next=000",
		"/matchbox/r?next=257", "/matchbox/r?next=18446744073709551617"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct peer *peer = peers_connect(&all, urls[i]);

		assert_string_equal(
			peers_hear(peer), "close 4400 next must be a number from 1 to 256");
	}
	enter("/matchbox/r?next=256");
}

static void a_room_has_a_name_of_at_most_120_bytes(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "/matchbox/%0121d", 0);
	assert_string_equal(peers_hear(peers_connect(&all, url)),
		"close 4400 a room's name has at most 120 bytes");
	snprintf(url, sizeof(url), "/matchbox/%0120d?next=256", 0);
	enter(url);
}

static void who_finds_the_room_full_is_closed_and_nobody_is_told(void **state)
{
	struct peer *late;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		enter("/matchbox/r");
	}
	while (strcmp(peers_hear(&all.all[0].peer), "nothing") != 0) {
	}
	late = peers_connect(&all, "/matchbox/r");
	assert_string_equal(peers_hear(late), "close 4413 room full");
	assert_string_equal(peers_hear(&all.all[0].peer), "nothing");
}

static void health_is_answered_on_a_listener_of_its_own_only(void **state)
{
	struct dialect_request health = {.path = "/health"}, other = {.path = "/healthy"};
	struct mount own = {.dialect = &dialect_matchbox}, shared = {.path = "/matchbox"};
	struct dialect_answer answer = {0};

	(void)state;
	assert_false(dialect_matchbox.http(&shared, &health, &answer));
	assert_false(dialect_matchbox.http(&own, &other, &answer));
	assert_true(dialect_matchbox.http(&own, &health, &answer));
	assert_int_equal(answer.status, 200);
}

static void a_parameter_is_refused(void **state)
{
	struct mount mount = {.dialect = &dialect_matchbox, .parameters = "next=2"};
	struct problem problem;

	(void)state;
	assert_int_not_equal(dialect_matchbox.start(&mount, &problem), 0);
	assert_string_equal(problem.text, "matchbox has no parameter `next`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(those_who_were_there_are_told_of_the_newcomer),
		CASE(a_peer_that_leaves_is_told_to_its_room),
		CASE(a_signal_reaches_its_receiver_alone),
		CASE(the_sender_is_who_sends),
		CASE(a_uuid_is_read_in_every_usual_form),
		CASE(what_makes_no_sense_is_passed_over),
		CASE(a_binary_message_is_passed_over),
		CASE(each_n_who_come_are_a_group),
		CASE(a_signal_never_leaves_the_room_or_the_group),
		CASE(strangers_never_hear_that_a_peer_left),
		CASE(a_next_that_is_no_number_is_none),
		CASE(a_next_that_makes_no_group_is_refused),
		CASE(a_room_has_a_name_of_at_most_120_bytes),
		CASE(who_finds_the_room_full_is_closed_and_nobody_is_told),
		CASE(health_is_answered_on_a_listener_of_its_own_only),
		CASE(a_parameter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

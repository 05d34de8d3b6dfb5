/* y-webrtc: who hears what is published, with how many clients and which bytes, and where the
 * limits are. */
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
#define SUBSCRIBE(topics) "{\"type\":\"subscribe\",\"topics\":" topics "}"
#define UNSUBSCRIBE(topics) "{\"type\":\"unsubscribe\",\"topics\":" topics "}"
#define PUBLISH(topic) "{\"type\":\"publish\",\"topic\":" topic "}"
#define PUBLISHED(topic, clients)                                                                  \
	"text {\"type\":\"publish\",\"topic\":" topic ",\"clients\":" clients "}"

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, (struct hub_limits){.room_members = 3, .outbox_bytes = 256 * 1024},
		(const char *const[]){"/y-webrtc=y-webrtc", "/other=y-webrtc", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static struct peer *connect_one(void)
{
	return peers_connect(&all, "/y-webrtc");
}

static struct peer *subscriber(const char *message)
{
	struct peer *peer = connect_one();

	peers_say(peer, message);
	return peer;
}

static size_t seats_of(const struct peer *peer)
{
	size_t count = 0;

	for (const struct member *seat = peer->seats; seat; seat = seat->seat_next) {
		count++;
	}
	return count;
}

static void every_subscriber_hears_the_sender_included(void **state)
{
	struct peer *a = subscriber(SUBSCRIBE("[\"t\",\"u\"]"));
	struct peer *b = subscriber(SUBSCRIBE("[\"t\"]")), *c = connect_one();

	(void)state;
	assert_string_equal(peers_hear(a), "nothing"); /* no acknowledgement */
	peers_say(a, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"t\"", "2"));
	assert_string_equal(peers_hear(b), PUBLISHED("\"t\"", "2"));
	peers_say(c, PUBLISH("\"u\"")); /* a sender need not be a subscriber */
	assert_string_equal(peers_hear(a), PUBLISHED("\"u\"", "1"));
	peers_say(c, PUBLISH("\"nobody\""));
	for (size_t i = 0; i < all.count; i++) {
		assert_string_equal(peers_hear(&all.all[i].peer), "nothing");
	}
}

static void clients_are_counted_right(void **state)
{
	struct peer *a = subscriber(SUBSCRIBE("[\"t\",\"t\"]")), *b, *c;

	(void)state;
	peers_say(a, SUBSCRIBE("[\"t\"]"));
	peers_say(a, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"t\"", "1"));
	b = subscriber(SUBSCRIBE("[\"t\"]"));
	c = subscriber(SUBSCRIBE("[\"t\"]"));
	peers_say(a, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"t\"", "3"));
	peers_say(b, UNSUBSCRIBE("[\"u\",\"t\",\"t\"]"));
	peers_say(a, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"t\"", "2"));
	hub_drop(c);
	peers_say(a, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"t\"", "1"));
	assert_string_equal(peers_hear(b), PUBLISHED("\"t\"", "3"));
	assert_string_equal(peers_hear(b), "nothing");
}

static void only_clients_is_written_anew(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"{\"type\":\"publish\",\"topic\":\"t\",\"data\":1}",
			"{\"type\":\"publish\",\"topic\":\"t\",\"data\":1,\"clients\":1}"},
		{"{\"clients\":99,\"topic\":\"t\",\"type\":\"publish\"}",
			"{\"clients\":1,\"topic\":\"t\",\"type\":\"publish\"}"},
		{"{\"type\":\"publish\",\"topic\":\"t\",\"clients\" : {\"a\":[1]} ,\"x\":1}",
			"{\"type\":\"publish\",\"topic\":\"t\",\"clients\" : 1 ,\"x\":1}"},
		{"{\"type\":\"publish\",\"topic\":\"t\",\"\\u0063lients\":null}",
			"{\"type\":\"publish\",\"topic\":\"t\",\"\\u0063lients\":1}"},
		{" {\"type\":\"publish\",\"topic\":\"t\" \n} \r\n",
			" {\"type\":\"publish\",\"topic\":\"t\" \n,\"clients\":1} \r\n"},
		/* no digit, escape or order is lost */
		{"{\"type\":\"publish\",\"topic\":\"t\",\"data\":{\"token\":1714305600000."
		 "1234567890123,"
		 "\"n\":12345678901234567890,\"e\":1E+2,\"s\":\"\\u671d\\/}\",\"clients\":5}}",
			"{\"type\":\"publish\",\"topic\":\"t\",\"data\":{\"token\":"
			"1714305600000.1234567890123,\"n\":12345678901234567890,\"e\":1E+2,"
			"\"s\":\"\\u671d\\/}\",\"clients\":5},\"clients\":1}"},
		{"{\"type\":\"publish\",\"topic\":\"\\u0074\",\"data\":\"AAECAw==\",\"a\":1,\"a\":"
		 "2}",
			"{\"type\":\"publish\",\"topic\":\"\\u0074\",\"data\":\"AAECAw==\",\"a\":1,"
			"\"a\":2,\"clients\":1}"},
	};
	struct peer *a = subscriber(SUBSCRIBE("[\"t\"]"));
	char expected[512];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(expected, sizeof(expected), "text %s", cases[i].out);
		peers_say(a, cases[i].in);
		assert_string_equal(peers_hear(a), expected);
		/* and out of a binary frame comes text */
		peers_send(a, cases[i].in, strlen(cases[i].in), true);
		assert_string_equal(peers_hear(a), expected);
	}
}

static void a_ping_is_answered(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	peers_say(a, "{\"type\":\"ping\"}");
	assert_string_equal(peers_hear(a), "text {\"type\":\"pong\"}");
	assert_string_equal(peers_hear(a), "nothing");
}

static void what_makes_no_sense_is_passed_over(void **state)
{
	static const char *const messages[] = {"", "x", "null", "{}", "[]", "\"ping\"",
		"{\"type\":1}", "{\"type\":\"pong\"}", "{\"type\":null}",
		"{\"type\":\"subscribe\"}", SUBSCRIBE("\"t\""), SUBSCRIBE("null"),
		SUBSCRIBE("{\"0\":\"t\"}"), SUBSCRIBE("7"),
		SUBSCRIBE("[5,null,[\"t\"],{},\"\",\"\\ud800\",\"\\u0000\"]"), UNSUBSCRIBE("\"s\""),
		"{\"type\":\"publish\"}", PUBLISH("\"\""), PUBLISH("5"), PUBLISH("[\"s\"]"),
		PUBLISH("null"), PUBLISH("\"s\"") "x", "{\"type\":\"ping\"",
		/* a member that is read stands twice */
		"{\"type\":\"publish\",\"topic\":\"s\",\"topic\":\"u\"}",
		"{\"type\":\"publish\",\"topic\":\"s\",\"t\\u006fpic\":\"u\"}",
		"{\"type\":\"publish\",\"topic\":\"s\",\"clients\":1,\"clients\":2}",
		"{\"type\":\"ping\",\"type\":\"ping\"}"};
	struct peer *a = subscriber(SUBSCRIBE("[\"s\"]")), *b = connect_one();

	(void)state;
	for (size_t i = 0; i < COUNT(messages); i++) {
		peers_say(b, messages[i]);
		assert_string_equal(peers_hear(a), "nothing");
		assert_string_equal(peers_hear(b), "nothing");
		assert_int_equal(seats_of(b), 0);
	}
	peers_send(b, "{\"type\":\"ping\",\"x\":\"\xff\"}", 24, true);
	assert_string_equal(peers_hear(b), "nothing");
	peers_say(b, SUBSCRIBE("[5,\"s\",null]"));
	peers_say(b, PUBLISH("\"s\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"s\"", "2"));
}

static void deep_or_huge_input_costs_nothing(void **state)
{
	struct peer *a = connect_one();
	size_t len = 64 * 1024;
	char *text = malloc(len);

	(void)state;
	memset(text, '[', len);
	peers_send(a, text, len, false);
	memcpy(text, "{\"type\":\"subscribe\",\"topics\":", 29);
	peers_send(a, text, len, false);
	free(text);
	assert_int_equal(seats_of(a), 0);
	assert_int_equal(a->state, PEER_OPEN);
}

/* {"type":"subscribe","topics":["0","1",…]} */
static void subscribe_to_many(struct peer *peer, unsigned from, unsigned count)
{
	char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"topics\":[");

	for (unsigned i = 0; i < count; i++) {
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s\"%u\"", i ? "," : "", from + i);
	}
	len += (size_t)snprintf(text + len, sizeof(text) - len, "]}");
	assert_in_range(len, 0, sizeof(text) - 1);
	peers_say(peer, text);
}

static void a_connection_has_at_most_a_hundred_topics(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	subscribe_to_many(a, 0, 60);
	subscribe_to_many(a, 50, 60);
	assert_int_equal(seats_of(a), 100);
	peers_say(a, PUBLISH("\"99\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"99\"", "1"));
	peers_say(a, PUBLISH("\"100\""));
	assert_string_equal(peers_hear(a), "nothing");
	/* room for another */
	peers_say(a, UNSUBSCRIBE("[\"0\"]"));
	peers_say(a, SUBSCRIBE("[\"100\"]"));
	peers_say(a, PUBLISH("\"100\""));
	assert_string_equal(peers_hear(a), PUBLISHED("\"100\"", "1"));
	assert_int_equal(a->state, PEER_OPEN);
}

static void of_one_message_a_hundred_topics_are_read(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	subscribe_to_many(a, 0, 101);
	assert_int_equal(seats_of(a), 100);
	peers_say(a, SUBSCRIBE("[\"0\"]"));
	assert_int_equal(seats_of(a), 100);
}

static void a_topic_has_at_most_128_bytes(void **state)
{
	char topic[HUB_NAME_MAX + 2], text[256];
	struct peer *a = connect_one();

	(void)state;
	for (size_t len = HUB_NAME_MAX; len <= HUB_NAME_MAX + 1; len++) {
		memset(topic, 'x', len);
		topic[len] = '\0';
		snprintf(text, sizeof(text), SUBSCRIBE("[\"%s\"]"), topic);
		peers_say(a, text);
		assert_int_equal(seats_of(a), 1);
		snprintf(text, sizeof(text), PUBLISH("\"%s\""), topic);
		peers_say(a, text);
		if (len == HUB_NAME_MAX) {
			assert_string_not_equal(peers_hear(a), "nothing");
		}
		assert_string_equal(peers_hear(a), "nothing");
	}
}

static void who_finds_a_topic_full_stays_and_calls_nobody_there(void **state)
{
	struct peer *a = subscriber(SUBSCRIBE("[\"t\"]")), *b = subscriber(SUBSCRIBE("[\"t\"]"));
	struct peer *c = subscriber(SUBSCRIBE("[\"t\"]"));
	struct peer *late = subscriber(SUBSCRIBE("[\"u\",\"t\",\"v\"]"));

	(void)state;
	assert_int_equal(late->state, PEER_OPEN);
	assert_int_equal(seats_of(late), 2);
	peers_say(late, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), "nothing");
	peers_say(late, PUBLISH("\"v\""));
	assert_string_equal(peers_hear(late), PUBLISHED("\"v\"", "1"));
	/* once there is room, the next subscription succeeds */
	hub_drop(b);
	peers_say(late, SUBSCRIBE("[\"t\"]"));
	peers_say(late, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(c), PUBLISHED("\"t\"", "3"));
	assert_string_equal(peers_hear(late), PUBLISHED("\"t\"", "3"));
}

static struct peer *subscriber_from(const char *address, const char *message)
{
	struct peer *peer = peers_connect_from(&all, address, "/y-webrtc");

	peers_say(peer, message);
	return peer;
}

static void a_full_topic_makes_room_for_a_newcomer_from_another_address(void **state)
{
	uint64_t yielded = meter_values[METER_TOPICS_YIELDED];
	uint64_t refused = meter_values[METER_TOPICS_REFUSED];
	struct peer *hog[3], *newcomer, *second;

	(void)state;
	for (int i = 0; i < 3; i++) {
		hog[i] = subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\",\"u\"]"));
	}
	newcomer = subscriber_from("192.0.2.2", SUBSCRIBE("[\"t\"]"));
	assert_int_equal(seats_of(hog[0]), 1); /* the first that came; it keeps its other topic */
	peers_say(hog[1], PUBLISH("\"t\""));
	assert_string_equal(peers_hear(newcomer), PUBLISHED("\"t\"", "3"));
	assert_string_equal(peers_hear(hog[0]), "nothing");
	/* who does not hear the answers calls nobody there */
	peers_say(hog[0], PUBLISH("\"t\""));
	assert_string_equal(peers_hear(newcomer), "nothing");
	/* an address takes no place from itself, and none from one that has no more */
	peers_say(hog[0], SUBSCRIBE("[\"t\"]"));
	second = subscriber_from("192.0.2.2", SUBSCRIBE("[\"t\"]"));
	assert_int_equal(seats_of(second), 0);
	subscriber_from("192.0.2.3", SUBSCRIBE("[\"t\"]"));
	second = subscriber_from("192.0.2.4", SUBSCRIBE("[\"t\"]"));
	assert_int_equal(seats_of(second), 0);
	assert_int_equal(seats_of(newcomer), 1);
	assert_int_equal(meter_values[METER_TOPICS_YIELDED], yielded + 2);
	assert_int_equal(meter_values[METER_TOPICS_REFUSED], refused + 3);
}

static void an_office_alone_has_the_whole_topic(void **state)
{
	struct peer *office[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		office[i] = subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\"]"));
	}
	assert_int_equal(seats_of(subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\"]"))), 0);
	peers_say(office[0], PUBLISH("\"t\""));
	for (int i = 0; i < 3; i++) {
		assert_string_equal(peers_hear(office[i]), PUBLISHED("\"t\"", "3"));
	}
}

/* What is counted must be right, whatever way subscribers come and go. */
static void places_are_shared_fairly_after_many_have_come_and_gone(void **state)
{
	struct peer *one[3], *other[2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		one[i] = subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\"]"));
	}
	subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\"]")); /* from now on it is counted */
	for (int round = 0; round < 3; round++) {
		hub_drop(one[0]);
		peers_say(one[1], UNSUBSCRIBE("[\"t\"]"));
		other[0] = subscriber_from("192.0.2.2", SUBSCRIBE("[\"t\"]"));
		other[1] = subscriber_from("192.0.2.2", SUBSCRIBE("[\"t\"]"));
		hub_drop(subscriber_from("192.0.2.2", SUBSCRIBE("[\"t\"]")));
		assert_int_equal(seats_of(one[2]), 1);
		one[0] = subscriber_from("192.0.2.3", SUBSCRIBE("[\"t\"]"));
		assert_int_equal(seats_of(other[0]), 0);
		assert_int_equal(seats_of(other[1]), 1);
		assert_int_equal(seats_of(one[0]), 1);
		hub_drop(one[0]);
		hub_drop(other[1]);
		hub_drop(other[0]);
		one[0] = subscriber_from("192.0.2.1", SUBSCRIBE("[\"t\"]"));
		peers_say(one[1], SUBSCRIBE("[\"t\"]"));
		assert_int_equal(seats_of(one[0]) + seats_of(one[1]) + seats_of(one[2]), 3);
	}
}

static void an_unsubscribed_or_left_topic_is_freed(void **state)
{
	struct peer *a = subscriber(SUBSCRIBE("[\"t\",\"u\"]"));
	struct hub_space *space = peers_of(a)->mount->space;

	(void)state;
	assert_non_null(hub_room(space, "t"));
	peers_say(a, UNSUBSCRIBE("[\"t\"]"));
	assert_null(hub_room(space, "t"));
	assert_non_null(hub_room(space, "u"));
	hub_drop(a);
	assert_null(hub_room(space, "u"));
}

static void topics_of_two_mounts_never_meet(void **state)
{
	struct peer *a = subscriber(SUBSCRIBE("[\"t\"]")), *b = peers_connect(&all, "/other");

	(void)state;
	peers_say(b, SUBSCRIBE("[\"t\"]"));
	peers_say(b, PUBLISH("\"t\""));
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), PUBLISHED("\"t\"", "1"));
}

static void http_is_answered_on_a_listener_of_its_own_only(void **state)
{
	struct dialect_request request = {.path = "/anything"};
	struct mount own = {.dialect = &dialect_y_webrtc}, shared = {.path = "/y-webrtc"};
	struct dialect_answer answer = {0};

	(void)state;
	assert_false(dialect_y_webrtc.http(&shared, &request, &answer));
	assert_true(dialect_y_webrtc.http(&own, &request, &answer));
	assert_int_equal(answer.status, 200);
	assert_string_equal(answer.type, "text/plain");
	assert_int_equal(answer.len, 4);
	assert_memory_equal(answer.body, "okay", 4);
}

static void a_parameter_is_refused(void **state)
{
	struct mount mount = {.dialect = &dialect_y_webrtc, .parameters = "topics=5"};
	struct problem problem;

	(void)state;
	assert_int_not_equal(dialect_y_webrtc.start(&mount, &problem), 0);
	assert_string_equal(problem.text, "y-webrtc has no parameter `topics`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(every_subscriber_hears_the_sender_included),
		CASE(clients_are_counted_right),
		CASE(only_clients_is_written_anew),
		CASE(a_ping_is_answered),
		CASE(what_makes_no_sense_is_passed_over),
		CASE(deep_or_huge_input_costs_nothing),
		CASE(a_connection_has_at_most_a_hundred_topics),
		CASE(of_one_message_a_hundred_topics_are_read),
		CASE(a_topic_has_at_most_128_bytes),
		CASE(who_finds_a_topic_full_stays_and_calls_nobody_there),
		CASE(a_full_topic_makes_room_for_a_newcomer_from_another_address),
		CASE(places_are_shared_fairly_after_many_have_come_and_gone),
		CASE(an_office_alone_has_the_whole_topic),
		CASE(an_unsubscribed_or_left_topic_is_freed),
		CASE(topics_of_two_mounts_never_meet),
		CASE(http_is_answered_on_a_listener_of_its_own_only),
		CASE(a_parameter_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

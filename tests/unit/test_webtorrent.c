/* webtorrent: who hears whose offers and answers, in which bytes, and where the limits are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/webtorrent_swarm.h"
#include "nakodo/service/grant.h"
#include "peers.h"

#define H "hhhhhhhhhhhhhhhhhhhh"
#define A "AAAAAAAAAAAAAAAAAAAA"
#define B "BBBBBBBBBBBBBBBBBBBB"
#define C "CCCCCCCCCCCCCCCCCCCC"
#define O "oooooooooooooooooooo"
#define SAY(hash, id, more)                                                                        \
	"{\"action\":\"announce\",\"info_hash\":\"" hash "\",\"peer_id\":\"" id "\"" more "}"
#define OFFER(sdp) "{\"offer\":{\"type\":\"offer\",\"sdp\":\"" sdp "\"},\"offer_id\":\"" O "\"}"
#define OFFERS(list) ",\"offers\":[" list "]"
#define ANSWER(to) ",\"to_peer_id\":\"" to "\",\"offer_id\":\"" O "\",\"answer\":{\"sdp\":\"an\"}"
#define COUNTS(complete, incomplete, hash)                                                         \
	"text {\"complete\":" complete ",\"incomplete\":" incomplete                               \
	",\"action\":\"announce\",\"interval\":120,\"info_hash\":\"" hash "\"}"
#define OFFERED(sdp, id, hash)                                                                     \
	"text {\"action\":\"announce\",\"offer\":{\"type\":\"offer\",\"sdp\":\"" sdp               \
	"\"},\"offer_id\":\"" O "\",\"peer_id\":\"" id "\",\"info_hash\":\"" hash "\"}"
#define ANSWERED(id)                                                                               \
	"text {\"action\":\"announce\",\"answer\":{\"sdp\":\"an\"},\"offer_id\":\"" O              \
	"\",\"peer_id\":\"" id "\",\"info_hash\":\"" H "\"}"
#define FAILED(action, reason) "text {\"action\":\"" action "\",\"failure reason\":\"" reason "\"}"
#define FAILED_OF(action, reason)                                                                  \
	"text {\"action\":\"" action "\",\"failure reason\":\"" reason "\",\"info_hash\":\"" H "\"}"

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_options.ping_interval = 25;
	peers_options.ping_timeout = 10;
	peers_init(&all, PEERS_ALL, (const char *const[]){"/wt=webtorrent", "/2=webtorrent", NULL});
	return 0;
}

/* Nothing is left, whatever the test did. */
static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options.ping_interval = peers_options.ping_timeout = 0;
	return meter_values[METER_SWARMS] || meter_values[METER_SWARM_MEMBERS] ||
	       meter_values[METER_MEMORY_ROOMS];
}

static struct peer *connect_one(void)
{
	return peers_connect(&all, "/wt");
}

static struct peer *member(const char *message)
{
	struct peer *peer = connect_one();

	peers_send(peer, message, strlen(message), false);
	peers_hear(peer);
	return peer;
}

static void nobody_hears_more(void)
{
	for (size_t i = 0; i < all.count; i++) {
		assert_string_equal(peers_hear(&all.all[i].peer), "nothing");
	}
}

static void the_conversation_of_the_original(void **state)
{
	struct peer *a = connect_one(), *b = connect_one();

	(void)state;
	peers_say(a, SAY(H, A, ",\"event\":\"started\",\"left\":5,\"offers\":[]"));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", H));
	peers_say(b, SAY(H, B,
			     ",\"event\":\"started\",\"left\":0,\"numwant\":2" OFFERS(
				     OFFER("o0") "," OFFER("o1"))));
	assert_string_equal(peers_hear(b), COUNTS("1", "1", H));
	assert_string_equal(peers_hear(a), OFFERED("o0", B, H)); /* one for each member */
	peers_say(a, SAY(H, A, ANSWER(B)));
	assert_string_equal(peers_hear(b), ANSWERED(A));
	peers_say(a, "{\"action\":\"scrape\",\"info_hash\":[\"" H "\",\"" C "\"]}");
	assert_string_equal(peers_hear(a),
		"text {\"action\":\"scrape\",\"files\":{\"" H
		"\":{\"complete\":1,\"incomplete\":1,\"downloaded\":1},\"" C
		"\":{\"complete\":0,\"incomplete\":0,\"downloaded\":0}},"
		"\"flags\":{\"min_request_interval\":120}}");
	peers_say(a, SAY(H, A, ",\"event\":\"stopped\""));
	assert_string_equal(peers_hear(a), COUNTS("1", "0", H));
	peers_say(a, SAY(H, A, ",\"event\":\"stopped\""));
	assert_string_equal(peers_hear(a), COUNTS("1", "0", H));
	nobody_hears_more();
}

static void hashes_are_compared_decoded_and_go_out_as_they_came(void **state)
{
	static const char escaped[] = "\\u0000\\u00FE\\\"\\\\\\n\\/\\u0041\\u00c3\\t.ABCDEFGHIJ",
			  raw[] = "\\u0000\xc3\xbe\\u0022\\u005c\\u000a/A\xc3\x83\\t.ABCDEFGHIJ";
	struct peer *a = connect_one(), *b = connect_one();
	char text[512];

	(void)state;
	snprintf(text, sizeof(text), SAY("%s", A, ""), escaped);
	peers_send(a, text, strlen(text), false);
	peers_hear(a);
	snprintf(text, sizeof(text), SAY("%s", B, OFFERS(OFFER("\\u0000\\ud800"))), raw);
	peers_send(b, text, strlen(text), true);
	snprintf(text, sizeof(text), COUNTS("0", "2", "%s"), raw);
	assert_string_equal(peers_hear(b), text);
	snprintf(text, sizeof(text), OFFERED("\\u0000\\ud800", B, "%s"), raw);
	assert_string_equal(peers_hear(a), text);
}

static void a_scrape_is_of_what_is_named(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	peers_say(a, "{\"action\":\"scrape\",\"info_hash\":\"" H "\"}");
	assert_string_equal(peers_hear(a), "text {\"action\":\"scrape\",\"files\":{\"" H
					   "\":{\"complete\":0,\"incomplete\":0,\"downloaded\":0}},"
					   "\"flags\":{\"min_request_interval\":120}}");
	peers_say(a, "{\"action\":\"scrape\",\"info_hash\":[]}");
	assert_string_equal(peers_hear(a), "text {\"action\":\"scrape\",\"files\":{},"
					   "\"flags\":{\"min_request_interval\":120}}");
	peers_say(a, "{\"action\":\"scrape\"}");
	assert_string_equal(
		peers_hear(a), FAILED("scrape", "only torrents that are named are scraped"));
	peers_say(a, "{\"action\":\"scrape\",\"info_hash\":5}");
	assert_string_equal(peers_hear(a), FAILED("scrape", "invalid info_hash"));
	peers_say(a, "{\"action\":\"scrape\",\"info_hash\":[null]}");
	assert_string_equal(peers_hear(a), FAILED("scrape", "invalid info_hash"));
}

static void what_is_wrong_is_told_with_an_action(void **state)
{
	static const struct {
		const char *message, *answer;
	} cases[] = {
		{"", FAILED("announce", "not a JSON object")},
		{"null", FAILED("announce", "not a JSON object")},
		{"[null]", FAILED("announce", "not a JSON object")},
		{"{}", FAILED("announce", "invalid action")},
		{"{\"action\":5}", FAILED("announce", "invalid action")},
		{"{\"action\":\"announce\",\"\\u0061ction\":\"scrape\"}",
			FAILED("announce", "a member stands twice")},
		{"{\"action\":\"announce\"}", FAILED("announce", "invalid info_hash")},
		{SAY("short", A, ""), FAILED("announce", "invalid info_hash")},
		{SAY(H "h", A, ""), FAILED("announce", "invalid info_hash")},
		{SAY("\\u0100hhhhhhhhhhhhhhhhhhh", A, ""), FAILED("announce", "invalid info_hash")},
		{SAY("\xc4\x80hhhhhhhhhhhhhhhhhhh", A, ""),
			FAILED("announce", "invalid info_hash")},
		{SAY(H, "", ""), FAILED_OF("announce", "invalid peer_id")},
		{SAY(H, A, ",\"event\":\"toString\""), FAILED_OF("announce", "invalid event")},
		{SAY(H, A, ",\"event\":7"), FAILED_OF("announce", "invalid event")},
		{SAY(H, A, ",\"answer\":{}"), FAILED_OF("announce", "invalid to_peer_id")},
		{SAY(H, A, ",\"answer\":5,\"to_peer_id\":\"" B "\",\"offer_id\":\"" O "\""),
			FAILED_OF("announce", "invalid answer")},
		{SAY(H, A, ",\"answer\":{},\"to_peer_id\":\"" B "\""),
			FAILED_OF("announce", "invalid answer")},
	};
	struct peer *a = connect_one();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		peers_send(a, cases[i].message, strlen(cases[i].message), false);
		assert_string_equal(peers_hear(a), cases[i].answer);
	}
	assert_int_equal(meter_values[METER_SWARMS], 0);
}

static void an_offer_that_is_none_is_passed_over(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *b = connect_one();

	(void)state;
	peers_say(b, SAY(H, B,
			     OFFERS("null,5,[],{},{\"offer\":null,\"offer_id\":\"" O
				    "\"},{\"offer\":{}}," OFFER("good"))));
	peers_hear(b);
	assert_string_equal(peers_hear(a), OFFERED("good", B, H));
	peers_say(b, SAY(H, B, ",\"offers\":null"));
	peers_say(b, SAY(H, B, ",\"offers\":{\"length\":5}"));
	peers_hear(b);
	peers_hear(b);
	nobody_hears_more();
}

static void numwant_bounds_the_offers(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *b = connect_one();

	(void)state;
	peers_say(b, SAY(H, B, ",\"numwant\":0" OFFERS(OFFER("no"))));
	assert_string_equal(peers_hear(a), "nothing");
	peers_say(b, SAY(H, B, ",\"numwant\":-1" OFFERS(OFFER("yes"))));
	assert_string_equal(peers_hear(a), OFFERED("yes", B, H));
}

static void who_was_not_asked_or_answers_again_is_not_heard(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *c = member(SAY(H, C, ",\"event\":\"stopped\"")),
		    *b;

	(void)state;
	b = member(SAY(H, B, OFFERS(OFFER("x"))));
	peers_hear(a);
	peers_say(c, SAY(H, C, ANSWER(B))); /* no member */
	peers_say(c, SAY(H, A, ANSWER(B))); /* another's id */
	peers_say(a, SAY(H, A, ANSWER(C))); /* nobody there */
	nobody_hears_more();
	peers_say(c, SAY(H, C, ""));
	peers_hear(c);
	peers_say(c, SAY(H, C, ANSWER(B))); /* a member that was not asked */
	nobody_hears_more();
	peers_say(a, SAY(H, A, ANSWER(B)));
	assert_string_equal(peers_hear(b), ANSWERED(A));
	peers_say(a, SAY(H, A, ANSWER(B)));
	nobody_hears_more();
	assert_int_equal(meter_values[METER_SWARM_ANSWERS_REFUSED], 5);
}

static void an_answer_after_two_minutes_is_too_late(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *b = member(SAY(H, B, OFFERS(OFFER("x"))));

	(void)state;
	peers_hear(a);
	peers_wait(&all, 120000);
	peers_say(a, SAY(H, A, ANSWER(B)));
	assert_string_equal(peers_hear(b), "nothing");
}

static void an_id_belongs_to_its_connection_while_that_lives(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *thief = connect_one();

	(void)state;
	peers_say(thief, SAY(H, A, ""));
	assert_string_equal(
		peers_hear(thief), FAILED_OF("announce", "peer_id belongs to another connection"));
	peers_say(thief, SAY(H, A, ",\"event\":\"stopped\""));
	assert_string_equal(peers_hear(thief), COUNTS("0", "1", H));
	peers_wait(&all, 60000); /* far longer than a ping and its answer take */
	peers_say(thief, SAY(H, A, ""));
	assert_string_equal(peers_hear(thief), COUNTS("0", "1", H));
	peers_say(a, SAY(H, A, ",\"event\":\"stopped\""));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", H));
	hub_drop(thief);
	peers_say(a, SAY(H, A, ""));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", H));
}

static void who_is_silent_for_as_long_as_the_options_say_now_may_lose_its_id(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *other = connect_one();

	(void)state;
	peers_wait(&all, 20000);
	peers_say(other, SAY(H, A, ""));
	assert_string_equal(
		peers_hear(other), FAILED_OF("announce", "peer_id belongs to another connection"));
	peers_options.ping_interval = 5; /* as a reload does */
	peers_say(other, SAY(H, A, ""));
	assert_string_equal(peers_hear(other), COUNTS("0", "1", H));
	assert_string_equal(peers_hear(a), "nothing");
}

static void one_connection_has_several_ids_and_torrents_and_leaves_with_all(void **state)
{
	struct peer *a = connect_one(), *c = member(SAY(H, C, ""));

	(void)state;
	peers_say(a, SAY(H, A, ""));
	peers_say(a, SAY(H, B, ",\"left\":0"));
	peers_say(a, SAY(C, A, ""));
	assert_string_equal(peers_hear(a), COUNTS("0", "2", H));
	assert_string_equal(peers_hear(a), COUNTS("1", "2", H));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", C));
	assert_int_equal(meter_values[METER_SWARMS], 2);
	hub_drop(a);
	assert_int_equal(meter_values[METER_SWARMS], 1);
	peers_say(c, SAY(H, C, ""));
	assert_string_equal(peers_hear(c), COUNTS("0", "1", H));
}

static void a_token_bounds_how_many_are_in_its_swarms(void **state)
{
	struct grant *grant = peers_grant("{\"room\":\"*\",\"max\":2}");
	struct peer *a = member(SAY(H, A, "")), *b = connect_one(), *c = connect_one();

	(void)state;
	b->grant = c->grant = grant;
	peers_say(b, SAY(H, B, ""));
	assert_string_equal(peers_hear(b), COUNTS("0", "2", H));
	peers_say(b, SAY(H, B, "")); /* it is in */
	assert_string_equal(peers_hear(b), COUNTS("0", "2", H));
	peers_say(c, SAY(H, C, ""));
	assert_string_equal(peers_hear(c), FAILED_OF("announce", "the swarm is full"));
	peers_wait(&all, 60000); /* a is silent: c has its seat */
	b->heard = c->heard = all.now;
	peers_say(c, SAY(H, A, ""));
	assert_string_equal(peers_hear(c), COUNTS("0", "2", H));
	assert_string_equal(peers_hear(a), "nothing");
	b->grant = c->grant = NULL;
	grant_destroy(grant);
}

static void two_mounts_never_meet(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *other = peers_connect(&all, "/2");

	(void)state;
	peers_say(other, SAY(H, B, OFFERS(OFFER("x"))));
	assert_string_equal(peers_hear(other), COUNTS("0", "1", H));
	assert_string_equal(peers_hear(a), "nothing");
}

static void who_does_not_announce_for_twenty_minutes_is_forgotten(void **state)
{
	struct peer *a = member(SAY(H, A, "")), *b;

	(void)state;
	peers_wait(&all, WEBTORRENT_EXPIRE / 2);
	b = member(SAY(H, B, ""));
	peers_wait(&all, WEBTORRENT_EXPIRE / 2 + 100);
	assert_int_equal(meter_values[METER_SWARM_MEMBERS], 1);
	peers_say(b, SAY(H, B, OFFERS(OFFER("x"))));
	assert_string_equal(peers_hear(b), COUNTS("0", "1", H));
	assert_string_equal(peers_hear(a), "nothing");
	peers_wait(&all, WEBTORRENT_EXPIRE + 100);
	assert_int_equal(meter_values[METER_SWARMS], 0);
}

static void left_and_completed_say_who_has_it_all(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	peers_say(a, SAY(H, A, ",\"event\":\"completed\""));
	assert_string_equal(peers_hear(a), COUNTS("1", "0", H));
	peers_say(a, SAY(H, A, ",\"left\":null"));
	assert_string_equal(peers_hear(a), COUNTS("1", "0", H));
	peers_say(a, SAY(H, A, ",\"left\":7"));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", H));
	peers_say(a, SAY(H, A, ",\"event\":\"update\",\"left\":0.0"));
	assert_string_equal(peers_hear(a), COUNTS("1", "0", H));
}

static void say_with_number(struct peer *peer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say_with_number(struct peer *peer, const char *format, ...)
{
	char text[4096];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	peers_send(peer, text, strlen(text), false);
}

static void a_connection_has_at_most_256_seats(void **state)
{
	struct peer *a = connect_one();

	(void)state;
	for (int i = 0; i < 256; i++) {
		say_with_number(a, SAY("%020d", A, ""), i);
		assert_non_null(strstr(peers_hear(a), "\"incomplete\":1"));
	}
	peers_say(a, SAY(H, A, ""));
	assert_string_equal(
		peers_hear(a), FAILED_OF("announce", "too many torrents on this connection"));
	say_with_number(a, SAY("%020d", A, ",\"event\":\"stopped\""), 7);
	peers_hear(a);
	peers_say(a, SAY(H, A, ""));
	assert_string_equal(peers_hear(a), COUNTS("0", "1", H));
}

static void of_one_message_at_most_twenty_offers_go_out_to_twenty_members(void **state)
{
	char text[8192] = "{\"action\":\"announce\",\"info_hash\":\"" H "\",\"peer_id\":\"" B
			  "\",\"numwant\":82,\"offers\":[" OFFER("0");
	struct peer *a[30], *b = connect_one();
	int heard = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		a[i] = connect_one();
		say_with_number(a[i], SAY(H, "%020d", ""), i);
		peers_hear(a[i]);
	}
	for (int i = 1; i < 40; i++) {
		strncat(text, "," OFFER("x"), sizeof(text) - strlen(text) - 1);
	}
	strncat(text, "]}", sizeof(text) - strlen(text) - 1);
	peers_send(b, text, strlen(text), false);
	for (int i = 0; i < 30; i++) {
		heard += strcmp(peers_hear(a[i]), "nothing") != 0;
		assert_string_equal(peers_hear(a[i]), "nothing"); /* nobody twice */
	}
	assert_int_equal(heard, 20);
}

/* Every member is found sooner or later. */
static void members_are_chosen_at_random(void **state)
{
	struct peer *a[8], *b = connect_one();
	int heard[8] = {0};

	(void)state;
	for (int i = 0; i < 8; i++) {
		a[i] = connect_one();
		say_with_number(a[i], SAY(H, "%020d", ""), i);
		peers_hear(a[i]);
	}
	for (int round = 0; round < 400; round++) {
		peers_say(b, SAY(H, B, OFFERS(OFFER("x"))));
		peers_hear(b);
		for (int i = 0; i < 8; i++) {
			heard[i] += strcmp(peers_hear(a[i]), "nothing") != 0;
		}
	}
	for (int i = 0; i < 8; i++) {
		assert_in_range(heard[i], 15, 120); /* 50; this fails once in 10^8 runs */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(the_conversation_of_the_original),
		CASE(hashes_are_compared_decoded_and_go_out_as_they_came),
		CASE(a_scrape_is_of_what_is_named),
		CASE(what_is_wrong_is_told_with_an_action),
		CASE(an_offer_that_is_none_is_passed_over),
		CASE(numwant_bounds_the_offers),
		CASE(who_was_not_asked_or_answers_again_is_not_heard),
		CASE(an_answer_after_two_minutes_is_too_late),
		CASE(an_id_belongs_to_its_connection_while_that_lives),
		CASE(who_is_silent_for_as_long_as_the_options_say_now_may_lose_its_id),
		CASE(one_connection_has_several_ids_and_torrents_and_leaves_with_all),
		CASE(a_token_bounds_how_many_are_in_its_swarms),
		CASE(two_mounts_never_meet),
		CASE(who_does_not_announce_for_twenty_minutes_is_forgotten),
		CASE(left_and_completed_say_who_has_it_all),
		CASE(a_connection_has_at_most_256_seats),
		CASE(of_one_message_at_most_twenty_offers_go_out_to_twenty_members),
		CASE(members_are_chosen_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

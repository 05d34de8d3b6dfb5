/* events: what is told when requests fail, and what is given up. The time is the test's. */
#include "nakodo/service/events.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/shortage.h"
#include "nakodo/service/webhook.h"
#include "scratch.h"

#define MOST 4096

/* Who carries the requests: keeps the last one. */
struct carrier {
	struct wheel wheel;
	uint64_t now;
	struct options options;
	struct webhook *webhook;
	struct events *events;
	int error; /* of the next requests */
	unsigned posts, cancels;
	uint64_t at; /* when the last one was made */
	struct webhook_headers headers;
	char body[70000];
};

static int carry(void *cookie, const char *url, const struct webhook_headers *headers,
	const char *body, size_t len)
{
	struct carrier *carrier = cookie;

	assert_string_equal(url, webhook_url(carrier->webhook));
	if (carrier->error) {
		return carrier->error;
	}
	carrier->posts++;
	carrier->at = carrier->now;
	carrier->headers = *headers;
	memcpy(carrier->body, body, len);
	carrier->body[len] = '\0';
	return 0;
}

static void cancel(void *cookie)
{
	((struct carrier *)cookie)->cancels++;
}

static void set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	struct carrier *carrier = cookie;

	wheel_set(&carrier->wheel, timer, carrier->now + delay, fn);
}

static void clear_timer(void *cookie, struct wheel_timer *timer)
{
	wheel_clear(&((struct carrier *)cookie)->wheel, timer);
}

static int set_up(void **state)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	const struct events_host host = {carry, cancel, set_timer, clear_timer, carrier};
	struct problem problem;

	scratch_enter(state);
	scratch_write("secret", "s\n", 2, 0600);
	carrier->options.webhook_secret = (char *)"secret";
	wheel_init(&carrier->wheel, 0);
	carrier->events = events_create(MOST);
	assert_int_equal(
		webhook_create(&carrier->webhook, "http://localhost/", &carrier->options, &problem),
		0);
	events_aim(carrier->events, carrier->webhook);
	events_start(carrier->events, &host);
	*state = carrier;
	return 0;
}

static int tear_down(void **state)
{
	struct carrier *carrier = *state;

	events_finish(carrier->events);
	events_destroy(carrier->events);
	webhook_destroy(carrier->webhook);
	free(carrier);
	scratch_leave(state);
	assert_int_equal(meter_values[METER_MEMORY_EVENTS], 0);
	assert_int_equal(meter_values[METER_EVENTS_WAITING], 0);
	return 0;
}

static void pass_time(struct carrier *carrier, uint64_t ms)
{
	for (uint64_t end = carrier->now + ms; carrier->now < end;) {
		carrier->now += WHEEL_STEP;
		wheel_run(&carrier->wheel, carrier->now);
	}
}

/* Let time pass until there is one request more; how much, in whole seconds. */
static unsigned until_post(struct carrier *carrier)
{
	uint64_t begun = carrier->now;

	for (unsigned posts = carrier->posts; posts == carrier->posts;) {
		pass_time(carrier, WHEEL_STEP);
		assert_true(carrier->now - begun < 100000);
	}
	return (unsigned)((carrier->now - begun) / 1000);
}

static void tell_of(struct carrier *carrier, unsigned char host, const char *room)
{
	const struct address address = {{[10] = 0xff, 0xff, 192, 0, 2, host}};
	const struct event event = {
		.type = "joined", .room = room, .address = host ? &address : NULL};

	events_add(carrier->events, &event);
}

static void tell(struct carrier *carrier, const char *room)
{
	tell_of(carrier, 0, room);
}

/* How often it stands in what is told from now on until nothing waits. */
static unsigned count_told(struct carrier *carrier, const char *what)
{
	unsigned count = 0;

	while (meter_values[METER_EVENTS_WAITING]) {
		until_post(carrier);
		for (const char *at = carrier->body; (at = strstr(at, what)); at++) {
			count++;
		}
		events_delivered(carrier->events);
	}
	return count;
}

static void events_that_come_together_go_together_and_one_request_at_a_time(void **state)
{
	struct carrier *carrier = *state;

	tell(carrier, "a");
	tell(carrier, "b");
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "\"type\":\"started\""));
	assert_non_null(strstr(carrier->body, "\"room\":\"a\""));
	assert_non_null(strstr(carrier->body, "\"room\":\"b\""));
	tell(carrier, "c");
	pass_time(carrier, 5000);
	assert_int_equal(carrier->posts, 1);
	events_delivered(carrier->events);
	until_post(carrier);
	assert_null(strstr(carrier->body, "\"room\":\"b\""));
	assert_non_null(strstr(carrier->body, "\"room\":\"c\""));
	events_delivered(carrier->events);
	pass_time(carrier, 100000);
	assert_int_equal(carrier->posts, 2);
}

static void the_pauses_double_up_to_a_minute_and_begin_anew_after_success(void **state)
{
	static const unsigned pauses[] = {1, 2, 4, 8, 16, 32, 60, 60};
	struct carrier *carrier = *state;
	char id[sizeof(carrier->headers.id)];

	until_post(carrier);
	memcpy(id, carrier->headers.id, sizeof(id));
	for (size_t i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		events_failed(carrier->events, i % 2 ? 503 : 0);
		tell(carrier, "meanwhile");
		assert_int_equal(until_post(carrier), pauses[i]);
		assert_string_equal(carrier->headers.id, id);
		assert_null(strstr(carrier->body, "meanwhile"));
	}
	events_delivered(carrier->events);
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "meanwhile"));
	events_failed(carrier->events, 0);
	assert_int_equal(until_post(carrier), 1);
}

static void what_is_refused_for_ten_minutes_makes_way_for_what_is_behind(void **state)
{
	struct carrier *carrier = *state;
	uint64_t given_up = meter_values[METER_EVENTS_GIVEN_UP];

	tell(carrier, "poison");
	until_post(carrier);
	tell(carrier, "fine");
	while (strstr(carrier->body, "poison")) {
		events_failed(carrier->events, 400);
		until_post(carrier);
	}
	assert_in_range(carrier->now, 600000, 720000);
	assert_non_null(strstr(carrier->body, "fine"));
	assert_int_equal(meter_values[METER_EVENTS_GIVEN_UP], given_up + 2); /* and `started` */
}

static void who_asks_for_patience_is_given_it(void **state)
{
	struct carrier *carrier = *state;
	uint64_t given_up = meter_values[METER_EVENTS_GIVEN_UP];

	until_post(carrier);
	for (int i = 0; i < 100; i++) {
		events_failed(carrier->events, i % 2 ? 429 : 408);
		until_post(carrier);
	}
	assert_int_equal(meter_values[METER_EVENTS_GIVEN_UP], given_up);
}

static void past_the_bound_the_oldest_are_given_up_but_not_what_is_just_being_told(void **state)
{
	struct carrier *carrier = *state;
	char room[32];

	tell(carrier, "under way");
	until_post(carrier);
	for (int i = 0; i < 1000; i++) {
		snprintf(room, sizeof(room), "room %d", i);
		tell(carrier, room);
		assert_true(meter_values[METER_MEMORY_EVENTS] <= MOST);
	}
	assert_non_null(strstr(carrier->body, "under way"));
	events_failed(carrier->events, 0);
	tell(carrier, "newer");
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "under way")); /* is told again */
	events_delivered(carrier->events);
	until_post(carrier);
	assert_null(strstr(carrier->body, "room 1\""));
	events_delivered(carrier->events);
	assert_int_equal(count_told(carrier, "room 999\""), 1);
}

static void who_makes_many_events_pushes_out_its_own_only(void **state)
{
	struct carrier *carrier = *state;
	uint64_t given_up = meter_values[METER_EVENTS_GIVEN_UP];

	until_post(carrier);
	events_delivered(carrier->events);
	tell_of(carrier, 1, "quiet");
	for (int i = 0; i < 1000; i++) {
		tell_of(carrier, 2, "loud");
		assert_true(meter_values[METER_MEMORY_EVENTS] <= MOST);
	}
	tell_of(carrier, 3, "quiet");
	assert_int_equal(count_told(carrier, "\"quiet\""), 2);
	assert_true(meter_values[METER_EVENTS_GIVEN_UP] > given_up + 900);
}

static void when_memory_is_short_who_has_most_gives_up_its_oldest(void **state)
{
	struct carrier *carrier = *state;
	uint64_t shed = meter_values[METER_SHED_EVENTS], given_up;
	struct shortage shortage = {0};
	uint64_t used;

	until_post(carrier);
	events_delivered(carrier->events);
	tell_of(carrier, 1, "quiet");
	for (int i = 0; i < 10; i++) {
		tell_of(carrier, 2, i ? "loud" : "oldest");
	}
	used = memory_used();
	given_up = meter_values[METER_EVENTS_GIVEN_UP];
	events_weigh(carrier->events, &shortage.held);
	shortage_begin(&shortage, used - used / 4);
	events_shed(carrier->events, &shortage);
	assert_true(memory_used() <= used - used / 4);
	shortage_finish(&shortage);
	shed = meter_values[METER_SHED_EVENTS] - shed;
	assert_in_range(shed, 2, 5);
	assert_int_equal(meter_values[METER_EVENTS_GIVEN_UP], given_up + shed);
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "quiet"));
	assert_non_null(strstr(carrier->body, "loud"));
	assert_null(strstr(carrier->body, "oldest"));
}

static void a_request_that_is_lost_or_cannot_be_made_is_made_again(void **state)
{
	struct carrier *carrier = *state;

	carrier->error = -ENOMEM;
	pass_time(carrier, 1500);
	assert_int_equal(carrier->posts, 0);
	carrier->error = 0;
	until_post(carrier);
	pass_time(carrier, EVENTS_TIMEOUT + 6000);
	assert_int_equal(carrier->cancels, 1);
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "started"));
}

static void another_url_hears_that_it_is_told_from_now_on(void **state)
{
	struct carrier *carrier = *state;
	struct webhook *other;
	struct problem problem;

	until_post(carrier);
	events_delivered(carrier->events);
	assert_int_equal(
		webhook_create(&other, "http://localhost/other", &carrier->options, &problem), 0);
	events_aim(carrier->events, other);
	webhook_destroy(carrier->webhook);
	carrier->webhook = other;
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "\"type\":\"subscribed\""));
	assert_null(strstr(carrier->body, "started"));
}

static void a_lower_maximum_holds_at_once(void **state)
{
	struct carrier *carrier = *state;
	uint64_t given_up = meter_values[METER_EVENTS_GIVEN_UP];

	tell(carrier, "waits");
	events_set_most(carrier->events, 1);
	assert_int_equal(meter_values[METER_EVENTS_GIVEN_UP], given_up + 2); /* and `started` */
	assert_int_equal(meter_values[METER_MEMORY_EVENTS], 0);
}

static void nobody_who_listens_costs_nothing_and_a_new_one_is_told_what_waits(void **state)
{
	struct carrier *carrier = *state;
	struct webhook *other;
	struct problem problem;

	until_post(carrier);
	tell(carrier, "waits");
	assert_int_equal(
		webhook_create(&other, "http://localhost/", &carrier->options, &problem), 0);
	events_aim(carrier->events, other);
	webhook_destroy(carrier->webhook);
	carrier->webhook = other;
	assert_int_equal(carrier->cancels, 0);
	events_failed(carrier->events, 0);
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "started"));
	events_failed(carrier->events, 0);
	events_aim(carrier->events, other);
	assert_int_equal(until_post(carrier), 0);
	events_delivered(carrier->events);
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "waits"));
	events_aim(carrier->events, NULL);
	assert_int_equal(carrier->cancels, 1);
	tell(carrier, "unheard");
	assert_int_equal(meter_values[METER_MEMORY_EVENTS], 0);
	pass_time(carrier, 100000);
	assert_int_equal(carrier->posts, 4);
	assert_false(events_stop(carrier->events));
}

static void the_last_words_are_worth_waiting_for_while_somebody_listens(void **state)
{
	struct carrier *carrier = *state;

	until_post(carrier);
	events_delivered(carrier->events);
	assert_true(events_stop(carrier->events));
	until_post(carrier);
	assert_non_null(strstr(carrier->body, "\"type\":\"stopped\""));
	assert_true(events_stop(carrier->events));
	events_delivered(carrier->events);
	assert_false(events_stop(carrier->events));
}

static void who_is_known_to_be_down_is_not_waited_for(void **state)
{
	struct carrier *carrier = *state;

	until_post(carrier);
	events_failed(carrier->events, 0);
	assert_false(events_stop(carrier->events));
}

/* By `printf %s 'msg.1700000000.{}' | openssl dgst -sha256 -hmac s -binary | base64`. */
static void a_signature_is_that_of_standard_webhooks(void **state)
{
	struct carrier *carrier = *state;
	struct webhook_headers headers;

	assert_true(webhook_sign(carrier->webhook, "msg", 1700000000, "{}", 2, &headers));
	assert_string_equal(headers.lines[0], "content-type: application/json");
	assert_string_equal(headers.lines[1], "webhook-id: msg");
	assert_string_equal(headers.lines[2], "webhook-timestamp: 1700000000");
	assert_string_equal(headers.lines[3],
		"webhook-signature: v1,HE88EA3Kd3xvHByIpXRD2Lnll6gUzMluNJ339+dIH/w=");
	assert_null(headers.lines[4]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(events_that_come_together_go_together_and_one_request_at_a_time),
		TEST(the_pauses_double_up_to_a_minute_and_begin_anew_after_success),
		TEST(what_is_refused_for_ten_minutes_makes_way_for_what_is_behind),
		TEST(who_asks_for_patience_is_given_it),
		TEST(past_the_bound_the_oldest_are_given_up_but_not_what_is_just_being_told),
		TEST(who_makes_many_events_pushes_out_its_own_only),
		TEST(when_memory_is_short_who_has_most_gives_up_its_oldest),
		TEST(a_request_that_is_lost_or_cannot_be_made_is_made_again),
		TEST(nobody_who_listens_costs_nothing_and_a_new_one_is_told_what_waits),
		TEST(another_url_hears_that_it_is_told_from_now_on),
		TEST(a_lower_maximum_holds_at_once),
		TEST(the_last_words_are_worth_waiting_for_while_somebody_listens),
		TEST(who_is_known_to_be_down_is_not_waited_for),
		TEST(a_signature_is_that_of_standard_webhooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

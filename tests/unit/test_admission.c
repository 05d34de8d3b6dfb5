/* admission: who is asked for first, and how long an answer is good. The time is the test's. */
#include "nakodo/service/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/admission_answer.h"
#include "nakodo/service/webhook.h"
#include "scratch.h"

#define MANY 8192

/* Who carries the questions: a request is the body that it asks. */
struct carrier {
	struct wheel wheel;
	uint64_t now;
	struct options options;
	struct webhook *webhook;
	struct admissions *admissions;
	struct question *under_way[MANY];
	char bodies[MANY][32];
	unsigned posts, cancels;
	bool full; /* it carries no more */
	const char *noted;
	unsigned allowed, refused, failed; /* answers */
	char said[64]; /* the last one */
};

static void *carry(void *cookie, const char *url, const struct webhook_headers *headers,
	const char *body, size_t len, struct question *question)
{
	struct carrier *carrier = cookie;
	unsigned i = carrier->posts;

	if (carrier->full) {
		return NULL;
	}
	carrier->posts++;
	assert_string_equal(url, webhook_url(carrier->webhook));
	assert_non_null(headers->lines[3]);
	carrier->under_way[i] = question;
	snprintf(carrier->bodies[i], sizeof(carrier->bodies[i]), "%.*s", (int)len, body);
	return carrier->bodies[i];
}

static unsigned index_of(const struct carrier *carrier, const void *request)
{
	return (unsigned)((const char(*)[32])request - carrier->bodies);
}

static void cancel(void *cookie, void *request)
{
	struct carrier *carrier = cookie;

	carrier->cancels++;
	carrier->under_way[index_of(carrier, request)] = NULL;
}

static void note(void *cookie, const char *problem)
{
	((struct carrier *)cookie)->noted = problem;
}

static uint64_t now(void *cookie)
{
	return ((struct carrier *)cookie)->now;
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

static void take(void *cookie, const struct admission_answer *answer)
{
	struct carrier *carrier = cookie;

	if (answer->problem) {
		carrier->failed++;
		snprintf(carrier->said, sizeof(carrier->said), "%s", answer->problem);
	} else {
		*(answer->allowed ? &carrier->allowed : &carrier->refused) += 1;
		snprintf(carrier->said, sizeof(carrier->said), "%.*s", (int)answer->len,
			answer->text);
	}
}

static int set_up(void **state)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	const struct admission_host host = {
		carry, cancel, note, now, set_timer, clear_timer, carrier};
	struct problem problem;

	scratch_enter(state);
	scratch_write("secret", "s\n", 2, 0600);
	carrier->options.webhook_secret = (char *)"secret";
	wheel_init(&carrier->wheel, 0);
	carrier->admissions = admissions_create(100000);
	assert_int_equal(
		webhook_create(&carrier->webhook, "http://localhost/", &carrier->options, &problem),
		0);
	admissions_aim(carrier->admissions, carrier->webhook);
	admissions_start(carrier->admissions, &host);
	*state = carrier;
	return 0;
}

static int tear_down(void **state)
{
	struct carrier *carrier = *state;

	admissions_aim(carrier->admissions, NULL);
	admissions_finish(carrier->admissions);
	admissions_destroy(carrier->admissions);
	webhook_destroy(carrier->webhook);
	free(carrier);
	scratch_leave(state);
	assert_int_equal(meter_values[METER_MEMORY_EVENTS], 0);
	assert_int_equal(meter_values[METER_ADMISSIONS_WAITING], 0);
	return 0;
}

static void pass_time(struct carrier *carrier, uint64_t ms)
{
	for (uint64_t end = carrier->now + ms; carrier->now < end;) {
		carrier->now += WHEEL_STEP;
		wheel_run(&carrier->wheel, carrier->now);
	}
}

static struct question *ask_from(
	struct carrier *carrier, unsigned char network, unsigned char host, const char *body)
{
	const struct address address = {{[10] = 0xff, 0xff, 192, 0, network, host}};
	const struct admission_text text = {body, strlen(body), strlen(body)};

	return admissions_ask(carrier->admissions, &address, &text, take, carrier);
}

static struct question *ask(struct carrier *carrier, unsigned char network, const char *body)
{
	return ask_from(carrier, network, 1, body);
}

static void answer(struct carrier *carrier, unsigned i, const char *body)
{
	struct question *question = carrier->under_way[i];

	assert_non_null(question);
	carrier->under_way[i] = NULL;
	admissions_answered(question, 200, body, strlen(body), NULL);
}

static void answer_first(struct carrier *carrier)
{
	unsigned at = 0;

	while (!carrier->under_way[at]) {
		at++;
	}
	answer(carrier, at, "{\"allow\":true}");
}

static bool is_under_way(const struct carrier *carrier, const char *body)
{
	for (unsigned i = 0; i < carrier->posts; i++) {
		if (carrier->under_way[i] && !strcmp(carrier->bodies[i], body)) {
			return true;
		}
	}
	return false;
}

static void an_answer_lets_in_or_not_or_is_none(void **state)
{
	struct carrier *carrier = *state;

	ask(carrier, 1, "a");
	ask(carrier, 1, "b");
	ask(carrier, 1, "c");
	ask(carrier, 1, "d");
	answer(carrier, 0, "{\"allow\":true,\"name\":\"x\"}");
	assert_int_equal(carrier->allowed, 1);
	assert_string_equal(carrier->said, "{\"allow\":true,\"name\":\"x\"}");
	answer(carrier, 1, "{\"allowed\":false}");
	assert_int_equal(carrier->refused, 1);
	assert_null(carrier->noted);
	answer(carrier, 2, "{\"allow\":1}");
	assert_int_equal(carrier->failed, 1);
	assert_non_null(carrier->noted);
	admissions_answered(carrier->under_way[3], 500, "{\"allow\":true}", 14, NULL);
	assert_int_equal(carrier->failed, 2);
	assert_string_equal(carrier->said, "it answered 500");
}

static void without_an_answer_in_two_seconds_it_has_failed(void **state)
{
	struct carrier *carrier = *state;

	ask(carrier, 1, "a");
	pass_time(carrier, ADMISSION_TIMEOUT - 200);
	assert_int_equal(carrier->failed, 0);
	pass_time(carrier, 400);
	assert_int_equal(carrier->failed, 1);
	assert_int_equal(carrier->cancels, 1);
	assert_string_equal(carrier->said, "no answer came within 2 s");
}

static void ask_many(struct carrier *carrier, int count)
{
	char body[32];

	for (int i = 0; i < count; i++) {
		snprintf(body, sizeof(body), "%d", i);
		ask(carrier, 1, body);
	}
}

static void the_two_seconds_begin_when_it_is_asked(void **state)
{
	struct carrier *carrier = *state;

	ask_many(carrier, ADMISSIONS_FLYING + 1);
	pass_time(carrier, ADMISSION_TIMEOUT - 200);
	answer(carrier, 0, "{\"allow\":true}");
	assert_true(is_under_way(carrier, "24"));
	pass_time(carrier, ADMISSION_TIMEOUT - 200);
	assert_int_equal(carrier->failed, ADMISSIONS_FLYING - 1);
	answer(carrier, ADMISSIONS_FLYING, "{\"allow\":true}");
	assert_int_equal(carrier->allowed, 2);
	pass_time(carrier, ADMISSION_PATIENCE);
	assert_int_equal(carrier->failed, ADMISSIONS_FLYING - 1);
}

static void who_has_waited_ten_seconds_is_not_asked_for_any_more(void **state)
{
	struct carrier *carrier = *state;
	unsigned turns = ADMISSION_PATIENCE / ADMISSION_TIMEOUT;

	ask_many(carrier, 10 * ADMISSIONS_FLYING);
	pass_time(carrier, ADMISSION_PATIENCE - 200);
	assert_int_equal(carrier->failed, (turns - 1) * ADMISSIONS_FLYING);
	pass_time(carrier, 2 * WHEEL_STEP);
	assert_int_equal(carrier->posts, turns * ADMISSIONS_FLYING);
	pass_time(carrier, 400);
	assert_int_equal(carrier->failed, 10 * ADMISSIONS_FLYING);
	assert_int_equal(carrier->posts, turns * ADMISSIONS_FLYING);
}

/* A server that answers those who are under way shortly before their time is over. */
static void answer_in_time(struct carrier *carrier, unsigned turns)
{
	for (unsigned i = 0; i < turns * ADMISSIONS_FLYING; i++) {
		if (i % ADMISSIONS_FLYING == 0) {
			pass_time(carrier, ADMISSION_TIMEOUT - 100);
		}
		answer(carrier, i, "{\"allow\":true}");
	}
}

static void a_crowd_that_waits_in_vain_says_nothing_of_who_is_asked(void **state)
{
	struct carrier *carrier = *state;
	uint64_t failed = meter_values[METER_ADMISSIONS_FAILED];
	uint64_t expired = meter_values[METER_ADMISSIONS_EXPIRED];

	ask_many(carrier, 10 * ADMISSIONS_FLYING);
	answer_in_time(carrier, 5);
	pass_time(carrier, 600);
	assert_string_equal(carrier->said, "too many newcomers wait for an answer");
	assert_null(carrier->noted);
	assert_int_equal(meter_values[METER_ADMISSIONS_FAILED], failed);
	assert_int_equal(meter_values[METER_ADMISSIONS_EXPIRED], expired + 4 * ADMISSIONS_FLYING);
}

static void who_made_way_is_asked_for_again_however_late_it_is(void **state)
{
	struct carrier *carrier = *state;

	ask_many(carrier, 6 * ADMISSIONS_FLYING);
	answer_in_time(carrier, 5);
	pass_time(carrier, 600); /* those who wait for the last turn are late */
	ask(carrier, 2, "quiet");
	assert_false(is_under_way(carrier, "143"));
	pass_time(carrier, 600);
	answer(carrier, 6 * ADMISSIONS_FLYING, "{\"allow\":true}");
	assert_true(is_under_way(carrier, "143"));
	assert_int_equal(carrier->failed, 0);
}

static void nobody_is_put_back_without_end(void **state)
{
	struct carrier *carrier = *state;

	ask(carrier, 1, "a");
	while (carrier->now < ADMISSION_PATIENCE + ADMISSION_TIMEOUT) {
		assert_true(is_under_way(carrier, "a"));
		pass_time(carrier, ADMISSION_TIMEOUT - 100);
		admissions_aim(carrier->admissions, carrier->webhook);
	}
	pass_time(carrier, ADMISSION_TIMEOUT - 100);
	carrier->full = true;
	admissions_aim(carrier->admissions, carrier->webhook);
	pass_time(carrier, 2 * WHEEL_STEP);
	assert_int_equal(carrier->failed, 1);
}

static void who_asks_much_makes_way_for_others_and_they_take_turns(void **state)
{
	struct carrier *carrier = *state;
	char body[32];

	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof(body), "loud %d", i);
		ask(carrier, 2, body);
	}
	assert_int_equal(carrier->posts, ADMISSIONS_FLYING);
	ask(carrier, 3, "quiet");
	assert_true(is_under_way(carrier, "quiet"));
	assert_false(is_under_way(carrier, "loud 23")); /* the newest */
	assert_int_equal(carrier->cancels, 1);
	for (int i = 0; i < 50; i++) {
		snprintf(body, sizeof(body), "other %d", i);
		ask(carrier, 4, body);
	}
	/* They have as many under way as the first, and then each in its turn. */
	assert_in_range(carrier->cancels, 11, 13);
	for (int i = 0; i < 20; i++) {
		answer_first(carrier);
	}
	assert_true(is_under_way(carrier, "loud 14")); /* again */
	assert_int_equal(carrier->failed, 0);
}

static void a_network_of_many_addresses_has_the_turns_of_one(void **state)
{
	struct carrier *carrier = *state;
	char body[32];

	for (unsigned char i = 0; i < 200; i++) {
		snprintf(body, sizeof(body), "loud %d", i);
		ask_from(carrier, 2, i, body);
	}
	for (unsigned char i = 0; i < 20; i++) {
		snprintf(body, sizeof(body), "quiet %d", i);
		ask_from(carrier, 3, i, body);
	}
	assert_int_equal(carrier->cancels, ADMISSIONS_FLYING / 2);
	assert_true(is_under_way(carrier, "quiet 11"));
	assert_false(is_under_way(carrier, "quiet 12"));
	for (int i = 0; i < 16; i++) {
		answer_first(carrier);
	}
	assert_true(is_under_way(carrier, "quiet 19"));
}

static void an_address_makes_way_for_others_of_its_network(void **state)
{
	struct carrier *carrier = *state;
	char body[32];

	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof(body), "loud %d", i);
		ask_from(carrier, 2, 1, body);
	}
	ask_from(carrier, 2, 2, "quiet");
	assert_true(is_under_way(carrier, "quiet"));
	assert_int_equal(carrier->cancels, 1);
}

static void an_answer_is_good_for_as_long_as_it_says(void **state)
{
	struct carrier *carrier = *state;

	ask(carrier, 1, "a");
	answer(carrier, 0, "{\"allow\":false,\"ttl\":5}");
	assert_null(ask(carrier, 1, "a"));
	assert_int_equal(carrier->refused, 2);
	assert_int_equal(carrier->posts, 1);
	assert_non_null(ask(carrier, 1, "b"));
	pass_time(carrier, 5000);
	assert_non_null(ask(carrier, 1, "a"));
	assert_int_equal(carrier->posts, 3);
	answer(carrier, 2, "{\"allow\":true,\"ttl\":1000000}");
	pass_time(carrier, (ADMISSION_TTL - 1) * UINT64_C(1000));
	assert_null(ask(carrier, 1, "a"));
	pass_time(carrier, 1000);
	assert_non_null(ask(carrier, 1, "a"));
}

static void another_url_is_asked_all_anew_and_none_lets_all_in(void **state)
{
	struct carrier *carrier = *state;
	struct webhook *other;
	struct problem problem;

	ask(carrier, 1, "kept");
	answer(carrier, 0, "{\"allow\":false,\"ttl\":100}");
	ask(carrier, 1, "a");
	ask(carrier, 2, "b");
	assert_int_equal(
		webhook_create(&other, "http://localhost/other", &carrier->options, &problem), 0);
	webhook_destroy(carrier->webhook);
	carrier->webhook = other;
	admissions_aim(carrier->admissions, other);
	assert_int_equal(carrier->cancels, 2);
	assert_true(is_under_way(carrier, "a") && is_under_way(carrier, "b"));
	assert_non_null(ask(carrier, 1, "kept"));
	admissions_aim(carrier->admissions, NULL);
	assert_int_equal(carrier->allowed, 3);
	assert_false(admissions_are_asked(carrier->admissions));
}

static void who_leaves_is_forgotten_and_the_next_is_asked_for(void **state)
{
	struct carrier *carrier = *state;
	struct question *questions[ADMISSIONS_FLYING + 2];
	char body[32];

	for (size_t i = 0; i < ADMISSIONS_FLYING + 2; i++) {
		snprintf(body, sizeof(body), "%zu", i);
		questions[i] = ask(carrier, 1, body);
	}
	admissions_cancel(questions[ADMISSIONS_FLYING]); /* it waited */
	assert_int_equal(carrier->posts, ADMISSIONS_FLYING);
	admissions_cancel(questions[0]);
	assert_int_equal(carrier->posts, ADMISSIONS_FLYING + 1);
	assert_true(is_under_way(carrier, "25"));
	assert_int_equal(carrier->allowed + carrier->refused + carrier->failed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_lets_in_or_not_or_is_none),
		TEST(without_an_answer_in_two_seconds_it_has_failed),
		TEST(who_asks_much_makes_way_for_others_and_they_take_turns),
		TEST(a_network_of_many_addresses_has_the_turns_of_one),
		TEST(an_address_makes_way_for_others_of_its_network),
		TEST(the_two_seconds_begin_when_it_is_asked),
		TEST(who_has_waited_ten_seconds_is_not_asked_for_any_more),
		TEST(a_crowd_that_waits_in_vain_says_nothing_of_who_is_asked),
		TEST(who_made_way_is_asked_for_again_however_late_it_is),
		TEST(nobody_is_put_back_without_end),
		TEST(an_answer_is_good_for_as_long_as_it_says),
		TEST(another_url_is_asked_all_anew_and_none_lets_all_in),
		TEST(who_leaves_is_forgotten_and_the_next_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* pace: who is left unread, when, and that everybody is gone on with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/request.h"
#include "nakodo/hub/press.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/ws.h"
#include "peers.h"

#define RATE 1000
#define BURST (4 * RATE)
#define OUTBOX (256 * 1024) /* bytes */
#define AN_AGE 1000000000 /* ns of work */

static struct peers all;
static uv_loop_t loop;
static struct deadlines deadlines;
static struct options options;
static struct census *census;
static struct gate gate;
static struct census_group *group, *other_group;
static struct ws ws;
static struct conn conn, other;
static bool exhausts; /* each message takes all time of its address */
static bool ends; /* the next message ends its sender's stay */
static struct peer *reader; /* NULL: nobody gets the messages */
static unsigned delivered, last; /* messages, of `conn` */
static struct conn *admitted[3]; /* in that order */
static unsigned admissions;
static char room[8], argument[8]; /* that the last one asked for */
static bool refuses; /* who is admitted next is closed at once */
static unsigned holds, releases, resumes, refusals; /* that many holds are to be refused */

static void admit(struct conn *one, const struct request *request)
{
	admitted[admissions++] = one;
	snprintf(room, sizeof(room), "%s", request->room);
	snprintf(argument, sizeof(argument), "%s", request->arguments[0]);
	assert_null(request->arguments[1]);
	census_work(one->place, ws.pace.turn.number, AN_AGE);
	if (refuses) {
		hub_close(&one->peer, 4409, "taken");
	}
}

static void deliver(struct conn *from, const char *data, size_t len, bool binary)
{
	struct iovec part = {(void *)data, len};
	struct message message;

	if (from == &conn) {
		delivered++;
		memcpy(&last, data, sizeof(last));
	}
	pace_hear(from);
	if (reader) {
		message_init(&message, &part, 1, binary, true);
		hub_send(reader, &message);
		message_finish(&message);
	}
	if (ends) {
		hub_close(&from->peer, 1008, "bad message");
	}
	if (exhausts) {
		census_work(from->place, ws.pace.turn.number, AN_AGE);
	}
	pace_count(from, len);
}

static bool hold(struct conn *held)
{
	(void)held;
	if (refusals) {
		refusals--;
		return false;
	}
	holds++;
	return true;
}

static void release(struct conn *held)
{
	(void)held;
	releases++;
}

static void resumed(struct conn *held)
{
	(void)held;
	resumes++;
}

static void on_leave(struct peer *peer)
{
	struct conn *left = (struct conn *)peer;

	left->place = NULL;
	pace_end(left);
}

static void begin(struct conn *one, uint64_t id, const char *text, struct census_group **ret_group)
{
	struct address address;

	assert_true(address_parse(&address, text, strlen(text)));
	assert_true(census_add_connection(census, &address, 0, ret_group));
	*one = (struct conn){.ws = &ws, .address = address, .place = *ret_group};
	hub_open(all.hub, &one->peer, id, on_leave);
}

/* As after each turn. */
static void settle(void)
{
	turn_next(&ws.pace.turn);
	pace_settle(&ws.pace);
}

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 10, .outbox_bytes = OUTBOX};

	(void)state;
	uv_loop_init(&loop);
	deadlines_init(&deadlines, &loop);
	peers_init(&all, limits, (const char *const[]){NULL});
	deadlines_serve(&deadlines, all.hub);
	census = census_create();
	options = (struct options){0};
	gate = (struct gate){.census = census};
	ws = (struct ws){.gate = &gate,
		.pace = {.options = &options,
			.deadlines = &deadlines,
			.admit = admit,
			.deliver = deliver,
			.hold = hold,
			.release = release,
			.resumed = resumed}};
	pace_start(&ws.pace, all.hub);
	reader = NULL;
	ends = refuses = exhausts = false;
	admissions = delivered = last = holds = releases = resumes = refusals = 0;
	begin(&conn, 101, "192.0.2.1", &group);
	begin(&other, 102, "198.51.100.1", &other_group);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	hub_drop(&conn.peer);
	hub_drop(&other.peer);
	census_remove_connection(census, group);
	census_remove_connection(census, other_group);
	census_destroy(census);
	peers_finish(&all);
	deadlines_finish(&deadlines);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* As net does with a message that has come; in front stands which one it is. */
static void say(struct conn *from, unsigned number, size_t len)
{
	char *data = calloc(1, len);

	memcpy(data, &number, sizeof(number));
	if (pace_is_due(from)) {
		deliver(from, data, len, true);
	} else {
		assert_true(pace_keep(from, data, len, true));
	}
	free(data);
}

static void fill_over_half(struct peer *peer)
{
	char *data = calloc(1, OUTBOX / 2 + 1);
	struct iovec part = {data, OUTBOX / 2 + 1};
	struct message message;

	message_init(&message, &part, 1, true, true);
	hub_send(peer, &message);
	message_finish(&message);
	free(data);
}

/* A turn of the loop. False: nothing is waited for any more. */
static bool turn_around(void)
{
	settle();
	return pace_has_more(&ws.pace) || uv_run(&loop, UV_RUN_ONCE);
}

/* Turns of the loop, until so many have been delivered or nothing is waited for any more. */
static void go_on_until(unsigned count)
{
	while (delivered < count && turn_around()) {
		assert_true(delivered == 0 || last == delivered - 1);
	}
	assert_int_equal(delivered, count);
}

static void who_is_over_its_rate_is_left_unread_after_the_turn_until_it_is_due(void **state)
{
	(void)state;
	options.message_rate = RATE;
	conn.place = NULL; /* its address has all time of the turn */
	for (unsigned i = 0; i < BURST + 20; i++) {
		say(&conn, i, sizeof(i));
	}
	assert_in_range(delivered, BURST, BURST + 10);
	assert_int_equal(holds, 0);
	settle();
	assert_int_equal(holds, 1);
	assert_int_equal(releases, 0);
	go_on_until(BURST + 20);
	while (conn.hold != HOLD_NONE && turn_around()) {
	}
	assert_int_equal(holds, 1);
	assert_int_equal(releases, 1);
	assert_int_equal(resumes, 1);
}

static void what_cannot_be_left_unread_yet_is_asked_again_after_the_next_turn(void **state)
{
	(void)state;
	options.message_rate = RATE;
	conn.place = NULL;
	refusals = 2;
	for (unsigned i = 0; conn.hold == HOLD_NONE; i++) {
		say(&conn, i, sizeof(i));
	}
	while (refusals) {
		settle();
		assert_true(pace_has_more(&ws.pace));
		assert_int_equal(holds, 0);
	}
	settle();
	assert_false(pace_has_more(&ws.pace));
	assert_int_equal(holds, 1);
}

static void who_has_had_its_time_of_a_turn_goes_on_in_the_next(void **state)
{
	(void)state;
	census_work(group, ws.pace.turn.number, AN_AGE);
	say(&conn, 0, sizeof(unsigned));
	assert_int_equal(delivered, 0);
	settle();
	assert_int_equal(delivered, 1);
	assert_int_equal(conn.hold, HOLD_NONE);
	assert_int_equal(resumes, 1);
}

static void who_is_due_after_its_address_has_had_its_time_keeps_the_loop_turning(void **state)
{
	(void)state;
	options.message_rate = RATE;
	conn.place = NULL;
	for (unsigned i = 0; conn.hold == HOLD_NONE; i++) {
		say(&conn, i, sizeof(i));
	}
	settle();
	assert_false(pace_has_more(&ws.pace));
	conn.place = group;
	census_work(group, ws.pace.turn.number, AN_AGE);
	while (conn.timer.at && uv_run(&loop, UV_RUN_ONCE)) {
	}
	assert_true(pace_has_more(&ws.pace));
	settle();
	assert_int_equal(conn.hold, HOLD_NONE);
	assert_int_equal(resumes, 1);
}

/* Its message alone was too little to wait for; when another address waits for the same reader, its
 * part of the rate is half. */
static void who_has_had_its_time_and_has_to_wait_for_a_reader_then_goes_on_by_itself(void **state)
{
	(void)state;
	reader = peers_add(&all);
	fill_over_half(reader);
	say(&conn, 0, PRESS_RATE / 1000 - 50);
	assert_int_equal(delivered, 1);
	assert_int_equal(conn.hold, HOLD_NONE);
	census_work(group, ws.pace.turn.number, AN_AGE);
	say(&conn, 1, sizeof(unsigned));
	assert_int_equal(conn.hold, HOLD_PENDING);
	say(&other, 0, PRESS_RATE / 100);
	settle();
	assert_int_equal(conn.hold, HOLD_UNREAD);
	assert_int_equal(delivered, 1);
	go_on_until(2); /* though the reader has not read */
}

static void a_message_that_ends_its_senders_stay_is_charged_to_its_address(void **state)
{
	(void)state;
	assert_int_equal(census_worked(group, ws.pace.turn.number), 0);
	ends = true;
	say(&conn, 0, sizeof(unsigned));
	assert_int_equal(conn.peer.state, PEER_CLOSING);
	assert_null(conn.place);
	assert_true(census_worked(group, ws.pace.turn.number) > 0);
}

/* A peer that has just connected. */
static bool knock(struct conn *one, const char *name)
{
	char text[] = "r0", number[] = "n=0";
	const char *arguments[] = {number, NULL};
	struct request request = {.room = text, .arguments = arguments};
	bool now;

	text[1] = number[2] = *name;
	now = pace_may_admit(one, &request);
	text[1] = number[2] = '-'; /* it is the caller's */
	return now;
}

static void who_connects_while_its_address_has_time_is_admitted_at_once(void **state)
{
	(void)state;
	assert_true(knock(&conn, "1"));
	assert_false(pace_is_pending(&conn));
	assert_false(pace_has_more(&ws.pace));
}

static void newcomers_of_an_address_that_has_had_its_time_are_admitted_in_order(void **state)
{
	struct conn second = {.ws = &ws, .address = conn.address, .place = group};

	(void)state;
	hub_open(all.hub, &second.peer, 103, on_leave);
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(knock(&conn, "1"));
	assert_false(knock(&second, "2"));
	assert_true(knock(&other, "3")); /* another address */
	assert_true(pace_is_pending(&conn) && pace_is_pending(&second));
	settle();
	assert_int_equal(admissions, 1);
	assert_ptr_equal(admitted[0], &conn);
	assert_string_equal(room, "r1");
	assert_string_equal(argument, "n=1");
	assert_true(pace_has_more(&ws.pace));
	settle();
	assert_int_equal(admissions, 2);
	assert_ptr_equal(admitted[1], &second);
	assert_string_equal(room, "r2");
	assert_false(pace_is_pending(&conn) || pace_is_pending(&second));
	assert_int_equal(resumes, 2);
	assert_false(pace_has_more(&ws.pace));
	hub_drop(&second.peer);
}

static void what_a_newcomer_says_is_delivered_behind_its_admission_in_order(void **state)
{
	(void)state;
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(knock(&conn, "1"));
	for (unsigned i = 0; i < 5; i++) {
		say(&conn, i, sizeof(i));
	}
	assert_int_equal(delivered, 0);
	settle();
	assert_int_equal(admissions, 1);
	assert_int_equal(delivered, 0); /* to admit it has taken the time */
	go_on_until(5);
	assert_int_equal(admissions, 1);
	assert_int_equal(conn.hold, HOLD_NONE);
}

static void who_leaves_before_it_is_admitted_is_forgotten(void **state)
{
	(void)state;
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(knock(&conn, "1"));
	say(&conn, 0, sizeof(unsigned));
	pace_release(&conn);
	assert_true(pace_is_pending(&conn));
	hub_drop(&conn.peer);
	assert_false(pace_has_more(&ws.pace));
	settle();
	assert_int_equal(admissions, 0);
	assert_int_equal(delivered, 0);
}

static void who_says_something_and_leaves_is_admitted_for_it_if_there_is_time(void **state)
{
	(void)state;
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(knock(&conn, "1"));
	say(&conn, 0, sizeof(unsigned));
	turn_next(&ws.pace.turn);
	pace_release(&conn);
	assert_int_equal(admissions, 1);
	assert_int_equal(delivered, 0); /* that has taken the time */
}

static void who_is_not_wanted_once_it_is_admitted_hears_nothing_more(void **state)
{
	(void)state;
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(knock(&conn, "1"));
	say(&conn, 0, sizeof(unsigned));
	refuses = true;
	settle();
	assert_int_equal(admissions, 1);
	assert_int_equal(conn.peer.state, PEER_CLOSING);
	assert_int_equal(delivered, 0);
	assert_false(pace_has_more(&ws.pace));
}

static void who_waits_in_vain_comes_before_who_was_served(void **state)
{
	(void)state;
	other.place = group;
	exhausts = true;
	census_work(group, ws.pace.turn.number, AN_AGE);
	for (unsigned i = 0; i < 3; i++) {
		say(&conn, i, sizeof(i));
	}
	say(&other, 0, sizeof(unsigned));
	for (unsigned i = 0; i < 3; i++) {
		settle();
	}
	assert_int_equal(pace_backlog(&other), 0);
	assert_true(pace_backlog(&conn) > 0);
	other.place = other_group;
}

static void a_fault_is_told_behind_what_was_said_before_it(void **state)
{
	(void)state;
	assert_false(pace_keep_fault(&conn, 1009, "too large")); /* nothing is kept */
	census_work(group, ws.pace.turn.number, AN_AGE);
	say(&conn, 0, sizeof(unsigned));
	assert_true(pace_keep_fault(&conn, 1009, "too large"));
	assert_int_equal(conn.peer.state, PEER_OPEN);
	settle();
	assert_int_equal(delivered, 1);
	assert_int_equal(conn.peer.close_code, 1009);
}

static void who_is_refused_a_read_is_read_in_its_turn_whatever_others_have_used(void **state)
{
	(void)state;
	conn.stage = CONN_OPEN;
	assert_true(pace_may_read(&conn));
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_false(pace_may_read(&conn));
	assert_int_equal(holds, 1);
	assert_true(pace_has_more(&ws.pace));
	settle();
	assert_int_equal(conn.hold, HOLD_NONE);
	census_work(group, ws.pace.turn.number, AN_AGE);
	assert_true(pace_may_read(&conn));
	assert_true(pace_may_read(&conn));
	assert_false(pace_may_read(&conn));
	assert_int_equal(conn.hold, HOLD_RELIEVED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(who_is_over_its_rate_is_left_unread_after_the_turn_until_it_is_due),
		TEST(what_cannot_be_left_unread_yet_is_asked_again_after_the_next_turn),
		TEST(who_has_had_its_time_of_a_turn_goes_on_in_the_next),
		TEST(who_is_due_after_its_address_has_had_its_time_keeps_the_loop_turning),
		TEST(who_connects_while_its_address_has_time_is_admitted_at_once),
		TEST(newcomers_of_an_address_that_has_had_its_time_are_admitted_in_order),
		TEST(what_a_newcomer_says_is_delivered_behind_its_admission_in_order),
		TEST(who_leaves_before_it_is_admitted_is_forgotten),
		TEST(who_says_something_and_leaves_is_admitted_for_it_if_there_is_time),
		TEST(who_is_not_wanted_once_it_is_admitted_hears_nothing_more),
		TEST(a_message_that_ends_its_senders_stay_is_charged_to_its_address),
		TEST(who_has_had_its_time_and_has_to_wait_for_a_reader_then_goes_on_by_itself),
		TEST(who_waits_in_vain_comes_before_who_was_served),
		TEST(a_fault_is_told_behind_what_was_said_before_it),
		TEST(who_is_refused_a_read_is_read_in_its_turn_whatever_others_have_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

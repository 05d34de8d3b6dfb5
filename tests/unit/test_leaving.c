/* leaving: whose connection has ended leaves once, in its address's time, and before anybody comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <utlist.h>
#include <uv.h>

#include "nakodo/base/address.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/request.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/ws/rates.h"
#include "nakodo/net/ws/ws.h"
#include "peers.h"

#define AN_AGE 1000000000 /* ns of work */
#define HERE "192.0.2.1"
#define ELSEWHERE "198.51.100.1"

static struct peers all;
static uv_loop_t loop;
static struct deadlines deadlines;
static struct options options;
static struct gate gate;
static struct sockets sockets;
static struct listener listener;
static struct ws ws;
static struct hub_space *space;
static uint64_t left[8]; /* ids of peers, in that order */
static unsigned departures, admissions;
static char heard[8]; /* the messages, in that order */
static bool ends; /* the next message ends its sender's stay */

static struct census_group *group_of(const struct conn *conn)
{
	return census_find(gate.census, &conn->address);
}

/* As ws.c does; the dialect takes all the time that an address has. */
static void on_leave(struct peer *peer)
{
	struct conn *conn = (struct conn *)peer;

	if (!conn->leaving) {
		leaving_detach(conn);
	}
	pace_end(conn);
	left[departures++] = peer->id;
	census_work(group_of(conn), ws.pace.turn.number, AN_AGE);
}

/* One that sits in the room. */
static struct conn *come(const char *text)
{
	static uint64_t last;
	struct conn *conn = calloc(1, sizeof(*conn));

	assert_non_null(conn);
	*conn = (struct conn){.listener = &listener,
		.ws = &ws,
		.wsi = (struct lws *)(void *)conn, /* that there is one is all that matters */
		.stage = CONN_OPEN,
		.placed = true};
	assert_true(address_parse(&conn->address, text, strlen(text)));
	assert_true(census_add_connection(gate.census, &conn->address, 0, &conn->group));
	assert_true(census_add_peer(gate.census, &conn->address, 0, &conn->place));
	gate.peers++;
	memory_take(MEMORY_CONNECTIONS, conn_cost(conn));
	DL_APPEND(sockets.conns, conn);
	sockets.adopted++;
	sockets.count++;
	hub_open(all.hub, &conn->peer, ++last, on_leave);
	assert_int_equal(hub_join(space, "room", &conn->peer, NULL, NULL), 0);
	return conn;
}

/* A message of one byte has come while its address has no time. */
static void say(struct conn *conn, char message)
{
	assert_false(pace_is_due(conn));
	assert_true(pace_keep(conn, &message, 1, false));
}

/* Its connection ends, as closing.c says it. */
static void end(struct conn *conn)
{
	pace_release(conn);
	conn->stage = CONN_DEAD;
	leaving_begin(conn);
}

static void use_up(const struct conn *conn)
{
	census_work(group_of(conn), ws.pace.turn.number, AN_AGE);
}

static void next_turn(void)
{
	ws_next_turn(&ws);
}

static void admit(struct conn *conn, const struct request *request)
{
	(void)conn;
	(void)request;
	admissions++;
}

/* The dialect takes all the time that an address has. */
static void deliver(struct conn *conn, const char *data, size_t len, bool binary)
{
	(void)binary;
	pace_hear(conn);
	strncat(heard, data, len);
	if (ends) {
		hub_close(&conn->peer, 1008, "bad message");
	}
	use_up(conn);
	pace_count(conn, len);
}

static bool may_hold(struct conn *conn)
{
	(void)conn;
	return false; /* it is asked again after the next turn */
}

static void go_on(struct conn *conn)
{
	(void)conn;
}

static int set_up(void **state)
{
	(void)state;
	uv_loop_init(&loop);
	deadlines_init(&deadlines, &loop);
	peers_init(&all, PEERS_ALL, (const char *const[]){NULL});
	space = hub_space_create(all.hub);
	options = (struct options){0};
	gate = (struct gate){.census = census_create()};
	sockets = (struct sockets){
		.options = &options, .deadlines = &deadlines, .gate = &gate, .turn = &ws.pace.turn};
	listener = (struct listener){.sockets = &sockets};
	ws = (struct ws){.gate = &gate,
		.sockets = &sockets,
		.deadlines = &deadlines,
		.pace = {.options = &options,
			.deadlines = &deadlines,
			.admit = admit,
			.deliver = deliver,
			.hold = may_hold,
			.resumed = go_on}};
	pace_start(&ws.pace, all.hub);
	ws.leaving = (struct leaving){.turn = &ws.pace.turn, .census = gate.census};
	departures = admissions = 0;
	memset(heard, 0, sizeof(heard));
	ends = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	leaving_finish(&ws.leaving);
	while (sockets.conns) {
		leaving_let_go(sockets.conns);
	}
	assert_int_equal(sockets.count, 0);
	assert_int_equal(gate.peers, 0);
	assert_int_equal(meter_values[MEMORY_CONNECTIONS], 0);
	census_destroy(gate.census);
	peers_finish(&all);
	deadlines_finish(&deadlines);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void who_leaves_while_its_address_has_time_leaves_at_once(void **state)
{
	(void)state;
	end(come(HERE));
	assert_int_equal(departures, 1);
	assert_false(leaving_has_more(&ws.leaving));
	assert_null(hub_room(space, "room"));
}

static void those_of_one_address_leave_in_order_and_each_turn_as_many_as_it_has_time_for(
	void **state)
{
	struct conn *conns[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		conns[i] = come(HERE);
	}
	for (size_t i = 0; i < 3; i++) {
		end(conns[i]);
	}
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(departures, i + 1);
		assert_int_equal(left[i], conns[i]->peer.id);
		assert_int_equal(leaving_has_more(&ws.leaving), i < 2);
		next_turn();
	}
	assert_int_equal(departures, 3);
	assert_null(hub_room(space, "room"));
}

static void nobody_waits_for_those_of_another_address(void **state)
{
	struct conn *waits = come(HERE), *other = come(ELSEWHERE);

	(void)state;
	use_up(waits);
	end(waits);
	end(other);
	assert_int_equal(departures, 1);
	assert_int_equal(left[0], other->peer.id);
	assert_true(leaving_has_more(&ws.leaving));
}

static void until_it_leaves_it_has_its_seat_and_gets_nothing_and_its_place_is_free(void **state)
{
	struct conn *conn = come(HERE), *other = come(ELSEWHERE);

	(void)state;
	peers_publish(hub_room(space, "room"), "before", NULL);
	use_up(conn);
	end(conn);
	assert_int_equal(hub_room(space, "room")->count, 2);
	assert_int_equal(gate.peers, 1);
	peers_publish(hub_room(space, "room"), "after", NULL);
	assert_int_equal(conn->peer.outbox.count, 0);
	assert_int_equal(other->peer.outbox.count, 2);
	next_turn();
	assert_int_equal(hub_room(space, "room")->count, 1);
}

static void what_it_had_said_is_delivered_before_it_leaves_in_its_addresss_time(void **state)
{
	struct conn *conn = come(HERE), *other = come(HERE);

	(void)state;
	use_up(conn);
	say(conn, '1');
	say(conn, '2');
	end(conn);
	end(other);
	assert_string_equal(heard, "");
	next_turn();
	assert_string_equal(heard, "1");
	next_turn();
	assert_string_equal(heard, "12");
	assert_int_equal(departures, 0);
	next_turn();
	assert_int_equal(departures, 1);
	assert_int_equal(left[0], conn->peer.id);
	next_turn();
	assert_int_equal(departures, 2);
	assert_int_equal(left[1], other->peer.id);
	assert_false(leaving_has_more(&ws.leaving));
}

static void what_it_had_said_may_end_its_stay_and_then_nothing_more_is_delivered(void **state)
{
	struct conn *conn = come(HERE);

	(void)state;
	use_up(conn);
	say(conn, '1');
	say(conn, '2');
	end(conn);
	ends = true;
	next_turn();
	assert_int_equal(departures, 1);
	next_turn();
	next_turn();
	assert_string_equal(heard, "1");
	assert_int_equal(departures, 1);
	assert_false(leaving_has_more(&ws.leaving));
}

/* Its address has no time when it says the numbers up to that one, at one a second, and ends. */
static void say_up_to_and_end(struct conn *conn, char last)
{
	options.message_rate = 1;
	rates_begin(conn);
	use_up(conn);
	for (char message = '1'; message <= last; message++) {
		say(conn, message);
	}
	end(conn);
}

static void what_it_had_said_costs_its_address_and_holds_nobody_any_more(void **state)
{
	struct conn *conn = come(HERE), *newcomer = come(HERE);

	(void)state;
	say_up_to_and_end(conn, '6');
	assert_false(pace_has_more(&ws.pace));
	rates_begin(newcomer);
	assert_int_equal(rates_spend_message(newcomer), 1000); /* a burst is owed */
	next_turn();
	assert_string_equal(heard, "1");
	assert_false(pace_has_more(&ws.pace));
	assert_false(pace_hold_back(conn)); /* nor is anything asked for it */
}

static void what_it_had_said_beyond_its_rates_is_lost(void **state)
{
	struct conn *conn = come(HERE);

	(void)state;
	say_up_to_and_end(conn, '7');
	for (int turn = 0; turn < 8; turn++) {
		next_turn();
	}
	assert_string_equal(heard, "12345"); /* a burst, and one that would have had to wait */
	assert_int_equal(departures, 1);
}

static void who_comes_newly_is_admitted_behind_all_who_left_before_it(void **state)
{
	const struct request request = {.room = "", .arguments = (const char *const[]){NULL}};
	struct conn *first = come(HERE), *second = come(HERE);
	struct conn *newcomer = come(HERE), *another = come(HERE);

	(void)state;
	use_up(first);
	end(first);
	end(second);
	assert_false(pace_may_admit(newcomer, &request));
	next_turn();
	assert_int_equal(departures, 1);
	/* Also one that comes between that and the next turn's end. */
	assert_false(pace_may_admit(another, &request));
	next_turn();
	assert_int_equal(departures, 2);
	assert_int_equal(admissions, 0);
	next_turn();
	assert_int_equal(admissions, 2);
}

static void who_was_never_admitted_does_not_wait_to_leave(void **state)
{
	const struct request request = {.room = "", .arguments = (const char *const[]){NULL}};
	struct conn *newcomer = come(HERE);

	(void)state;
	use_up(newcomer);
	assert_false(pace_may_admit(newcomer, &request));
	end(newcomer);
	assert_int_equal(departures, 1);
	assert_false(leaving_has_more(&ws.leaving));
}

static void who_is_closed_before_it_has_left_leaves_once_and_by_itself(void **state)
{
	struct conn *conn = come(HERE);

	(void)state;
	use_up(conn);
	conn->peer.close_code = 1000; /* which says that it has left for good */
	end(conn);
	hub_close(&conn->peer, 1001, "the server is stopping");
	assert_int_equal(departures, 1);
	assert_int_equal(conn->peer.close_code, 1000);
	assert_int_equal(conn->peer.state, PEER_GONE);
	next_turn();
	next_turn();
	assert_int_equal(departures, 1);
	assert_false(leaving_has_more(&ws.leaving));
	assert_false(hub_is_dirty(all.hub));
}

static void a_connection_is_destroyed_when_it_is_closed_and_its_peer_has_left(void **state)
{
	struct conn *conn = come(HERE);

	(void)state;
	use_up(conn);
	end(conn);
	leaving_let_go(conn);
	assert_ptr_equal(sockets.conns, conn);
	assert_non_null(hub_room(space, "room"));
	next_turn();
	next_turn();
	assert_int_equal(departures, 1);
	assert_null(sockets.conns);
	assert_null(hub_room(space, "room"));
}

static void a_connection_that_ends_without_a_word_has_left(void **state)
{
	(void)state;
	leaving_let_go(come(HERE));
	assert_int_equal(departures, 1);
	assert_null(sockets.conns);
}

static void when_the_loop_ends_nobody_waits(void **state)
{
	struct conn *conns[] = {come(HERE), come(HERE), come(HERE)};

	(void)state;
	use_up(conns[0]);
	end(conns[0]);
	end(conns[1]);
	leaving_finish(&ws.leaving);
	assert_int_equal(departures, 2);
	end(conns[2]);
	assert_int_equal(departures, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_leaves_while_its_address_has_time_leaves_at_once),
		TEST(those_of_one_address_leave_in_order_and_each_turn_as_many_as_it_has_time_for),
		TEST(nobody_waits_for_those_of_another_address),
		TEST(until_it_leaves_it_has_its_seat_and_gets_nothing_and_its_place_is_free),
		TEST(what_it_had_said_is_delivered_before_it_leaves_in_its_addresss_time),
		TEST(what_it_had_said_may_end_its_stay_and_then_nothing_more_is_delivered),
		TEST(what_it_had_said_costs_its_address_and_holds_nobody_any_more),
		TEST(what_it_had_said_beyond_its_rates_is_lost),
		TEST(who_comes_newly_is_admitted_behind_all_who_left_before_it),
		TEST(who_was_never_admitted_does_not_wait_to_leave),
		TEST(who_is_closed_before_it_has_left_leaves_once_and_by_itself),
		TEST(a_connection_is_destroyed_when_it_is_closed_and_its_peer_has_left),
		TEST(a_connection_that_ends_without_a_word_has_left),
		TEST(when_the_loop_ends_nobody_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* nakodo.v1: who gives up a place when something is full, and who does not. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "v1.h"

#define FEW 100
#define MANY 6400

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct options options;
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	options = peers_options;
	peers_options.room_peers = 4;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	peers_options = options;
	return 0;
}

static struct v1_one confirmed(const char *address, const char *room)
{
	struct v1_one one = v1_join_from(&all, address, room);

	v1_confirm(one);
	return one;
}

static void is_full_for(const char *address, const char *room)
{
	struct v1_one one = {.peer = NULL};
	char url[64];

	snprintf(url, sizeof(url), "/v1/%s", room);
	one.peer = peers_connect_from(&all, address, url);
	assert_non_null(strstr(v1_hear(one), "\"room-full\""));
}

static bool is_there(struct v1_one one, const char *room)
{
	const struct mount *mount = peers_of(one.peer)->mount;
	struct room *found = hub_room(mount->space, room);

	return found && hub_find(found, one.id);
}

static void seats_of_one_address_that_came_and_went_make_room(void **state)
{
	struct v1_one gone[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		gone[i] = confirmed("192.0.2.1", "r");
	}
	for (int i = 0; i < 4; i++) {
		v1_drop(gone[i], 0);
	}
	v1_join_from(&all, "192.0.2.2", "r");
	assert_false(is_there(gone[0], "r")); /* the first that came */
	v1_join_from(&all, "192.0.2.2", "r");
	is_full_for("192.0.2.2", "r"); /* both have two now */
	is_full_for("192.0.2.1", "r"); /* and who took them all gets no more */
	v1_join_from(&all, "192.0.2.3", "r");
	is_full_for("192.0.2.3", "r");
	assert_true(is_there(gone[3], "r"));
}

static void a_room_of_people_who_are_there_is_full(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) { /* an office */
		v1_join_from(&all, "192.0.2.1", "r");
	}
	is_full_for("192.0.2.2", "r");
	is_full_for("192.0.2.1", "r");
}

static void the_only_seat_of_an_address_is_kept_while_it_is_away(void **state)
{
	struct v1_one away = confirmed("192.0.2.4", "r");
	static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		v1_join_from(&all, addresses[i], "r");
	}
	v1_drop(away, 0);
	is_full_for("192.0.2.9", "r");
	v1_resume(&all, "r", away.session, 3);
}

static void who_never_acknowledged_gives_way_first_and_to_anybody(void **state)
{
	struct v1_one office[3], silent;

	(void)state;
	for (int i = 0; i < 3; i++) {
		office[i] = confirmed("192.0.2.1", "r");
	}
	silent = v1_join_from(&all, "192.0.2.1", "r");
	v1_drop(silent, 0);
	v1_drop(office[0], 0);
	v1_drop(office[1], 0);
	v1_join_from(&all, "192.0.2.1", "r");
	assert_false(is_there(silent, "r"));
	assert_true(is_there(office[0], "r"));
}

static void a_live_one_that_never_acknowledged_stays(void **state)
{
	struct v1_one one = v1_join_from(&all, "192.0.2.1", "r");

	(void)state;
	for (int i = 0; i < 3; i++) {
		v1_join_from(&all, "192.0.2.1", "r");
	}
	is_full_for("192.0.2.2", "r");
	assert_true(is_there(one, "r"));
}

static void who_never_acknowledged_is_waited_for_ten_seconds(void **state)
{
	struct v1_one one = v1_join(&all, "r");

	(void)state;
	v1_drop(one, 0);
	peers_wait(&all, 9900);
	assert_true(is_there(one, "r"));
	peers_wait(&all, 200);
	assert_false(is_there(one, "r"));
}

static void one_address_does_not_keep_all_rooms(void **state)
{
	struct v1_one gone[3], other;

	(void)state;
	peers_options.rooms_max = 3;
	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('a' + i), '\0'};

		gone[i] = confirmed("192.0.2.1", name);
	}
	is_full_for("192.0.2.2", "z");
	for (int i = 0; i < 3; i++) {
		v1_drop(gone[i], 0);
	}
	other = v1_join_from(&all, "192.0.2.2", "z");
	assert_true(is_there(other, "z"));
	assert_false(is_there(gone[0], "a"));
	is_full_for("192.0.2.1", "y");
}

static void a_room_where_nobody_is_gives_way_as_a_whole(void **state)
{
	uint64_t before = meter_values[METER_SEATS_YIELDED];
	struct v1_one gone[6], other;

	(void)state;
	peers_options.rooms_max = 3;
	for (int i = 0; i < 6; i++) { /* two in each, of different addresses but in the first */
		char name[] = {(char)('a' + i / 2), '\0'};

		gone[i] = confirmed(i < 2 || i % 2 ? "192.0.2.1" : "192.0.2.2", name);
	}
	for (int i = 0; i < 6; i++) {
		if (i < 4) {
			is_full_for("192.0.2.9", "z");
		}
		v1_drop(gone[i], 0);
	}
	other = v1_join_from(&all, "192.0.2.9", "z"); /* 192.0.2.1 has most of them */
	assert_true(is_there(other, "z"));
	assert_false(is_there(gone[0], "a"));
	assert_false(is_there(gone[1], "a"));
	assert_int_equal(meter_values[METER_SEATS_YIELDED], before + 2);
	v1_join_from(&all, "192.0.2.9", "y"); /* each has two now */
	assert_false(is_there(gone[2], "b"));
	assert_int_equal(meter_values[METER_SEATS_YIELDED], before + 4);
	is_full_for("192.0.2.9", "x");
	assert_true(is_there(gone[4], "c"));
}

static void the_room_of_who_has_most_gives_way_and_an_only_one_stays(void **state)
{
	struct v1_one gone[3], only[2], heavy, other;

	(void)state;
	peers_options.rooms_max = 5;
	only[0] = confirmed("192.0.2.3", "only");
	only[1] = confirmed("192.0.2.3", "only");
	heavy = v1_join_from(&all, "192.0.2.1", "heavy");
	for (int i = 0; i < 3; i++) { /* most of all, but somebody is there */
		v1_drop(confirmed("192.0.2.1", "heavy"), 0);
	}
	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('a' + i), '\0'};

		gone[i] = confirmed("192.0.2.2", name);
	}
	v1_drop(only[0], 0);
	v1_drop(only[1], 0);
	is_full_for("192.0.2.9", "y");
	v1_drop(gone[0], 0);
	v1_drop(gone[1], 0);
	other = v1_join_from(&all, "192.0.2.9", "z");
	assert_true(is_there(other, "z"));
	assert_false(is_there(gone[0], "a"));
	assert_true(is_there(only[0], "only"));
	assert_true(is_there(only[1], "only"));
	assert_true(is_there(heavy, "heavy"));
	assert_true(is_there(gone[2], "c"));
}

static void many_addresses_of_one_network_push_nobody_out(void **state)
{
	struct v1_one office[2], other;

	(void)state;
	peers_options.rooms_max = 6;
	for (int i = 0; i < 6; i++) {
		char name[] = {(char)('a' + i), '\0'}, address[ADDRESS_TEXT];
		struct v1_one one;

		snprintf(address, sizeof(address), "198.51.100.%d", i / 2);
		one = confirmed(i < 2 ? "192.0.2.1" : address, name);
		v1_drop(one, 0);
		if (i < 2) {
			office[i] = one;
		}
	}
	for (int i = 10; i < 12; i++) {
		char name[] = {(char)('a' + i), '\0'}, address[ADDRESS_TEXT];

		snprintf(address, sizeof(address), "198.51.100.%d", i);
		v1_drop(confirmed(address, name), 0);
	}
	assert_true(is_there(office[0], "a"));
	assert_true(is_there(office[1], "b"));
	other = v1_join_from(&all, "203.0.113.1", "z");
	assert_true(is_there(other, "z"));
	assert_true(is_there(office[0], "a"));
	assert_true(is_there(office[1], "b"));
}

static void each_seat_that_gives_way_is_counted(void **state)
{
	struct v1_one gone[4];
	uint64_t before = meter_values[METER_SEATS_YIELDED];

	(void)state;
	for (int i = 0; i < 4; i++) {
		gone[i] = confirmed("192.0.2.1", "r");
	}
	for (int i = 0; i < 4; i++) {
		v1_drop(gone[i], 0);
	}
	is_full_for("192.0.2.1", "r");
	assert_int_equal(meter_values[METER_SEATS_YIELDED], before);
	v1_join_from(&all, "192.0.2.2", "r");
	v1_join_from(&all, "192.0.2.2", "r");
	assert_int_equal(meter_values[METER_SEATS_YIELDED], before + 2);
	peers_wait(&all, 31000); /* who leaves since nobody came back has not given way */
	assert_int_equal(meter_values[METER_SEATS_YIELDED], before + 2);
}

static size_t places;

static bool keep_place(void *cookie, const struct address *address)
{
	(void)cookie;
	(void)address;
	places++;
	return true;
}

static void leave_place(void *cookie, const struct address *address)
{
	(void)cookie;
	(void)address;
	places--;
}

static void only_a_session_that_can_be_resumed_keeps_a_place(void **state)
{
	struct v1_one one = v1_join(&all, "r"), other = confirmed("192.0.2.1", "r");
	struct mount *mount = (struct mount *)peers_of(one.peer)->mount;
	struct dialect_env env = peers_env;

	(void)state;
	places = 0;
	env.keep_place = keep_place;
	env.leave_place = leave_place;
	mount->env = &env;
	v1_drop(one, 0);
	assert_int_equal(places, 0);
	v1_drop(other, 0);
	assert_int_equal(places, 1);
	v1_resume(&all, "r", other.session, 0);
	assert_int_equal(places, 0);
	mount->env = &peers_env;
}

/* One more whose connection is lost; a peer that has left is not needed any more. */
static void lose(const char *address, size_t number)
{
	char room[32];

	snprintf(room, sizeof(room), "%zu", number);
	v1_drop(confirmed(address, room), 0);
	all.all[--all.count] = (struct peers_one){.mount = NULL};
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The ns in which a newcomer gets the place of one of those who are away. The least of some, since
 * the machine has other work. */
static uint64_t time_of_giving_way(struct mount *mount)
{
	uint64_t least = UINT64_MAX;
	struct address newcomer;

	assert_true(address_parse(&newcomer, "203.0.113.1", 11));
	for (int i = 0; i < 20; i++) {
		uint64_t begin = now_ns(), took;

		assert_true(mount->dialect->give_way(mount, &newcomer));
		took = now_ns() - begin;
		least = took < least ? took : least;
	}
	return least;
}

static void to_find_who_gives_way_takes_no_longer_for_many_seats(void **state)
{
	struct v1_one one = v1_join(&all, "r");
	struct mount *mount = (struct mount *)peers_of(one.peer)->mount;
	static struct dialect_env env; /* outlives the seats */
	uint64_t few, many;
	size_t count = 0;

	(void)state;
	env = peers_env;
	env.keep_place = keep_place;
	env.leave_place = leave_place;
	mount->env = &env;
	peers_options.rooms_max = MANY * 2;
	while (count < FEW) {
		lose(count % 2 ? "192.0.2.1" : "198.51.100.1", count);
		count++;
	}
	few = time_of_giving_way(mount);
	while (count < MANY) {
		lose(count % 2 ? "192.0.2.1" : "198.51.100.1", count);
		count++;
	}
	many = time_of_giving_way(mount);
	if (many > few * 8) {
		fail_msg("%d seats: %" PRIu64 " ns, %d: %" PRIu64, FEW, few, MANY, many);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(seats_of_one_address_that_came_and_went_make_room),
		TEST(a_room_of_people_who_are_there_is_full),
		TEST(the_only_seat_of_an_address_is_kept_while_it_is_away),
		TEST(who_never_acknowledged_gives_way_first_and_to_anybody),
		TEST(a_live_one_that_never_acknowledged_stays),
		TEST(who_never_acknowledged_is_waited_for_ten_seconds),
		TEST(one_address_does_not_keep_all_rooms),
		TEST(a_room_where_nobody_is_gives_way_as_a_whole),
		TEST(the_room_of_who_has_most_gives_way_and_an_only_one_stays),
		TEST(many_addresses_of_one_network_push_nobody_out),
		TEST(each_seat_that_gives_way_is_counted),
		TEST(only_a_session_that_can_be_resumed_keeps_a_place),
		TEST(to_find_who_gives_way_takes_no_longer_for_many_seats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* turn: what an address has used of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <uv.h>

#include "nakodo/base/address.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/turn.h"
#include "nakodo/net/loop/deadlines.h"
#include "peers.h"

#define READERS 60
#define LARGE 80000 /* bytes */
#define A_WHILE 5000000 /* ns */

static struct peers all;
static struct room *room;
static uv_loop_t loop;
static struct deadlines deadlines;
static struct census *census;
static struct census_group *group;
static struct turn turn;

static int set_up(void **state)
{
	struct address address;
	struct hub_space *space;

	(void)state;
	peers_init(&all, PEERS_ALL, (const char *const[]){NULL});
	space = hub_space_create(all.hub);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(hub_join(space, "r", peers_add(&all), NULL, NULL), 0);
	}
	room = hub_room(space, "r");
	uv_loop_init(&loop);
	deadlines_init(&deadlines, &loop);
	census = census_create();
	assert_true(address_parse(&address, "192.0.2.1", 9));
	assert_true(census_add_connection(census, &address, 0, &group));
	turn_start(&turn, all.hub, &deadlines);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	census_remove_connection(census, group);
	census_destroy(census);
	deadlines_finish(&deadlines);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	peers_finish(&all);
	return 0;
}

static void a_large_message_to_many_uses_up_the_turn_of_its_address(void **state)
{
	char *text = calloc(1, LARGE + 1);

	(void)state;
	memset(text, 'x', LARGE);
	assert_true(turn_has_room(&turn, group));
	turn_begin(&turn, group);
	peers_publish(room, text, NULL);
	turn_end(&turn, group);
	assert_false(turn_has_room(&turn, group));
	turn_next(&turn);
	assert_true(turn_has_room(&turn, group));
	free(text);
}

static void what_others_have_queued_before_is_not_charged(void **state)
{
	char *text = calloc(1, LARGE + 1);
	uint64_t large;

	(void)state;
	memset(text, 'x', LARGE);
	turn_begin(&turn, NULL);
	peers_publish(room, text, NULL);
	turn_end(&turn, NULL);
	turn_interrupt(&turn);
	turn_begin(&turn, group);
	turn_end(&turn, group);
	large = (uint64_t)LARGE * READERS / 2; /* ns */
	assert_true(census_worked(group, turn.number) < large);
	free(text);
}

static void what_is_said_of_one_that_leaves_is_charged_to_its_address(void **state)
{
	char *text = calloc(1, LARGE + 1);

	(void)state;
	memset(text, 'x', LARGE);
	assert_true(turn_begin_aside(&turn));
	peers_publish(room, text, NULL);
	turn_end(&turn, group);
	assert_true(census_worked(group, turn.number) >= (uint64_t)LARGE * READERS / 2);
	free(text);
}

static void but_to_the_speaker_if_a_message_made_it_leave(void **state)
{
	char *text = calloc(1, LARGE + 1);

	(void)state;
	memset(text, 'x', LARGE);
	turn_begin(&turn, group);
	peers_publish(room, text, NULL);
	assert_false(turn_begin_aside(&turn));
	turn_end(&turn, group);
	assert_false(turn_has_room(&turn, group));
	assert_true(turn_begin_aside(&turn));
	turn_end(&turn, NULL);
	free(text);
}

/* Who comes or leaves may say nothing itself. */
static void time_is_short_for_all_but_the_one_who_speaks_alone(void **state)
{
	(void)state;
	turn_begin(&turn, NULL);
	turn_end(&turn, NULL);
	turn_begin(&turn, group);
	turn_end(&turn, group);
	turn.others = 0; /* that was long ago */
	census_work(group, turn.number, A_WHILE);
	assert_true(turn_has_room(&turn, group));
	turn_begin(&turn, NULL);
	turn_end(&turn, NULL);
	turn.others = 0;
	assert_false(turn_has_room(&turn, group));
}

static void who_is_told_to_wait_is_not_overtaken_though_the_others_fall_silent(void **state)
{
	(void)state;
	turn_begin(&turn, NULL);
	turn_end(&turn, NULL);
	census_work(group, turn.number, A_WHILE);
	assert_false(turn_has_room(&turn, group));
	turn.spoke = turn.others = 0; /* that was long ago */
	assert_false(turn_has_room(&turn, group));
	turn_next(&turn);
	census_work(group, turn.number, A_WHILE);
	assert_true(turn_has_room(&turn, group));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_large_message_to_many_uses_up_the_turn_of_its_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_others_have_queued_before_is_not_charged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_said_of_one_that_leaves_is_charged_to_its_address, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			but_to_the_speaker_if_a_message_made_it_leave, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			time_is_short_for_all_but_the_one_who_speaks_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_is_told_to_wait_is_not_overtaken_though_the_others_fall_silent, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

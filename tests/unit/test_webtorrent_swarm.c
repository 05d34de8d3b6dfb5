/* webtorrent_swarm: what it takes is counted, and a large swarm costs no more time than a small
 * one.
 */
#include "nakodo/dialect/webtorrent_swarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "peers.h"

#define H "hhhhhhhhhhhhhhhhhhhh"
#define O "oooooooooooooooooooo"
#define ANNOUNCE(more)                                                                             \
	"{\"action\":\"announce\",\"info_hash\":\"" H                                              \
	"\",\"peer_id\":\"AAAAAAAAAAAAAAAAAAAA\"" more "}"

static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, (const char *const[]){"/wt=webtorrent", NULL});
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return meter_values[METER_MEMORY_ROOMS] != 0;
}

static void what_connections_swarms_and_their_tables_take_is_counted(void **state)
{
	struct peer *a = peers_connect(&all, "/wt");
	const struct webtorrent_owner *owner = a->state_of_dialect;
	const struct webtorrent_swarm *swarm;

	(void)state;
	assert_int_equal(meter_values[METER_MEMORY_ROOMS], sizeof(*owner));
	peers_say(a, ANNOUNCE(""));
	swarm = owner->seats->swarm;
	assert_int_equal(meter_values[METER_MEMORY_ROOMS],
		sizeof(*owner) + sizeof(*owner->seats) + sizeof(*swarm) +
			swarm->room * sizeof(struct webtorrent_seat *) + hash_size(swarm->hh.tbl) +
			hash_size(owner->seats->hh.tbl));
	assert_int_equal(dialect_webtorrent.kept(a), sizeof(*owner) + sizeof(*owner->seats));
	peers_say(a, ANNOUNCE(",\"event\":\"stopped\""));
	assert_int_equal(meter_values[METER_MEMORY_ROOMS], sizeof(*owner));
}

static double announces_in_us(struct webtorrent_owner *owner, int members)
{
	static int made;
	struct timespec begin, end;
	unsigned char id[WEBTORRENT_ID] = {0};
	struct webtorrent_seat *seat = NULL;

	for (; made < members; made++) {
		memcpy(id, &made, sizeof(made));
		assert_non_null(webtorrent_swarm_join(owner, (const unsigned char *)H, id));
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	for (int i = 0; i < 2000; i++) {
		int one = (int)((unsigned)i * 7919U % (unsigned)members);

		memcpy(id, &one, sizeof(one));
		seat = webtorrent_swarm_seat(
			webtorrent_swarm_find(owner->torrents, (const unsigned char *)H), id);
		webtorrent_swarm_touch(seat);
		assert_int_equal(webtorrent_swarm_choose(seat, 5), 5);
		for (size_t chosen = 0; chosen < 5; chosen++) {
			webtorrent_swarm_ask(
				seat, seat->swarm->seats[chosen], (const unsigned char *)O);
		}
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e6 +
		       (double)(end.tv_nsec - begin.tv_nsec) / 1e3) /
	       2000;
}

static void an_announce_among_100000_takes_about_as_long_as_among_100(void **state)
{
	struct peer *peer = peers_connect(&all, "/wt");
	struct webtorrent_owner *owner = peer->state_of_dialect;
	double small = announces_in_us(owner, 100), large = announces_in_us(owner, 100000);

	(void)state;
	for (int i = 0; i < 2; i++) { /* others use the machine, too */
		double again = announces_in_us(owner, 100000);

		large = again < large ? again : large;
	}
	print_message("%.2f us of 100 members, %.2f of 100000\n", small, large);
	assert_true(large < 20 * small); /* a walk would take 1000 times as long */
	assert_true(large < 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(what_connections_swarms_and_their_tables_take_is_counted),
		CASE(an_announce_among_100000_takes_about_as_long_as_among_100),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* audit: what was counted is found again, and whatever is not is seen: each test breaks one thing,
 * hears of it, and mends it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/audit.h"
#include "peers.h"

#ifdef NAKODO_AUDIT

static struct peers all;
static struct peer *a, *b, *c;
static struct audit audit;

static int set_up(void **state)
{
	(void)state;
	memset(meter_values, 0, METER_COUNT * sizeof(*meter_values));
	peers_init(&all, PEERS_ALL, (const char *const[]){"/relay=relay", "/v1=nakodo.v1", NULL});
	a = peers_connect(&all, "/relay/room");
	b = peers_connect(&all, "/relay/room");
	c = peers_connect(&all, "/v1/room");
	peers_say(a, "hello");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

/* What is wrong; "nothing". */
static const char *look(void)
{
	const char *fault;

	memset(&audit, 0, sizeof(audit));
	hub_audit(all.hub, &audit);
	dialect_table_audit(all.mounts, &audit);
	for (size_t i = 0; i < all.count; i++) {
		audit_peer(&audit, &all.all[i].peer);
	}
	fault = audit_finish(&audit);
	return fault ? fault : "nothing";
}

static void assert_seen(const char *what)
{
	const char *fault = look();

	if (!strstr(fault, what)) {
		fail_msg("`%s` is not in `%s`", what, fault);
	}
}

static void all_is_found_that_was_counted(void **state)
{
	(void)state;
	assert_string_equal(look(), "nothing");
	hub_close(b, 1000, "");
	assert_string_equal(look(), "nothing");
}

static void a_reference_that_nobody_holds_is_seen(void **state)
{
	struct frame *frame = frame_ref(outbox_first(&b->outbox));

	(void)state;
	assert_seen("a frame of 7 bytes counts 2 references and has 1");
	frame_unref(frame);
	assert_string_equal(look(), "nothing");
}

static void a_byte_that_nobody_holds_is_seen(void **state)
{
	const enum memory_kind kinds[] = {MEMORY_CONNECTIONS, MEMORY_FRAMES, MEMORY_RECEIVED,
		MEMORY_ROOMS, MEMORY_ANSWERS, MEMORY_EVENTS};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		memory_take(kinds[i], 1);
		assert_seen(meter_rows[kinds[i]].name);
		memory_give(kinds[i], 2);
		assert_seen(meter_rows[kinds[i]].name);
		memory_take(kinds[i], 1);
	}
	assert_string_equal(look(), "nothing");
}

static void a_frame_that_is_lost_on_its_way_is_seen(void **state)
{
	(void)state;
	frame_unref(outbox_pop(&b->outbox));
	assert_seen("2 frames were queued and not sent, and 1 wait");
	hub_send_text(b, &PART("hello"), 1);
	meter_subtract(METER_MESSAGES_QUEUED, 1);
	assert_string_equal(look(), "nothing");
	b->outbox.bytes++;
	assert_seen("an outbox counts 8 bytes, 0 of them exempt, and has 7 and 0");
	b->outbox.bytes--;
}

static void a_peer_and_a_room_that_do_not_list_each_other_are_seen(void **state)
{
	struct member *seat = a->seats;
	struct room *room = seat->room;

	(void)state;
	a->seats = NULL;
	assert_seen("1 seats in rooms belong to nobody");
	a->seats = b->seats;
	assert_seen("a peer has a seat of another's");
	a->seats = seat;
	room->members = b->seats;
	assert_seen("a room counts 2 members and lists 1");
	room->members = seat;
	seat->room = NULL;
	assert_seen("a room lists a seat that is of another");
	seat->room = room;
	assert_string_equal(look(), "nothing");
}

static void a_seat_that_is_not_found_by_its_id_is_seen(void **state)
{
	struct room *room = hub_room(peers_of(c)->mount->space, "room");

	(void)state;
	room->members->id[0] ^= 1;
	assert_seen("a seat is not found by its id");
	room->members->id[0] ^= 1;
	assert_string_equal(look(), "nothing");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(all_is_found_that_was_counted),
		TEST(a_reference_that_nobody_holds_is_seen),
		TEST(a_byte_that_nobody_holds_is_seen),
		TEST(a_frame_that_is_lost_on_its_way_is_seen),
		TEST(a_peer_and_a_room_that_do_not_list_each_other_are_seen),
		TEST(a_seat_that_is_not_found_by_its_id_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0; /* nothing of it is in this build */
}

#endif

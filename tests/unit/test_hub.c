/* hub: rooms come and go with their members, ids are unique in them, messages reach who is there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/meter.h"
#include "nakodo/hub/hub.h"
#include "nakodo/hub/session.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct peers all;
static struct hub_space *space;
static struct peer *a, *b, *c;

static int set_up(void **state)
{
	struct hub_limits limits = {.room_members = 3, .outbox_bytes = 1000};

	(void)state;
	peers_init(&all, limits, (const char *const[]){NULL});
	space = hub_space_create(all.hub);
	a = peers_add(&all);
	b = peers_add(&all);
	c = peers_add(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static struct member *join(const char *room, struct peer *peer, const char *id)
{
	struct member *member = NULL;

	assert_int_equal(hub_join(space, room, peer, id, &member), 0);
	return member;
}

static void a_room_is_made_by_the_first_and_gone_with_the_last(void **state)
{
	struct member *first, *second;

	(void)state;
	assert_null(hub_room(space, "r"));
	first = join("r", a, NULL);
	assert_ptr_equal(hub_room(space, "r"), first->room);
	assert_string_equal(first->room->name, "r");
	second = join("r", b, NULL);
	assert_ptr_equal(second->room, first->room);
	assert_int_equal(first->room->count, 2);
	hub_leave(first);
	assert_int_equal(second->room->count, 1);
	hub_leave(second);
	assert_null(hub_room(space, "r"));
}

static void a_seat_belongs_to_its_peer_and_its_room(void **state)
{
	struct member *seat = join("r", a, "id");

	(void)state;
	assert_ptr_equal(seat->peer, a);
	assert_string_equal(seat->id, "id");
	assert_ptr_equal(a->seats, seat);
	assert_ptr_equal(seat->room->members, seat);
	hub_leave(seat);
	assert_null(a->seats);
}

static void members_stand_in_their_order_of_arrival(void **state)
{
	struct member *first = join("r", b, NULL), *second = join("r", a, NULL);
	struct member *third = join("r", c, NULL), *again;
	struct room *room = first->room;

	(void)state;
	assert_ptr_equal(room->members, first);
	assert_ptr_equal(first->next, second);
	assert_ptr_equal(second->next, third);
	assert_null(third->next);
	hub_leave(first);
	again = join("r", b, NULL);
	assert_ptr_equal(room->members, second);
	assert_ptr_equal(third->next, again);
	assert_null(again->next);
}

static void a_message_reaches_everybody_else_in_order_of_arrival(void **state)
{
	struct room *room = join("r", b, NULL)->room;

	(void)state;
	join("r", a, NULL);
	join("r", c, NULL);
	peers_publish(room, "one", a);
	peers_publish(room, "two", NULL);
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), b);
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), c);
	assert_ptr_equal(hub_next_dirty(all.hub, NULL, false), a);
	assert_null(hub_next_dirty(all.hub, NULL, false));
	assert_string_equal(peers_hear(b), "text one");
	assert_string_equal(peers_hear(b), "text two");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(a), "text two");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(c), "text one");
}

static void a_seat_without_a_peer_is_passed_over(void **state)
{
	static const struct session_limits limits = {1, 1};
	struct iovec part = PART("hello");
	struct session session;
	struct member *seat;
	struct message message;

	(void)state;
	join("r", a, NULL);
	session_init(&session, &limits);
	assert_int_equal(hub_join_session(space, "r", &session, NULL, &seat), -EINVAL);
	assert_int_equal(hub_join_session(space, "r", &session, "away", &seat), 0);
	join("r", b, NULL);
	message_init(&message, &part, 1, false, true);
	hub_publish(seat->room, &message, NULL);
	hub_publish(seat->room, &message, a);
	message_finish(&message);
	assert_string_equal(peers_hear(a), "text hello");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "text hello");
	assert_string_equal(peers_hear(b), "text hello");
	hub_leave(seat);
}

static void receivers_of_one_opcode_share_one_frame(void **state)
{
	struct room *room = join("r", a, NULL)->room;

	(void)state;
	join("r", b, NULL);
	join("r", c, NULL);
	c->choice = FRAME_AS_BINARY;
	peers_publish(room, "x", NULL);
	assert_ptr_equal(outbox_first(&a->outbox), outbox_first(&b->outbox));
	assert_int_equal(outbox_first(&a->outbox)->refs, 2);
	assert_string_equal(peers_hear(a), "text x");
	assert_string_equal(peers_hear(c), "binary x");
}

static void rooms_and_spaces_are_apart(void **state)
{
	struct hub_space *other = hub_space_create(all.hub);
	struct room *room = join("r", a, "id")->room;
	struct member *elsewhere;

	(void)state;
	join("R", b, "id");
	assert_int_equal(hub_join(other, "r", c, "id", &elsewhere), 0);
	assert_ptr_not_equal(elsewhere->room, room);
	assert_ptr_equal(hub_of_space(other), all.hub);
	peers_publish(room, "here", NULL);
	assert_string_equal(peers_hear(a), "text here");
	assert_string_equal(peers_hear(b), "nothing");
	assert_string_equal(peers_hear(c), "nothing");
	hub_leave(elsewhere);
	assert_null(hub_room(other, "r"));
	assert_ptr_equal(hub_room(space, "r"), room);
}

static void a_peer_may_sit_in_many_rooms_and_leave_one(void **state)
{
	struct member *seats[100];
	char name[16];

	(void)state;
	for (size_t i = 0; i < COUNT(seats); i++) {
		snprintf(name, sizeof(name), "room %zu", i);
		seats[i] = join(name, a, NULL);
	}
	for (size_t i = 0; i < COUNT(seats); i += 2) {
		hub_leave(seats[i]);
	}
	for (size_t i = 0; i < COUNT(seats); i++) {
		snprintf(name, sizeof(name), "room %zu", i);
		assert_int_equal(hub_room(space, name) != NULL, i % 2);
	}
}

static void an_id_is_found_in_its_room_until_it_leaves(void **state)
{
	struct member *first = join("r", a, "one"), *second = join("r", b, "two");
	struct room *room = first->room;

	(void)state;
	join("r", c, NULL);
	assert_ptr_equal(hub_find(room, "one"), first);
	assert_ptr_equal(hub_find(room, "two"), second);
	assert_null(hub_find(room, "on"));
	assert_null(hub_find(room, "one "));
	assert_null(hub_find(room, ""));
	hub_leave(first);
	assert_null(hub_find(room, "one"));
	assert_ptr_equal(hub_find(room, "two"), second);
}

static void what_a_room_takes_is_counted_with_the_table_of_its_ids(void **state)
{
	uint64_t before = meter_values[METER_MEMORY_ROOMS];
	struct member *one = join("r", a, "one");

	(void)state;
	assert_int_equal(meter_values[METER_MEMORY_ROOMS] - before,
		sizeof(*one->room) + sizeof("r") + sizeof(*one) + sizeof("one") +
			hash_size(one->hh.tbl));
	hub_leave(one);
	assert_int_equal(meter_values[METER_MEMORY_ROOMS], before);
}

static void an_id_is_taken_once_in_a_room(void **state)
{
	struct member *first = join("r", a, "id"), *member = NULL;

	(void)state;
	assert_int_equal(hub_join(space, "r", b, "id", &member), -EEXIST);
	assert_int_equal(hub_join(space, "r", a, "id", &member), -EEXIST);
	assert_null(member);
	assert_null(b->seats);
	assert_int_equal(first->room->count, 1);
	join("other", b, "id");
	hub_leave(first);
	join("r", b, "id");
}

static void names_and_ids_have_bounds(void **state)
{
	char longest[HUB_NAME_MAX + 1], longer[HUB_NAME_MAX + 2];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[HUB_NAME_MAX] = '\0';
	memset(longer, 'x', sizeof(longer));
	longer[HUB_NAME_MAX + 1] = '\0';
	join(longest, a, longest);
	join("", a, NULL);
	assert_int_equal(hub_join(space, longer, a, NULL, NULL), -EINVAL);
	assert_int_equal(hub_join(space, "r", a, longer, NULL), -EINVAL);
	assert_int_equal(hub_join(space, "r", a, "", NULL), -EINVAL);
	assert_null(hub_room(space, longer));
	assert_null(hub_room(space, "r"));
}

static void a_full_room_refuses_the_next(void **state)
{
	struct peer *d = peers_add(&all);
	struct member *first = join("r", a, NULL);

	(void)state;
	join("r", b, NULL);
	join("r", c, NULL);
	assert_int_equal(hub_join(space, "r", d, NULL, NULL), -ENOSPC);
	assert_null(d->seats);
	assert_int_equal(first->room->count, 3);
	hub_leave(first);
	join("r", d, NULL);
}

static void only_an_open_peer_takes_a_seat(void **state)
{
	struct peer never = {.hub = all.hub};

	(void)state;
	assert_int_equal(hub_join(space, "r", &never, NULL, NULL), -EPIPE);
	hub_close(a, 1000, "");
	assert_int_equal(hub_join(space, "r", a, NULL, NULL), -EPIPE);
	hub_drop(b);
	assert_int_equal(hub_join(space, "r", b, NULL, NULL), -EPIPE);
	assert_null(hub_room(space, "r"));
}

static void the_same_name_with_different_bytes_is_a_different_room(void **state)
{
	/* composed, decomposed, and what is no UTF-8 at all */
	static const char *const names[] = {"\xc3\xa9", "e\xcc\x81", "\xe9", "\xff\xfe"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		join(names[i], a, NULL);
		assert_int_equal(hub_room(space, names[i])->count, 1);
	}
}

static uint64_t host_time(void *cookie)
{
	assert_ptr_equal(cookie, &all);
	return 4711;
}

static void host_set(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	assert_ptr_equal(cookie, &all);
	assert_int_equal(delay, 250);
	timer->fn = fn;
	timer->at = &timer->next; /* as one that is set */
}

static void host_clear(void *cookie, struct wheel_timer *timer)
{
	assert_ptr_equal(cookie, &all);
	timer->at = NULL;
}

static void on_timer(struct wheel_timer *timer)
{
	(void)timer;
}

static void time_and_timers_are_those_of_the_host(void **state)
{
	struct hub_host host = {host_time, host_set, host_clear, &all};
	struct wheel_timer timer = {.at = NULL};

	(void)state;
	hub_set_host(all.hub, &host);
	assert_int_equal(hub_now(all.hub), 4711);
	hub_clear_timer(all.hub, &timer);
	hub_set_timer(all.hub, &timer, 250, on_timer);
	assert_ptr_equal(timer.fn, on_timer);
	hub_clear_timer(all.hub, &timer);
	assert_null(timer.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_room_is_made_by_the_first_and_gone_with_the_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_seat_belongs_to_its_peer_and_its_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			members_stand_in_their_order_of_arrival, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_message_reaches_everybody_else_in_order_of_arrival, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_seat_without_a_peer_is_passed_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			receivers_of_one_opcode_share_one_frame, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rooms_and_spaces_are_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_peer_may_sit_in_many_rooms_and_leave_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_id_is_found_in_its_room_until_it_leaves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_a_room_takes_is_counted_with_the_table_of_its_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_id_is_taken_once_in_a_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_and_ids_have_bounds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_room_refuses_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_an_open_peer_takes_a_seat, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_same_name_with_different_bytes_is_a_different_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			time_and_timers_are_those_of_the_host, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* gate: who comes in, by the head of a request and by how many are here, and who is refused why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/head.h"

static struct {
	struct option_item mounts[3], subprotocols[2], origin;
	struct options options;
	struct hub *hub;
	struct dialect_env env;
	struct dialect_table *dialects;
	struct gate gate;
	struct gate_door door;
	struct address client;
} t;

static const char *const no_arguments[] = {NULL};

static int set_up(void **state)
{
	const struct hub_limits limits = {.room_members = 8, .outbox_bytes = 65536};
	struct problem problem;

	(void)state;
	memset(&t, 0, sizeof(t));
	t.mounts[0] = (struct option_item){(char *)"/=signal", (char *)"default"};
	t.mounts[1] = (struct option_item){(char *)"/v1=nakodo.v1", (char *)"default"};
	t.mounts[2] = (struct option_item){(char *)"/ayame=ayame", (char *)"default"};
	t.subprotocols[0] = (struct option_item){(char *)"a", (char *)"default"};
	t.subprotocols[1] = (struct option_item){(char *)"b", (char *)"default"};
	t.origin = (struct option_item){(char *)"same-host", (char *)"default"};
	t.options.mount = (struct option_list){t.mounts, 3};
	t.options.subprotocol = (struct option_list){t.subprotocols, 2};
	t.options.origin = (struct option_list){&t.origin, 1};
	t.options.max_peers = 3;
	t.options.max_peers_per_address = 2;
	t.hub = hub_create(&limits);
	t.env.options = &t.options;
	t.door = (struct gate_door){.origin = "", .auth = ""};
	address_parse(&t.client, "192.0.2.1", strlen("192.0.2.1"));
	return dialect_table_create(&t.dialects, t.hub, &t.env, &t.options.mount, &problem) ||
	       gate_init(&t.gate, &t.options, t.dialects);
}

static int tear_down(void **state)
{
	(void)state;
	gate_finish(&t.gate);
	dialect_table_destroy(t.dialects);
	hub_destroy(t.hub);
	return 0;
}

static struct head good_head(void)
{
	return (struct head){.method = HEAD_GET,
		.protocol = "HTTP/1.1",
		.path = "/",
		.arguments = no_arguments,
		.host = "example.org",
		.version = "13",
		.has_connection = true,
		.has_key = true};
}

/* The code of the refusal, "" for none. */
static const char *upgrade(const struct head *head)
{
	struct gate_place place = {0};
	struct refusal refusal = gate_check_upgrade(&t.gate, &t.door, head, &t.client, &place);

	assert_int_equal(!refusal.status, !!place.mount);
	return refusal.status ? refusal.code : "";
}

static void a_good_handshake_is_let_in_and_counted(void **state)
{
	const struct head head = good_head();

	(void)state;
	assert_string_equal(upgrade(&head), "");
	assert_int_equal(t.gate.peers, 1);
	gate_leave(&t.gate, census_find(t.gate.census, &t.client));
	assert_int_equal(t.gate.peers, 0);
}

static void each_fault_of_a_head_is_refused_with_its_code(void **state)
{
	struct head head[] = {good_head(), good_head(), good_head(), good_head(), good_head(),
		good_head(), good_head(), good_head(), good_head(), good_head(), good_head()};
	static const char *const codes[] = {"bad-method", "bad-handshake", "bad-handshake",
		"bad-version", "bad-request", "bad-host", "bad-origin", "not-found",
		"bad-subprotocol", "bad-request", "bad-request"};

	(void)state;
	head[0].method = HEAD_OPTIONS;
	head[1].has_key = false;
	head[2].has_connection = false;
	head[3].version = "8";
	head[4].protocol = NULL;
	head[5].host = "a,  b";
	head[6].origin = "https://evil.example";
	head[7].path = NULL;
	head[8].subprotocols = "unheard-of";
	head[9].protocol = "H"; /* cut short, as a header of that name is */
	head[10].has_null = true;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		assert_string_equal(upgrade(&head[i]), codes[i]);
	}
	assert_int_equal(t.gate.peers, 0);
}

static void an_address_has_so_many_places_and_the_server_so_many(void **state)
{
	const struct head head = good_head();

	(void)state;
	assert_string_equal(upgrade(&head), "");
	assert_string_equal(upgrade(&head), "");
	assert_string_equal(upgrade(&head), "too-many-peers");
	address_parse(&t.client, "192.0.2.2", strlen("192.0.2.2"));
	assert_string_equal(upgrade(&head), "");
	assert_string_equal(upgrade(&head), "server-full");
	gate_leave(&t.gate, census_find(t.gate.census, &t.client));
	assert_string_equal(upgrade(&head), "");
}

static void a_place_that_is_kept_is_taken(void **state)
{
	const struct head head = good_head();

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(gate_keep(&t.gate, &t.client));
	}
	assert_string_equal(upgrade(&head), "server-full");
	for (int i = 0; i < 3; i++) {
		gate_give_up(&t.gate, &t.client);
	}
	assert_string_equal(upgrade(&head), "");
}

static void nobody_new_comes_in_while_it_drains(void **state)
{
	const struct head head = good_head();

	(void)state;
	t.gate.draining = true;
	assert_string_equal(upgrade(&head), "draining");
}

static void plain_words_where_tls_is_due_are_sent_to_wss(void **state)
{
	const struct head head = good_head();

	(void)state;
	t.door.misplaced = true;
	assert_string_equal(upgrade(&head), "tls-required");
}

static void an_address_that_owes_eight_seconds_is_too_fast_until_it_owes_less(void **state)
{
	const struct head head = good_head();
	struct census_group *group;

	(void)state;
	t.options.max_peers_per_address = 0;
	t.options.max_peers = 100;
	t.gate.max_peers = 100;
	for (enum census_debt debt = 0; debt < CENSUS_DEBTS; debt++) {
		t.client.bytes[15]++;
		t.door.now = 1000;
		census_add_peer(t.gate.census, &t.client, 0, &group);
		census_leave_debt(group, debt, 8000000, t.door.now);
		assert_string_equal(upgrade(&head), "");
		census_leave_debt(group, debt, 18000000, t.door.now); /* two were there */
		assert_string_equal(upgrade(&head), "too-fast");
		t.door.now += 6000;
		assert_string_equal(upgrade(&head), "");
	}
}

static const char *subprotocol_of(const char *path, const char *offered)
{
	struct gate_place place = {0};
	struct head head = good_head();

	head.path = path;
	head.subprotocols = offered;
	if (!gate_check_upgrade(&t.gate, &t.door, &head, &t.client, &place).status) {
		gate_leave(&t.gate, place.group);
	}
	return place.subprotocol ? place.subprotocol : "";
}

static void the_subprotocol_is_the_first_offered_one_that_is_spoken_at_the_path(void **state)
{
	(void)state;
	assert_string_equal(subprotocol_of("/", "x, b, a"), "b");
	assert_string_equal(subprotocol_of("/", "nakodo.v1,a"), "a");
	assert_string_equal(subprotocol_of("/v1/r", "a, nakodo.v1"), "nakodo.v1");
	assert_string_equal(subprotocol_of("/v1/r", "a, b"), "");
	assert_string_equal(subprotocol_of("/v1/r", NULL), "");
	assert_string_equal(subprotocol_of("/ayame", "a"), "");
}

static void what_is_said_of_an_offer_of_subprotocols_is_harmless(void **state)
{
	struct gate_place place;
	struct head head = good_head();

	(void)state;
	head.subprotocols = "<script>";
	assert_null(
		strchr(gate_check_upgrade(&t.gate, &t.door, &head, &t.client, &place).detail, '<'));
}

static const char *upgrade_of(const char *host, const char *origin)
{
	struct head head = good_head();
	const char *code;

	head.host = host;
	head.origin = origin;
	code = upgrade(&head);
	if (!*code) {
		gate_leave(&t.gate, census_find(t.gate.census, &t.client));
	}
	return code;
}

static void a_page_is_our_own_by_scheme_name_and_port(void **state)
{
	(void)state;
	assert_string_equal(upgrade_of("192.0.2.9:3000", "http://192.0.2.9:3000"), "");
	assert_string_equal(upgrade_of("192.0.2.9:3000", "http://192.0.2.9:8080"), "bad-origin");
	assert_string_equal(upgrade_of("192.0.2.9:3000", "https://192.0.2.9:3000"), "bad-origin");
	t.door.tls = true;
	assert_string_equal(upgrade_of("192.0.2.9:3000", "https://192.0.2.9:3000"), "");
	assert_string_equal(upgrade_of("192.0.2.9:3000", "http://192.0.2.9:3000"), "bad-origin");
	t.door = (struct gate_door){.origin = "", .auth = "", .proxied = true};
	assert_string_equal(upgrade_of("192.0.2.9", "https://192.0.2.9"), "");
	assert_string_equal(upgrade_of("192.0.2.9", "https://192.0.2.9:3000"), "bad-origin");
	t.door = (struct gate_door){.origin = "", .auth = "", .loopback = true};
	assert_string_equal(upgrade_of("localhost:3000", "https://localhost:8080"), "");
}

static void a_name_that_is_not_ours_has_no_pages_of_ours(void **state)
{
	struct option_item name = {(char *)"rtc.example", (char *)"test"};
	struct head head = good_head();

	(void)state;
	assert_string_equal(upgrade_of("evil.example", "http://evil.example"), "bad-host");
	assert_string_equal(upgrade_of("evil.example", NULL), "");
	head.host = "evil.example";
	assert_string_equal(gate_check_private(&t.gate, &t.door, &head).option, "server-name");
	assert_string_equal(upgrade_of("rtc.example", "http://rtc.example"), "bad-host");
	t.options.server_name = (struct option_list){&name, 1};
	assert_string_equal(upgrade_of("rtc.example", "http://rtc.example"), "");
	assert_string_equal(upgrade_of("localhost", "http://localhost"), "");
	assert_string_equal(upgrade_of("[2001:db8::1]:80", "http://[2001:db8::1]"), "");
	head.host = "rtc.example";
	assert_int_equal(gate_check_private(&t.gate, &t.door, &head).status, 0);
	t.door.origin = "any";
	assert_string_equal(upgrade_of("evil.example", "http://evil.example"), "");
}

static void it_says_when_nobody_would_be_let_in(void **state)
{
	const struct head head = good_head();

	(void)state;
	t.options.max_peers_per_address = 0;
	for (int i = 0; i < 3; i++) {
		assert_false(gate_is_full(&t.gate));
		assert_string_equal(upgrade(&head), "");
	}
	assert_true(gate_is_full(&t.gate));
}

static void it_is_short_of_memory_when_too_much_is_held_and_a_look_did_not_help(void **state)
{
	(void)state;
	t.gate.max_memory = memory_used() + 1600;
	memory_take(MEMORY_ROOMS, 1700);
	assert_false(gate_is_full(&t.gate));
	t.gate.short_of_memory = true;
	assert_true(gate_is_full(&t.gate));
	memory_give(MEMORY_ROOMS, 100);
	assert_false(gate_is_full(&t.gate));
	memory_give(MEMORY_ROOMS, 1600);
}

static void a_newcomer_comes_in_while_memory_can_be_given_back(void **state)
{
	const struct head head = good_head();

	(void)state;
	t.gate.max_memory = memory_used() + 1600;
	memory_take(MEMORY_ROOMS, 1700);
	assert_string_equal(upgrade(&head), "");
	t.gate.short_of_memory = true;
	assert_string_equal(upgrade(&head), "server-full");
	memory_give(MEMORY_ROOMS, 1700);
}

static void it_is_not_full_of_kept_places_since_they_give_way(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(gate_keep(&t.gate, &t.client));
	}
	assert_false(gate_is_full(&t.gate));
	for (int i = 0; i < 3; i++) {
		gate_give_up(&t.gate, &t.client);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_good_handshake_is_let_in_and_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			each_fault_of_a_head_is_refused_with_its_code, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_address_has_so_many_places_and_the_server_so_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_place_that_is_kept_is_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nobody_new_comes_in_while_it_drains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			plain_words_where_tls_is_due_are_sent_to_wss, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_address_that_owes_eight_seconds_is_too_fast_until_it_owes_less, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			the_subprotocol_is_the_first_offered_one_that_is_spoken_at_the_path, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_said_of_an_offer_of_subprotocols_is_harmless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_page_is_our_own_by_scheme_name_and_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_not_ours_has_no_pages_of_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_says_when_nobody_would_be_let_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_is_short_of_memory_when_too_much_is_held_and_a_look_did_not_help, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_newcomer_comes_in_while_memory_can_be_given_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			it_is_not_full_of_kept_places_since_they_give_way, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

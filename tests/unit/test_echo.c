/* echo: back to the sender alone, behind a prefix if there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/hub/hub.h"
#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *const mounts[] = {"/echo=echo", "/shout=echo?prefix=hey:%20", NULL};
static struct peers all;

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void a_message_comes_back_to_its_sender_alone(void **state)
{
	struct peer *a = peers_connect(&all, "/echo"), *b = peers_connect(&all, "/echo");

	(void)state;
	peers_say(a, "hello");
	peers_send(a, "\xff", 1, true);
	peers_say(a, "");
	assert_string_equal(peers_hear(a), "text hello");
	assert_string_equal(peers_hear(a), "binary \xff");
	assert_string_equal(peers_hear(a), "text ");
	assert_string_equal(peers_hear(a), "nothing");
	assert_string_equal(peers_hear(b), "nothing");
}

static void any_number_of_peers_are_echoed_since_they_share_no_room(void **state)
{
	struct peer *peer;

	(void)state;
	for (size_t i = 0; i <= peers_options.room_peers; i++) {
		peer = peers_connect(&all, i % 2 ? "/echo" : "/echo?room=r&frames=text");
		peers_say(peer, "x");
		assert_string_equal(peers_hear(peer), "text x");
	}
	peer = peers_connect(&all, "/echo?frames=none");
	assert_string_equal(peers_hear(peer), "close 4400 frames must be text or binary");
}

static void a_prefix_stands_before_what_comes_back(void **state)
{
	static const struct {
		const char *url, *heard;
	} cases[] = {
		{"/echo?prefix=echo:", "text echo:x"},
		{"/echo?prefix=\xe5\x90\x8d ", "text \xe5\x90\x8d x"},
		{"/echo?prefix=", "text x"},
		{"/echo?prefix", "text x"},
		{"/shout", "text hey: x"},
		{"/shout?prefix=ho ", "text ho x"},
		{"/shout?prefix=", "text x"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct peer *peer = peers_connect(&all, cases[i].url);

		peers_say(peer, "x");
		assert_string_equal(peers_hear(peer), cases[i].heard);
	}
}

static void a_prefix_has_at_most_64_bytes(void **state)
{
	char url[128] = "/echo?prefix=";
	size_t head = strlen(url);
	struct peer *peer;

	(void)state;
	memset(url + head, 'p', 64);
	peer = peers_connect(&all, url);
	peers_say(peer, "x");
	assert_int_equal(strlen(peers_hear(peer)), strlen("text ") + 64 + 1);
	url[head + 64] = 'p';
	peer = peers_connect(&all, url);
	assert_string_equal(peers_hear(peer), "close 4400 prefix has at most 64 bytes of UTF-8");
}

/* With it a text message would be one that no client may accept (RFC 6455 section 8.1). */
static void a_prefix_that_is_no_utf8_is_refused(void **state)
{
	static const char *const urls[] = {
		"/echo?prefix=\xff", "/echo?prefix=ab\xe5\x90", "/echo?prefix=\xed\xa0\x80"};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct peer *peer = peers_connect(&all, urls[i]);

		assert_int_equal(peer->state, PEER_CLOSING);
		assert_string_equal(
			peers_hear(peer), "close 4400 prefix has at most 64 bytes of UTF-8");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_message_comes_back_to_its_sender_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			any_number_of_peers_are_echoed_since_they_share_no_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_prefix_stands_before_what_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_prefix_has_at_most_64_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_prefix_that_is_no_utf8_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

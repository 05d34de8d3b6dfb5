/* nakodo.v1: the tokens by which a participant comes back, the nonce for a welcome that was lost,
 * and a page that was reloaded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "v1.h"

#define NONCE "AAAAAAAAAAAAAAAAAAAAAA"
#define X "{\"type\":\"x\"}"
#define FROM_X "{\"from\":\"%s\",\"type\":\"x\"}"
#define LEFT(reason) "{\"type\":\"peer-left\",\"id\":\"%s\",\"reason\":\"" reason "\"}"
#define AWAY "{\"type\":\"peer-away\",\"id\":\"%s\"}"
#define BACK "{\"type\":\"peer-back\",\"id\":\"%s\"}"

static const char *const mounts[] = {"/v1=nakodo.v1", NULL};
static struct peers all;
static struct v1_one a, b; /* in the room r, with nothing to hear */

static int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, mounts);
	a = v1_join(&all, "r");
	b = v1_join(&all, "r");
	v1_skip(a);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static void any_number_of_lost_replies_strands_nobody(void **state)
{
	struct v1_one again = b;

	(void)state;
	for (int i = 0; i < 5; i++) {
		again = v1_resume(&all, "r", b.session, 0); /* always by the first token */
	}
	v1_resume(&all, "r", again.session, 0);
}

static void the_token_before_ends_when_the_new_one_is_shown(void **state)
{
	char first[64];

	(void)state;
	memcpy(first, b.session, sizeof(first));
	b = v1_resume(&all, "r", b.session, 0); /* shown: first; issued: second */
	b = v1_resume(&all, "r", b.session, 0); /* shown: second */
	v1_is_not_recovered(v1_present(&all, "r", first, "0"));
	assert_int_equal(b.peer->state, PEER_OPEN); /* whom it once belonged to notices nothing */
}

static void an_ack_shows_that_the_client_has_its_token(void **state)
{
	struct v1_one before = b;

	(void)state;
	b = v1_resume(&all, "r", b.session, 0);
	peers_say(b.peer, "{\"type\":\"ack\",\"n\":0}");
	v1_is_not_recovered(v1_present(&all, "r", before.session, "0"));
	v1_resume(&all, "r", b.session, 0);
}

static void a_lost_first_welcome_leaves_no_ghost(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=" NONCE), again;

	(void)state;
	v1_skip(a);
	v1_drop(c, 0);
	v1_hears(a, AWAY, c.id);
	peers_say(a.peer, X);
	again = v1_join(&all, "r?nonce=" NONCE);
	assert_string_equal(again.id, c.id);
	v1_hears(again, FROM_X, a.id); /* it was for this participant */
	v1_hears(a, BACK, c.id);
	v1_hears_nothing(a);
	v1_is_not_recovered(v1_present(&all, "r", c.session, "0")); /* which it never saw */
}

static void a_nonce_takes_no_seat_away_whose_welcome_was_seen(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=" NONCE), late;

	(void)state;
	peers_say(c.peer, "{\"type\":\"ack\",\"n\":0}");
	late = v1_join(&all, "r?nonce=" NONCE);
	assert_string_not_equal(late.id, c.id);
	assert_int_equal(c.peer->state, PEER_OPEN);
}

static void a_nonce_means_nothing_in_another_room(void **state)
{
	struct v1_one c = v1_join(&all, "r?nonce=" NONCE), d = v1_join(&all, "q?nonce=" NONCE);

	(void)state;
	assert_string_not_equal(c.id, d.id);
	assert_int_equal(c.peer->state, PEER_OPEN);
	v1_is_not_recovered(v1_present(&all, "r", NONCE, "0")); /* and is no token */
	assert_int_equal(c.peer->state, PEER_OPEN);
}

static void a_reloaded_page_leaves_before_it_joins(void **state)
{
	char url[128];
	struct v1_one fresh;

	(void)state;
	snprintf(url, sizeof(url), "r?replaces=%s", b.session);
	fresh = v1_join(&all, url);
	v1_hears(a, LEFT("gone"), b.id);
	v1_hears_joined(a, fresh);
	assert_string_equal(peers_hear(b.peer), "close 4409 resumed or replaced elsewhere");
	v1_join(&all, url); /* of which there is none any more: it just joins */
	assert_int_equal(fresh.peer->state, PEER_OPEN);
}

/* Present the session from that address; the connection's close code, 0 if it stays. It ends then,
 * and its place here is used again, or there would not be enough of them. */
static unsigned guess(const char *address, const char *session)
{
	char argument[128];
	const char *arguments[] = {argument, NULL};
	struct address from;
	struct request request = {.mount = peers_of(a.peer)->mount,
		.room = "r",
		.arguments = arguments,
		.address = &from};
	struct peer *peer = peers_add(&all);
	unsigned code;

	snprintf(argument, sizeof(argument), "session=%s", session);
	assert_true(address_parse(&from, address, strlen(address)));
	peers_of(peer)->mount = request.mount;
	request.mount->dialect->open(peer, &request);
	code = peer->close_code;
	v1_drop((struct v1_one){peer, "", ""}, 1000);
	memset(&all.all[--all.count], 0, sizeof(*all.all));
	v1_skip(a);
	return code;
}

static void who_guesses_tokens_is_turned_away(void **state)
{
	int tries = 0;

	(void)state;
	while (!guess("192.0.2.1", NONCE)) {
		assert_in_range(++tries, 1, 2000);
	}
	assert_in_range(tries, 1000, 1100);
	assert_int_equal(guess("192.0.2.1", NONCE), 4429);
	assert_int_equal(guess("192.0.2.1", b.session), 0); /* a right one is no guess */
	peers_wait(&all, 1000);
	assert_int_equal(guess("192.0.2.1", NONCE), 0);
}

static void nobody_is_turned_away_for_what_another_guesses(void **state)
{
	uint64_t most = peers_options.max_peers_per_address;
	char address[64];

	(void)state;
	peers_options.max_peers_per_address = 1;
	for (int i = 0; i < 1024; i++) {
		snprintf(address, sizeof(address), "2001:db8:0:%x::1", (unsigned)i);
		for (int tries = 0; !guess(address, NONCE); tries++) {
			assert_in_range(tries, 0, 8);
		}
	}
	for (int i = 0; i < 64; i++) {
		snprintf(address, sizeof(address), "192.0.2.%d", i);
		assert_int_equal(guess(address, NONCE), 0);
	}
	peers_options.max_peers_per_address = most;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(any_number_of_lost_replies_strands_nobody),
		TEST(the_token_before_ends_when_the_new_one_is_shown),
		TEST(an_ack_shows_that_the_client_has_its_token),
		TEST(a_lost_first_welcome_leaves_no_ghost),
		TEST(a_nonce_takes_no_seat_away_whose_welcome_was_seen),
		TEST(a_nonce_means_nothing_in_another_room),
		TEST(a_reloaded_page_leaves_before_it_joins),
		TEST(who_guesses_tokens_is_turned_away),
		TEST(nobody_is_turned_away_for_what_another_guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

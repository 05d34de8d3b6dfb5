/* ice: what the options say becomes the JSON that RTCPeerConnection takes. */
#include "nakodo/service/ice.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/service/secret.h"
#include "nakodo/service/turn_key.h"

#define MOST 4

struct told {
	struct option_item servers[MOST], turns[MOST];
	struct options options;
	struct ice *ice;
};

static char secret[] = "/tmp/nakodo-ice-XXXXXX", none[] = "";

static void write_secret(const char *text)
{
	FILE *file = fopen(secret, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int enter(void **state)
{
	(void)state;
	strncpy(secret + sizeof(secret) - 7, "XXXXXX", 7);
	close(mkstemp(secret));
	write_secret("north\nsouth\n");
	return 0;
}

static int leave(void **state)
{
	(void)state;
	return unlink(secret);
}

static void add_all(struct option_list *list, struct option_item *items, const char *const *values)
{
	list->items = items;
	for (; *values; values++) {
		items[list->count++].value = (char *)*values;
	}
}

/* The two lists end with NULL. */
static void begin(struct told *told, const char *const *servers, const char *const *turns)
{
	struct problem problem;

	memset(told, 0, sizeof(*told));
	add_all(&told->options.ice_server, told->servers, servers);
	add_all(&told->options.turn_server, told->turns, turns);
	told->options.turn_secret = *turns ? secret : none;
	told->options.turn_ttl = 3600;
	assert_int_equal(ice_create(&told->ice, &told->options, &problem), 0);
}

static char *print(const struct ice *ice)
{
	struct text text = {0};

	ice_print(ice, &text);
	return text_take(&text, NULL);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE ((const char *const[]){NULL})

static void expect(const char *const *servers, const char *json)
{
	struct told told;
	char *text;

	begin(&told, servers, NONE);
	text = print(told.ice);
	assert_string_equal(text, json);
	assert_int_equal(ice_is_empty(told.ice), !*servers);
	assert_int_equal(ice_renewal(told.ice), 0);
	free(text);
	ice_destroy(told.ice);
}

static void servers_become_an_array_of_dictionaries(void **state)
{
	(void)state;
	expect(NONE, "[]");
	expect(VALUES("stun:a"), "[{\"urls\":[\"stun:a\"]}]");
	expect(VALUES("stun:a", "turns:b:443?transport=tcp|u|p"),
		"[{\"urls\":[\"stun:a\"]},"
		"{\"urls\":[\"turns:b:443?transport=tcp\"],\"username\":\"u\",\"credential\":\"p\"}"
		"]");
}

static void a_password_may_hold_anything(void **state)
{
	(void)state;
	expect(VALUES("turn:b|u\xc3\xa9|p|\"\\|"),
		"[{\"urls\":[\"turn:b\"],\"username\":\"u\xc3\xa9\",\"credential\":\"p|\\\"\\\\|\"}"
		"]");
}

static void nothing_at_all_is_an_empty_array(void **state)
{
	char *text = print(NULL);

	(void)state;
	assert_string_equal(text, "[]");
	assert_true(ice_is_empty(NULL));
	assert_int_equal(ice_renewal(NULL), 0);
	free(text);
}

/* What stands behind `before` up to the next quote. */
static void cut(const char *text, const char *before, char *ret, size_t size)
{
	const char *at = strstr(text, before);

	assert_non_null(at);
	at += strlen(before);
	assert_true(strcspn(at, "\"") < size);
	snprintf(ret, size, "%.*s", (int)strcspn(at, "\""), at);
}

/* Read them out of `text`; are they right by the secret? */
static bool take_credentials(const char *text, const char *by, char username[64])
{
	char password[TURN_KEY_PASSWORD], right[TURN_KEY_PASSWORD];
	struct secret *key;
	struct problem problem;

	write_secret(by);
	assert_int_equal(secret_read(&key, secret, &problem), 0);
	cut(text, "\"username\":\"", username, 64);
	cut(text, "\"credential\":\"", password, sizeof(password));
	assert_true(turn_key_sign(key, username, right));
	secret_destroy(key);
	return !strcmp(password, right);
}

static void each_is_told_credentials_of_its_own(void **state)
{
	static const char head[] = "[{\"urls\":[\"stun:a\"]},{\"urls\":[\"turn:b?transport=udp\","
				   "\"turns:b\"],\"username\":\"";
	char names[2][64], *text;
	struct told told;
	time_t now = time(NULL);

	(void)state;
	begin(&told, VALUES("stun:a"), VALUES("turn:b?transport=udp", "turns:b"));
	for (int i = 0; i < 2; i++) {
		text = print(told.ice);
		assert_memory_equal(text, head, sizeof(head) - 1);
		assert_true(take_credentials(text, "north\n", names[i]));
		assert_in_range(strtoll(names[i], NULL, 10), now + 3600, time(NULL) + 3600);
		assert_int_equal(strspn(names[i], "0123456789"), strcspn(names[i], ":"));
		free(text);
	}
	assert_string_not_equal(names[0], names[1]);
	assert_false(ice_is_empty(told.ice));
	assert_int_equal(ice_renewal(told.ice), 2700000);
	ice_destroy(told.ice);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(servers_become_an_array_of_dictionaries),
		TEST(a_password_may_hold_anything),
		TEST(nothing_at_all_is_an_empty_array),
		TEST(each_is_told_credentials_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* turn_key: which files hold a secret, and that a TURN server comes to the same password. */
#include "nakodo/service/turn_key.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/problem.h"
#include "nakodo/service/secret.h"
#include "scratch.h"

static int read_bytes(
	struct secret **ret, const char *text, size_t len, mode_t mode, struct problem *problem)
{
	scratch_write("secret", text, len, mode);
	return secret_read(ret, "secret", problem);
}

static void expect_password(const char *text, const char *username, const char *password)
{
	char made[TURN_KEY_PASSWORD];
	struct secret *key;
	struct problem problem;

	assert_int_equal(read_bytes(&key, text, strlen(text), 0640, &problem), 0);
	assert_true(turn_key_sign(key, username, made));
	assert_string_equal(made, password);
	secret_destroy(key);
}

static void expect_refused(const char *text, size_t len, mode_t mode, const char *sentence)
{
	struct secret *key;
	struct problem problem;

	assert_int_equal(read_bytes(&key, text, len, mode, &problem), -EINVAL);
	assert_string_equal(problem.text, sentence);
}

#define EXPECT_REFUSED(text, sentence) expect_refused(text, sizeof(text) - 1, 0600, sentence)

static void a_password_is_the_hmac_of_the_name(void **state)
{
	(void)state;
	/* RFC 2202 section 3, test case 2 */
	expect_password("Jefe\n", "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk=");
	/* by `printf %s 1700000000:anna | openssl dgst -sha1 -hmac north -binary | base64` */
	expect_password("north\n", "1700000000:anna", "WS1fjjHj2gNlXzhc/ZcwmC3ofIo=");
}

static void the_first_line_is_the_key_whatever_ends_it(void **state)
{
	static const char *const texts[] = {"Jefe", "Jefe\n", "Jefe\r\n", "Jefe\nold\nolder\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		expect_password(
			texts[i], "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk=");
	}
}

static void a_line_that_can_be_no_secret_is_named(void **state)
{
	char all[1025];

	(void)state;
	EXPECT_REFUSED("", "line 1 is empty, where a secret must stand");
	EXPECT_REFUSED("\nnorth\n", "line 1 is empty, where a secret must stand");
	EXPECT_REFUSED("north\n\n", "line 2 is empty, where a secret must stand");
	EXPECT_REFUSED("north\nsouth \n", "line 2 begins or ends with a space");
	EXPECT_REFUSED(" north\n", "line 1 begins or ends with a space");
	EXPECT_REFUSED("no\0rth\n", "line 1 has a control character in it");
	EXPECT_REFUSED("north\n\x7f", "line 2 has a control character in it");
	memset(all, 'x', sizeof(all));
	expect_refused(all, sizeof(all), 0600, "line 1 is longer than 1024 bytes");
}

static void a_file_that_everybody_may_read_or_change_is_refused(void **state)
{
	(void)state;
	expect_refused(
		"north\n", 6, 0644, "everybody may read or change it (mode 0644): chmod o-rw");
	expect_refused(
		"north\n", 6, 0602, "everybody may read or change it (mode 0602): chmod o-rw");
}

static void what_is_no_file_is_refused_and_not_waited_for(void **state)
{
	struct secret *key;
	struct problem problem;

	(void)state;
	assert_int_equal(secret_read(&key, "secret", &problem), -EINVAL);
	assert_string_equal(problem.text, "No such file or directory");
	assert_int_equal(secret_read(&key, scratch_path(), &problem), -EINVAL);
	assert_string_equal(problem.text, "Is a directory");
	assert_int_equal(mkfifo("secret", 0600), 0);
	assert_int_equal(secret_read(&key, "secret", &problem), -EINVAL);
	assert_string_equal(problem.text, "it is no regular file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_password_is_the_hmac_of_the_name),
		TEST(the_first_line_is_the_key_whatever_ends_it),
		TEST(a_line_that_can_be_no_secret_is_named),
		TEST(a_file_that_everybody_may_read_or_change_is_refused),
		TEST(what_is_no_file_is_refused_and_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

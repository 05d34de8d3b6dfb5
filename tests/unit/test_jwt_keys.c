/* jwt_keys: which files hold keys that are believed, and what is said of the others. */
#include "nakodo/service/jwt_keys.h"

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

#include "nakodo/base/json.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwt_key.h"
#include "scratch.h"
#include "tokens.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define EC                                                                                         \
	"\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","  \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define OCT                                                                                        \
	"\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0i" \
	"PS4hcgUuTwjAzZr1Z9CAow\""

/* auth-key `value` and auth-jwks `set`; the keys are to be destroyed, NULL with a sentence. */
static struct jwt_keys *load(const char *value, const char *set, struct problem *problem)
{
	struct option_item item = {(char *)value, (char *)"--auth-key"};
	const struct option_list list = {&item, value ? 1 : 0};
	struct jwt_keys *keys = NULL;
	int error = jwt_keys_load(&keys, &list, set, "file:7", problem);

	assert_int_equal(error, keys ? 0 : -EINVAL);
	return keys;
}

static void assert_refused(const char *value, const char *set, const char *sentence)
{
	struct problem problem = {""};

	assert_null(load(value, set, &problem));
	assert_string_equal(problem.text, sentence);
}

static void assert_loaded(const char *value, const char *set)
{
	struct problem problem = {""};
	struct jwt_keys *keys = load(value, set, &problem);

	if (!keys) {
		fail_msg("%s", problem.text);
	}
	jwt_keys_destroy(keys);
}

static void a_secret_that_everybody_may_read_is_refused(void **state)
{
	(void)state;
	scratch_write("key", SECRET, strlen(SECRET), 0644);
	assert_refused("k:HS256:key", "",
		"--auth-key: auth-key `k:HS256:key`: it holds a secret that everybody may read "
		"(mode 0644): chmod o-r");
	assert_int_equal(chmod("key", 0640), 0);
	assert_loaded("k:HS256:key", "");
	assert_int_equal(chmod("key", 0642), 0);
	assert_refused("k:HS256:key", "",
		"--auth-key: auth-key `k:HS256:key`: everybody may write to it (mode 0642): chmod "
		"o-w");
}

static void a_private_key_is_a_secret_and_a_public_one_is_not(void **state)
{
	for (int is_private = 0; is_private < 2; is_private++) {
		char *pem = tokens_pem("ED25519", NULL, 0, is_private);

		(void)state;
		scratch_write("key", pem, strlen(pem), 0644);
		if (is_private) {
			assert_refused("k:EdDSA:key", "",
				"--auth-key: auth-key `k:EdDSA:key`: it holds a secret that "
				"everybody may read (mode 0644): chmod o-r");
			assert_int_equal(chmod("key", 0600), 0);
		}
		assert_loaded("k:EdDSA:key", "");
		assert_refused("k:ES256:key", "",
			"--auth-key: auth-key `k:ES256:key`: it cannot be used for ES256: it is no "
			"key of the curve P-256");
		free(pem);
	}
}

static void a_key_that_is_too_weak_or_another_is_refused(void **state)
{
	char *weak = tokens_pem("RSA", NULL, 1024, false),
	     *curve = tokens_pem("EC", "P-384", 0, false);

	(void)state;
	scratch_write("key", weak, strlen(weak), 0644);
	assert_refused("k:RS256:key", "",
		"--auth-key: auth-key `k:RS256:key`: it cannot be used for RS256: an RSA key needs "
		"2048 bits at least");
	assert_refused("k:HS256:key", "",
		"--auth-key: auth-key `k:HS256:key`: it holds a key in PEM, which is no secret for "
		"HS256");
	scratch_write("key", curve, strlen(curve), 0644);
	assert_refused("k:ES256:key", "",
		"--auth-key: auth-key `k:ES256:key`: it cannot be used for ES256: it is no key of "
		"the curve P-256");
	scratch_write("key", "secret\n", 7, 0600);
	assert_refused("k:HS256:key", "",
		"--auth-key: auth-key `k:HS256:key`: the secret has 6 bytes; HS256 needs 32 at "
		"least, as from `openssl rand -hex 64`");
	assert_refused("k:EdDSA:key", "",
		"--auth-key: auth-key `k:EdDSA:key`: it holds neither a public nor an unencrypted "
		"private key in PEM");
	free(weak);
	free(curve);
}

/* Does the secret in the file sign as SECRET does? */
static bool is_the_secret(const char *text, size_t len)
{
	struct jwt_keys *ours = tokens_keys_of("k", "HS256"), *keys;
	unsigned char a[JWT_SIGNATURE], b[JWT_SIGNATURE];
	struct problem problem;
	bool same;

	scratch_write("key", text, len, 0600);
	keys = load("k:HS256:key", "", &problem);
	assert_int_equal(jwt_key_sign(jwt_keys_first(ours), "x", 1, a), 32);
	assert_int_equal(jwt_key_sign(jwt_keys_first(keys), "x", 1, b), 32);
	same = !memcmp(a, b, 32);
	jwt_keys_destroy(ours);
	jwt_keys_destroy(keys);
	return same;
}

static void the_line_break_behind_a_line_of_text_is_no_part_of_the_secret(void **state)
{
	(void)state;
	assert_true(is_the_secret(SECRET, strlen(SECRET)));
	assert_true(is_the_secret(SECRET "\n", strlen(SECRET) + 1));
	assert_true(is_the_secret(SECRET "\r\n", strlen(SECRET) + 2));
	assert_false(is_the_secret(SECRET " \n", strlen(SECRET) + 2));
	assert_false(is_the_secret(SECRET "\n\n", strlen(SECRET) + 2));
	assert_false(is_the_secret(SECRET "\0", strlen(SECRET) + 1));
}

static void what_is_no_file_is_refused_at_once(void **state)
{
	(void)state;
	assert_refused("k:HS256:none", "",
		"--auth-key: auth-key `k:HS256:none`: No such file or directory");
	assert_refused("k:HS256:/dev/zero", "",
		"--auth-key: auth-key `k:HS256:/dev/zero`: it is no regular file");
	assert_refused(NULL, "/dev/zero", "file:7: auth-jwks `/dev/zero`: it is no regular file");
	unlink("key");
	assert_int_equal(mkfifo("key", 0600), 0);
	assert_refused(
		"k:HS256:key", "", "--auth-key: auth-key `k:HS256:key`: it is no regular file");
}

static void a_value_is_an_id_an_algorithm_and_a_file(void **state)
{
	static const char *const others[] = {"", "key", "k:HS256", "k:HS256:", ":HS256:key",
		"k::key", "k:none:key", "k:hs256:key", "k:RS512:key", "k:HS256key"};
	struct problem problem;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(jwt_keys_check(others[i], &problem), -EINVAL);
	}
	assert_int_equal(jwt_keys_check("2026-11:EdDSA:/a:b", &problem), 0);
}

static void a_set_gives_the_keys_that_are_for_signatures(void **state)
{
	static const struct {
		const char *set;
		bool good;
	} cases[] = {
		{"{\"keys\":[{" EC "}]}", true},
		{"{\"keys\":[{\"kty\":\"new\"},{" EC ",\"kid\":\"a\"}],\"more\":1}", true},
		{"{\"keys\":[{" EC ",\"use\":\"sig\",\"key_ops\":[\"verify\"]}]}", true},
		{"{\"keys\":[{" EC ",\"use\":\"enc\"}]}", false},
		{"{\"keys\":[{" EC ",\"key_ops\":[\"encrypt\"]}]}", false},
		{"{\"keys\":[{" EC ",\"alg\":\"RS256\"}]}", false},
		{"{\"keys\":[{" EC ",\"alg\":\"HS256\"}]}", false},
		{"{\"keys\":[{" EC "},{" EC "}]}", false},
		{"{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"kid\":\"b\"}]}", true},
		{"{\"keys\":[{" EC ",\"kid\":\"a\"},{" EC ",\"kid\":\"\\u0061\"}]}", false},
		{"{\"keys\":[{" EC ",\"kid\":\"\"}]}", false},
		{"{\"keys\":[{" EC ",\"x\":\"\"}]}", false},
		{"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}]}",
			false},
		{"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
		 "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		 "\"y\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"}]}",
			false}, /* not on the curve */
		{"{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", false},
		{"{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AQAB\"}]}", false},
		{"{\"keys\":[{" OCT ",\"alg\":\"HS512\"}]}", true},
		{"{\"keys\":[{" OCT "}]}", false},
		{"{\"keys\":[{" OCT ",\"alg\":\"ES256\"}]}", false},
		{"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AQAB\"}]}", false},
		{"{\"keys\":[]}", false},
		{"{\"keys\":{" EC "}}", false},
		{"{\"keys\":[{" EC "}],\"keys\":[]}", false},
		{"{" EC "}", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct jwt_keys *keys = jwt_keys_create();
		struct problem problem = {""};
		int error = jwt_keys_add_set(keys, cases[i].set, strlen(cases[i].set), &problem);

		if (error != (cases[i].good ? 0 : -EINVAL) || cases[i].good != !*problem.text) {
			fail_msg("%s: %d %s", cases[i].set, error, problem.text);
		}
		jwt_keys_destroy(keys);
	}
}

static void a_set_with_a_secret_in_it_is_a_secret(void **state)
{
	const char secret[] = "{\"keys\":[{" OCT ",\"alg\":\"HS512\"}]}",
		   open[] = "{\"keys\":[{" EC "}]}";

	(void)state;
	scratch_write("set", open, strlen(open), 0644);
	assert_loaded(NULL, "set");
	scratch_write("set", secret, strlen(secret), 0644);
	assert_refused(NULL, "set",
		"file:7: auth-jwks `set`: it holds a secret that everybody may read (mode 0644): "
		"chmod o-r");
	assert_int_equal(chmod("set", 0400), 0);
	assert_loaded(NULL, "set");
}

static void an_id_is_one_keys_only(void **state)
{
	const char set[] = "{\"keys\":[{" EC ",\"kid\":\"k\"}]}";

	(void)state;
	scratch_write("key", SECRET, strlen(SECRET), 0600);
	scratch_write("set", set, strlen(set), 0644);
	assert_loaded("other:HS256:key", "set");
	assert_refused(
		"k:HS256:key", "set", "file:7: auth-jwks `set`: another key has its name already");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_that_everybody_may_read_is_refused),
		cmocka_unit_test(a_private_key_is_a_secret_and_a_public_one_is_not),
		cmocka_unit_test(a_key_that_is_too_weak_or_another_is_refused),
		cmocka_unit_test(the_line_break_behind_a_line_of_text_is_no_part_of_the_secret),
		cmocka_unit_test(what_is_no_file_is_refused_at_once),
		cmocka_unit_test(a_value_is_an_id_an_algorithm_and_a_file),
		cmocka_unit_test(a_set_gives_the_keys_that_are_for_signatures),
		cmocka_unit_test(a_set_with_a_secret_in_it_is_a_secret),
		cmocka_unit_test(an_id_is_one_keys_only),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}

/*
 * jwt: the tokens of RFC 7515 and RFC 8037 are good, and what others have been fooled by is not.
 */
#include "nakodo/service/jwt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <openssl/err.h>

#include "nakodo/base/base64url.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/jwt_key.h"
#include "nakodo/service/jwt_keys.h"
#include "tokens.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define NOW 1300819000 /* s: shortly before the RFC's tokens expire */
#define GOOD "{\"exp\":1300819380}"

static const char rfc_keys[] =
	"{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"kid\":\"hs\",\"k\":"
	"\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
	"\"},"
	"{\"kty\":\"RSA\",\"kid\":\"rs\",\"e\":\"AQAB\",\"n\":"
	"\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt"
	"0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
	"bSf63kpaSHSXndS5"
	"z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_"
	"I5IhlJH7aG"
	"hyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"},"
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"es\","
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

#define RFC_CLAIMS                                                                                 \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"     \
	"Ijp0cnVlfQ"
static const char hs256[] = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_CLAIMS
			    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
static const char rs256[] =
	"eyJhbGciOiJSUzI1NiJ9." RFC_CLAIMS
	".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
	"O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"
	"SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvW"
	"h6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char es256[] =
	"eyJhbGciOiJFUzI1NiJ9." RFC_CLAIMS
	".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
static const char eddsa_text[] = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
static const char eddsa_signature[] =
	"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static const struct jwt_expected nothing = {"", ""};

/* The keys of rfc_keys with that id, or all ("*"). */
static struct jwt_keys *rfc_keys_named(const char *id)
{
	struct jwt_keys *keys = jwt_keys_create();
	const char *begin = strstr(rfc_keys, "[") + 1, *at = begin;
	struct problem problem;
	char name[16], *set;

	assert_non_null(keys);
	snprintf(name, sizeof(name), "\"%s\"", id);
	while (*id != '*' && *at) {
		size_t len = strcspn(at, "}") + 1;
		char *one = strndup(at, len);

		if (strstr(one, name)) {
			assert_true(asprintf(&set, "{\"keys\":[%s]}", one) > 0);
			assert_int_equal(jwt_keys_add_set(keys, set, strlen(set), &problem), 0);
			free(set);
			free(one);
			return keys;
		}
		free(one);
		at += len + 1;
	}
	assert_int_equal(jwt_keys_add_set(keys, rfc_keys, strlen(rfc_keys), &problem), 0);
	return keys;
}

static int verify_at(const struct jwt_keys *keys, const char *token, int64_t now,
	const struct jwt_expected *expected)
{
	struct jwt_claims claims;
	struct problem problem;
	int error = jwt_verify(keys, token, strlen(token), now, expected, &claims, &problem);

	assert_int_equal(ERR_peek_error(), 0); /* TLS would take it for its own */
	return error;
}

static int verify(const struct jwt_keys *keys, const char *token)
{
	return verify_at(keys, token, NOW, &nothing);
}

/* Why it is refused. */
static void assert_refused(const struct jwt_keys *keys, const char *token, const char *why)
{
	struct jwt_claims claims;
	struct problem problem = {""};

	assert_int_equal(
		jwt_verify(keys, token, strlen(token), NOW, &nothing, &claims, &problem), -EACCES);
	assert_string_equal(problem.text, why);
}

static void assert_made(
	const struct jwt_keys *keys, const char *header, const char *payload, const char *why)
{
	char *token = tokens_make(keys, header, payload);

	if (why) {
		assert_refused(keys, token, why);
	} else {
		assert_int_equal(verify(keys, token), 0);
	}
	free(token);
}

static void the_tokens_of_rfc_7515_are_good_until_they_expire(void **state)
{
	static const struct {
		const char *id, *token;
	} cases[] = {{"hs", hs256}, {"rs", rs256}, {"es", es256}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct jwt_keys *keys = rfc_keys_named(cases[i].id);

		assert_int_equal(verify(keys, cases[i].token), 0);
		assert_int_equal(
			verify_at(keys, cases[i].token, 1300819380 + JWT_LEEWAY - 1, &nothing), 0);
		assert_int_equal(verify_at(keys, cases[i].token, 1300819380 + JWT_LEEWAY, &nothing),
			-EACCES);
		for (size_t j = 0; j < COUNT(cases); j++) {
			if (i != j) {
				assert_refused(
					keys, cases[j].token, "has another algorithm than its key");
			}
		}
		jwt_keys_destroy(keys);
	}
}

static void the_signature_of_rfc_8037_is_good(void **state)
{
	struct jwt_keys *keys = rfc_keys_named("ed");
	unsigned char signature[64];

	(void)state;
	assert_int_equal(base64url_decode(eddsa_signature, strlen(eddsa_signature), signature,
				 sizeof(signature)),
		64);
	assert_true(jwt_key_verify(jwt_keys_first(keys), eddsa_text, strlen(eddsa_text), signature,
		sizeof(signature)));
	signature[0] ^= 1;
	assert_false(jwt_key_verify(jwt_keys_first(keys), eddsa_text, strlen(eddsa_text), signature,
		sizeof(signature)));
	jwt_keys_destroy(keys);
}

static void what_each_algorithm_signs_it_verifies(void **state)
{
	static const char *const algorithms[] = {
		"HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"};

	(void)state;
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		struct jwt_keys *keys = tokens_keys_of("one", algorithms[i]);
		char *token;

		assert_int_equal(jwt_sign(&token, jwt_keys_first(keys), GOOD), 0);
		assert_int_equal(verify(keys, token), 0);
		/* Each character stands for something; of the last one four bits may not. */
		for (size_t at = 0; at < strlen(token); at += 7) {
			char before = token[at];

			token[at] = before == 'A' ? 'B' : 'A';
			assert_int_equal(verify(keys, token), -EACCES);
			token[at] = before;
		}
		free(token);
		jwt_keys_destroy(keys);
	}
}

static void no_token_talks_a_key_into_another_algorithm(void **state)
{
	char *pem = tokens_pem("RSA", NULL, 2048, false), *token;
	struct jwt_keys *keys = jwt_keys_create(), *liar = jwt_keys_create();
	struct problem problem;
	struct jwt_key *key;

	(void)state;
	/* HS256 with the public key for a secret, which everybody knows. */
	assert_int_equal(jwt_key_create(&key, "k", "RS256", pem, strlen(pem), &problem), 0);
	jwt_keys_add(keys, key, &problem);
	assert_int_equal(jwt_key_create_secret(&key, "k", "HS256", pem, strlen(pem), &problem), 0);
	jwt_keys_add(liar, key, &problem);
	assert_int_equal(jwt_sign(&token, key, GOOD), 0);
	assert_refused(keys, token, "has another algorithm than its key");
	free(token);
	/* The header may say what it wants: it is the key that signs. */
	token = tokens_make(liar, "{\"alg\":\"RS256\",\"kid\":\"k\"}", GOOD);
	assert_refused(keys, token, "has a wrong signature");
	free(token);
	jwt_keys_destroy(liar);
	jwt_keys_destroy(keys);
	free(pem);
}

static void nothing_but_the_name_of_the_algorithm_is_taken_for_it(void **state)
{
	static const char *const others[] = {"{\"alg\":\"none\"}", "{\"alg\":\"hs256\"}",
		"{\"alg\":\"HS256 \"}", "{\"alg\":\"HS512\"}", "{\"alg\":\"\"}", "{\"alg\":null}",
		"{}", "{\"alg\":[\"HS256\"]}", "{\"Alg\":\"HS256\"}"};
	struct jwt_keys *keys = tokens_keys_of("k", "HS256");

	(void)state;
	assert_made(keys, "{\"alg\":\"HS256\"}", GOOD, NULL);
	assert_made(keys, "{\"\\u0061lg\":\"HS256\"}", GOOD, NULL);
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_made(keys, others[i], GOOD, "has another algorithm than its key");
	}
	jwt_keys_destroy(keys);
}

static void a_header_that_two_readers_could_see_in_two_ways_is_refused(void **state)
{
	struct jwt_keys *keys = tokens_keys_of("k", "HS256");
	const char *unreadable = "has no header that can be read";

	(void)state;
	assert_made(keys, "{\"alg\":\"none\",\"alg\":\"HS256\"}", GOOD, unreadable);
	assert_made(keys, "{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}", GOOD, unreadable);
	assert_made(keys, "[\"HS256\"]", GOOD, unreadable);
	assert_made(keys, "{\"alg\":\"HS256\"} x", GOOD, unreadable);
	assert_made(keys, "{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", GOOD,
		"has a critical extension, and none is known here");
	assert_made(keys, "{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", GOOD,
		"is for something else, as its `typ` says");
	assert_made(keys, "{\"alg\":\"HS256\",\"typ\":\"at+JWT\"}", GOOD, NULL);
	jwt_keys_destroy(keys);
}

static void the_kid_chooses_the_key(void **state)
{
	struct jwt_keys *all = rfc_keys_named("*"), *one = tokens_keys_of("one", "ES256");
	const char *unknown = "is signed with a key that is not known here";

	(void)state;
	assert_refused(all, es256, unknown); /* without kid */
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":\"one\"}", GOOD, NULL);
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":\"on\\u0065\"}", GOOD, NULL);
	assert_made(one, "{\"alg\":\"ES256\"}", GOOD, NULL);
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":\"two\"}", GOOD, unknown);
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":\"\"}", GOOD, unknown);
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":null}", GOOD, unknown);
	assert_made(one, "{\"alg\":\"ES256\",\"kid\":\"../one\"}", GOOD, unknown);
	jwt_keys_destroy(all);
	jwt_keys_destroy(one);
}

static void a_token_has_three_parts_and_nothing_around_them(void **state)
{
	struct jwt_keys *keys = rfc_keys_named("hs");
	const char *cut = strrchr(hs256, '.'), *none = "is no signed token";
	char text[sizeof(hs256) + 8];

	(void)state;
	assert_refused(keys, "", none);
	assert_refused(keys, ".", none);
	assert_refused(keys, "..", none);
	assert_refused(keys, "a.b", none);
	snprintf(text, sizeof(text), "%.*s", (int)(cut - hs256), hs256);
	assert_refused(keys, text, none);
	snprintf(text, sizeof(text), "%.*s.", (int)(cut - hs256), hs256);
	assert_refused(keys, text, none);
	snprintf(text, sizeof(text), "%s.", hs256);
	assert_refused(keys, text, none);
	snprintf(text, sizeof(text), ".%s", hs256);
	assert_refused(keys, text, none);
	for (const char *behind = "= \n~\t"; *behind; behind++) {
		snprintf(text, sizeof(text), "%s%c", hs256, *behind);
		assert_refused(keys, text, "has a wrong signature");
	}
	snprintf(text, sizeof(text), " %s", hs256);
	assert_refused(keys, text, "has no header that can be read");
	jwt_keys_destroy(keys);
}

static void a_token_that_is_too_long_is_not_read(void **state)
{
	struct jwt_keys *keys = rfc_keys_named("hs");
	char *text = malloc(JWT_MAX + 2);

	(void)state;
	memset(text, 'A', JWT_MAX + 1);
	text[JWT_MAX + 1] = '\0';
	assert_refused(keys, text, "is too long");
	text[JWT_MAX] = '\0';
	assert_refused(keys, text, "is no signed token");
	text[4] = '.';
	text[JWT_MAX - 8] = '.';
	assert_refused(keys, text, "has no header that can be read");
	free(text);
	jwt_keys_destroy(keys);
}

static void an_ecdsa_signature_is_two_numbers_of_32_bytes_within_the_group(void **state)
{
	static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	struct jwt_keys *keys = rfc_keys_named("es");
	const struct jwt_key *key = jwt_keys_first(keys);
	size_t text_len = (size_t)(strrchr(es256, '.') - es256);
	unsigned char right[64], wrong[66] = {0};

	(void)state;
	base64url_decode(es256 + text_len + 1, strlen(es256) - text_len - 1, right, 64);
	assert_true(jwt_key_verify(key, es256, text_len, right, 64));
	assert_false(jwt_key_verify(key, es256, text_len, wrong, 64)); /* both 0 */
	for (int half = 0; half < 2; half++) {
		memcpy(wrong, right, 64);
		memset(wrong + 32 * half, 0, 32);
		assert_false(jwt_key_verify(key, es256, text_len, wrong, 64));
		memcpy(wrong + 32 * half, order, 32);
		assert_false(jwt_key_verify(key, es256, text_len, wrong, 64));
		memset(wrong + 32 * half, 0xff, 32);
		assert_false(jwt_key_verify(key, es256, text_len, wrong, 64));
	}
	memcpy(wrong, right, 64);
	assert_false(jwt_key_verify(key, es256, text_len, wrong, 63));
	assert_false(jwt_key_verify(key, es256, text_len, wrong, 65));
	assert_false(jwt_key_verify(key, es256, text_len, wrong, 0));
	jwt_keys_destroy(keys);
}

static void a_token_says_when_it_is_good(void **state)
{
	static const struct {
		const char *claims, *why;
	} cases[] = {
		{GOOD, NULL},
		{"{\"exp\":1300819380.75}", NULL},
		{"{\"exp\":1300819380,\"nbf\":1300819030}", NULL},
		{"{\"exp\":1300819380,\"nbf\":1300819031}", "is not good yet"},
		{"{\"exp\":1300819380,\"nbf\":\"1\"}", "is not good yet"},
		{"{\"exp\":1300818971}", NULL},
		{"{\"exp\":1300818970}", "has expired"},
		{"{\"exp\":0}", "has expired"},
		{"{}", "does not say when it expires"},
		{"{\"exp\":null}", "does not say when it expires"},
		{"{\"exp\":\"1300819380\"}", "does not say when it expires"},
		{"{\"exp\":-1}", "does not say when it expires"},
		{"{\"exp\":1e300}", "does not say when it expires"},
		{"{\"exp\":13008193800000000}", "does not say when it expires"},
		{"{\"exp\":1300819380,\"exp\":1300819380}", "says nothing that can be read"},
		{"[1300819380]", "says nothing that can be read"},
		{"{\"exp\":1300819380", "says nothing that can be read"},
		{"{\"exp\":1300819380,\"x\":\"\xff\"}", "says nothing that can be read"},
	};
	struct jwt_keys *keys = tokens_keys_of("k", "HS256");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_made(keys, "{\"alg\":\"HS256\"}", cases[i].claims, cases[i].why);
	}
	jwt_keys_destroy(keys);
}

static void a_token_is_from_whom_and_for_whom_it_must_be(void **state)
{
	static const struct jwt_expected from = {"joe", ""}, to = {"", "us"};
	static const struct {
		const char *claims;
		const struct jwt_expected *expected;
		int result;
	} cases[] = {
		{"{\"exp\":1300819380,\"iss\":\"joe\"}", &from, 0},
		{"{\"exp\":1300819380,\"iss\":\"Joe\"}", &from, -EACCES},
		{"{\"exp\":1300819380,\"iss\":[\"joe\"]}", &from, -EACCES},
		{"{\"exp\":1300819380}", &from, -EACCES},
		{"{\"exp\":1300819380,\"aud\":\"us\"}", &to, 0},
		{"{\"exp\":1300819380,\"aud\":[\"them\",\"us\"]}", &to, 0},
		{"{\"exp\":1300819380,\"aud\":[\"them\",[\"us\"]]}", &to, -EACCES},
		{"{\"exp\":1300819380,\"aud\":[]}", &to, -EACCES},
		{"{\"exp\":1300819380}", &to, -EACCES},
		{"{\"exp\":1300819380,\"aud\":\"us\"}", &nothing, -EACCES},
		{"{\"exp\":1300819380,\"iss\":\"joe\"}", &nothing, 0},
	};
	struct jwt_keys *keys = tokens_keys_of("k", "HS256");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *token = tokens_make(keys, "{\"alg\":\"HS256\"}", cases[i].claims);

		assert_int_equal(verify_at(keys, token, NOW, cases[i].expected), cases[i].result);
		free(token);
	}
	jwt_keys_destroy(keys);
}

static void a_verification_is_quick(void **state)
{
	static const char *const algorithms[] = {"HS256", "RS256", "PS256", "ES256", "EdDSA"};

	(void)state;
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		struct jwt_keys *keys = tokens_keys_of("k", algorithms[i]);
		struct timespec begin, end;
		char *token;

		assert_int_equal(jwt_sign(&token, jwt_keys_first(keys), GOOD), 0);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
		for (int j = 0; j < 100; j++) {
			assert_int_equal(verify(keys, token), 0);
		}
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
		/* For whoever looks: how fast machines are differs. */
		print_message("%s: %.1f us\n", algorithms[i],
			((double)(end.tv_sec - begin.tv_sec) * 1e9 +
				(double)(end.tv_nsec - begin.tv_nsec)) /
				1e5);
		free(token);
		jwt_keys_destroy(keys);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tokens_of_rfc_7515_are_good_until_they_expire),
		cmocka_unit_test(the_signature_of_rfc_8037_is_good),
		cmocka_unit_test(what_each_algorithm_signs_it_verifies),
		cmocka_unit_test(no_token_talks_a_key_into_another_algorithm),
		cmocka_unit_test(nothing_but_the_name_of_the_algorithm_is_taken_for_it),
		cmocka_unit_test(a_header_that_two_readers_could_see_in_two_ways_is_refused),
		cmocka_unit_test(the_kid_chooses_the_key),
		cmocka_unit_test(a_token_has_three_parts_and_nothing_around_them),
		cmocka_unit_test(a_token_that_is_too_long_is_not_read),
		cmocka_unit_test(an_ecdsa_signature_is_two_numbers_of_32_bytes_within_the_group),
		cmocka_unit_test(a_token_says_when_it_is_good),
		cmocka_unit_test(a_token_is_from_whom_and_for_whom_it_must_be),
		cmocka_unit_test(a_verification_is_quick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

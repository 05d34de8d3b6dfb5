/* json: every class of the grammar on both sides of the law, damage to each byte of a rich
 * document, members in every spelling of their names, and strings decoded. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Something of everything that the grammar has, and nothing that could be left out at the end. */
static const char rich[] = " {\r\n\t\"type\" : \"off\\u0065r\","
			   "\"to\":[\"\\ud83d\\ude00\",\"\\\\\\\"\\/\\b\\f\\n\\r\\t\", {} , []],"
			   "\"\xe5\x90\x8d\":\"\xf0\x9f\x98\x80\xc3\xa9\","
			   "\"n\":[-0,0.5,-12.25e+10,1E-2,1e9],"
			   "\"deep\":{\"type\":{\"a\":[[true,false , null]]}},"
			   "\"sdp\":\"v=0\\r\\no=- 1 2 IN IP4 0.0.0.0\\r\\n\"}";

/* Scan a copy that ends where its memory ends, so that a sanitizer sees one byte too many. */
static enum json_result scan(const char *text, size_t len)
{
	struct json_member members[] = {{.name = "type"}, {.name = "to"}, {.name = "sdp"}};
	char *copy = malloc(len ? len : 1);
	enum json_result result;

	memcpy(copy, text, len);
	result = json_scan(copy, len, members, COUNT(members));
	for (size_t i = 0; result == JSON_OK && i < COUNT(members); i++) {
		const struct json_value *value = &members[i].value;

		if (value->kind != JSON_ABSENT) {
			assert_in_range(value->at - copy, 0, len - 1);
			assert_in_range(value->len, 1, copy + len - value->at);
			assert_int_not_equal(json_scan(value->at, value->len, NULL, 0), JSON_BAD);
		}
	}
	free(copy);
	return result;
}

static enum json_result scan_between(const char *before, const char *text, const char *after)
{
	char whole[1024];
	int len = snprintf(whole, sizeof(whole), "%s%s%s", before, text, after);

	assert_in_range(len, 0, sizeof(whole) - 1);
	return scan(whole, (size_t)len);
}

/* The same verdict for the value bare, in an array and in an object. */
static void judge_value(const char *value, bool good)
{
	const struct {
		const char *before, *after;
		enum json_result result;
	} places[] = {
		{"[", "]", JSON_NOT_OBJECT},
		{"[0,", ",0]", JSON_NOT_OBJECT},
		{" [\n", "\t]\r", JSON_NOT_OBJECT},
		{"{\"a\":", "}", JSON_OK},
		{"{\"b\":[{}],\"a\" : ", " ,\"c\":0}", JSON_OK},
	};

	for (size_t i = 0; i < COUNT(places); i++) {
		enum json_result result = scan_between(places[i].before, value, places[i].after);

		if (result != (good ? places[i].result : JSON_BAD)) {
			fail_msg("%s%s%s: %d", places[i].before, value, places[i].after, result);
		}
	}
	assert_int_equal(scan(value, strlen(value)) != JSON_BAD, good);
}

static void every_lawful_value_is_accepted(void **state)
{
	static const char *const values[] = {"null", "true", "false", "0", "-0", "7", "-10",
		"123456789012345678901234567890", "0.0", "-0.10", "1e5", "1E5", "1e+5", "1e-5",
		"0e0", "0E+00", "1.5e007", "1e999", "\"\"", "\"a\"", "\"'\"", "\"\\\"\"",
		"\"\\\\\"", "\"\\/\"", "\"/\"", "\"\\b\\f\\n\\r\\t\"", "\"\\u0000\"",
		"\"\\uABCD\\uabcd\\u0123\"", "\"\\\\u12\"", "\"\x7f\"", "\"[{,:}]\"", "[]", "[ ]",
		"[[],[]]", "[1,[2,{\"a\":3}]]", "{}", "{\n}", "{\"\":0}",
		"{\"a\":{\"a\":1,\"a\":2}}", "\"\\ud800\"", "\"\\udc00\\ud800\"",
		"\"\\ud800x\\uDFFF\""};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		judge_value(values[i], true);
	}
}

static void every_unlawful_value_is_refused(void **state)
{
	static const char *const values[] = {/* words */
		"nul", "nulll", "NULL", "True", "tru", "falsey", "fals", "undefined", "NaN",
		"Infinity", "-Infinity",
		/* numbers */
		"01", "-01", "00", "+1", "--1", "-", "- 1", ".5", "-.5", "1.", "1.e5", "1e", "1e+",
		"1e+-1", "1e1.5", "1.2.3", "0x10", "1_000", "1 0", "0b1", "1f", "\xef\xbc\x91",
		/* strings */
		"\"", "\"\"\"", "\"\\\"", "\"\\\\\\\"", "'a'", "`a`", "a", "\"\\a\"", "\"\\v\"",
		"\"\\'\"", "\"\\0\"", "\"\\x41\"", "\"\\U0041\"", "\"\\ \"", "\"\\\n\"", "\"\\u\"",
		"\"\\u1\"", "\"\\u123\"", "\"\\u12G4\"", "\"\\u 123\"", "\"\\u+123\"",
		"\"\\u-123\"", "\"\\u123", "\"\\u@ABC\"", "\"\\u:123\"", "\"\\u/123\"",
		"\"\\u`abc\"", "\"\\ud800\\u12\"", "\"a\" \"b\"",
		/* arrays and objects */
		"[", "[1", "[1,", "[1,]", "[,1]", "[,]", "[1,,2]", "[1 2]", "[1}", "{", "{\"a\"}",
		"{\"a\":}", "{:1}", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{\"a\":1,,\"b\":1}",
		"{\"a\":1 \"b\":1}", "{\"a\" 1}", "{\"a\"::1}", "{\"a\",1}", "{a:1}", "{1:1}",
		"{null:1}", "{'a':1}", "{[]:1}", "{\"a\":1]", "{\"a\":1", "{\"a\":1,\"b",
		"{\"a\\q\":1}",
		/* comments, and escapes out of place */
		"/**/", "1/**/", "//\n1", "#\n1", "\\u0031"};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		judge_value(values[i], false);
	}
}

static void nothing_is_refused(void **state)
{
	(void)state;
	assert_int_equal(json_scan(NULL, 0, NULL, 0), JSON_BAD);
	assert_int_equal(scan("", 0), JSON_BAD);
	assert_int_equal(scan(" \n", 2), JSON_BAD);
	assert_int_equal(scan_between("{\"a\":", " ", "}"), JSON_BAD);
}

static void only_white_space_may_stand_around_the_value(void **state)
{
	static const char *const bad[] = {"\v", "\f", "\x1e", ",", "]", "}", "\"", "{}", "x",
		"\x7f", "\x80", "\xc2\xa0", "\xe3\x80\x80", "\xe2\x80\xa8", "\xef\xbb\xbf"};

	(void)state;
	assert_int_equal(scan_between(" \t\r\n", "{}", "\n\r\t "), JSON_OK);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(scan_between("{}", bad[i], ""), JSON_BAD);
		assert_int_equal(scan_between("{} ", bad[i], ""), JSON_BAD);
		assert_int_equal(scan_between("", bad[i], "{}"), JSON_BAD);
		assert_int_equal(scan_between("{", bad[i], "}"), JSON_BAD);
		assert_int_equal(scan_between("{\"a\"", bad[i], ":1}"), JSON_BAD);
	}
}

static void a_raw_control_character_in_a_string_is_refused(void **state)
{
	(void)state;
	for (int byte = 0; byte < 0x80; byte++) {
		bool good = byte >= 0x20 && byte != '"' && byte != '\\';
		char name[] = "{\"a?x\":\"cd\"}", value[] = "{\"ab\":\"c?x\"}";

		*strchr(name, '?') = (char)byte;
		*strchr(value, '?') = (char)byte;
		assert_int_equal(scan(name, sizeof(name) - 1), good ? JSON_OK : JSON_BAD);
		assert_int_equal(scan(value, sizeof(value) - 1), good ? JSON_OK : JSON_BAD);
	}
}

static void judge_utf8(const char *text, enum json_result in_string)
{
	assert_int_equal(scan_between("{\"a\":\"", text, "\"}"), in_string);
	assert_int_equal(scan_between("{\"a\":\"01\\n23", text, "\\u0041z\"}"), in_string);
	assert_int_equal(scan_between("{\"", text, "\":[]}"), in_string);
	assert_int_equal(scan_between("{\"a\":[{\"x\":\"", text, "\"}]}"), in_string);
	assert_int_equal(scan_between("{\"a\":", text, "}"), JSON_BAD);
	assert_int_equal(scan_between("{", text, "\"a\":1}"), JSON_BAD);
	assert_int_equal(scan_between("{\"a\":1", text, "}"), JSON_BAD);
}

static void utf8_is_strict_and_stands_only_in_strings(void **state)
{
	static const char *const good[] = {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
		"\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
		/* a byte order mark inside a string is a character */
		"\xef\xbb\xbf"};
	static const char *const bad[] = {/* no lead */
		"\x80", "\xbf\xbf",
		/* overlong */
		"\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		/* surrogates, alone and as CESU-8 */
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xed\xa0\xbd\xed\xb8\x80",
		/* above U+10FFFF */
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80", "\xfe", "\xff",
		/* cut short; Latin-1 */
		"\xc3", "\xe3\x81", "\xf0\x9f\x98", "\xe3\x81\xe3\x81\x82", "\xc3\\n", "\xe9t\xe9"};

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		judge_utf8(good[i], JSON_OK);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		judge_utf8(bad[i], JSON_BAD);
	}
}

static void every_truncation_is_refused(void **state)
{
	size_t len = sizeof(rich) - 1;

	(void)state;
	assert_int_equal(scan(rich, len), JSON_OK);
	for (size_t cut = 0; cut < len; cut++) {
		assert_int_equal(scan(rich, cut), JSON_BAD);
	}
}

/* What a damaged document is worth depends on the damage; scan() checks that spans stay right. */
static void every_change_of_one_byte_is_judged(void **state)
{
	size_t verdicts[JSON_DOUBLED + 1] = {0};
	char changed[sizeof(rich)];

	(void)state;
	memcpy(changed, rich, sizeof(rich));
	for (size_t i = 0; i < sizeof(rich) - 1; i++) {
		for (int byte = 0; byte < 256; byte++) {
			changed[i] = (char)byte;
			verdicts[scan(changed, sizeof(rich) - 1)]++;
		}
		changed[i] = '\0';
		assert_int_equal(scan(changed, sizeof(rich) - 1), JSON_BAD);
		changed[i] = rich[i];
	}
	assert_true(verdicts[JSON_OK] > sizeof(rich) * 10);
	assert_true(verdicts[JSON_BAD] > sizeof(rich) * 10);
}

static void nesting_ends_at_the_limit(void **state)
{
	static const struct {
		const char *open, *core, *close;
		int times;
		enum json_result result;
	} cases[] = {
		{"[", "", "]", JSON_MAX_DEPTH, JSON_NOT_OBJECT},
		{"[", "", "]", JSON_MAX_DEPTH + 1, JSON_BAD},
		{"{\"a\":", "0", "}", JSON_MAX_DEPTH, JSON_OK},
		{"{\"a\":", "0", "}", JSON_MAX_DEPTH + 1, JSON_BAD},
		{"{\"a\":[", "0", "]}", JSON_MAX_DEPTH / 2, JSON_OK},
		{"{\"a\":[", "0", "]}", JSON_MAX_DEPTH / 2 + 1, JSON_BAD},
		{"[", "{}", "]", JSON_MAX_DEPTH - 1, JSON_NOT_OBJECT},
		{"[", "{}", "]", JSON_MAX_DEPTH, JSON_BAD},
		/* what is closed again does not count */
		{"[[],{},", "0", "]", JSON_MAX_DEPTH - 1, JSON_NOT_OBJECT},
		{"[[],{},", "0", "]", JSON_MAX_DEPTH, JSON_BAD},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		for (int n = 0; n < cases[i].times; n++) {
			fputs(cases[i].open, out);
		}
		fputs(cases[i].core, out);
		for (int n = 0; n < cases[i].times; n++) {
			fputs(cases[i].close, out);
		}
		fclose(out);
		assert_int_equal(scan(text, len), cases[i].result);
		free(text);
	}
}

static void long_runs_of_one_byte_are_judged_at_once(void **state)
{
	static const struct {
		char byte;
		enum json_result bare, quoted;
	} cases[] = {
		{'[', JSON_BAD, JSON_NOT_OBJECT},
		{'{', JSON_BAD, JSON_NOT_OBJECT},
		{'"', JSON_BAD, JSON_BAD},
		{' ', JSON_BAD, JSON_NOT_OBJECT},
		{'1', JSON_NOT_OBJECT, JSON_NOT_OBJECT},
		{'\\', JSON_BAD, JSON_NOT_OBJECT}, /* an even number of them */
		{'\xe3', JSON_BAD, JSON_BAD},
		{'\0', JSON_BAD, JSON_BAD},
	};
	static char text[65536];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		memset(text, cases[i].byte, sizeof(text));
		assert_int_equal(scan(text, sizeof(text)), cases[i].bare);
		text[0] = text[sizeof(text) - 1] = '"';
		assert_int_equal(scan(text, sizeof(text)), cases[i].quoted);
	}
}

/* The verdict, with the member `name` in *ret. */
static enum json_result ask(const char *text, const char *name, struct json_value *ret)
{
	struct json_member members[] = {{.name = "other"}, {.name = name}};
	enum json_result result = json_scan(text, strlen(text), members, COUNT(members));

	*ret = members[1].value;
	return result;
}

static void a_member_is_found_with_its_kind_and_span(void **state)
{
	static const struct {
		const char *text, *span;
		enum json_kind kind;
	} cases[] = {
		{"{\"type\":null}", "null", JSON_NULL},
		{"{\"type\" : true }", "true", JSON_BOOL},
		{"{\"type\":false,\"a\":1}", "false", JSON_BOOL},
		{"{\"a\":1,\"type\":-1.5e3}", "-1.5e3", JSON_NUMBER},
		{"{\"type\":\t\"of\\\"fer\"\n}", "\"of\\\"fer\"", JSON_STRING},
		{"{\"type\":\"\"}", "\"\"", JSON_STRING},
		{"{\"type\":[ 1, \"]\" ] }", "[ 1, \"]\" ]", JSON_ARRAY},
		{"{\"type\":{\"a\":{}},\"b\":{}}", "{\"a\":{}}", JSON_OBJECT},
		{"{\"\\u0074\\u0079p\\u0065\":1}", "1", JSON_NUMBER},
		{"{}", "", JSON_ABSENT},
		{"{\"typ\":1,\"types\":2,\"Type\":3,\"\":4}", "", JSON_ABSENT},
		{"{\"type\\u0000\":1,\"type\\u0000x\":2,\"\\u0000\":3}", "", JSON_ABSENT},
		{"{\"a\":{\"type\":1},\"b\":[{\"type\":2}],\"c\":\"type\"}", "", JSON_ABSENT},
		{"{\"type\\ud800\":1,\"\\udc00type\":2}", "", JSON_ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct json_value value;

		assert_int_equal(ask(cases[i].text, "type", &value), JSON_OK);
		assert_int_equal(value.kind, cases[i].kind);
		assert_int_equal(value.len, strlen(cases[i].span));
		assert_memory_equal(value.at ? value.at : "", cases[i].span, value.len);
	}
}

static void a_name_is_compared_after_decoding(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"{\"\":1}", ""},
		{"{\"a\\/b\":1}", "a/b"},
		{"{\"\\u0022\\\\\\b\":1}", "\"\\\b"},
		{"{\"\\u540d\xe5\x89\x8d\":1}", "\xe5\x90\x8d\xe5\x89\x8d"},
		{"{\"\\uD83d\\uDe00\":1}", "\xf0\x9f\x98\x80"},
		{"{\"\xf0\x9f\x98\x80\":1}", "\xf0\x9f\x98\x80"},
	};
	struct json_value value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(ask(cases[i].text, cases[i].name, &value), JSON_OK);
		assert_int_equal(value.kind, JSON_NUMBER);
	}
}

static void a_doubled_name_is_refused_in_any_spelling(void **state)
{
	static const struct {
		const char *text;
		enum json_result result;
	} cases[] = {
		{"{\"type\":1,\"type\":1}", JSON_DOUBLED},
		{"{\"type\":\"a\",\"x\":[],\"\\u0074ype\":\"b\"}", JSON_DOUBLED},
		{"{\"typ\\u0065\":null,\"t\\u0079pe\":null}", JSON_DOUBLED},
		{"{\"type\":1,\"type\":2,\"type\":3}", JSON_DOUBLED},
		{"{\"other\":1,\"other\":2,\"type\":3}", JSON_DOUBLED},
		{"{\"type\":1,\"type\":2,}", JSON_BAD},
		{"{\"type\":1,\"type\":2} x", JSON_BAD},
		{"{\"type\":1,\"type\":\"\xff\"}", JSON_BAD},
		{"[{\"type\":1,\"type\":2}]", JSON_NOT_OBJECT},
		{"{\"a\":{\"type\":1,\"type\":2}}", JSON_OK},
		{"{\"unasked\":1,\"unasked\":2,\"type\":3}", JSON_OK},
		{"{\"type\":1,\"type\\u0000\":2,\"Type\":3}", JSON_OK},
	};
	struct json_value value;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(ask(cases[i].text, "type", &value), cases[i].result);
	}
}

static const struct decoding {
	const char *json, *text; /* NULL: cannot be decoded */
} decodings[] = {
	{"\"\"", ""},
	{"\"offer\"", "offer"},
	{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
	{"\"a\\u0041\\u00e9\\u3042z\"", "aA\xc3\xa9\xe3\x81\x82z"},
	{"\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
		"\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
	{"\"\\ud800\\udc00\\uDBFF\\uDFFF\"", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
	{"\"\xe5\x90\x8d\\u540D\"", "\xe5\x90\x8d\xe5\x90\x8d"},
	{"\"\\\\u0041\"", "\\u0041"},
	{"\"\\u0000\"", NULL},
	{"\"a\\u0000b\"", NULL},
	{"\"\\ud800\"", NULL},
	{"\"\\udc00\"", NULL},
	{"\"\\ud83dx\\ude00\"", NULL},
	{"\"\\ud83d\\n\\ude00\"", NULL},
	{"\"\\ud83d\\ud83d\\ude00\"", NULL},
	{"\"\\ude00\\ud83d\"", NULL},
	{"\"\\ud83d\\u0041\"", NULL},
	{"\"\\ud83d\\ue000\"", NULL},
	{"\"\\ud83d__de00\"", NULL},
	{"null", NULL},
	{"1", NULL},
	{"[\"a\"]", NULL},
};

/* Its bytes, to be freed, end where their memory ends. */
static struct json_value value_of(const char *json)
{
	struct json_value value = {NULL, strlen(json), *json == '"' ? JSON_STRING : JSON_NULL};

	assert_int_not_equal(json_scan(json, value.len, NULL, 0), JSON_BAD);
	value.at = memcpy(malloc(value.len), json, value.len);
	return value;
}

static void a_string_is_decoded_into_a_buffer_that_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(decodings); i++) {
		const struct decoding *c = &decodings[i];
		size_t need = c->text ? strlen(c->text) + 1 : 0;
		struct json_value value = value_of(c->json);

		for (size_t size = 0; size <= need + 1; size++) {
			char *buf = malloc(size ? size : 1);
			long got = json_decode(&value, buf, size);

			if (!c->text) {
				assert_int_equal(got, -EINVAL);
			} else if (size < need) {
				assert_int_equal(got, -ENOSPC);
			} else {
				assert_int_equal(got, need - 1);
				assert_string_equal(buf, c->text);
			}
			free(buf);
		}
		free((char *)value.at);
	}
	assert_int_equal(json_decode(&(struct json_value){0}, NULL, 0), -EINVAL);
}

static void a_string_equals_its_decoded_text_and_nothing_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(decodings); i++) {
		struct json_value value = value_of(decodings[i].json);

		for (size_t n = 0; n < COUNT(decodings); n++) {
			if (decodings[n].text) {
				assert_int_equal(json_equals(&value, decodings[n].text), i == n);
			}
		}
		assert_false(json_equals(&value, "a")); /* how some of them begin */
		assert_false(json_equals(&value, "offers"));
		free((char *)value.at);
	}
	assert_false(json_equals(&(struct json_value){0}, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_lawful_value_is_accepted),
		cmocka_unit_test(every_unlawful_value_is_refused),
		cmocka_unit_test(nothing_is_refused),
		cmocka_unit_test(only_white_space_may_stand_around_the_value),
		cmocka_unit_test(a_raw_control_character_in_a_string_is_refused),
		cmocka_unit_test(utf8_is_strict_and_stands_only_in_strings),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_change_of_one_byte_is_judged),
		cmocka_unit_test(nesting_ends_at_the_limit),
		cmocka_unit_test(long_runs_of_one_byte_are_judged_at_once),
		cmocka_unit_test(a_member_is_found_with_its_kind_and_span),
		cmocka_unit_test(a_name_is_compared_after_decoding),
		cmocka_unit_test(a_doubled_name_is_refused_in_any_spelling),
		cmocka_unit_test(a_string_is_decoded_into_a_buffer_that_fits),
		cmocka_unit_test(a_string_equals_its_decoded_text_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

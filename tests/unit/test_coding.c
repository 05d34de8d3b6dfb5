/* coding: how much a client wants a coding, from the bytes of its Accept-Encoding. */
#include "nakodo/net/http/coding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
	const char *accept;
	unsigned br, gzip, identity;
};

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];
		const unsigned found[] = {coding_weight(row->accept, "br"),
			coding_weight(row->accept, "gzip"), coding_weight(row->accept, "identity")};

		if (found[0] != row->br || found[1] != row->gzip || found[2] != row->identity) {
			fail_msg("\"%s\": br %u, gzip %u, identity %u",
				row->accept ? row->accept : "none", found[0], found[1], found[2]);
		}
	}
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof(*(rows)))

static void what_is_named_is_taken(void **state)
{
	static const struct row rows[] = {
		{NULL, 0, 0, 1},
		{"", 0, 0, 1},
		{"gzip", 0, 1000, 1},
		{"gzip, deflate, br, zstd", 1000, 1000, 1},
		{"gzip,br", 1000, 1000, 1},
		{",, gzip\t,\t,br ,", 1000, 1000, 1},
		{"GZip, BR", 1000, 1000, 1},
		{"identity", 0, 0, 1000},
		{"xbr, brx, gzip2, x-gzip, gz ip", 0, 0, 1},
		{"compress", 0, 0, 1},
		{"text/html,*/*;q=0.8", 0, 0, 1},
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void a_weight_orders_them_and_0_refuses(void **state)
{
	static const struct row rows[] = {
		{"br;q=0.5, gzip;q=1", 500, 1000, 1},
		{"br;q=0.125,gzip;q=0.001", 125, 1, 1},
		{"br;q=1.000, gzip;q=0.", 1000, 0, 1},
		{"br ; q=0.3 , gzip\t;\tQ=0.9\t", 300, 900, 1},
		{"gzip;q=0, br;q=0.000", 0, 0, 1},
		{"identity;q=0", 0, 0, 0},
		{"identity;q=0.2, gzip;q=0.1", 0, 100, 200},
		{"gzip;q=0, gzip", 0, 0, 1},
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void the_star_is_what_is_not_named(void **state)
{
	static const struct row rows[] = {
		{"*", 1000, 1000, 1000},
		{"*;q=0.5", 500, 500, 500},
		{"gzip, *;q=0", 0, 1000, 0},
		{"*;q=0, gzip", 0, 1000, 0},
		{"identity;q=0.5, *;q=0", 0, 0, 500},
		{"br;q=0, *", 0, 1000, 1000},
	};

	(void)state;
	ASSERT_ROWS(rows);
}

static void a_weight_that_is_none_refuses(void **state)
{
	static const char *const weights[] = {"", "q", "q=", "q=2", "q=1.001", "q=1.0000",
		"q=0.1234", "q=-0.5", "q=.5", "q=0,5", "q=0x1", "q =1", "q= 1", "q=1;q=1",
		"level=9", "q=1 0", "q=10", "q=1e0", "q=\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(weights) / sizeof(*weights); i++) {
		char accept[64];

		snprintf(accept, sizeof(accept), "br;%s", weights[i]);
		/* 0,5 is a weight of 0 and another coding. */
		if (coding_weight(accept, "br") != 0) {
			fail_msg("%s is taken", accept);
		}
	}
	assert_int_equal(coding_weight("br q=1", "br"), 0);
	assert_int_equal(coding_weight("br=1", "br"), 0);
}

static void a_media_type_is_named_with_its_parameters(void **state)
{
	static const struct {
		const char *accept;
		unsigned weight;
	} rows[] = {
		{NULL, 0},
		{"", 0},
		{"*/*", 0},
		{"text/*", 0},
		{"text/plain", 1000},
		{"Text/Plain;q=0.5, */*", 500},
		{"text/plain;version=0.0.4;q=0.5,*/*;q=0.1", 500},
		{"text/plain ; version=0.0.4 ; Q=0.25", 250},
		{"text/plain;version=0.0.4", 1000},
		{"text/plain;version=1;q=0", 0},
		{"text/plain;q=2", 0},
		{"text/plain; ", 1000},
		{"text/plain;version=\"q=0\"", 1000},
		{"text/plainer, xtext/plain", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		unsigned weight = coding_media_weight(rows[i].accept, "text/plain");

		if (weight != rows[i].weight) {
			fail_msg("\"%s\": %u", rows[i].accept ? rows[i].accept : "none", weight);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_named_is_taken),
		cmocka_unit_test(a_weight_orders_them_and_0_refuses),
		cmocka_unit_test(the_star_is_what_is_not_named),
		cmocka_unit_test(a_weight_that_is_none_refuses),
		cmocka_unit_test(a_media_type_is_named_with_its_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

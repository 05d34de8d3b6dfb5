/* qr: the codes that are drawn for all clients, and no more of them than there is time for. */
#include "nakodo/net/http/qr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct qr_cache cache;
static unsigned drawn; /* codes so far */

static int tear_down(void **state)
{
	(void)state;
	qr_cache_finish(&cache);
	memset(&cache, 0, sizeof(cache));
	drawn = 0;
	return 0;
}

static const char *ask(const char *text, uint64_t now, bool may_draw)
{
	bool ret_drawn;
	const char *svg = qr_cache_svg(&cache, text, now, may_draw, &ret_drawn);

	drawn += ret_drawn;
	return svg;
}

/* Ask for so many codes at `now` ms, each of another text: how many were drawn? */
static unsigned draw(unsigned count, uint64_t now)
{
	unsigned before = drawn;
	char text[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%u", drawn + i);
		ask(text, now, true);
	}
	return drawn - before;
}

static void a_code_is_drawn_once(void **state)
{
	const char *svg = ask("a", 1000, true);

	(void)state;
	assert_non_null(svg);
	assert_ptr_equal(ask("a", 1000, true), svg);
	assert_int_equal(drawn, 1);
}

static void what_is_drawn_already_is_there_for_who_may_not_draw(void **state)
{
	(void)state;
	assert_null(ask("a", 1000, false));
	assert_int_equal(drawn, 0);
	assert_non_null(ask("a", 1000, true));
	assert_non_null(ask("a", 1000, false));
}

static void few_are_drawn_at_once_and_few_in_a_second(void **state)
{
	unsigned later = 0;

	(void)state;
	assert_int_equal(draw(100, 1000), QR_DRAWN_AT_ONCE);
	for (uint64_t now = 2000; now < 3000; now++) {
		later += draw(3, now);
	}
	assert_in_range(later, QR_DRAWN_RATE, QR_DRAWN_RATE + QR_DRAWN_BURST + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_code_is_drawn_once),
		TEST(what_is_drawn_already_is_there_for_who_may_not_draw),
		TEST(few_are_drawn_at_once_and_few_in_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* shortage: who has to give something back when too much is held, and when that is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/base/memory.h"
#include "nakodo/service/shortage.h"

static struct shortage shortage;

static struct address at(const char *text)
{
	struct address address = {{0}};

	assert_true(address_parse(&address, text, strlen(text)));
	return address;
}

static void hold(const char *text, size_t bytes)
{
	struct address address = at(text);

	memory_take(MEMORY_FRAMES, bytes);
	assert_int_equal(share_add(&shortage.held, &address, bytes), 0);
}

static bool takes(const char *text)
{
	struct address address = at(text);

	return shortage_takes(&shortage, &address);
}

static void give(const char *text, size_t bytes)
{
	struct address address = at(text);

	memory_give(MEMORY_FRAMES, bytes);
	shortage_take(&shortage, &address, bytes);
}

static int tear_down(void **state)
{
	(void)state;
	memory_give(MEMORY_FRAMES, memory_used());
	shortage_finish(&shortage);
	return 0;
}

static void who_has_most_gives_and_the_others_keep_theirs(void **state)
{
	(void)state;
	hold("192.0.2.1", 100);
	hold("192.0.2.2", 1000);
	hold("192.0.2.3", 200);
	shortage_begin(&shortage, 1000);
	assert_int_equal(shortage.level, 700);
	assert_false(takes("192.0.2.1"));
	assert_true(takes("192.0.2.2"));
	assert_false(takes("192.0.2.3"));
	assert_false(takes("192.0.2.4"));
}

static void it_gives_until_it_is_enough(void **state)
{
	(void)state;
	hold("192.0.2.1", 100);
	hold("192.0.2.2", 1000);
	shortage_begin(&shortage, 600);
	give("192.0.2.2", 499);
	assert_true(takes("192.0.2.2"));
	give("192.0.2.2", 1);
	assert_false(takes("192.0.2.2"));
}

static void what_others_gave_back_meanwhile_is_enough_too(void **state)
{
	(void)state;
	hold("192.0.2.1", 1000);
	hold("192.0.2.2", 1000);
	shortage_begin(&shortage, 1500);
	assert_true(takes("192.0.2.1") && takes("192.0.2.2"));
	give("192.0.2.1", 500);
	assert_false(takes("192.0.2.2"));
}

static void what_cannot_be_given_back_is_not_awaited(void **state)
{
	(void)state;
	memory_take(MEMORY_CONNECTIONS, 5000);
	hold("192.0.2.1", 10);
	shortage_begin(&shortage, 1000);
	assert_true(takes("192.0.2.1"));
	give("192.0.2.1", 10);
	assert_false(takes("192.0.2.1"));
	memory_give(MEMORY_CONNECTIONS, 5000);
}

static void more_than_was_counted_may_be_given(void **state)
{
	(void)state;
	memory_take(MEMORY_FRAMES, 50);
	hold("192.0.2.1", 10);
	shortage_begin(&shortage, 0);
	give("192.0.2.1", 40);
	assert_false(takes("192.0.2.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(who_has_most_gives_and_the_others_keep_theirs, tear_down),
		cmocka_unit_test_teardown(it_gives_until_it_is_enough, tear_down),
		cmocka_unit_test_teardown(what_others_gave_back_meanwhile_is_enough_too, tear_down),
		cmocka_unit_test_teardown(what_cannot_be_given_back_is_not_awaited, tear_down),
		cmocka_unit_test_teardown(more_than_was_counted_may_be_given, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ice: what the option says becomes the JSON that RTCPeerConnection takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/service/ice.h"

static void expect(const char *const *values, const char *json)
{
	struct option_item items[4] = {{NULL, NULL}};
	struct option_list list = {.items = items};
	char *text;

	for (; *values; values++) {
		items[list.count++].value = (char *)*values;
	}
	text = ice_print(&list);
	assert_string_equal(text, json);
	free(text);
}

#define VALUES(...) ((const char *const[]){__VA_ARGS__, NULL})

static void servers_become_an_array_of_dictionaries(void **state)
{
	(void)state;
	expect((const char *const[]){NULL}, "[]");
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(servers_become_an_array_of_dictionaries),
		cmocka_unit_test(a_password_may_hold_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

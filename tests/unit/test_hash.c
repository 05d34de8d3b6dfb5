/* hash: SipHash-2-4 as published, and a key that nobody knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/hash.h"

/* Appendix A of the paper, and vectors.h of its authors' implementation: key and text are 00 01 …
 */
static void it_is_siphash_2_4(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} cases[] = {
		{0, UINT64_C(0x726fdb47dd0e0e31)},
		{1, UINT64_C(0x74f839c593dc67fd)},
		{8, UINT64_C(0x93f5f5799a932462)},
		{15, UINT64_C(0xa129ca6149be45e5)},
	};
	unsigned char bytes[HASH_KEY_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (unsigned char)i;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(hash_keyed(bytes, bytes, cases[i].len) == cases[i].hash);
	}
}

/* A child hashes the name before this process has drawn its key. */
static void each_process_has_a_key_of_its_own(void **state)
{
	unsigned theirs[2] = {0};
	int fds[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe(fds), 0);
		if (!fork()) {
			unsigned hash = hash_bytes("lobby", 5);

			_exit(write(fds[1], &hash, sizeof(hash)) != sizeof(hash));
		}
		assert_int_equal(read(fds[0], &theirs[i], sizeof(*theirs)), sizeof(*theirs));
		assert_true(wait(NULL) > 0);
		close(fds[0]);
		close(fds[1]);
	}
	assert_int_not_equal(theirs[0], theirs[1]);
	assert_int_equal(hash_bytes("lobby", 5), hash_bytes("lobby", 5));
}

struct element {
	int number;
	UT_hash_handle hh;
};

static void uthash_uses_it(void **state)
{
	struct element one = {.number = 1}, *table = NULL;

	(void)state;
	HASH_ADD_INT(table, number, &one);
	assert_non_null(one.hh.tbl);
	assert_int_equal(one.hh.hashv, hash_bytes(&one.number, sizeof(one.number)));
	HASH_DEL(table, &one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_siphash_2_4),
		cmocka_unit_test(each_process_has_a_key_of_its_own),
		cmocka_unit_test(uthash_uses_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

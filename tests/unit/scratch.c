/* scratch: see the header. */
#include "scratch.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/nakodo-test-XXXXXX";

int scratch_enter(void **state)
{
	strncpy(folder + sizeof(folder) - 7, "XXXXXX", 7);
	*state = mkdtemp(folder);
	alarm(30); /* whoever waits fails */
	return *state ? chdir(folder) : -1;
}

static int drop(const char *path, const struct stat *stat, int type, struct FTW *place)
{
	(void)stat, (void)type, (void)place;
	return remove(path);
}

int scratch_leave(void **state)
{
	(void)state;
	alarm(0);
	return chdir("/") || nftw(folder, drop, 4, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(void)
{
	return folder;
}

void scratch_write(const char *name, const void *bytes, size_t len, mode_t mode)
{
	FILE *file;

	unlink(name);
	file = fopen(name, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(name, mode), 0);
}

/*
 * scratch: a folder of a test's own. What fails here fails the test.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Set-up and tear-down for cmocka: make the folder and go there; remove it with all that is in it.
 * A test that has not ended after 30 s in between fails. */
int scratch_enter(void **state);
int scratch_leave(void **state);
const char *scratch_path(void); /* of the folder, absolute */
/* A new file there, in place of one that was. */
void scratch_write(const char *name, const void *bytes, size_t len, mode_t mode);

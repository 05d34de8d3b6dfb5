/*
 * file: files that a person named.
 */
#pragma once

#include <stdio.h>

/* Open a regular file for reading; a FIFO or a device could keep us waiting. `directory` is as of
 * openat(2). NULL with errno: ENOTSUP when it is something else than a file. */
FILE *file_open(int directory, const char *path);
/* Why it could not be opened: the text of an errno of file_open(). */
const char *file_error_text(int error);

/* The path seen from the current directory, for when we have left it. NULL with errno; the caller
 * frees it. */
char *file_absolute(const char *path);

/*
 * file: files whose paths come from the options.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Open a regular file for reading; a FIFO or a device could keep us waiting. A relative path
 * begins at `directory`, as in openat(2). NULL with errno: ENOTSUP when it is something else than a
 * file. */
FILE *file_open(int directory, const char *path);
/* Why it could not be opened: the text of an errno of file_open(). */
const char *file_error_text(int error);
/* What such a -errno is to whoever starts the daemon: -EINVAL if the configuration has to be
 * mended, else what it is, which may pass. -EBADMSG is what is in the file. */
int file_fault(int error);
mode_t file_mode(FILE *file); /* without its type; 0: not known */
/* May everybody read or change it? A secret may not be in it then. */
bool file_is_open_to_all(mode_t mode);

/* All that is in such a file, with a NUL behind it, and its mode. To be freed. NULL with errno:
 * EFBIG when it holds more than `most` bytes, else as file_open(). */
char *file_read(const char *path, size_t most, size_t *ret_len, mode_t *ret_mode);

/* The absolute form of a path that is relative to the current directory, since the daemon leaves
 * that directory later. NULL with errno; the caller frees it. */
char *file_absolute(const char *path);

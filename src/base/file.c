/* file: see the header. */
#include "nakodo/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

FILE *file_open(int directory, const char *path)
{
	/* O_NONBLOCK: else open(2) waits for somebody to write to a FIFO. */
	int fd = openat(directory, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	FILE *file = NULL;
	struct stat st;
	int error = errno;

	if (fd < 0) {
		return NULL;
	}
	if (fstat(fd, &st)) {
		error = errno;
	} else if (!S_ISREG(st.st_mode)) {
		error = S_ISDIR(st.st_mode) ? EISDIR : ENOTSUP;
	} else {
		file = fdopen(fd, "r");
		error = errno;
	}
	if (!file) {
		close(fd);
		errno = error;
	}
	return file;
}

const char *file_error_text(int error)
{
	return error == ENOTSUP ? "it is no regular file" : strerror(error);
}

int file_fault(int error)
{
	switch (error) {
	case -ENOENT:
	case -EACCES:
	case -EPERM:
	case -ENOTDIR:
	case -EISDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENOTSUP:
	case -ENXIO:
	case -EBADMSG:
		return -EINVAL;
	default:
		return error;
	}
}

mode_t file_mode(FILE *file)
{
	struct stat st;

	return fstat(fileno(file), &st) ? 0 : st.st_mode & 07777;
}

bool file_is_open_to_all(mode_t mode)
{
	return mode & (S_IROTH | S_IWOTH);
}

char *file_read(const char *path, size_t most, size_t *ret_len, mode_t *ret_mode)
{
	FILE *file = file_open(AT_FDCWD, path);
	char *text = file ? malloc(most + 1) : NULL;
	int error = file ? ENOMEM : errno;
	struct stat st;
	size_t len = 0;

	if (text) {
		len = fread(text, 1, most + 1, file);
		error = ferror(file) || fstat(fileno(file), &st) ? errno : len > most ? EFBIG : 0;
	}
	if (file) {
		fclose(file);
	}
	if (error) {
		free(text);
		errno = error;
		return NULL;
	}
	text[len] = '\0';
	*ret_len = len;
	*ret_mode = st.st_mode;
	return text;
}

char *file_absolute(const char *path)
{
	char *cwd, *whole;

	if (*path == '/') {
		return strdup(path);
	}
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&whole, "%s/%s", cwd, path) < 0) {
		whole = NULL;
	}
	free(cwd);
	return whole;
}

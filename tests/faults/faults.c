/*
 * faults: put into a daemon of the tests, it makes one allocation fail, of whoever in the process,
 * or lets the socket take only a few bytes at a time. A file that the test shares with us says
 * when: FAULTS=FILE in the environment, five numbers of eight bytes each.
 *
 * The sanitizer's own malloc() is a weak symbol, so that these definitions take its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nakodo/base/memory.h"

struct faults {
	_Atomic uint64_t countdown; /* the allocation that makes it 0 fails; 0: none does */
	_Atomic uint64_t allocations; /* so far */
	_Atomic uint64_t most; /* bytes that a socket takes at a time; 0: as many as it likes */
	_Atomic uint64_t failed; /* allocations */
	_Atomic uint64_t lost; /* bytes to be counted that nobody holds, once */
};

static struct faults nobody, *faults = &nobody;

void *__interceptor_malloc(size_t size);
void *__interceptor_calloc(size_t count, size_t size);
void *__interceptor_realloc(void *memory, size_t size);

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd >= 0) {
		void *shared =
			mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (shared != MAP_FAILED) {
			faults = shared;
		}
		close(fd);
	}
}

static int fails(void)
{
	memory_take(MEMORY_FRAMES, atomic_exchange(&faults->lost, 0));
	faults->allocations++;
	if (!faults->countdown || --faults->countdown) {
		return 0;
	}
	faults->failed++;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __interceptor_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __interceptor_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails() ? NULL : __interceptor_realloc(memory, size);
}

char *strndup(const char *text, size_t most)
{
	size_t len = strnlen(text, most);
	char *copy = malloc(len + 1);

	if (copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}

char *strdup(const char *text)
{
	return strndup(text, strlen(text));
}

static size_t bounded(int fd, size_t len)
{
	int type;
	socklen_t size = sizeof(type);

	return faults->most && faults->most < len &&
			       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size)
		       ? faults->most
		       : len;
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	return syscall(SYS_sendto, fd, bytes, bounded(fd, len), flags, NULL, 0);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	return syscall(SYS_write, fd, bytes, bounded(fd, len));
}

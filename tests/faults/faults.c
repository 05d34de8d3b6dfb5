/*
 * faults: put into a daemon of the tests, it makes one allocation fail, of whoever in the process,
 * lets sockets take only a few bytes at a time or refuse them, and sets the clocks. A file that
 * the test shares with us says when: FAULTS=FILE in the environment, one struct faults.
 *
 * The sanitizer's own functions are weak symbols, so that these definitions take their place.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/memory.h"

struct faults {
	_Atomic uint64_t countdown; /* the allocation that makes it 0 fails; 0: none does */
	_Atomic uint64_t allocations; /* so far */
	_Atomic uint64_t most; /* bytes that a socket takes at a time; 0: as many as it likes */
	_Atomic uint64_t failed; /* allocations */
	_Atomic uint64_t lost; /* bytes to be counted that nobody holds, once */
	_Atomic int64_t ahead; /* s, of the wall clock */
	_Atomic int64_t later; /* s, of the monotonic clock */
	_Atomic uint64_t refused; /* of 100 writes to a socket so many fail */
	_Atomic uint64_t error; /* as which they fail, an errno */
	_Atomic uint64_t port; /* the other end of the one socket whose writes fail; 0: all do */
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

/* libcurl 7.88.1 divides by zero if an allocation fails while it is told of a socket: it destroys
 * the table of what waits for the socket, and uses it again. So its own do not fail there. */
static bool is_told;

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running)
{
	static CURLMcode (*real)(CURLM *, curl_socket_t, int, int *);
	CURLMcode code;

	if (!real) {
		*(void **)&real = dlsym(RTLD_NEXT, "curl_multi_socket_action");
	}
	is_told = true;
	code = real(multi, socket, events, running);
	is_told = false;
	return code;
}

static bool is_spared(const void *caller)
{
	Dl_info info;

	return is_told && dladdr(caller, &info) && info.dli_fname &&
	       strstr(info.dli_fname, "libcurl");
}

static int fails(const void *caller)
{
	if (is_spared(caller)) {
		return 0;
	}
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
	return fails(__builtin_return_address(0)) ? NULL : __interceptor_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __interceptor_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails(__builtin_return_address(0)) ? NULL : __interceptor_realloc(memory, size);
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

/* Not the log's, which may be a unix socket. */
static bool is_client(int fd)
{
	int domain;
	socklen_t size = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_INET;
}

static bool is_refused(int fd)
{
	static unsigned dice = 1;
	struct sockaddr_in peer = {0};
	socklen_t size = sizeof(peer);

	dice = dice * 1103515245 + 12345;
	if ((dice >> 16) % 100 >= faults->refused) {
		return false;
	}
	return !faults->port || (!getpeername(fd, (struct sockaddr *)&peer, &size) &&
					ntohs(peer.sin_port) == faults->port);
}

/* How much the descriptor is given of it; -1 with errno: nothing. */
static ssize_t bounded(int fd, size_t len)
{
	if ((!faults->most && !faults->refused) || !is_client(fd)) {
		return (ssize_t)len;
	}
	if (is_refused(fd)) {
		errno = (int)faults->error;
		return -1;
	}
	return (ssize_t)(faults->most && faults->most < len ? faults->most : len);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t most = bounded(fd, len);

	return most < 0 ? -1 : syscall(SYS_sendto, fd, bytes, most, flags, NULL, 0);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
	ssize_t most = bounded(fd, len);

	return most < 0 ? -1 : syscall(SYS_write, fd, bytes, most);
}

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int error = (int)syscall(SYS_clock_gettime, clock, ret);

	if (!error && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		ret->tv_sec += faults->ahead;
	}
	if (!error && (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE)) {
		ret->tv_sec += faults->later;
	}
	return error;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	ret->tv_sec = now.tv_sec;
	ret->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *ret)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret) {
		*ret = now.tv_sec;
	}
	return now.tv_sec;
}

/* restart_left: see the header. */
#include "restart_left.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/net/loop/notify.h"

#define MARKED_NAME LEFT_NAME ".restoring"

uint64_t left_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void left_let_go(const struct left *left)
{
	if (left->bytes) {
		munmap(left->bytes, left->len);
	}
}

/* Mapped, so that it is not in memory twice, as it lies and as what it becomes. */
static int map(struct left *left, int fd, size_t len)
{
	void *bytes = len ? mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;

	if (bytes == MAP_FAILED) {
		return -errno;
	}
	left->bytes = bytes;
	left->len = len;
	return len ? 0 : -ENOMSG;
}

/* Nobody but us may have written it. */
static bool is_ours(int fd, const struct stat *st, bool memory)
{
	return memory ? fcntl(fd, F_GET_SEALS) >= 0 &&
				(fcntl(fd, F_GET_SEALS) & LEFT_SEALS) == LEFT_SEALS
		      : S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & 077);
}

int left_load(struct left *left, int fd, bool memory, uint64_t most)
{
	struct stat st;
	int error;

	if (fstat(fd, &st)) {
		return -errno;
	}
	if (!is_ours(fd, &st, memory)) {
		return -EPERM;
	}
	if ((uint64_t)st.st_size > most) {
		return -EFBIG;
	}
	error = map(left, fd, (size_t)st.st_size);
	error = error ? error : saved_open(&left->saved, left->bytes, left->len);
	if (error) {
		return error;
	}
	if (!saved_next(&left->saved) || left->saved.kind != SAVE_TIME) {
		return -EBADMSG;
	}
	left->booted = saved_number(&left->saved);
	left->real = saved_number(&left->saved);
	return left->saved.bad ? -EBADMSG : 0;
}

/* Of all that is found the newest counts: what was taken over long ago may still lie there if
 * systemd did not hear that it should not. */
void left_consider(struct left *best, int fd, bool memory, uint64_t most)
{
	struct left found = {0};
	int error = left_load(&found, fd, memory, most);

	best->error = best->error ? best->error : error;
	if (error || (best->bytes && found.booted < best->booted)) {
		left_let_go(&found);
		return;
	}
	left_let_go(best);
	best->bytes = found.bytes;
	best->len = found.len;
	best->saved = found.saved;
	best->booted = found.booted;
	best->real = found.real;
}

/* When a mark was left, ms of CLOCK_BOOTTIME; 0: it is none. */
static uint64_t marked_at(int fd)
{
	struct stat st;
	uint64_t booted;

	return !fstat(fd, &st) && st.st_size == sizeof(booted) &&
			       pread(fd, &booted, sizeof(booted), 0) == sizeof(booted)
		       ? booted
		       : 0;
}

/* If it cannot be, a crash is tried again with the next start. */
static void leave_mark(void)
{
	uint64_t booted = left_clock(CLOCK_BOOTTIME);
	int fd = memfd_create(NOTIFY_STORED, MFD_CLOEXEC);

	if (fd < 0) {
		return;
	}
	if (write(fd, &booted, sizeof(booted)) == sizeof(booted)) {
		notify_store(fd);
	}
	close(fd);
}

/* An older mark is of a start that went well, and lies there as what it took over may. */
static void heed_marks(struct left *best, uint64_t newest)
{
	if (newest < best->booted) {
		leave_mark();
		return;
	}
	left_let_go(best);
	best->bytes = NULL;
	best->error = -EOWNERDEAD;
}

void left_look_in_store(struct left *best, uint64_t most)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names);
	uint64_t newest = 0;

	for (int i = 0; names && i < count; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (!strcmp(names[i], NOTIFY_STORED)) {
			uint64_t marked = marked_at(fd);

			best->found = true;
			newest = marked > newest ? marked : newest;
			if (!marked) {
				left_consider(best, fd, true, most);
			}
			close(fd);
		}
		free(names[i]);
	}
	free(names);
	if (best->bytes) {
		heed_marks(best, newest);
	}
}

void left_look_in_directory(int directory, struct left *best, uint64_t most)
{
	int fd;

	if (!renameat(directory, MARKED_NAME, directory, LEFT_ASIDE) || errno != ENOENT) {
		best->error = -EOWNERDEAD;
	}
	best->name =
		renameat(directory, LEFT_NAME, directory, MARKED_NAME) ? LEFT_NAME : MARKED_NAME;
	/* O_NONBLOCK: else open(2) waits for somebody to write to a FIFO. */
	fd = openat(
		directory, best->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	best->found = fd >= 0 || errno != ENOENT;
	if (fd >= 0) {
		left_consider(best, fd, false, most);
		close(fd);
	} else if (best->found) {
		best->error = -errno;
	}
}

int left_put_back(int directory, const char *name)
{
	bool newer = !faccessat(directory, LEFT_NAME, F_OK, AT_SYMLINK_NOFOLLOW);

	return newer || !renameat(directory, name, directory, LEFT_NAME) ? 0 : -errno;
}

/* The machine may have been started anew since: then only the other clock knows. */
uint64_t left_elapsed(const struct left *left)
{
	uint64_t booted = left_clock(CLOCK_BOOTTIME), real = left_clock(CLOCK_REALTIME);

	if (booted >= left->booted) {
		return booted - left->booted;
	}
	return real > left->real ? real - left->real : 0;
}

/*
 * restart: owns where the saved sessions lie, and when they were saved. What is in them is written
 * and read by those whose it is.
 *
 * Before they are restored, a mark is left that they are, which goes with them afterwards: in
 * state-dir another name of the file, in systemd's store a descriptor of the same name with the
 * time.
 */
#include "nakodo/net/restart.h"

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

#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/service/token.h"

#define NAME "nakodo.sessions"
#define NEW_NAME NAME ".new"
#define MARKED_NAME NAME ".restoring"
#define ASIDE_NAME NAME ".failed"
#define NEW_SIZE (sizeof(NEW_NAME) + TOKEN_TEXT) /* with a random suffix if it is taken */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* What lies somewhere. */
struct left {
	void *bytes; /* mapped; NULL: nothing that is of use */
	size_t len;
	const char *name; /* in state-dir; NULL: nothing was there */
	bool found; /* something lies there, whatever it is worth */
	struct saved saved; /* behind the time */
	uint64_t booted, real; /* when it was written, ms of CLOCK_BOOTTIME and CLOCK_REALTIME */
	int error; /* why something that was found is of no use; 0: nothing is wrong */
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* state-dir, if it is there and can be written to. 0 or an errno. */
static int open_folder(struct restart *restart, const char *path)
{
	restart->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return restart->directory < 0 || faccessat(restart->directory, ".", W_OK | X_OK, 0) ? errno
											    : 0;
}

static int refuse_folder(const struct options *options, int error, struct problem *problem)
{
	return error ? problem_set(problem, -EINVAL, "%s: cannot keep sessions in `%s`: %s",
			       options_where(options, &options->state_dir), options->state_dir,
			       strerror(error))
		     : 0;
}

int restart_check(const struct options *options, struct problem *problem)
{
	struct restart restart = {.directory = -1};
	int error = *options->state_dir ? open_folder(&restart, options->state_dir) : 0;

	restart_finish(&restart);
	return refuse_folder(options, error == ENOENT ? 0 : error, problem);
}

int restart_init(struct restart *restart, const struct options *options, struct problem *problem)
{
	const char *path = options->state_dir;
	int error;

	*restart = (struct restart){.directory = -1};
	if (!*path) {
		restart->store = notify_is_heard();
		return 0;
	}
	error = mkdir(path, 0700) && errno != EEXIST ? errno : open_folder(restart, path);
	return refuse_folder(options, error, problem);
}

void restart_finish(struct restart *restart)
{
	if (restart->directory >= 0) {
		close(restart->directory);
	}
	restart->directory = -1;
}

bool restart_keeps(const struct restart *restart)
{
	return restart->store || restart->directory >= 0;
}

static void let_go(const struct left *left)
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
	return memory ? fcntl(fd, F_GET_SEALS) >= 0 && (fcntl(fd, F_GET_SEALS) & SEALS) == SEALS
		      : S_ISREG(st->st_mode) && st->st_uid == geteuid() && !(st->st_mode & 077);
}

static int load(struct left *left, int fd, bool memory, uint64_t most)
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
static void consider(struct left *best, int fd, bool memory, uint64_t most)
{
	struct left found = {0};
	int error = load(&found, fd, memory, most);

	best->error = best->error ? best->error : error;
	if (error || (best->bytes && found.booted < best->booted)) {
		let_go(&found);
		return;
	}
	let_go(best);
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
	uint64_t booted = clock_ms(CLOCK_BOOTTIME);
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
	let_go(best);
	best->bytes = NULL;
	best->error = -EOWNERDEAD;
}

static void look_in_store(struct left *best, uint64_t most)
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
				consider(best, fd, true, most);
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

static void look_in_directory(int directory, struct left *best, uint64_t most)
{
	int fd;

	if (!renameat(directory, MARKED_NAME, directory, ASIDE_NAME) || errno != ENOENT) {
		best->error = -EOWNERDEAD;
	}
	best->name = renameat(directory, NAME, directory, MARKED_NAME) ? NAME : MARKED_NAME;
	/* O_NONBLOCK: else open(2) waits for somebody to write to a FIFO. */
	fd = openat(
		directory, best->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	best->found = fd >= 0 || errno != ENOENT;
	if (fd >= 0) {
		consider(best, fd, false, most);
		close(fd);
	} else if (best->found) {
		best->error = -errno;
	}
}

/* The machine may have been started anew since: then only the other clock knows. */
static uint64_t elapsed_since(const struct left *left)
{
	uint64_t booted = clock_ms(CLOCK_BOOTTIME), real = clock_ms(CLOCK_REALTIME);

	if (booted >= left->booted) {
		return booted - left->booted;
	}
	return real > left->real ? real - left->real : 0;
}

static const char *why_refused(int error)
{
	switch (error) {
	case -ENOMSG:
		return "it is of another version, or something else";
	case -EBADMSG:
		return "it is damaged";
	case -EPERM:
		return "others may have written it";
	case -EFBIG:
		return "it is larger than max-memory";
	case -EOWNERDEAD:
		return "the start before this one ended while it read it";
	default:
		return strerror(-error);
	}
}

/* 0, or why what lies there is of no use. */
static int restore(struct left *left, struct dialect_table *dialects)
{
	uint64_t elapsed;
	int error;

	if (!left->bytes) {
		return left->error;
	}
	elapsed = elapsed_since(left);
	error = dialect_table_restore(dialects, &left->saved, elapsed);
	if (error) {
		return error;
	}
	log_info("restart.restored", LOG_UINT("sessions", meter_values[METER_SESSIONS_RESTORED]),
		LOG_UINT("ms", elapsed));
	return 0;
}

static void delete_file(const struct restart *restart, const char *name)
{
	if (unlinkat(restart->directory, name, 0) && errno != ENOENT) {
		log_warn("restart.leftover", LOG_STR("file", name), LOG_ERRNO(-errno));
	}
}

/* What was found is of no more use, nor is the mark; nor is what an earlier start has failed with,
 * if this one has gone well. */
static void settle(
	const struct restart *restart, const struct left *left, struct notify *notify, bool well)
{
	if (left->found && restart->directory < 0) {
		notify_forget_stored(notify);
	} else if (left->found) {
		delete_file(restart, left->name);
		if (well) {
			delete_file(restart, ASIDE_NAME);
		}
	}
}

void restart_take_over(const struct restart *restart, struct dialect_table *dialects,
	struct notify *notify, uv_loop_t *loop, uint64_t most)
{
	struct left left = {0};
	int error;

	if (restart->directory >= 0) {
		look_in_directory(restart->directory, &left, most);
	} else {
		look_in_store(&left, most);
	}
	uv_update_time(loop); /* else deadlines begin before systemd was waited for */
	error = restore(&left, dialects);
	if (error) {
		meter_add(METER_SAVED_REFUSED, 1);
		log_warn("restart.refused", LOG_STR("problem", why_refused(error)),
			LOG_STR("effect", "who was there before comes in as somebody new"));
	} else if (left.error) {
		log_warn("restart.ignored", LOG_STR("problem", why_refused(left.error)),
			LOG_STR("effect", "none, what lay beside it was taken over"));
	}
	let_go(&left);
	settle(restart, &left, notify, !error && !left.error);
}

/* Write all to `fd`, which stays open. 0 or -errno. */
static int write_all(int fd, const struct dialect_table *dialects)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *out = copy < 0 ? NULL : fdopen(copy, "w");
	struct save save;
	int error;

	if (!out) {
		error = -errno;
		if (copy >= 0) {
			close(copy);
		}
		return error;
	}
	save_init(&save, out);
	save_begin(&save, SAVE_TIME);
	save_number(&save, clock_ms(CLOCK_BOOTTIME));
	save_number(&save, clock_ms(CLOCK_REALTIME));
	save_end(&save);
	dialect_table_save(dialects, &save);
	error = save_finish(&save);
	if (fclose(out) && !error) {
		error = -errno;
	}
	return error;
}

/* Is there anything in it that the next process could use? */
static bool is_worth_it(int error)
{
	return !error && meter_values[METER_SESSIONS_SAVED];
}

/* A new file that nobody else may read, and its name. A descriptor or -errno. */
static int create_new(int directory, char ret_name[NEW_SIZE])
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	char token[TOKEN_TEXT];
	int fd;

	snprintf(ret_name, NEW_SIZE, NEW_NAME);
	unlinkat(directory, ret_name, 0); /* of one that was killed */
	fd = openat(directory, ret_name, flags, 0600);
	if (fd < 0 && errno == EEXIST) { /* and it cannot be taken away, as a directory */
		token_create(token);
		snprintf(ret_name, NEW_SIZE, NEW_NAME ".%s", token);
		fd = openat(directory, ret_name, flags, 0600);
	}
	return fd < 0 ? -errno : fd;
}

static int leave_in_directory(int directory, const struct dialect_table *dialects)
{
	char name[NEW_SIZE];
	int fd = create_new(directory, name), error;

	if (fd < 0) {
		return fd;
	}
	error = write_all(fd, dialects);
	if (is_worth_it(error) && renameat(directory, name, directory, NAME)) {
		error = -errno;
	}
	if (!is_worth_it(error)) {
		unlinkat(directory, name, 0);
	}
	close(fd);
	return error;
}

static int leave_in_store(const struct dialect_table *dialects)
{
	int fd = memfd_create(NOTIFY_STORED, MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0) {
		return -errno;
	}
	error = write_all(fd, dialects);
	if (is_worth_it(error)) {
		error = fcntl(fd, F_ADD_SEALS, SEALS) ? -errno : notify_store(fd);
	}
	close(fd);
	return error;
}

void restart_leave(const struct restart *restart, const struct dialect_table *dialects)
{
	int error;

	if (!restart_keeps(restart)) {
		return;
	}
	error = restart->store ? leave_in_store(dialects)
			       : leave_in_directory(restart->directory, dialects);
	if (error) {
		log_warn("restart.not-saved", LOG_ERRNO(error),
			LOG_STR("effect", "who was there comes in as somebody new"));
	} else if (is_worth_it(error)) {
		log_info("restart.saved", LOG_UINT("sessions", meter_values[METER_SESSIONS_SAVED]),
			LOG_STR("where", restart->store ? "the store of systemd" : "state-dir"));
	}
}

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

#include "nakodo/base/board.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/saved.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/service/token.h"
#include "restart_left.h"

#define NEW_NAME LEFT_NAME ".new"
#define NEW_SIZE (sizeof(NEW_NAME) + TOKEN_TEXT) /* with a random suffix if it is taken */

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
	return restart->elsewhere || restart->store || restart->directory >= 0;
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

	if (!left->bytes) {
		return left->error;
	}
	elapsed = left_elapsed(left);
	return dialect_table_restore(dialects, &left->saved, elapsed);
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
			delete_file(restart, LEFT_ASIDE);
		}
	}
}

/* For who looks for the cause. */
static void put_aside(const struct restart *restart)
{
	if (renameat(restart->directory, restart->name, restart->directory, LEFT_ASIDE)) {
		log_warn("restart.leftover", LOG_STR("file", restart->name), LOG_ERRNO(-errno));
	}
}

static void find(const struct restart *restart, struct left *left, uint64_t most)
{
	*left = (struct left){0};
	if (restart->directory >= 0) {
		left_look_in_directory(restart->directory, left, most);
	} else {
		left_look_in_store(left, most);
	}
}

static void tell_restored(uint64_t elapsed)
{
	log_info("restart.restored", LOG_UINT("sessions", board_sum(METER_SESSIONS_RESTORED)),
		LOG_UINT("ms", elapsed));
}

static void tell_ignored(const struct left *left)
{
	log_warn("restart.ignored", LOG_STR("problem", why_refused(left->error)),
		LOG_STR("effect", "none, what lay beside it was taken over"));
}

/* 0, or why nothing was taken over, which is told. */
static int take(struct left *left, struct dialect_table *dialects)
{
	int error = restore(left, dialects);

	if (error) {
		meter_add(METER_SAVED_REFUSED, 1);
		log_warn("restart.refused", LOG_STR("problem", why_refused(error)),
			LOG_STR("effect", "who was there before comes in as somebody new"));
	} else if (left->error) {
		tell_ignored(left);
	}
	return error;
}

void restart_take_over(const struct restart *restart, struct dialect_table *dialects,
	struct notify *notify, uv_loop_t *loop, uint64_t most)
{
	struct left left;
	int error;

	find(restart, &left, most);
	uv_update_time(loop); /* else deadlines begin before systemd was waited for */
	error = take(&left, dialects);
	if (!error && left.bytes) {
		tell_restored(left_elapsed(&left));
	}
	left_let_go(&left);
	settle(restart, &left, notify, !error && !left.error);
}

/* A sealed copy, or -errno. */
static int copy_of(const struct left *left)
{
	int fd = memfd_create(NOTIFY_STORED, MFD_CLOEXEC | MFD_ALLOW_SEALING), error = 0;
	size_t done = 0;

	if (fd < 0) {
		return -errno;
	}
	while (done < left->len && !error) {
		ssize_t wrote = write(fd, (const char *)left->bytes + done, left->len - done);

		done += wrote > 0 ? (size_t)wrote : 0;
		error = wrote < 0 && errno != EINTR ? -errno : 0;
	}
	if (!error && fcntl(fd, F_ADD_SEALS, LEFT_SEALS)) {
		error = -errno;
	}
	if (error) {
		close(fd);
	}
	return error ? error : fd;
}

int restart_find(struct restart *restart, uint64_t most)
{
	struct left left;
	int fd = -1;

	find(restart, &left, most);
	restart->name = left.name;
	restart->found = left.found;
	restart->well = !left.error;
	if (left.bytes && left.error) {
		tell_ignored(&left);
	}
	if (left.bytes) {
		fd = copy_of(&left);
		left.error = fd < 0 ? fd : left.error;
	}
	if (fd >= 0) {
		restart->elapsed = left_elapsed(&left);
	} else if (left.error) {
		left_let_go(&left);
		left.bytes = NULL;
		take(&left, NULL); /* says why it is of no use */
	}
	left_let_go(&left);
	return fd < 0 ? -1 : fd;
}

void restart_settle(struct restart *restart, struct notify *notify, bool well)
{
	const struct left left = {.name = restart->name, .found = restart->found};

	if (restart->elapsed) {
		tell_restored(restart->elapsed);
	}
	if (!well && restart->found && restart->directory >= 0) {
		put_aside(restart);
	} else {
		settle(restart, &left, notify, restart->well);
	}
	restart->found = false;
}

void restart_undo(struct restart *restart, int fd)
{
	int error = 0;

	if (!restart->found) {
		return;
	}
	if (restart->directory >= 0) {
		error = left_put_back(restart->directory, restart->name);
	} else if (fd >= 0) {
		error = notify_replace_stored(fd);
	}
	if (!error && restart->elapsed) {
		log_info("restart.kept",
			LOG_STR("effect",
				"the next start takes over what was left before this one"));
	} else if (error) {
		log_warn("restart.not-kept", LOG_ERRNO(error),
			LOG_STR("effect", "who was there before comes in as somebody new"));
	}
	restart->found = false;
}

bool restart_take(int fd, struct dialect_table *dialects, uint64_t most)
{
	struct left left = {0};
	int error;

	left_consider(&left, fd, true, most);
	close(fd);
	error = take(&left, dialects);
	left_let_go(&left);
	return !error;
}

/* What several processes have left, each a whole of its own, becomes one. */
static void merge(struct save *save, struct saved *saved)
{
	size_t len;

	while (saved_next(saved)) {
		const void *payload = saved_rest(saved, &len);

		save_begin(save, saved->kind);
		text_add_bytes(&save->record, payload, len);
		save_end(save);
	}
}

/* What is of no use costs those only whose it was. */
static void merge_source(struct save *save, int fd)
{
	struct left left = {0};
	int error = left_load(&left, fd, true, UINT64_MAX);

	if (error) {
		log_warn("restart.not-saved", LOG_STR("problem", why_refused(error)),
			LOG_STR("effect",
				"who was at one of the workers comes in as somebody new"));
	} else {
		merge(save, &left.saved);
	}
	left_let_go(&left);
}

static void write_source(struct save *save, const struct restart_source *source)
{
	if (source->dialects) {
		dialect_table_save(source->dialects, save);
	}
	for (size_t i = 0; i < source->fd_count; i++) {
		merge_source(save, source->fds[i]);
	}
}

/* Write all to `fd`, which stays open. 0 or -errno. */
static int write_all(int fd, const struct restart_source *source, uint64_t *ret_sessions)
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
	save_number(&save, left_clock(CLOCK_BOOTTIME));
	save_number(&save, left_clock(CLOCK_REALTIME));
	save_end(&save);
	write_source(&save, source);
	error = save_finish(&save);
	if (fclose(out) && !error) {
		error = -errno;
	}
	*ret_sessions = error ? 0 : save.seats;
	return error;
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

/* Without sessions there is nothing that the next process could use. */
static int leave_in_directory(
	int directory, const struct restart_source *source, uint64_t *ret_sessions)
{
	char name[NEW_SIZE];
	int fd = create_new(directory, name), error;

	if (fd < 0) {
		return fd;
	}
	error = write_all(fd, source, ret_sessions);
	if (*ret_sessions && renameat(directory, name, directory, LEFT_NAME)) {
		error = -errno;
	}
	if (error || !*ret_sessions) {
		unlinkat(directory, name, 0);
	}
	close(fd);
	return error;
}

static int make(const struct restart_source *source, uint64_t *ret_sessions)
{
	int fd = memfd_create(NOTIFY_STORED, MFD_CLOEXEC | MFD_ALLOW_SEALING), error;

	if (fd < 0) {
		return -errno;
	}
	error = write_all(fd, source, ret_sessions);
	if (!error && fcntl(fd, F_ADD_SEALS, LEFT_SEALS)) {
		error = -errno;
	}
	if (error) {
		close(fd);
		return error;
	}
	return fd;
}

int restart_make(const struct restart_source *source)
{
	uint64_t sessions;

	return make(source, &sessions);
}

static int leave_in_store(const struct restart_source *source, uint64_t *ret_sessions)
{
	int fd = make(source, ret_sessions), error = fd < 0 ? fd : 0;

	if (!error && *ret_sessions) {
		error = notify_store(fd);
	}
	if (fd >= 0) {
		close(fd);
	}
	return error;
}

void restart_leave(const struct restart *restart, const struct restart_source *source)
{
	uint64_t sessions = 0;
	int error;

	if (!restart_keeps(restart)) {
		return;
	}
	error = restart->store ? leave_in_store(source, &sessions)
			       : leave_in_directory(restart->directory, source, &sessions);
	if (error) {
		log_warn("restart.not-saved", LOG_ERRNO(error),
			LOG_STR("effect", "who was there comes in as somebody new"));
	} else if (sessions) {
		log_info("restart.saved", LOG_UINT("sessions", sessions),
			LOG_STR("where", restart->store ? "the store of systemd" : "state-dir"));
	}
}

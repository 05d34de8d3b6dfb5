/*
 * site: owns the directory web-root. Files are read when they are asked for: they are few, the
 * system caches them, and an edited page shows at once.
 */
#include "nakodo/net/http/site.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nakodo/base/file.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/coding.h"
#include "nakodo/net/http/download.h"

#define READ (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
#define STEP (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define NAME_ROOM 256 /* bytes of a path below web-root, with its NUL */
#define TRIES 8
#define FILE_MAX (16 << 20) /* bytes; larger files are not for this server */

#define IMMUTABLE "immutable/"

struct site {
	int directory;
};

struct file {
	char name[NAME_ROOM]; /* below web-root */
	int fd;
	struct stat st;
};

static const struct {
	const char *extension, *type;
} types[] = {
	{".css", "text/css; charset=utf-8"},
	{".html", "text/html; charset=utf-8"},
	{".ico", "image/vnd.microsoft.icon"},
	{".jpg", "image/jpeg"},
	{".js", "text/javascript; charset=utf-8"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".mp3", "audio/mpeg"},
	{".pdf", "application/pdf"},
	{".png", "image/png"},
	{".svg", "image/svg+xml"},
	{".ts", "text/plain; charset=utf-8"},
	{".txt", "text/plain; charset=utf-8"},
	{".wasm", "application/wasm"},
	{".webmanifest", "application/manifest+json"},
	{".webp", "image/webp"},
	{".woff2", "font/woff2"},
};

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++) {
		if (!strcmp(dot, types[i].extension)) {
			return types[i].type;
		}
	}
	return "application/octet-stream";
}

int site_create(struct site **ret, const struct options *options, struct problem *problem)
{
	struct site *site = calloc(1, sizeof(*site));
	int error;

	if (!site) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	site->directory = open(options->web_root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (site->directory < 0) {
		error = problem_set(problem, file_fault(-errno),
			"%s: cannot open web-root `%s`: %s; it is the directory with index.html",
			options_where(options, &options->web_root), options->web_root,
			strerror(errno));
		site_destroy(site);
		return error;
	}
	*ret = site;
	return 0;
}

void site_destroy(struct site *site)
{
	if (site) {
		if (site->directory >= 0) {
			close(site->directory);
		}
		free(site);
	}
}

/* No segment may begin with a dot: that leaves out `..` and hidden files alike. */
static bool is_safe(const char *path)
{
	return *path && *path != '.' && *path != '/' && !strstr(path, "/.") &&
	       !strstr(path, "//") && !strchr(path, '\\');
}

/* One segment after the other, through no symbolic link at all. */
static int open_by_steps(int directory, const char *path)
{
	char name[NAME_ROOM];
	int at = directory;

	for (;;) {
		size_t len = strcspn(path, "/");
		int next;

		memcpy(name, path, len);
		name[len] = '\0';
		next = openat(at, name, (path[len] ? STEP : READ) | O_NOFOLLOW);
		if (at != directory) {
			close(at);
		}
		if (next < 0 || !path[len]) {
			return next;
		}
		at = next;
		path += len + 1;
	}
}

/* A symbolic link in web-root may lead to another place in it, but not out of it. */
static int open_beneath(int directory, const char *path)
{
	struct open_how how = {
		.flags = READ,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;
	int tries = 0;

	/* EAGAIN: something was renamed while a link with `..` in it was followed. */
	do {
		fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	} while (fd < 0 && errno == EAGAIN && ++tries < TRIES);
	/* Linux before 5.6, or a filter of system calls that does not know it. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		return open_by_steps(directory, path);
	}
	return (int)fd;
}

static int open_safe(
	const struct site *site, const char *path, const char *extension, char *name, size_t size)
{
	if (snprintf(name, size, "%s%s", path, extension) >= (int)size || !is_safe(name)) {
		return -1;
	}
	return open_beneath(site->directory, name);
}

/* `/r/ROOM`, the link that people send each other: one page, whatever the room. */
static bool is_room(const char *path)
{
	return !strncmp(path, "/r/", 3) && path[3] && !strchr(path + 3, '/');
}

/* A page comes first: lab.html may have a directory `lab` beside it. `name` is what was opened. */
static int open_file(const struct site *site, const char *path, char *name, size_t size)
{
	int fd = -1;

	path = is_room(path) ? "/" : path;
	path += *path == '/';
	if (!*path) {
		path = "index.html";
	}
	if (!strchr(path, '.')) {
		fd = open_safe(site, path, ".html", name, size);
	}
	return fd < 0 ? open_safe(site, path, "", name, size) : fd;
}

/* The name of what is below is that of its content, so that it never changes. */
static bool is_immutable(const char *name)
{
	return !strncmp(name, IMMUTABLE, strlen(IMMUTABLE)) || strstr(name, "/" IMMUTABLE);
}

static bool is_file(const struct file *file)
{
	return S_ISREG(file->st.st_mode) && file->st.st_size <= FILE_MAX;
}

/* Put the coded file that the client likes best in the place of the plain one. One that is older
 * was made of what stood there before; in whole seconds, for brotli(1) gives it no more of them. */
static void choose_coding(
	const struct site *site, const char *accept, struct file *file, struct reply *ret)
{
	static const char *const codings[][2] = {{"br", ".br"}, {"gzip", ".gz"}};
	const time_t age = file->st.st_mtim.tv_sec;
	unsigned best = coding_weight(accept, "identity");

	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++) {
		unsigned weight = coding_weight(accept, codings[i][0]);
		struct file coded;
		char name[NAME_ROOM];

		coded.fd = open_safe(site, file->name, codings[i][1], name, sizeof(name));
		if (coded.fd < 0) {
			continue;
		}
		if (!fstat(coded.fd, &coded.st) && is_file(&coded) &&
			coded.st.st_mtim.tv_sec >= age) {
			ret->varies = true;
			/* Of equal ones a coded file is shorter, and the first the shortest. */
			if (weight > best || (weight && weight == best && !ret->coding)) {
				int plain = file->fd;

				best = weight;
				ret->coding = codings[i][0];
				file->fd = coded.fd;
				file->st = coded.st;
				coded.fd = plain;
			}
		}
		close(coded.fd);
	}
}

static bool matches(const char *if_none_match, const char *etag)
{
	return if_none_match && (!strcmp(if_none_match, "*") || strstr(if_none_match, etag));
}

/* Its first piece; the rest is read when it can be sent. */
static void read_file(struct file *file, struct reply *ret)
{
	size_t whole = (size_t)file->st.st_size, len = 0;
	size_t size = whole < DOWNLOAD_PIECE ? whole : DOWNLOAD_PIECE;
	ssize_t got;

	ret->owned = malloc(size ? size : 1);
	while (ret->owned && len < size &&
		(got = read(file->fd, ret->owned + len, size - len)) > 0) {
		len += (size_t)got;
	}
	/* A file that shrank while it was read is not sent in part. */
	ret->status = ret->owned && len == size ? 200 : 500;
	ret->body = ret->owned ? ret->owned : "";
	ret->len = ret->status == 200 ? size : 0;
	if (ret->status == 200 && whole > size) {
		ret->more = whole - size;
		ret->fd = file->fd;
		file->fd = -1;
	}
}

void site_find(const struct site *site, const struct site_request *request, struct reply *ret)
{
	struct file file;

	*ret = (struct reply){.status = 404};
	file.fd = open_file(site, request->path, file.name, sizeof(file.name));
	if (file.fd < 0) {
		return;
	}
	if (!fstat(file.fd, &file.st) && is_file(&file)) {
		ret->type = type_of(file.name);
		ret->immutable = is_immutable(file.name);
		choose_coding(site, request->accept_encoding, &file, ret);
		snprintf(ret->etag, sizeof(ret->etag), "\"%" PRIx64 "-%" PRIx64 "%s%s\"",
			(uint64_t)file.st.st_mtim.tv_sec * 1000000000 +
				(uint64_t)file.st.st_mtim.tv_nsec,
			(uint64_t)file.st.st_size, ret->coding ? "-" : "",
			ret->coding ? ret->coding : "");
		if (matches(request->if_none_match, ret->etag)) {
			ret->status = 304;
		} else {
			read_file(&file, ret);
		}
	}
	if (file.fd >= 0) {
		close(file.fd);
	}
}

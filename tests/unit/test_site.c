/* site: which file a path is, with which type and etag, and what is never given away. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/download.h"
#include "nakodo/net/http/site.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static char base[] = "/tmp/nakodo-site-XXXXXX"; /* the current directory; web-root is base/web */
static struct site *site;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	static const char *const directories[] = {
		"web", "web/lab", "web/empty", "web/pages.html", "web/.hidden"};
	struct options options = {.web_root = (char *)"web"};
	struct problem problem;

	(void)state;
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (!mkdtemp(base) || chdir(base)) {
		return -1;
	}
	for (size_t i = 0; i < COUNT(directories); i++) {
		mkdir(directories[i], 0755);
	}
	write_file("secret", "outside");
	write_file("secret.html", "outside");
	write_file("web/index.html", "the index");
	write_file("web/lab.html", "the lab");
	write_file("web/lab/app.js", "the script");
	write_file("web/LICENSE", "the license");
	write_file("web/.htaccess", "hidden");
	write_file("web/.hidden/file.txt", "hidden");
	write_file("web/a b&c.txt", "odd name");
	write_file("web/nothing.txt", "");
	return site_create(&site, &options, &problem);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	site_destroy(site);
	return chdir("/") || nftw(base, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void ask(const char *path, const char *if_none_match, struct reply *ret)
{
	const struct site_request request = {.path = path, .if_none_match = if_none_match};

	site_find(site, &request, ret);
}

/* The status; 200 must have that body. */
static int find(const char *path, const char *body)
{
	struct reply reply;
	int status;

	ask(path, NULL, &reply);
	status = reply.status;
	if (status == 200) {
		assert_int_equal(reply.len, strlen(body));
		assert_memory_equal(reply.body, body, reply.len);
	}
	reply_finish(&reply);
	return status;
}

static void a_file_is_found_by_its_path(void **state)
{
	static const char *const cases[][2] = {
		{"/index.html", "the index"},
		{"/lab/app.js", "the script"},
		{"/LICENSE", "the license"},
		{"/a b&c.txt", "odd name"},
		{"/nothing.txt", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(find(cases[i][0], cases[i][1]), 200);
	}
}

static void the_root_is_the_index_and_a_page_needs_no_extension(void **state)
{
	(void)state;
	assert_int_equal(find("/", "the index"), 200);
	assert_int_equal(find("/index", "the index"), 200);
	/* although there is a directory of that name */
	assert_int_equal(find("/lab", "the lab"), 200);
}

static void every_room_is_the_index(void **state)
{
	static const char *const missing[] = {
		"/r", "/r/", "/r/a/b", "/r//", "r/a", "//r/a", "/R/a"};

	(void)state;
	assert_int_equal(find("/r/room", "the index"), 200);
	assert_int_equal(find("/r/lab.html", "the index"), 200);
	assert_int_equal(find("/r/..", "the index"), 200);
	assert_int_equal(find("/r/\xe6\x9c\x9d", "the index"), 200);
	for (size_t i = 0; i < COUNT(missing); i++) {
		if (find(missing[i], "") != 404) {
			fail_msg("%s", missing[i]);
		}
	}
}

static void each_kind_of_file_has_its_type(void **state)
{
	static const char *const cases[][2] = {
		{"web/x.css", "text/css; charset=utf-8"},
		{"web/x.html", "text/html; charset=utf-8"},
		{"web/x.js", "text/javascript; charset=utf-8"},
		{"web/x.mjs", "text/javascript; charset=utf-8"},
		{"web/x.json", "application/json"},
		{"web/x.svg", "image/svg+xml"},
		{"web/x.png", "image/png"},
		{"web/x.min.js", "text/javascript; charset=utf-8"},
		{"web/x.unknown", "application/octet-stream"},
		{"web/x", "application/octet-stream"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct reply reply;

		write_file(cases[i][0], "x");
		ask(cases[i][0] + strlen("web"), NULL, &reply);
		assert_int_equal(reply.status, 200);
		assert_string_equal(reply.type, cases[i][1]);
		reply_finish(&reply);
		unlink(cases[i][0]);
	}
}

static void what_is_no_file_is_not_found(void **state)
{
	static const char *const paths[] = {"/missing", "/missing.html", "/lab/", "/lab/missing.js",
		"/empty", "/empty/", "/pages.html", "/pages", "/index.html/", "/index.html/x",
		"/INDEX.html", "/fifo", "/index.html\n", "relay", "/a b&c", " /index.html"};

	(void)state;
	assert_int_equal(mkfifo("web/fifo", 0600), 0);
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (find(paths[i], "") != 404) {
			fail_msg("%s", paths[i]);
		}
	}
}

static void no_path_leaves_the_root_or_finds_what_is_hidden(void **state)
{
	static const char *const paths[] = {"/../secret", "/..", "/.", "/../", "/./index.html",
		"/lab/../index.html", "/lab/../../secret", "/lab/./app.js", "../secret",
		"/../secret.html", "/../web/index.html", "//etc/passwd", "/lab//app.js", "///",
		"/..\\secret", "\\..\\secret", "/.htaccess", "/.hidden", "/.hidden/file.txt",
		"/lab/...", "/...", "/lab/..", "/.index.html"};
	char absolute[128];

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (find(paths[i], "") != 404) {
			fail_msg("%s", paths[i]);
		}
	}
	snprintf(absolute, sizeof(absolute), "/%s/secret", base);
	assert_int_equal(find(absolute, ""), 404);
	assert_int_equal(find(absolute + 1, ""), 404);
}

static void make_links(void)
{
	static const char *const links[][2] = {
		{"lab/app.js", "web/inside.js"},
		{"../lab.html", "web/lab/up.html"},
		{"lab", "web/folder"},
		{"../secret", "web/out.txt"},
		{"..", "web/outer"},
		{"/etc", "web/etc"},
		{"/proc/self/root", "web/magic"},
		{"missing", "web/dangling.txt"},
		{"loop.txt", "web/loop.txt"},
	};

	for (size_t i = 0; i < COUNT(links); i++) {
		assert_int_equal(symlink(links[i][0], links[i][1]), 0);
	}
}

/* Links that lead out, or nowhere, find nothing. */
static void assert_no_way_out(void)
{
	static const char *const paths[] = {"/out.txt", "/outer/secret", "/outer/web/index.html",
		"/etc/passwd", "/etc/hostname", "/magic/etc/passwd", "/dangling.txt", "/loop.txt"};

	for (size_t i = 0; i < COUNT(paths); i++) {
		if (find(paths[i], "") != 404) {
			fail_msg("%s", paths[i]);
		}
	}
}

static void a_symbolic_link_is_followed_but_not_out_of_the_root(void **state)
{
	(void)state;
	make_links();
	assert_int_equal(find("/inside.js", "the script"), 200);
	assert_int_equal(find("/lab/up.html", "the lab"), 200);
	assert_int_equal(find("/folder/app.js", "the script"), 200);
	assert_no_way_out();
}

/* As an older kernel, or one behind a filter that does not know the call. */
static int deny_openat2(int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {COUNT(filter), filter};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void without_openat2_no_symbolic_link_is_followed(void **state)
{
	static const int errors[] = {ENOSYS, EPERM};

	(void)state;
	make_links();
	for (size_t i = 0; i < COUNT(errors); i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (!child) {
			/* cmocka's failures do not return here, so they are another status. */
			if (deny_openat2(errors[i])) {
				_exit(2);
			}
			if (find("/lab/app.js", "the script") != 200 ||
				find("/", "the index") != 200 || find("/lab/", "") != 404 ||
				find("/inside.js", "") != 404 ||
				find("/folder/app.js", "") != 404) {
				_exit(3);
			}
			assert_no_way_out();
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
	}
}

static void a_path_that_is_very_long_is_not_found(void **state)
{
	char path[5000];

	(void)state;
	for (size_t len = 1; len < sizeof(path); len += len < 300 ? 1 : 500) {
		memset(path, 'x', len);
		path[0] = '/';
		path[len] = '\0';
		assert_int_equal(find(path, "the index"), len == 1 ? 200 : 404);
	}
}

static void a_file_that_is_too_large_is_not_found(void **state)
{
	(void)state;
	write_file("web/large.bin", "");
	assert_int_equal(truncate("web/large.bin", (16 << 20) + 1), 0);
	assert_int_equal(find("/large.bin", ""), 404);
}

static void of_a_large_file_the_first_piece_is_read_and_the_rest_is_left(void **state)
{
	struct reply reply;
	char byte;

	(void)state;
	write_file("web/large.txt", "");
	assert_int_equal(truncate("web/large.txt", DOWNLOAD_PIECE + 1), 0);
	ask("/large.txt", NULL, &reply);
	assert_int_equal(reply.status, 200);
	assert_int_equal(reply.len, DOWNLOAD_PIECE);
	assert_int_equal(reply.more, 1);
	assert_int_equal(read(reply.fd, &byte, 1), 1);
	assert_int_equal(read(reply.fd, &byte, 1), 0);
	reply_finish(&reply);
}

/* What the path's present state is called. */
static const char *etag_of(const char *path)
{
	static char etag[48];
	struct reply reply;

	ask(path, NULL, &reply);
	memcpy(etag, reply.etag, sizeof(etag));
	reply_finish(&reply);
	return etag;
}

static int status_if_none_match(const char *path, const char *if_none_match)
{
	struct reply reply;
	int status;

	ask(path, if_none_match, &reply);
	status = reply.status;
	assert_int_equal(reply.owned != NULL, status == 200);
	reply_finish(&reply);
	return status;
}

static void a_file_that_is_known_is_not_sent_again(void **state)
{
	char list[128];
	const char *etag = etag_of("/lab.html");

	(void)state;
	assert_int_equal(etag[0], '"');
	assert_int_equal(etag[strlen(etag) - 1], '"');
	assert_int_equal(status_if_none_match("/lab.html", etag), 304);
	assert_int_equal(status_if_none_match("/lab", etag), 304);
	assert_int_equal(status_if_none_match("/lab.html", "*"), 304);
	snprintf(list, sizeof(list), "\"other\", W/%s", etag);
	assert_int_equal(status_if_none_match("/lab.html", list), 304);
	assert_int_equal(status_if_none_match("/lab.html", "\"other\""), 200);
	assert_int_equal(status_if_none_match("/index.html", etag), 200);
	assert_int_equal(status_if_none_match("/missing", "*"), 404);
}

static void a_file_that_has_changed_has_another_etag(void **state)
{
	struct timespec times[2] = {{1700000000, 0}, {1700000000, 0}};
	char before[48];

	(void)state;
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html", times, 0), 0);
	snprintf(before, sizeof(before), "%s", etag_of("/lab.html"));
	assert_string_equal(etag_of("/lab.html"), before);
	times[1].tv_nsec = 1;
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html", times, 0), 0);
	assert_string_not_equal(etag_of("/lab.html"), before);
	assert_int_equal(status_if_none_match("/lab.html", before), 200);
	/* the same second, another length */
	times[1].tv_nsec = 0;
	write_file("web/lab.html", "longer than it was");
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html", times, 0), 0);
	assert_string_not_equal(etag_of("/lab.html"), before);
	assert_int_equal(find("/lab.html", "longer than it was"), 200);
}

static void a_root_that_is_no_directory_is_explained(void **state)
{
	struct options options = {.web_root = (char *)"missing"};
	struct problem problem;
	struct site *none = NULL;

	(void)state;
	assert_int_equal(site_create(&none, &options, &problem), -EINVAL);
	assert_non_null(strstr(problem.text, "cannot open web-root `missing`: No such file"));
	options.web_root = (char *)"secret";
	assert_int_equal(site_create(&none, &options, &problem), -EINVAL);
	assert_non_null(strstr(problem.text, "`secret`: Not a directory"));
	assert_null(none);
	site_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_found_by_its_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_root_is_the_index_and_a_page_needs_no_extension, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_room_is_the_index, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_kind_of_file_has_its_type, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_file_is_not_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			no_path_leaves_the_root_or_finds_what_is_hidden, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_symbolic_link_is_followed_but_not_out_of_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_openat2_no_symbolic_link_is_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_path_that_is_very_long_is_not_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_too_large_is_not_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_a_large_file_the_first_piece_is_read_and_the_rest_is_left, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_is_known_is_not_sent_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_that_has_changed_has_another_etag, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_root_that_is_no_directory_is_explained, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

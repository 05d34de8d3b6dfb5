/* site: in which form a file is sent, and which of them never change. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/http/answer.h"
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
	struct options options = {.web_root = (char *)"web"};
	struct problem problem;

	(void)state;
	memcpy(base + sizeof(base) - 7, "XXXXXX", 6);
	if (!mkdtemp(base) || chdir(base) || mkdir("web", 0755) || mkdir("web/lab", 0755)) {
		return -1;
	}
	write_file("secret", "outside");
	write_file("web/lab.html", "the lab");
	write_file("web/lab/app.js", "the script");
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

/* What is sent to who accepts that, and under which etag; the reply is the caller's to finish. */
static struct reply coded(const char *path, const char *accept, char etag[48])
{
	const struct site_request request = {.path = path, .accept_encoding = accept};
	struct reply reply;

	site_find(site, &request, &reply);
	assert_int_equal(reply.status, 200);
	memcpy(etag, reply.etag, sizeof(reply.etag));
	return reply;
}

static void assert_coded(const char *path, const char *accept, const char *coding, const char *body)
{
	char etag[48], plain[48];
	struct reply reply = coded(path, NULL, plain);

	assert_true(reply.varies);
	assert_null(reply.coding);
	reply_finish(&reply);
	reply = coded(path, accept, etag);
	assert_true(reply.varies);
	assert_string_equal(reply.type, "text/html; charset=utf-8");
	assert_int_equal(reply.len, strlen(body));
	assert_memory_equal(reply.body, body, reply.len);
	if (coding) {
		assert_string_equal(reply.coding, coding);
		assert_string_not_equal(etag, plain);
	} else {
		assert_null(reply.coding);
		assert_string_equal(etag, plain);
	}
	reply_finish(&reply);
}

static void a_file_is_sent_as_the_client_likes_it_best(void **state)
{
	(void)state;
	write_file("web/lab.html.gz", "gzip");
	assert_coded("/lab", "br", NULL, "the lab");
	assert_coded("/lab", "br, gzip", "gzip", "gzip");
	write_file("web/lab.html.br", "brotli");
	assert_coded("/lab", "gzip, deflate, br, zstd", "br", "brotli");
	assert_coded("/lab.html", "gzip", "gzip", "gzip");
	assert_coded("/lab.html", "gzip;q=1, br;q=0.5", "gzip", "gzip");
	assert_coded("/lab.html", "gzip;q=0.5, identity;q=0.6", NULL, "the lab");
	assert_coded("/lab.html", "*", "br", "brotli");
	assert_coded("/lab.html", "*;q=0", NULL, "the lab");
	assert_coded("/lab.html", "", NULL, "the lab");
}

static void a_coded_file_that_is_older_than_the_file_is_left_alone(void **state)
{
	struct timespec times[2] = {{1700000000, 7}, {1700000000, 7}};
	struct reply reply;
	char etag[48];

	(void)state;
	write_file("web/lab.html.gz", "gzip");
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html", times, 0), 0);
	times[1].tv_nsec = 0;
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html.gz", times, 0), 0);
	assert_coded("/lab.html", "gzip", "gzip", "gzip");
	times[1].tv_sec--;
	assert_int_equal(utimensat(AT_FDCWD, "web/lab.html.gz", times, 0), 0);
	reply = coded("/lab.html", "gzip", etag);
	assert_false(reply.varies);
	assert_null(reply.coding);
	reply_finish(&reply);
}

static void a_coded_file_is_a_file_of_the_root(void **state)
{
	struct reply reply;
	char etag[48];

	(void)state;
	assert_int_equal(mkdir("web/lab.html.br", 0755), 0);
	assert_int_equal(symlink("../secret", "web/lab.html.gz"), 0);
	reply = coded("/lab.html", "br, gzip", etag);
	assert_false(reply.varies);
	assert_int_equal(reply.len, strlen("the lab"));
	reply_finish(&reply);
}

static void what_is_in_a_folder_called_immutable_is(void **state)
{
	static const struct {
		const char *path;
		bool immutable;
	} cases[] = {
		{"/immutable/a.js", true},
		{"/lab/immutable/a.js", true},
		{"/lab/app.js", false},
		{"/immutable.html", false},
		{"/not-immutable/a.js", false},
	};

	(void)state;
	mkdir("web/immutable", 0755);
	mkdir("web/lab/immutable", 0755);
	mkdir("web/not-immutable", 0755);
	for (size_t i = 0; i < COUNT(cases); i++) {
		char name[64], etag[48];
		struct reply reply;

		snprintf(name, sizeof(name), "web%s", cases[i].path);
		write_file(name, "");
		reply = coded(cases[i].path, NULL, etag);
		assert_int_equal(reply.immutable, cases[i].immutable);
		reply_finish(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_is_sent_as_the_client_likes_it_best, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_coded_file_that_is_older_than_the_file_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_coded_file_is_a_file_of_the_root, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_in_a_folder_called_immutable_is, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

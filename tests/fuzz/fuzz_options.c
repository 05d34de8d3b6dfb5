/*
 * fuzz options: a configuration file, environment variables and a command line, in this order in an
 * input, apart by bytes of 0xff (which no text has): FILE ff NAKODO_X=… ff --x=… ff --y. What is
 * taken must be the same after it has been printed and read back, and what is refused must be
 * refused with one sentence. The mounts are made too: their parameters are the dialects' to judge.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unistr.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "rules.h"

#define WORDS_MAX 16
#define SEPARATOR 0xff

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sentence(const struct problem *problem)
{
	size_t len = strnlen(problem->text, sizeof(problem->text));

	rules_require(len > 0 && len < sizeof(problem->text));
	rules_require(!strchr(problem->text, '\n'));
	rules_require(!u8_check((const uint8_t *)problem->text, len));
}

/* Read a file with that content, and what else is said. */
static int load(struct options *options, const char *text, size_t len, char *const *environment,
	char **arguments, int count)
{
	char path[64], *argv[WORDS_MAX + 4] = {(char *)"nakodo", (char *)"--config", path};
	struct problem problem = {{0}};
	int fd = memfd_create("nakodo", MFD_CLOEXEC), error;

	rules_require(fd >= 0 && write(fd, text, len) == (ssize_t)len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memcpy(argv + 3, arguments, (size_t)count * sizeof(*argv));
	error = options_load(options, 3 + count, argv, environment, &problem);
	close(fd);
	if (error) {
		rules_require(error < 0);
		check_sentence(&problem);
	}
	return error;
}

static char *print(const struct options *options, size_t *ret_len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, ret_len);

	options_print_config(options, out);
	fclose(out);
	return text;
}

static void check_printed(const struct options *options)
{
	char *nothing[] = {NULL};
	struct options again;
	size_t len, len_again;
	char *text = print(options, &len), *text_again;

	rules_require(!load(&again, text, len, nothing, nothing, 0));
	text_again = print(&again, &len_again);
	rules_require(len == len_again && !memcmp(text, text_again, len));
	options_finish(&again);
	free(text);
	free(text_again);
}

static void make_mounts(const struct options *options)
{
	struct hub_limits limits = {4, 4096};
	struct dialect_env env = {.options = options};
	struct hub *hub = hub_create(&limits);
	struct dialect_table *table;
	struct problem problem;
	int error = dialect_table_create(&table, hub, &env, &options->mount, &problem);

	if (error) {
		rules_require(error == -EINVAL);
		check_sentence(&problem);
	} else {
		dialect_table_destroy(table);
	}
	hub_destroy(hub);
}

/* Cut off the next part behind a separator; NULL: there is none. */
static char *next_part(char **at, const char *end)
{
	char *part = *at;

	if (part) {
		*at = memchr(part, SEPARATOR, (size_t)(end - part));
		if (*at) {
			*(*at)++ = '\0';
		}
	}
	return part;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *at = text, *file, *part;
	char *environment[WORDS_MAX + 1], *arguments[WORDS_MAX];
	int variables = 0, count = 0;
	struct options options;
	size_t len;

	memcpy(text, size ? data : (const uint8_t *)"", size);
	text[size] = '\0';
	file = next_part(&at, text + size);
	len = at ? (size_t)(at - 1 - file) : size;
	while ((part = next_part(&at, text + size)) && variables + count < WORDS_MAX) {
		if (!strncmp(part, "NAKODO_", strlen("NAKODO_"))) {
			environment[variables++] = part;
		} else if (strncmp(part, "--config", strlen("--config"))) {
			arguments[count++] = part; /* the file is the one above */
		}
	}
	environment[variables] = NULL;
	if (!load(&options, file, len, environment, arguments, count)) {
		check_printed(&options);
		make_mounts(&options);
		options_finish(&options);
	}
	free(text);
	return 0;
}

/* main: options, log, then the server until it is told to stop; or a token is printed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/config.h"
#include "nakodo/net/server.h"
#include "nakodo/service/issue.h"

extern char **environ;

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static enum log_format choose_format(int option)
{
	switch (option) {
	case OPTION_LOG_TEXT:
		return LOG_FORMAT_TEXT;
	case OPTION_LOG_JSON:
		return LOG_FORMAT_JSON;
	case OPTION_LOG_JOURNAL:
		return LOG_FORMAT_JOURNAL;
	default:
		return log_is_journal() ? LOG_FORMAT_JOURNAL : LOG_FORMAT_TEXT;
	}
}

static int fail(int status, const struct problem *problem)
{
	fprintf(stderr, "nakodo: %s\n", problem->text);
	return status;
}

static int serve(const struct options *options)
{
	struct problem problem;
	int error = log_open(options->log_file, (enum log_level)options->log_level,
		*options->log_file ? (options->log_format == OPTION_LOG_JSON ? LOG_FORMAT_JSON
									     : LOG_FORMAT_TEXT)
				   : choose_format(options->log_format));

	if (error) {
		problem_set(&problem, error, "%s: cannot open log-file `%s`: %s",
			options_where(options, &options->log_file), options->log_file,
			log_errno_text(error));
		return fail(EXIT_FAILED, &problem);
	}
	error = server_run(options, &problem);
	log_close();
	if (error) {
		return fail(error == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &problem);
	}
	return EXIT_OK;
}

static int act(const struct options *options)
{
	struct problem problem;

	switch (options->action) {
	case OPTION_HELP:
		options_print_help(stdout);
		return EXIT_OK;
	case OPTION_MAN:
		options_print_man(stdout);
		return EXIT_OK;
	case OPTION_MAN_CONFIG:
		options_print_man_config(stdout);
		return EXIT_OK;
	case OPTION_EXAMPLE_CONFIG:
		options_print_example(stdout);
		return EXIT_OK;
	case OPTION_VERSION:
		puts("nakodo " NAKODO_VERSION);
		return EXIT_OK;
	case OPTION_PRINT_CONFIG:
		options_print_config(options, stdout);
		return EXIT_OK;
	case OPTION_CHECK:
		if (server_check(options, &problem)) {
			return fail(EXIT_USAGE, &problem);
		}
		puts("nakodo: the configuration is fine");
		return EXIT_OK;
	case OPTION_RUN:
		break;
	}
	return serve(options);
}

/* The arguments behind `token`. */
static int print_token(int argc, char **argv)
{
	struct problem problem;
	char *token;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		issue_print_help(stdout);
		return EXIT_OK;
	}
	if (issue_token(&token, argc, argv, &problem)) {
		return fail(EXIT_USAGE, &problem);
	}
	puts(token);
	free(token);
	return EXIT_OK;
}

int main(int argc, char **argv)
{
	struct options options;
	struct problem problem;
	int status;

	if (argc > 1 && !strcmp(argv[1], "token")) {
		return print_token(argc - 2, argv + 2);
	}
	if (options_load(&options, argc, argv, environ, &problem)) {
		return fail(EXIT_USAGE, &problem);
	}
	status = act(&options);
	options_finish(&options);
	return status;
}

/* main: options, log, then the server until it is told to stop; or one of the other commands. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "nakodo/base/log.h"
#include "nakodo/base/log_options.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/config.h"
#include "nakodo/net/ctl/shell.h"
#include "nakodo/net/server.h"
#include "nakodo/net/workers/worker.h"
#include "nakodo/probe/probe.h"
#include "nakodo/service/issue.h"

enum { EXIT_OK, EXIT_FAILED, EXIT_USAGE };

static int fail(int status, const struct problem *problem)
{
	fprintf(stderr, "nakodo: %s\n", problem->text);
	return status;
}

static int serve(struct options *options, const struct worker_start *start)
{
	struct problem problem;
	int error = log_options_open(options, &problem);

	if (!error) {
		error = start ? server_work(options, start, &problem)
			      : server_run(options, &problem);
		log_close();
	}
	if (error) {
		return fail(error == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &problem);
	}
	return EXIT_OK;
}

static int act(struct options *options)
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
	return serve(options, NULL);
}

/* The first process starts its workers as `worker NUMBERS…`, with its own arguments behind that. */
static int work(int argc, char **argv)
{
	struct worker_start start;
	struct options options, source = {0};
	struct problem problem;
	int status;

	if (worker_read(&start, &argc, &argv)) {
		fprintf(stderr, "nakodo: workers are started by the option `workers`\n");
		return EXIT_USAGE;
	}
	unsetenv("NOTIFY_SOCKET");
	prctl(PR_SET_NAME, "nakodo"); /* it was started as /proc/self/exe */
	source.argc = argc;
	source.argv = argv;
	source.environment = environ;
	if (worker_read_options(&options, start.snapshot, &source, &problem)) {
		return fail(EXIT_FAILED, &problem);
	}
	close(start.snapshot);
	status = serve(&options, &start);
	options_finish(&options);
	return status;
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

/* The arguments behind `ctl`. */
static int control(int argc, char **argv)
{
	struct problem problem;
	int error;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		shell_print_help(stdout);
		return EXIT_OK;
	}
	error = shell_run(argc, argv, stdout, &problem);
	if (error) {
		return fail(error == -EINVAL ? EXIT_USAGE : EXIT_FAILED, &problem);
	}
	return EXIT_OK;
}

/* The arguments behind `probe`. */
static int probe(int argc, char **argv)
{
	struct problem problem;
	int status;

	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		probe_print_help(stdout);
		return EXIT_OK;
	}
	status = probe_run(argc, argv, stdout, &problem);
	return status < 0 ? fail(EXIT_USAGE, &problem) : status;
}

/* What the first argument may be, besides an option of the daemon. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {{"ctl", control}, {"probe", probe}, {"token", print_token}};

int main(int argc, char **argv)
{
	struct options options;
	struct problem problem;
	int status;

	if (argc > 1 && !strcmp(argv[1], "worker")) {
		return work(argc, argv);
	}
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(argv[1], commands[i].name)) {
			return commands[i].run(argc - 2, argv + 2);
		}
	}
	if (options_load(&options, argc, argv, environ, &problem)) {
		return fail(EXIT_USAGE, &problem);
	}
	status = act(&options);
	options_finish(&options);
	return status;
}

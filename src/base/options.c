/*
 * options: owns the order of the sources, the environment and the command line, and what options
 * mean together. The file is read by options_file.c, each value goes in through options_set.c.
 */
#include "nakodo/base/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nakodo/base/endpoint.h"
#include "nakodo/base/problem.h"
#include "options_file.h"
#include "options_set.h"
#include "options_table.h"

#define CONFIG_VARIABLE "NAKODO_CONFIG"
#define MEMORY_LEAST (1 << 20) /* bytes */
#define WHERE_DEFAULT "default"

static int load_defaults(struct options_load *load)
{
	int error = 0;

	options_set_source(load, OPTIONS_DEFAULT, WHERE_DEFAULT);
	for (const struct option_row *row = options_table; row->name && !error; row++) {
		error = options_set_words(load, row, row->standard);
	}
	return error;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int load_variable(struct options_load *load, const char *entry)
{
	size_t len = strcspn(entry, "=");
	const struct option_row *row = options_names_find(OPTIONS_ENVIRONMENT, entry, len);

	/* Set to nothing is how many tools unset a variable. */
	if (!entry[len] || !entry[len + 1]) {
		return 0;
	}
	if (row) {
		load->where = options_names_spell(load->source, row->name, load->name);
		return options_set_words(load, row, entry + len + 1);
	}
	load->where = "environment";
	if (options_set_check_text(load, entry)) {
		return -EINVAL;
	}
	return options_names_unknown(load->source, load->where, entry, len, load->problem);
}

static int load_environment(struct options_load *load, char *const *environment)
{
	int error = 0;

	options_set_source(load, OPTIONS_ENVIRONMENT, "environment");
	for (; environment && *environment && !error; environment++) {
		if (has_prefix(*environment, "NAKODO_") &&
			!has_prefix(*environment, CONFIG_VARIABLE "=")) {
			error = load_variable(load, *environment);
		}
	}
	return error;
}

static const struct option_action_row *find_action(const char *argument, size_t len)
{
	const struct option_action_row *action = options_actions;
	char spelled[OPTIONS_NAME_TEXT];

	for (; action->name; action++) {
		options_names_spell(OPTIONS_ARGUMENTS, action->name, spelled);
		if (strlen(spelled) == len && memcmp(spelled, argument, len) == 0) {
			return action;
		}
		if (len == 2 && argument[0] == '-' && action->letter &&
			argument[1] == action->letter) {
			return action;
		}
	}
	return NULL;
}

static int refuse_argument(struct options_load *load, const char *argument)
{
	load->where = "command line";
	if (argument[0] == '-' && argument[1]) {
		return options_names_unknown(
			load->source, load->where, argument, strcspn(argument, "="), load->problem);
	}
	return problem_set(load->problem, -EINVAL,
		"%s: `%.*s` stands alone; options begin with --, and `nakodo --help` shows them "
		"all",
		load->where, options_names_cut(argument, strlen(argument)), argument);
}

/* The value of `argument`, from itself or from `next`, which is then set to NULL. NULL: none. */
static const char *value_of(const struct option_row *row, const char *argument, const char **next)
{
	const char *equals = strchr(argument, '='), *value = *next;

	if (equals) {
		return equals + 1;
	}
	if (row && row->type == OPTION_YES_NO && (!value || *value == '-')) {
		return "yes";
	}
	/* A forgotten value must not swallow the next option. */
	if (!value || has_prefix(value, "--")) {
		return NULL;
	}
	*next = NULL;
	return value;
}

/* Read `argument` and perhaps `next`, which is then set to NULL. */
static int load_argument(
	struct options_load *load, const char *argument, const char **next, const char **config)
{
	size_t len = strcspn(argument, "=");
	const struct option_row *row = options_names_find(OPTIONS_ARGUMENTS, argument, len);
	const struct option_action_row *action = find_action(argument, len);
	const char *value;

	if (!row && !action) {
		return refuse_argument(load, argument);
	}
	load->where = options_names_spell(load->source, row ? row->name : action->name, load->name);
	if (action && !action->placeholder) {
		if (argument[len]) {
			return problem_set(
				load->problem, -EINVAL, "%s takes no value", load->where);
		}
		load->options->action = action->action;
		return 0;
	}
	value = value_of(row, argument, next);
	if (!value) {
		return problem_set(load->problem, -EINVAL, "%s needs a value", load->where);
	}
	if (row) {
		return options_set(load, row, value);
	}
	*config = value;
	return 0;
}

/* These answer whatever the file and the environment hold. */
static bool is_question(enum option_action action)
{
	return action == OPTION_HELP || action == OPTION_MAN || action == OPTION_MAN_CONFIG ||
	       action == OPTION_EXAMPLE_CONFIG || action == OPTION_VERSION;
}

static int load_arguments(
	struct options_load *load, int argc, char *const *argv, const char **config)
{
	int error = 0;

	options_set_source(load, OPTIONS_ARGUMENTS, "command line");
	for (int i = 1; i < argc && !error && !is_question(load->options->action); i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool had_next = next;

		load->where = "command line";
		error = options_set_check_text(load, argv[i]);
		error = error ? error : load_argument(load, argv[i], &next, config);
		i += had_next && !next;
	}
	return error;
}

static int load_file(struct options_load *load, const char *argument, char *const *environment)
{
	const char *path = argument, *where = "--config";

	for (; !path && environment && *environment; environment++) {
		if (has_prefix(*environment, CONFIG_VARIABLE "=")) {
			path = *environment + strlen(CONFIG_VARIABLE "=");
			where = CONFIG_VARIABLE;
		}
	}
	options_set_source(load, OPTIONS_FILE, where);
	if (!path || !*path) {
		return 0;
	}
	return options_set_check_text(load, path) ? -EINVAL : options_file_read(load, path);
}

static int load_sources(struct options_load *load, int argc, char *const *argv,
	char *const *environment, const char *config)
{
	int error = load_defaults(load);

	error = error ? error : load_file(load, config, environment);
	error = error ? error : load_environment(load, environment);
	return error ? error : load_arguments(load, argc, argv, &config);
}

bool options_have_certificate(const struct options *options)
{
	return *options->tls_cert || *options->tls_self_signed;
}

/* Are its metrics for administrators, whatever `auth` says? */
static bool asks_for_admin(const struct endpoint *endpoint)
{
	return endpoint->metrics && !endpoint_is_loopback(endpoint);
}

static int check_listener(
	const struct options *options, const struct option_item *item, struct problem *problem)
{
	struct endpoint endpoint;
	int error = endpoint_parse(&endpoint, item->value, problem);

	if (error) {
		return error;
	}
	if (endpoint.tls && !options_have_certificate(options)) {
		return problem_set(problem, -EINVAL,
			"%s: listen `%s` needs a certificate: set tls-cert and tls-key, or "
			"tls-self-signed",
			item->where, item->value);
	}
	if (options->show_messages && !endpoint_is_loopback(&endpoint)) {
		return problem_set(problem, -EINVAL,
			"%s: listen `%s` lets other machines in, whose messages show-messages must "
			"not print: listen on localhost only, or leave show-messages out",
			item->where, item->value);
	}
	if (asks_for_admin(&endpoint) && !options->auth_key.count && !*options->auth_jwks) {
		return problem_set(problem, -EINVAL,
			"%s: listen `%s` shows metrics to other machines by a token with `admin` "
			"only: set auth-key or auth-jwks, or listen on this machine's loopback, as "
			"in localhost:3001?metrics",
			item->where, item->value);
	}
	return 0;
}

static int check_turn(const struct options *options, struct problem *problem)
{
	if (options->turn_server.count && !*options->turn_secret) {
		return problem_set(problem, -EINVAL,
			"%s: turn-server needs turn-secret, the file with the secret that it "
			"shares with this daemon; one with a fixed password is an ice-server",
			options_where(options, &options->turn_server));
	}
	if (!options->turn_server.count && *options->turn_secret) {
		return problem_set(problem, -EINVAL,
			"%s: turn-secret is for no server: set turn-server too, or neither",
			options_where(options, &options->turn_secret));
	}
	return 0;
}

static int check_webhooks(const struct options *options, struct problem *problem)
{
	char *const *url =
		*options->auth_webhook ? &options->auth_webhook : &options->event_webhook;

	if (**url && !*options->webhook_secret) {
		return problem_set(problem, -EINVAL,
			"%s: %s needs webhook-secret, the file with the secret that shows it who "
			"tells: `openssl rand -hex 32` prints one",
			options_where(options, url),
			*options->auth_webhook ? "auth-webhook" : "event-webhook");
	}
	if (!**url && *options->webhook_secret) {
		return problem_set(problem, -EINVAL,
			"%s: webhook-secret is for nobody: set event-webhook or auth-webhook too, "
			"or none",
			options_where(options, &options->webhook_secret));
	}
	return 0;
}

/* Keys that nothing asks for are a door that was left open by mistake. */
static int check_auth(const struct options *options, struct problem *problem)
{
	bool asks = options->auth == OPTION_AUTH_TOKEN, keys;
	const void *named = options->auth_key.count ? (const void *)&options->auth_key
						    : (const void *)&options->auth_jwks;

	keys = options->auth_key.count || *options->auth_jwks;
	for (size_t i = 0; i < options->listen.count; i++) {
		struct endpoint endpoint;

		asks |= !endpoint_parse(&endpoint, options->listen.items[i].value, problem) &&
			(!strcmp(endpoint.auth, "token") || asks_for_admin(&endpoint));
	}
	if (asks && !keys) {
		return problem_set(problem, -EINVAL,
			"%s: a token is asked for, but there is no key to check it with: set "
			"auth-key or auth-jwks",
			options_where_either(options, &options->auth, &options->listen));
	}
	return keys && !asks
		       ? problem_set(problem, -EINVAL,
				 "%s: there is a key for tokens, but nothing asks for one: set "
				 "auth = token, or ?auth=token behind a listener",
				 options_where(options, named))
		       : 0;
}

static int check_together(const struct options *options, struct problem *problem)
{
	int error = check_turn(options, problem);

	error = error ? error : check_webhooks(options, problem);

	if (options->max_message > options->send_queue) {
		return problem_set(problem, -EINVAL,
			"%s: max-message is larger than send-queue, which must hold at least one "
			"message: raise send-queue or lower max-message",
			options_where_either(options, &options->max_message, &options->send_queue));
	}
	if (options->resume_bytes < 2 * options->send_queue) {
		return problem_set(problem, -EINVAL,
			"%s: resume-bytes is smaller than twice send-queue, so that who was too "
			"slow could not resume: raise resume-bytes or lower send-queue",
			options_where_either(
				options, &options->resume_bytes, &options->send_queue));
	}
	if (options->max_memory && options->max_memory < MEMORY_LEAST) {
		return problem_set(problem, -EINVAL,
			"%s: max-memory is less than 1MiB, with which nobody could be let in: "
			"raise it, or leave it at 0",
			options_where(options, &options->max_memory));
	}
	if (!*options->tls_cert != !*options->tls_key) {
		return problem_set(problem, -EINVAL,
			"%s: tls-cert and tls-key come together: set %s too, or neither",
			options_where(options,
				*options->tls_cert ? &options->tls_cert : &options->tls_key),
			*options->tls_cert ? "tls-key" : "tls-cert");
	}
	if (*options->tls_cert && *options->tls_self_signed) {
		return problem_set(problem, -EINVAL,
			"%s: tls-cert and tls-self-signed exclude each other: leave one of them "
			"out",
			options_where(options, &options->tls_cert));
	}
	for (size_t i = 0; i < options->listen.count && !error; i++) {
		error = check_listener(options, &options->listen.items[i], problem);
	}
	return error ? error : check_auth(options, problem);
}

int options_load(struct options *options, int argc, char *const *argv, char *const *environment,
	struct problem *problem)
{
	struct options_load load = {.options = options, .problem = problem};
	const char *config = NULL;
	int error;

	memset(options, 0, sizeof(*options));
	/* The command line is read twice: it comes last, but says first whether the others matter
	 * at all and which file it is. */
	error = load_defaults(&load);
	error = error ? error : load_arguments(&load, argc, argv, &config);
	if (!error && !is_question(options->action)) {
		options_finish(options);
		error = load_sources(&load, argc, argv, environment, config);
		error = error ? error : check_together(options, problem);
	}
	options->argc = argc;
	options->argv = argv;
	options->environment = environment;
	if (error) {
		options_finish(options);
	}
	return error;
}

const char *options_where(const struct options *options, const void *field)
{
	size_t offset = (size_t)((const char *)field - (const char *)options);

	for (const struct option_row *row = options_table; row->name; row++) {
		const char *where = options->where[row - options_table];

		if (row->offset == offset && where) {
			return where;
		}
	}
	return WHERE_DEFAULT;
}

const char *options_where_either(
	const struct options *options, const void *field, const void *other)
{
	const char *where = options_where(options, field);

	return strcmp(where, WHERE_DEFAULT) ? where : options_where(options, other);
}

void options_finish(struct options *options)
{
	for (const struct option_row *row = options_table; row->name; row++) {
		options_set_clear(options, row);
	}
	memset(options, 0, sizeof(*options));
}

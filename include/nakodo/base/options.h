/*
 * options: what the daemon was told to do.
 *
 * One table (options_table.c) gives every option its name, type, default, limits and help. From it
 * come the defaults, the configuration file (`name = value`), the environment (`NAKODO_NAME`), the
 * command line (`--name value`, `--name=value`), --help, --print-config, the man pages and the
 * example of a configuration file. Sources are read in that order and the later one wins; a
 * repeatable option that a later source sets replaces the earlier source's list. `mount` is a table
 * by path: its entries are added to the defaults, the same path replaces, `PATH=off` removes.
 * --help, --man, --man-config,
 * --example-config and --version end the reading: the arguments behind them, the file and the
 * environment are not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct problem;

#define OPTIONS_MOST 64 /* rows of the table */

/* One value of a repeatable option and where it was said (options_where()). */
struct option_item {
	char *value;
	char *where;
};

struct option_list {
	struct option_item *items;
	size_t count;
};

enum option_action {
	OPTION_RUN,
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_MAN,
	OPTION_MAN_CONFIG,
	OPTION_EXAMPLE_CONFIG,
	OPTION_VERSION,
	OPTION_PRINT_CONFIG,
};

enum option_auth { OPTION_AUTH_NONE, OPTION_AUTH_TOKEN };
enum option_log_level { OPTION_LOG_ERROR, OPTION_LOG_WARN, OPTION_LOG_INFO, OPTION_LOG_DEBUG };
enum option_log_format {
	OPTION_LOG_AUTO, /* journal under systemd, else text */
	OPTION_LOG_TEXT,
	OPTION_LOG_JSON,
	OPTION_LOG_JOURNAL,
};

/* Sizes in bytes, times in seconds. Strings are never NULL; "" when unset. All text is UTF-8
 * without control characters but the tab, and has been checked as far as its grammar goes. */
struct options {
	enum option_action action; /* the last one that was asked for */
	struct option_list listen, trusted_proxy, origin, server_name, subprotocol;
	struct option_list mount; /* in the order of the paths, each of which stands once */
	struct option_list auth_key; /* KID:ALGORITHM:FILE */
	struct option_list ice_server; /* URL or URL|USER|PASSWORD; only the last may hold a | */
	struct option_list turn_server; /* URLs; none without turn_secret, nor the other way */
	char *tls_cert, *tls_key, *tls_self_signed, *turn_secret, *web_root, *log_file;
	char *auth_jwks, *auth_issuer, *auth_audience, *state_dir, *ctl;
	char *auth_webhook, *event_webhook; /* none without the next */
	char *webhook_secret; /* nor this without one of these */
	bool show_messages;
	uint64_t max_message, max_peers, max_peers_per_room, max_peers_per_address;
	uint64_t max_memory; /* 0: a quarter of memory_available() */
	uint64_t connect_rate; /* the burst is ten times the rate */
	uint64_t message_rate, byte_rate; /* the burst is four times the rate */
	uint64_t send_queue;
	uint64_t ping_interval, ping_timeout, slow_seconds, handshake_timeout, drain_seconds;
	uint64_t resume_seconds, resume_messages, resume_bytes; /* these and the next: nakodo.v1 */
	uint64_t room_history, max_meta, room_peers, rooms_max;
	uint64_t turn_ttl;
	uint64_t workers; /* processes; 0: as many as processors */
	char *cluster; /* base/redis_url.h; "": none */
	char *cluster_name;
	bool cluster_durable;
	char *cluster_listen; /* "": by which Redis is reached */
	int auth; /* enum option_auth */
	int log_level; /* enum option_log_level */
	int log_format; /* enum option_log_format */
	char *where[OPTIONS_MOST]; /* of each row; for options_where() */
	int argc; /* the sources, as options_load() was given them */
	char *const *argv, *const *environment;
};

/* Read all sources in order into `options` (any content before is overwritten).
 * `environment` is in the form of environ(7); it and `argv` must outlive the options. 0, or -EINVAL
 * / -errno with `problem` naming the place and the fault; after a failure the options are empty and
 * need no destroy. */
int options_load(struct options *options, int argc, char *const *argv, char *const *environment,
	struct problem *problem);
void options_finish(struct options *options);

/* Read the sources of `now` again, and see that only what may change while the daemon runs is
 * different. 0, or as options_load(); -EBUSY with a sentence that names the place of a change that
 * needs a restart. */
int options_reload(struct options *options, const struct options *now, struct problem *problem);

/* Where that field of the options was said last, for error messages: "default", "FILE:LINE",
 * "NAKODO_NAME" or "--name". */
const char *options_where(const struct options *options, const void *field);
/* Is there a certificate for TLS, or a place where one is made? */
bool options_have_certificate(const struct options *options);
/* The same of either of two that do not go together: of the first that is no default. */
const char *options_where_either(
	const struct options *options, const void *field, const void *other);

/* What --help, --print-config and the man pages nakodo(8) and nakodo.conf(5) show; all made from
 * the table. --print-config's output, read back as a configuration file, gives the same options.
 * The example is a configuration file with a comment for each option, its default included. */
void options_print_help(FILE *out);
void options_print_config(const struct options *options, FILE *out);
void options_print_man(FILE *out);
void options_print_man_config(FILE *out);
void options_print_example(FILE *out);

/* probe: owns the arguments and the order of the steps. */
#include "nakodo/probe/probe.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/probe/probing.h"
#include "nakodo/probe/relays.h"
#include "nakodo/probe/rooms.h"
#include "nakodo/probe/stream.h"
#include "nakodo/probe/way.h"

#define SECOND INT64_C(1000000)
#define TIMEOUT_MAX 60

struct wish {
	const char *url, *ca, *token, *timeout;
	bool as_json;
};

static int take_scheme(struct target *target, const char **url, struct problem *problem)
{
	static const struct {
		const char *scheme;
		bool secure;
	} schemes[] = {{"ws://", false}, {"wss://", true}, {"http://", false}, {"https://", true}};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (!strncmp(*url, schemes[i].scheme, strlen(schemes[i].scheme))) {
			*url += strlen(schemes[i].scheme);
			target->secure = schemes[i].secure;
			snprintf(target->port, sizeof(target->port), "%s",
				target->secure ? "443" : "80");
			return 0;
		}
	}
	return problem_set(problem, -EINVAL,
		"`%s` must be a URL that begins with wss://, ws://, https:// or http://", *url);
}

static bool copy(char *ret, size_t size, const char *text, size_t len)
{
	if (!len || len >= size) {
		return false;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* Only what may stand in the first line of a request and in Host. */
static bool is_plain(const char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || strchr("?#@\"<>\\", *text)) {
			return false;
		}
	}
	return true;
}

static int parse_url(struct target *ret, const char *url, struct problem *problem)
{
	const char *rest = url;
	bool is_good;
	size_t len;

	if (take_scheme(ret, &rest, problem)) {
		return -EINVAL;
	}
	rest += *rest == '[';
	len = strcspn(rest, rest[-1] == '[' ? "]" : ":/");
	is_good = is_plain(rest) && copy(ret->host, sizeof(ret->host), rest, len);
	rest += len + (rest[len] == ']');
	if (is_good && *rest == ':') {
		len = strcspn(++rest, "/");
		is_good = copy(ret->port, sizeof(ret->port), rest, len) &&
			  strspn(ret->port, "0123456789") == len &&
			  strtoul(ret->port, NULL, 10) < 65536;
		rest += len;
	}
	len = strlen(rest);
	while (len && rest[len - 1] == '/') {
		len--;
	}
	if (!len) {
		rest = "/v1";
		len = 3;
	}
	if (!is_good || *rest != '/' || !copy(ret->path, sizeof(ret->path), rest, len)) {
		return problem_set(problem, -EINVAL,
			"`%s` must be a URL of host, port and path, as in wss://rtc.example/v1",
			url);
	}
	return 0;
}

static const char **find_option(struct wish *wish, const char *name, size_t len)
{
	const struct {
		const char *name;
		const char **value;
	} options[] = {
		{"--ca", &wish->ca}, {"--token", &wish->token}, {"--timeout", &wish->timeout}};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (strlen(options[i].name) == len && !strncmp(options[i].name, name, len)) {
			return options[i].value;
		}
	}
	return NULL;
}

/* --name VALUE or --name=VALUE. */
static int read_arguments(struct wish *wish, int argc, char *const *argv, struct problem *problem)
{
	for (int i = 0; i < argc; i++) {
		size_t len = strcspn(argv[i], "=");
		const char **value = find_option(wish, argv[i], len);

		if (!strcmp(argv[i], "--json")) {
			wish->as_json = true;
		} else if (value && (argv[i][len] || i + 1 < argc)) {
			*value = argv[i][len] ? argv[i] + len + 1 : argv[++i];
		} else if (*argv[i] != '-' && !wish->url) {
			wish->url = argv[i];
		} else {
			return problem_set(problem, -EINVAL,
				"`nakodo probe` takes one URL, --token TOKEN, --ca FILE, --timeout "
				"SECONDS and --json, and not `%s`",
				argv[i]);
		}
	}
	if (!wish->url) {
		return problem_set(problem, -EINVAL,
			"`nakodo probe` needs a URL, as in nakodo probe wss://rtc.example");
	}
	return 0;
}

static int apply(struct probing *ret, const struct wish *wish, struct problem *problem)
{
	char *end;
	long seconds = strtol(wish->timeout ? wish->timeout : "5", &end, 10);

	if (*end || seconds < 1 || seconds > TIMEOUT_MAX) {
		return problem_set(
			problem, -EINVAL, "--timeout must be 1 to %d seconds", TIMEOUT_MAX);
	}
	if (wish->token && (!*wish->token || !is_plain(wish->token))) {
		return problem_set(problem, -EINVAL, "--token must be a token, in one line");
	}
	ret->patience = seconds * SECOND;
	ret->token = wish->token;
	if (parse_url(&ret->target, wish->url, problem)) {
		return -EINVAL;
	}
	ret->tls = SSL_CTX_new(TLS_client_method());
	if (!ret->tls) {
		return problem_set(problem, -ENOMEM, "out of memory");
	}
	SSL_CTX_set_default_verify_paths(ret->tls);
	if (wish->ca && !SSL_CTX_load_verify_file(ret->tls, wish->ca)) {
		return problem_set(
			problem, -EINVAL, "--ca: `%s` holds no certificates in PEM", wish->ca);
	}
	return 0;
}

static void run(struct probing *probing)
{
	struct stream stream;
	cJSON *ice;
	int is_trusted;

	if (way_find(probing, &stream, &is_trusted)) {
		return;
	}
	if (!is_trusted && probing->token) {
		report_skip(&probing->report, "websocket",
			"not tried: the token is not shown to a server that is not trusted");
		stream_close(&stream);
		return;
	}
	rooms_try(probing, &stream, &ice);
	if (ice) {
		relays_try(probing, ice);
	}
	cJSON_Delete(ice);
}

int probe_run(int argc, char *const *argv, FILE *out, struct problem *problem)
{
	struct probing probing = {0};
	struct wish wish = {0};
	int status = read_arguments(&wish, argc, argv, problem);

	status = status ? status : apply(&probing, &wish, problem);
	if (!status) {
		/* OpenSSL writes without MSG_NOSIGNAL. */
		signal(SIGPIPE, SIG_IGN);
		report_init(&probing.report, out, wish.as_json);
		run(&probing);
		status = report_finish(&probing.report, wish.url);
		if (status < 0) {
			problem_set(problem, status, "out of memory");
		}
	}
	SSL_CTX_free(probing.tls);
	return status;
}

void probe_print_help(FILE *out)
{
	fputs("Usage: nakodo probe URL [--token TOKEN] [--ca FILE] [--timeout SECONDS] [--json]\n"
	      "Go the way of a client to a server, and say of each step whether it is good or "
	      "what\n"
	      "to do. The steps: name (DNS), connect (TCP), tls (chain, names, days left),\n"
	      "websocket (the upgrade), relay (a message between two clients and back), clock,\n"
	      "and stun and turn for each server that clients are told of.\n"
	      "\n"
	      "  URL                wss://HOST[:PORT][/PATH]; also ws, https and http. PATH is\n"
	      "                     where nakodo.v1 is mounted. Default: /v1\n"
	      "  --token TOKEN      Where tokens are asked for: one for rooms probe-*.\n"
	      "  --ca FILE          Trust these authorities (PEM), too, as\n"
	      "                     ca.pem of --tls-self-signed.\n"
	      "  --timeout SECONDS  For each step, 1 to 60. Default: 5\n"
	      "  --json             One JSON object in place of lines.\n"
	      "\n"
	      "Exit status: 0 all is good; 1 something is not; 2 the arguments are wrong.\n"
	      "\n"
	      "  nakodo probe wss://rtc.example\n"
	      "  nakodo probe https://192.168.1.5:3443 --ca certs/ca.pem\n"
	      "  nakodo probe wss://rtc.example --token \"$(nakodo token --key main:HS256:secret "
	      "--room 'probe-*')\"\n"
	      "  0 * * * *  nakodo probe wss://rtc.example >/tmp/probe || mail -s nakodo me "
	      "</tmp/probe\n",
		out);
}

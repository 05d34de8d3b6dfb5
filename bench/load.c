/* Load generator of ./script/bench: one process, one run, one JSON line. Reads the arguments, sets
 * a deadline that nothing outlives, and hands over to a workload. */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "comeback.h"
#include "crowd.h"
#include "payload.h"
#include "rooms.h"
#include "talk.h"
#include "torrent.h"

#define DEADLINE_S 60 /* for all but warm-up and measurement */

static const char usage[] =
	"usage: load WORKLOAD --port N --pid N [--tls] [--OPTION N]...\n"
	"  comeback  --count --sources --concurrency --token TEXT\n"
	"  crowd     --count --size --concurrency\n"
	"  peerjs    --rooms --window --warmup --seconds --concurrency\n"
	"  rooms     --rooms --size --bytes --window --warmup --seconds --concurrency\n"
	"  webtorrent  --rooms --size --window --warmup --seconds --concurrency\n"
	"  y-webrtc  --rooms --size --window --warmup --seconds --concurrency\n"
	"\n"
	"Loads the WebSocket server on 127.0.0.1 and prints one line of JSON. Exit status: 0 all\n"
	"went well, 1 something was lost, doubled, out of order, changed or refused, 2 could not\n"
	"run, 3 took too long.\n";

struct number {
	const char *name;
	size_t at; /* of an unsigned in struct load_options */
	unsigned min, max;
};

#define NUMBER(field, min, max) {#field, offsetof(struct load_options, field), min, max}

static const struct number numbers[] = {
	NUMBER(bytes, PAYLOAD_MIN, PAYLOAD_MAX),
	NUMBER(concurrency, 1, 20000),
	NUMBER(count, 1, 100000),
	NUMBER(port, 1, 65535),
	NUMBER(rooms, 1, 10000),
	NUMBER(size, 1, 10000),
	NUMBER(sources, 1, 800),
	NUMBER(window, 1, 64),
};

static double option_number(const char *name, const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max)) {
		errx(2, "--%s takes a number from %g to %g, not \"%s\"", name, min, max, text);
	}
	return value;
}

static void options_set(struct load_options *o, const char *name, const char *text)
{
	size_t i;

	for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (strcmp(name, numbers[i].name) == 0) {
			*(unsigned *)((char *)o + numbers[i].at) =
				(unsigned)option_number(name, text, numbers[i].min, numbers[i].max);
			return;
		}
	}
	if (strcmp(name, "pid") == 0) {
		o->pid = (pid_t)option_number(name, text, 1, 1 << 30);
	} else if (strcmp(name, "seconds") == 0) {
		o->seconds = option_number(name, text, 0.1, 600);
	} else {
		o->warmup = option_number(name, text, 0, 600);
	}
}

static void options_parse(struct load_options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{"bytes", required_argument, NULL, 'o'},
		{"concurrency", required_argument, NULL, 'o'},
		{"count", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{"pid", required_argument, NULL, 'o'},
		{"port", required_argument, NULL, 'o'},
		{"rooms", required_argument, NULL, 'o'},
		{"seconds", required_argument, NULL, 'o'},
		{"size", required_argument, NULL, 'o'},
		{"sources", required_argument, NULL, 'o'},
		{"tls", no_argument, NULL, 't'},
		{"token", required_argument, NULL, 'k'},
		{"warmup", required_argument, NULL, 'o'},
		{"window", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	int choice, index;

	while ((choice = getopt_long(argc, argv, "", names, &index)) != -1) {
		if (choice == 'o') {
			options_set(o, names[index].name, optarg);
		} else if (choice == 't') {
			o->tls = true;
		} else if (choice == 'k') {
			o->token = optarg;
		} else {
			fputs(usage, choice == 'h' ? stdout : stderr);
			exit(choice == 'h' ? 0 : 2);
		}
	}
	if (!o->port || !o->pid) {
		errx(2, "--port and --pid are needed");
	}
}

static void too_late(int number)
{
	static const char text[] = "load: the deadline has passed\n";

	(void)number;
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0) {
		_exit(4);
	}
	_exit(3);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static const struct {
	const char *name;
	int (*run)(const struct load_options *o);
} workloads[] = {
	{"comeback", comeback_run},
	{"crowd", crowd_run},
	{"peerjs", talk_peerjs},
	{"rooms", rooms_run},
	{"webtorrent", torrent_run},
	{"y-webrtc", talk_y_webrtc},
};

int main(int argc, char **argv)
{
	struct load_options o = {
		.concurrency = 64,
		.rooms = 500,
		.size = 2,
		.bytes = 200,
		.window = 1,
		.warmup = 1,
		.seconds = 4,
		.count = 10000,
		.sources = 1,
	};
	size_t i;

	options_parse(&o, argc, argv);
	signal(SIGALRM, too_late);
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
	alarm(DEADLINE_S + (unsigned)(o.warmup + o.seconds));
	raise_file_limit();
	for (i = 0; i < sizeof workloads / sizeof *workloads && optind + 1 == argc; i++) {
		if (strcmp(argv[optind], workloads[i].name) == 0) {
			return workloads[i].run(&o);
		}
	}
	fputs(usage, stderr);
	return 2;
}

/* top: owns the terminal while it runs, and the rates. */
#include "nakodo/net/ctl/top.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/json.h"

#define SECOND 1000000000

enum { STATE, PEERS, MAX_PEERS, ROOMS, MEMORY, MAX_MEMORY, GAUGES };

/* What a line says: how it is now, and how much a second. */
struct sample {
	char state[16];
	uint64_t gauges[GAUGES];
	double rates[TOP_COUNTS];
	double turn; /* ms of the loop's mean turn; negative: it is not measured */
};

static volatile sig_atomic_t is_ended;

static void on_signal(int number)
{
	(void)number;
	is_ended = 1;
}

/* Without SA_RESTART: it also ends while a daemon that stands still does not answer. */
void top_begin(struct top *top, FILE *out)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct termios keys;

	*top = (struct top){0};
	top->screen = isatty(fileno(out)) && !tcgetattr(STDIN_FILENO, &top->before);
	if (top->screen) {
		keys = top->before;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* who stopped it would type unseen */
		tcsetattr(STDIN_FILENO, TCSANOW, &keys);
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

void top_end(const struct top *top)
{
	if (top->screen) {
		tcsetattr(STDIN_FILENO, TCSANOW, &top->before);
	}
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

bool top_wait(const struct top *top)
{
	struct pollfd keys = {.fd = top->screen ? STDIN_FILENO : -1, .events = POLLIN};
	uint64_t until = now_ns() + SECOND, now;
	char key;

	while (!is_ended && (now = now_ns()) < until) {
		if (poll(&keys, 1, (int)((until - now) / 1000000) + 1) > 0 &&
			(read(STDIN_FILENO, &key, 1) != 1 || key == 'q')) {
			return false;
		}
	}
	return !is_ended;
}

bool top_is_ended(void)
{
	return is_ended;
}

static uint64_t number(const struct json_member *member)
{
	return member->value.kind == JSON_NUMBER ? strtoull(member->value.at, NULL, 10) : 0;
}

static bool read_sample(struct top *top, struct sample *ret, const char *line, size_t len)
{
	struct json_member gauges[] = {{.name = "state"}, {.name = "peers"}, {.name = "max_peers"},
		{.name = "rooms"}, {.name = "memory"}, {.name = "max_memory"}};
	struct json_member counts[] = {{.name = "messages_in"}, {.name = "messages_out"},
		{.name = "bytes_in"}, {.name = "bytes_out"}, {.name = "refused"}, {.name = "turns"},
		{.name = "turn_ns"}};
	uint64_t now = now_ns();
	double seconds = top->at ? (double)(now - top->at) / SECOND : 0;

	if (json_scan(line, len, gauges, GAUGES) != JSON_OK ||
		json_scan(line, len, counts, TOP_COUNTS) != JSON_OK ||
		json_decode(&gauges[STATE].value, ret->state, sizeof(ret->state)) < 0) {
		return false;
	}
	for (int i = PEERS; i < GAUGES; i++) {
		ret->gauges[i] = number(&gauges[i]);
	}
	for (int i = 0; i < TOP_COUNTS; i++) {
		uint64_t count = number(&counts[i]);

		ret->rates[i] = seconds > 0 ? (double)(count - top->counts[i]) / seconds : 0;
		top->counts[i] = count;
	}
	ret->turn = ret->rates[TOP_TURNS] > 0
			    ? ret->rates[TOP_TURN_NS] / ret->rates[TOP_TURNS] / 1e6
			    : -1;
	top->at = now;
	return true;
}

static void put_screen(FILE *out, const struct top *top, const struct sample *sample)
{
	const uint64_t *gauges = sample->gauges;
	const double *rates = sample->rates;

	fprintf(out,
		"\033[H\033[Jnakodo is %s (q ends)\n\n"
		"peers     %" PRIu64 " of %" PRIu64 "\n"
		"rooms     %" PRIu64 "\n"
		"messages  %.0f/s in, %.0f/s out\n"
		"bytes     %.0f/s in, %.0f/s out\n"
		"memory    %.1f of %.1f MiB\n"
		"refused   %.0f/s, %" PRIu64 " in all\n",
		sample->state, gauges[PEERS], gauges[MAX_PEERS], gauges[ROOMS],
		rates[TOP_MESSAGES_IN], rates[TOP_MESSAGES_OUT], rates[TOP_BYTES_IN],
		rates[TOP_BYTES_OUT], (double)gauges[MEMORY] / (1 << 20),
		(double)gauges[MAX_MEMORY] / (1 << 20), rates[TOP_REFUSED],
		top->counts[TOP_REFUSED]);
	if (sample->turn >= 0) {
		fprintf(out, "loop      %.0f %% busy, %.2f ms a turn\n",
			rates[TOP_TURN_NS] * 100 / SECOND, sample->turn);
	}
}

static void put_row(FILE *out, const struct sample *sample)
{
	const uint64_t *gauges = sample->gauges;
	const double *rates = sample->rates;

	fprintf(out, "%8" PRIu64 "%8" PRIu64 "%10.0f%10.0f%12.0f%12.0f%9.1f%9.1f%10.0f",
		gauges[PEERS], gauges[ROOMS], rates[TOP_MESSAGES_IN], rates[TOP_MESSAGES_OUT],
		rates[TOP_BYTES_IN], rates[TOP_BYTES_OUT], (double)gauges[MEMORY] / (1 << 20),
		(double)gauges[MAX_MEMORY] / (1 << 20), rates[TOP_REFUSED]);
	fprintf(out, sample->turn < 0 ? "       -\n" : "%8.2f\n", sample->turn);
}

void top_show(struct top *top, FILE *out, const char *line, size_t len)
{
	bool first = !top->at;
	struct sample sample;

	if (!read_sample(top, &sample, line, len)) {
		return;
	}
	if (top->screen) {
		put_screen(out, top, &sample);
	} else if (first) {
		fprintf(out, "%8s%8s%10s%10s%12s%12s%9s%9s%10s%8s\n", "PEERS", "ROOMS", "IN/s",
			"OUT/s", "BYTES-IN/s", "BYTES-OUT/s", "MIB", "OF-MIB", "REFUSED/s",
			"TURN-MS");
	} else {
		put_row(out, &sample);
	}
}

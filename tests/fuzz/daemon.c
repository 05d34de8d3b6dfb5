/* daemon: see the header. */
#include "daemon.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/server.h"
#include "rules.h"

#define HEALTHY "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define CHECK_EVERY 64 /* connections */

static struct sockaddr_un place = {.sun_family = AF_UNIX};
static char folder[] = "/tmp/nakodo-fuzz-XXXXXX";

static void *run(void *options)
{
	struct problem problem;

	if (server_run(options, &problem)) {
		fprintf(stderr, "%s\n", problem.text);
		abort();
	}
	/* It was told to stop; libFuzzer has lost that signal to it. */
	_exit(0);
}

static void clean(void)
{
	unlink(place.sun_path);
	rmdir(folder);
}

static int dial(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	rules_require(fd >= 0);
	/* Only in the beginning is there nobody who listens. */
	while (connect(fd, (struct sockaddr *)&place, sizeof(place))) {
		usleep(1000);
	}
	return fd;
}

static unsigned char *ask(const void *bytes, size_t len, size_t *ret_len)
{
	size_t room = 65536, have = 0;
	unsigned char *answer = malloc(room);
	int fd = dial();
	ssize_t got;

	/* The server may have ended it before all is written. libFuzzer's timer interrupts calls.
	 */
	while (len && (got = TEMP_FAILURE_RETRY(send(fd, bytes, len, MSG_NOSIGNAL))) > 0) {
		bytes = (const char *)bytes + got;
		len -= (size_t)got;
	}
	shutdown(fd, SHUT_WR);
	while ((got = TEMP_FAILURE_RETRY(read(fd, answer + have, room - have))) > 0) {
		have += (size_t)got;
		if (have == room) {
			room *= 2;
			answer = realloc(answer, room);
		}
	}
	close(fd);
	*ret_len = have;
	return answer;
}

static void check_health(void)
{
	size_t len;
	unsigned char *answer = ask(HEALTHY, strlen(HEALTHY), &len);

	if (len <= 12 || memcmp(answer, "HTTP/1.1 200", 12)) {
		fprintf(stderr, "not healthy: %.*s\n", (int)len, (char *)answer);
		abort();
	}
	free(answer);
}

void daemon_start(void)
{
	static struct options options;
	static char listen[160];
	char *argv[] = {(char *)"nakodo", (char *)"--listen", listen, (char *)"--web-root", folder,
		(char *)"--resume-seconds=1", (char *)"--message-rate=0", (char *)"--byte-rate=0",
		(char *)"--handshake-timeout=60", (char *)"--subprotocol=one",
		(char *)"--log-level=error"};
	char *environment[] = {NULL};
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct problem problem;
	pthread_t thread;

	rules_require(mkdtemp(folder) && here >= 0);
	snprintf(place.sun_path, sizeof(place.sun_path), "%s/socket", folder);
	snprintf(listen, sizeof(listen), "unix:%s", place.sun_path);
	atexit(clean);
	rules_require(!options_load(&options, sizeof(argv) / sizeof(*argv), argv, environment,
			      &problem) &&
		      !log_open("", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT));
	rules_require(!pthread_create(&thread, NULL, run, &options));
	check_health();
	/* The server goes to /; the fuzzer's corpus is where we came from. */
	rules_require(!fchdir(here));
	close(here);
}

unsigned char *daemon_ask(const void *bytes, size_t len, size_t *ret_len)
{
	static unsigned count;

	if (++count % CHECK_EVERY == 0) {
		check_health();
	}
	return ask(bytes, len, ret_len);
}

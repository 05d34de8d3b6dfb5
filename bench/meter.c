/* The CPU clock of a process is used rather than /proc/PID/stat (ticks of 10 ms) or the sum of
 * /proc/PID/task/.../schedstat (which forgets threads that have ended). */
#include "meter.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#define SECOND 1000000000u
#define CHILDREN 64 /* as many workers as nakodo has at most */

static uint64_t meter_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * SECOND + (uint64_t)t->tv_nsec;
}

uint64_t meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return meter_ns(&t);
}

static uint64_t cpu_of(pid_t pid)
{
	struct timespec t;
	clockid_t id;

	errno = clock_getcpuclockid(pid, &id);
	if (errno || clock_gettime(id, &t) < 0) {
		err(2, "CPU time of process %ld", (long)pid);
	}
	return meter_ns(&t);
}

/* Those that it has started and that live. */
static size_t children_of(pid_t pid, pid_t *ret_children, size_t most)
{
	char path[64];
	size_t count = 0;
	FILE *f;
	int child;

	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	f = pid ? fopen(path, "re") : NULL;
	while (f && count < most && fscanf(f, "%d", &child) == 1) {
		ret_children[count++] = child;
	}
	if (f) {
		fclose(f);
	}
	return count;
}

uint64_t meter_cpu(pid_t pid)
{
	pid_t children[CHILDREN];
	uint64_t sum = cpu_of(pid);

	for (size_t i = children_of(pid, children, CHILDREN); i; i--) {
		sum += meter_cpu(children[i - 1]);
	}
	return sum;
}

static double memory_of(pid_t pid)
{
	char path[64], line[256];
	unsigned long long kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid);
	f = fopen(path, "re");
	if (!f) {
		err(2, "%s", path);
	}
	while (!kib && fgets(line, sizeof line, f)) {
		sscanf(line, "Pss: %llu kB", &kib);
	}
	fclose(f);
	if (!kib) {
		errx(2, "%s tells no Pss", path);
	}
	return (double)kib * 1024;
}

double meter_memory(pid_t pid)
{
	pid_t children[CHILDREN];
	double sum = memory_of(pid);

	for (size_t i = children_of(pid, children, CHILDREN); i; i--) {
		sum += meter_memory(children[i - 1]);
	}
	return sum;
}

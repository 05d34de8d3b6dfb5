/* The CPU clock of a process is used rather than /proc/PID/stat (ticks of 10 ms) or the sum of
 * /proc/PID/task/.../schedstat (which forgets threads that have ended). */
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

static uint64_t meter_ns(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

uint64_t meter_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return meter_ns(&t);
}

int meter_cpu(pid_t pid, uint64_t *ret_ns)
{
	struct timespec t;
	clockid_t id;
	int error = clock_getcpuclockid(pid, &id);

	if (error) {
		return -error;
	}
	if (clock_gettime(id, &t) < 0) {
		return -errno;
	}
	*ret_ns = meter_ns(&t);
	return 0;
}

int meter_memory(pid_t pid, uint64_t *ret_bytes)
{
	char path[64], line[256];
	unsigned long long kib;
	int result = -ENODATA;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid);
	f = fopen(path, "re");
	if (!f) {
		return -errno;
	}
	while (fgets(line, sizeof line, f)) {
		if (sscanf(line, "Pss: %llu kB", &kib) == 1) {
			*ret_bytes = kib * 1024;
			result = 0;
			break;
		}
	}
	fclose(f);
	return result;
}

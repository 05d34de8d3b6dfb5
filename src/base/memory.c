/* memory: see the header. */
#include "nakodo/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/board.h"

/* A file with one number; anything else, such as "max", is no limit. */
static uint64_t read_limit(const char *path)
{
	FILE *file = fopen(path, "re");
	uint64_t limit = UINT64_MAX;

	if (file) {
		if (fscanf(file, "%" SCNu64, &limit) != 1) {
			limit = UINT64_MAX;
		}
		fclose(file);
	}
	return limit;
}

/* The least of the limits of a control group and of those above it. `group` is cut on the way. */
static uint64_t limit_of_group(const char *root, char *group, const char *name)
{
	uint64_t least = UINT64_MAX;
	char path[4352];

	for (;;) {
		char *slash = strrchr(group, '/');
		uint64_t limit;

		snprintf(path, sizeof(path), "%s%s/%s", root, group, name);
		limit = read_limit(path);
		least = limit < least ? limit : least;
		if (!slash) {
			return least;
		}
		*slash = '\0';
	}
}

/* Lines are HIERARCHY:CONTROLLERS:PATH; version 2 has one with no controllers. */
static uint64_t limit_of_line(char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group) {
		return UINT64_MAX;
	}
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (!strcmp(controllers, ":")) {
		return limit_of_group("/sys/fs/cgroup", group, "memory.max");
	}
	if (!strcmp(controllers, ":memory")) {
		return limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
	}
	return UINT64_MAX;
}

uint64_t memory_held(void)
{
	return board_sum(METER_MEMORY_CONNECTIONS) + board_sum(METER_MEMORY_FRAMES) +
	       board_sum(METER_MEMORY_RECEIVED) + board_sum(METER_MEMORY_ROOMS) +
	       board_sum(METER_MEMORY_ANSWERS) + board_sum(METER_MEMORY_EVENTS);
}

uint64_t memory_available(void)
{
	uint64_t least = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/cgroup", "re");
	char line[4096];

	while (file && fgets(line, sizeof(line), file)) {
		uint64_t limit = limit_of_line(line);

		least = limit < least ? limit : least;
	}
	if (file) {
		fclose(file);
	}
	return least;
}

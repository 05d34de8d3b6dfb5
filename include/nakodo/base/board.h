/*
 * board: what several processes count together: the meters and histograms of each, in memory that
 * all of them see. Each writes its own row only, so that an add costs what it costs without.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nakodo/base/histogram.h"
#include "nakodo/base/meter.h"

/* Memory for the rows of so many processes: a descriptor, or -errno. */
int board_create(size_t count);
/* From now on this process counts in that row, and what it has counted is there too. `fd` stays the
 * caller's. 0 or -errno. */
int board_join(int fd, size_t count, size_t row);
/* The process of that row has ended: what it had is gone, what it has counted stays, and what
 * waited in its queues is dropped. */
void board_leave(size_t row);

/* Of all processes; without a board, of this one. */
uint64_t board_sum(enum meter meter);
/* Of the others; without a board 0. */
uint64_t board_elsewhere(enum meter meter);
struct histogram_values board_histogram(enum histogram histogram);
/* Processor time of all of them, ns; of those that have ended as well. */
uint64_t board_processor_time(void);
/* A hash that is the same in all of them, by a key that nobody else knows. */
uint64_t board_hash(const void *bytes, size_t len);
/* The process of the first row; without a board, this one. */
pid_t board_pid(void);
/* When it was made, seconds since 1970. */
int64_t board_started(void);

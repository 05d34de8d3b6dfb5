/* board: owns the memory that the processes share. Rows are read while others write them: each
 * number is right by itself. */
#include "nakodo/base/board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/ids.h"

struct row {
	_Alignas(64) uint64_t meters[METER_COUNT];
	struct histogram_values histograms[HISTOGRAM_COUNT];
	pid_t pid; /* 0: nobody's */
	uint64_t spent; /* ns of processor time, of those that had the row before */
};

/* What is shared: a key for hashes that come out alike in all of them, and the rows. */
struct board {
	_Alignas(64) unsigned char key[HASH_KEY_SIZE];
	int64_t started;
	struct row rows[];
};

static struct board *board;
static struct row *rows;
static size_t row_count;

static size_t size_of(size_t count)
{
	return sizeof(struct board) + count * sizeof(struct row);
}

int board_create(size_t count)
{
	int fd = memfd_create("nakodo.board", MFD_CLOEXEC), error = 0;
	unsigned char key[HASH_KEY_SIZE];
	int64_t now = time(NULL);

	if (fd < 0) {
		return -errno;
	}
	ids_random(key, sizeof(key));
	if (ftruncate(fd, (off_t)size_of(count)) || write(fd, key, sizeof(key)) != sizeof(key) ||
		write(fd, &now, sizeof(now)) != sizeof(now)) {
		error = -errno;
		close(fd);
	}
	return error ? error : fd;
}

int board_join(int fd, size_t count, size_t row)
{
	void *map = mmap(NULL, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		return -errno;
	}
	board = map;
	rows = board->rows;
	row_count = count;
	for (int i = 0; i < METER_COUNT; i++) {
		rows[row].meters[i] += meter_values[i];
	}
	rows[row].pid = getpid();
	meter_values = rows[row].meters;
	histogram_values = rows[row].histograms;
	return 0;
}

/* 0 as well for one that has ended. */
static uint64_t time_of(pid_t pid)
{
	struct timespec spent;
	clockid_t clock;

	if (!pid || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &spent)) {
		return 0;
	}
	return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

void board_leave(size_t row)
{
	/* It is not waited for yet, so its clock is still there. */
	uint64_t spent = time_of(rows[row].pid);

	rows[row].pid = 0;
	rows[row].spent += spent;
	for (int i = 0; i < METER_COUNT; i++) {
		if (meter_rows[i].kind == METER_GAUGE) {
			rows[row].meters[i] = 0;
		}
	}
	/* One that was killed has queued what it will neither write nor drop. */
	rows[row].meters[METER_MESSAGES_DROPPED] =
		rows[row].meters[METER_MESSAGES_QUEUED] - rows[row].meters[METER_MESSAGES_OUT];
}

uint64_t board_sum(enum meter meter)
{
	uint64_t sum = 0;

	if (!rows) {
		return meter_values[meter];
	}
	for (size_t i = 0; i < row_count; i++) {
		sum += rows[i].meters[meter];
	}
	return sum;
}

uint64_t board_elsewhere(enum meter meter)
{
	return board_sum(meter) - meter_values[meter];
}

struct histogram_values board_histogram(enum histogram histogram)
{
	struct histogram_values sum = {0};

	if (!rows) {
		return histogram_values[histogram];
	}
	for (size_t i = 0; i < row_count; i++) {
		const struct histogram_values *one = &rows[i].histograms[histogram];

		sum.sum += one->sum;
		for (int bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
			sum.counts[bucket] += one->counts[bucket];
		}
	}
	return sum;
}

uint64_t board_processor_time(void)
{
	uint64_t sum = rows ? 0 : time_of(getpid());

	for (size_t i = 0; i < row_count; i++) {
		sum += rows[i].spent + time_of(rows[i].pid);
	}
	return sum;
}

uint64_t board_hash(const void *bytes, size_t len)
{
	return hash_keyed(board->key, bytes, len);
}

pid_t board_pid(void)
{
	return rows ? rows->pid : getpid();
}

int64_t board_started(void)
{
	return board->started;
}

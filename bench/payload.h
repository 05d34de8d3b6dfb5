/* The message that goes round: a JSON object with a string `type`, as a signaling server wants it,
 * that says where and when it was sent. */
#ifndef BENCH_PAYLOAD_H
#define BENCH_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_MIN 100
#define PAYLOAD_MAX 60000

struct payload_stamp {
	uint64_t seq;
	uint64_t time;
};

/* Writes a message of `len` bytes (PAYLOAD_MIN..PAYLOAD_MAX) for a room, with an empty stamp. */
void payload_write(char *out, size_t len, unsigned room);

/* Puts the stamp into a message that is masked already (wire.h). */
void payload_stamp(unsigned char *masked, const struct payload_stamp *stamp);

/* Compares a message with the one that payload_write() made for its room, byte for byte but for
 * the stamp; false when they differ. */
bool payload_read(const unsigned char *data, size_t len, const char *original, size_t original_len,
	struct payload_stamp *ret_stamp);

#endif

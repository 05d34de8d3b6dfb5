/*
 * fuzz session: against the plain model of a list that forgets nothing. Each byte of the input is a
 * step; what the session keeps, refuses and tells must be what the model says.
 *
 * The first three bytes are the limits: messages, and bytes in steps of 16.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/hub/frame.h"
#include "nakodo/hub/session.h"

#define STEPS_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct session_limits limits;
	struct session session;
	size_t lens[STEPS_MAX +
		    1]; /* of message n with its header; 0: there was no memory for it */
	uint64_t sent, acked, received, told;
	uint64_t first; /* kept message; sent + 1: none */
} world;

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static size_t kept_bytes(void)
{
	size_t bytes = 0;

	for (uint64_t n = world.first; n <= world.sent; n++) {
		bytes += world.lens[n];
	}
	return bytes;
}

/* Message n says its number, in as many bytes as asked for. */
static void send(size_t len)
{
	static unsigned char payload[1024];
	struct iovec part = {payload, 8 + len};
	uint64_t n = ++world.sent;
	struct frame *frame;
	bool forgot = false;

	memcpy(payload, &n, sizeof(n));
	frame = frame_create(FRAME_BINARY, &part, 1);
	require(frame != NULL);
	world.lens[n] = frame->len;
	while (world.sent + 1 - world.first > world.limits.messages ||
		kept_bytes() > world.limits.bytes) {
		world.first++;
		forgot = true;
	}
	require(session_push(&world.session, frame) == !forgot);
	frame_unref(frame);
}

static void send_without_memory(void)
{
	world.lens[++world.sent] = 0;
	world.first = world.sent + 1;
	require(!session_push(&world.session, NULL));
}

static void ack(uint64_t n)
{
	bool good = n <= world.sent;

	require(!session_ack(&world.session, n) == good);
	if (good && n > world.acked) {
		world.acked = n;
		world.first = world.first > n ? world.first : n + 1;
	}
}

static void receive(void)
{
	world.received++;
	require(session_receive(&world.session) ==
		(world.received - world.told >= SESSION_ACK_EVERY));
}

static void restart(void)
{
	session_finish(&world.session);
	world.sent = world.acked = world.received = world.told = 0;
	world.first = 1;
}

static void step(uint8_t byte)
{
	uint8_t value = byte >> 3;

	switch (byte & 7) {
	case 0:
	case 1:
		send(value * (byte & 1 ? 24u : 1u));
		break;
	case 2:
		ack(world.acked + value); /* also above what was sent */
		break;
	case 3:
		ack(world.sent > value ? world.sent - value : 0);
		break;
	case 4:
	case 5:
		receive();
		break;
	case 6:
		world.told = world.received;
		require(session_tell(&world.session) == world.told);
		break;
	default:
		if (value == 0) {
			restart();
		} else if (value == 1) {
			session_restart_received(&world.session);
			world.received = world.told = 0;
		} else if (value == 2) {
			send_without_memory();
		}
	}
}

static void check(void)
{
	const struct session *session = &world.session;

	require(session->sent == world.sent && session->acked == world.acked);
	require(session->kept.count == world.sent + 1 - world.first);
	require(session->kept.bytes == kept_bytes());
	require(session->kept.count || !session->kept.room);
	for (unsigned i = 0; i < session->kept.count; i++) {
		const struct frame *frame = session_kept(session, i);
		uint64_t n;

		memcpy(&n,
			frame->bytes + frame->len -
				(world.lens[world.first + i] - 2 > 125
						? world.lens[world.first + i] - 4
						: world.lens[world.first + i] - 2),
			sizeof(n));
		require(n == world.first + i && frame->refs == 1);
	}
	for (uint64_t n = world.first > 3 ? world.first - 3 : 0; n <= world.sent + 2; n++) {
		require(session_can_resume(session, n) ==
			(n + 1 >= world.first && n <= world.sent));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memset(&world, 0, sizeof(world));
	if (size < 3) {
		return 0;
	}
	world.limits.messages = data[0];
	world.limits.bytes = (size_t)(data[1] | data[2] << 8) * 16;
	session_init(&world.session, &world.limits);
	world.first = 1;
	for (size_t i = 3; i < size && i < STEPS_MAX; i++) {
		step(data[i]);
		check();
	}
	session_finish(&world.session);
	return 0;
}

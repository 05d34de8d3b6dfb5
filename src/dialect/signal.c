/*
 * signal: the plain relay for offers, answers and candidates. A JSON object with a string `type`
 * goes byte for byte to every other peer of the room; anything else is answered to its sender and
 * goes nowhere. docs/protocols/plain.md is the page for users.
 */
#include <errno.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/plain.h"

static const char bad_json[] = "{\"type\":\"error\",\"code\":\"bad-json\",\"message\":"
			       "\"The message is not one complete JSON value.\"}";
static const char bad_message[] =
	"{\"type\":\"error\",\"code\":\"bad-message\",\"message\":"
	"\"The message must be a JSON object with one member type, a string.\"}";
static const char room_full[] = "{\"type\":\"error\",\"code\":\"room-full\",\"message\":"
				"\"The room is full.\"}";

static void answer(struct peer *peer, const char *text)
{
	hub_send_text(peer, &PART_OF(text), 1);
}

static int signal_start(struct mount *mount, struct problem *problem)
{
	return plain_check(mount, (const char *const[]){"frames", NULL}, problem);
}

static void signal_open(struct peer *peer, const struct request *request)
{
	if (plain_join(peer, request) == -ENOSPC) {
		answer(peer, room_full);
		hub_close(peer, PLAIN_CLOSE_ROOM_FULL, "room full");
	}
}

static void signal_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	struct json_member type = {.name = "type"};
	struct iovec part = PART_BYTES(data, len);
	struct message message;

	switch (json_scan(data, len, &type, 1)) {
	case JSON_BAD:
		meter_add(METER_MESSAGES_WRONG, 1);
		answer(peer, bad_json);
		return;
	case JSON_OK:
		if (type.value.kind == JSON_STRING) {
			break;
		}
		/* fall through */
	default:
		meter_add(METER_MESSAGES_WRONG, 1);
		answer(peer, bad_message);
		return;
	}
	message_init(&message, &part, 1, binary, true);
	hub_publish(peer->seats->room, &message, peer);
	message_finish(&message);
}

const struct dialect dialect_signal = {
	.name = "signal",
	.subprotocols = true,
	.room_in_query = true,
	.room_in_path = true,
	.start = signal_start,
	.open = signal_open,
	.message = signal_message,
	.close = plain_close,
};

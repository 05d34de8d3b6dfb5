/*
 * relay, chat: any message, text or binary, to the peers of the room; chat includes its sender.
 * docs/protocols/plain.md is the page for users.
 */
#include <errno.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/plain.h"

static int relay_start(struct mount *mount, struct problem *problem)
{
	return plain_check(mount, (const char *const[]){"frames", NULL}, problem);
}

static void relay_open(struct peer *peer, const struct request *request)
{
	if (plain_join(peer, request) == -ENOSPC) {
		hub_close(peer, PLAIN_CLOSE_ROOM_FULL, "room full");
	}
}

static void publish(struct peer *peer, const char *data, size_t len, bool binary, bool to_sender)
{
	struct iovec part = PART_BYTES(data, len);
	struct message message;

	message_init(&message, &part, 1, binary, false);
	hub_publish(peer->seats->room, &message, to_sender ? NULL : peer);
	message_finish(&message);
}

static void relay_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	publish(peer, data, len, binary, false);
}

static void chat_message(struct peer *peer, const char *data, size_t len, bool binary)
{
	publish(peer, data, len, binary, true);
}

const struct dialect dialect_relay = {
	.name = "relay",
	.subprotocols = true,
	.room_in_query = true,
	.room_in_path = true,
	.start = relay_start,
	.open = relay_open,
	.message = relay_message,
	.close = plain_close,
};

const struct dialect dialect_chat = {
	.name = "chat",
	.subprotocols = true,
	.room_in_query = true,
	.room_in_path = true,
	.start = relay_start,
	.open = relay_open,
	.message = chat_message,
	.close = plain_close,
};

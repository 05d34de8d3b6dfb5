/*
 * fuzz saved: what an earlier process is said to have left, whoever wrote it. First as it comes;
 * then with its checks made right, so that what the records say is looked at. Taken over, it must
 * be a hub in order, in which participants come, talk and leave, and which can be saved again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/saved.h"
#include "nakodo/base/wheel.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "rules.h"

#define ROOMS 8 /* that somebody comes to */
#define A_DAY (UINT64_C(86400) * 1000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct hub *hub;
	struct dialect_table *mounts;
	struct wheel wheel;
	uint64_t now;
	struct peer peers[ROOMS];
} world;

static const struct mount *mount_of(const char *path)
{
	const char *room;

	return dialect_table_route(world.mounts, path, &room);
}

static uint64_t host_now(void *cookie)
{
	(void)cookie;
	return world.now;
}

static void host_set_timer(void *cookie, struct wheel_timer *timer, uint64_t delay, wheel_fn *fn)
{
	(void)cookie;
	wheel_set(&world.wheel, timer, world.now + delay, fn);
}

static void host_clear_timer(void *cookie, struct wheel_timer *timer)
{
	(void)cookie;
	wheel_clear(&world.wheel, timer);
}

static void begin(void)
{
	static const struct hub_host host = {host_now, host_set_timer, host_clear_timer, NULL};
	static const struct hub_limits limits = {256, 256 * 1024};
	static struct options options;
	static const struct dialect_env env = {.options = &options};
	static char *const argv[] = {(char *)"nakodo"}, *const environment[] = {NULL};
	struct problem problem;

	if (!options.mount.count) {
		rules_require(!options_load(&options, 1, argv, environment, &problem));
		options.resume_bytes = UINT32_MAX;
		options.resume_messages = UINT32_MAX;
	}
	memset(&world, 0, sizeof(world));
	world.hub = hub_create(&limits);
	rules_require(world.hub != NULL);
	hub_set_host(world.hub, &host);
	wheel_init(&world.wheel, 0);
	rules_require(
		!dialect_table_create(&world.mounts, world.hub, &env, &options.mount, &problem));
}

static void on_leave(struct peer *peer)
{
	dialect_nakodo_v1.close(peer);
}

static void look(const struct mount *mount)
{
	const struct room *room = hub_first_room(mount->space);

	for (; room; room = room->hh.next) {
		rules_room((struct room *)room);
	}
}

static void visit(const struct mount *mount)
{
	static const char *const arguments[] = {NULL};
	static const char chat[] = "{\"type\":\"chat\",\"text\":\"hello\"}";
	const struct room *room = hub_first_room(mount->space);

	for (size_t i = 0; i < ROOMS && room; i++, room = room->hh.next) {
		struct request request = {
			.mount = mount, .room = room->name, .arguments = arguments};
		struct peer *peer = &world.peers[i];

		hub_open(world.hub, peer, i + 1, on_leave);
		dialect_nakodo_v1.open(peer, &request);
		if (peer->state == PEER_OPEN) {
			dialect_nakodo_v1.message(peer, chat, sizeof(chat) - 1, false);
		}
	}
	look(mount);
}

static void leave(void)
{
	for (size_t i = 0; i < ROOMS; i++) {
		if (world.peers[i].hub) {
			hub_drop(&world.peers[i]);
		}
	}
}

static char *save(size_t *ret_len)
{
	char *bytes;
	FILE *out = open_memstream(&bytes, ret_len);
	struct save save;

	save_init(&save, out);
	dialect_table_save(world.mounts, &save);
	rules_require(!save_finish(&save));
	fclose(out);
	return bytes;
}

static bool restore(const void *bytes, size_t len)
{
	struct saved saved;

	return !saved_open(&saved, bytes, len) &&
	       !dialect_table_restore(world.mounts, &saved, len % 20000);
}

static void end(void)
{
	leave();
	dialect_table_destroy(world.mounts);
	hub_destroy(world.hub);
	for (int i = 0; i < WHEEL_SLOTS; i++) {
		rules_require(!world.wheel.slots[i]);
	}
}

static void take_over(const void *bytes, size_t len)
{
	const struct mount *mount;
	char *again;

	begin();
	mount = mount_of("/v1/r");
	if (restore(bytes, len)) {
		look(mount);
		again = save(&len);
		end();
		begin();
		mount = mount_of("/v1/r");
		rules_require(restore(again, len));
		free(again);
		visit(mount);
		leave();
		world.now += A_DAY;
		wheel_run(&world.wheel, world.now);
	}
	rules_require(!hub_first_room(mount->space)); /* nobody came in, or all have left */
	end();
}

static size_t number(const uint8_t *at)
{
	return at[0] | at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/* The same records with checks that are right. */
static char *make_right(const uint8_t *data, size_t size, size_t *ret_len)
{
	const uint8_t *at = data + SAVE_MAGIC_SIZE, *end = data + size;
	char *bytes;
	FILE *out = open_memstream(&bytes, ret_len);
	struct save save;

	save_init(&save, out);
	while (size >= SAVE_MAGIC_SIZE && end - at >= SAVE_HEAD) {
		size_t len = number(at), kind = number(at + 4);

		at += SAVE_HEAD;
		len = len < (size_t)(end - at) ? len : (size_t)(end - at);
		if (kind != SAVE_LAST) {
			save_begin(&save, (enum save_kind)kind);
			text_add_bytes(&save.record, at, len);
			save_end(&save);
		}
		at += len;
	}
	rules_require(!save_finish(&save));
	fclose(out);
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	char *right = make_right(data, size, &len);

	take_over(data, size);
	take_over(right, len);
	free(right);
	return 0;
}

/* verbs: see the header. Lists are made in pieces of which each costs the loop little. */
#include "nakodo/net/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/json.h"
#include "nakodo/base/log.h"
#include "nakodo/dialect/all_rooms.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/cluster/showing.h"
#include "nakodo/net/http/status.h"
#include "nakodo/net/reload.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/conn_walk.h"
#include "nakodo/net/workers/inquiry.h"

#define ROWS 100 /* of one piece */
#define LOOKED_AT 1000 /* connections at most for one piece, of those that are not listed */
#define KICKED 4403

/* As a JSON string of a name or a path. */
static void add_text(struct text *out, const char *text)
{
	char quoted[JSON_QUOTED(512)];

	text_add(out, json_quote(text, quoted, sizeof(quoted)) < 0 ? "\"\"" : quoted);
}

static const char *path_of(const struct mount *mount)
{
	return mount && mount->path ? mount->path : "*";
}

/* Without the brace at its end. */
static void add_status(const struct server *server, struct text *out)
{
	text_add(out, "{");
	status_print(out, &server->sockets, server->pages.started);
}

static int run_status(void *cookie, struct ctl_call *call)
{
	add_status(cookie, &call->out);
	text_add(&call->out, "}\n");
	return 0;
}

static int run_top(void *cookie, struct ctl_call *call)
{
	add_status(cookie, &call->out);
	status_print_work(&call->out);
	text_add(&call->out, "}\n");
	return 0;
}

static int no_memory(struct ctl_call *call)
{
	return problem_set(&call->problem, -ENOMEM, "out of memory");
}

static int run_rooms(void *cookie, struct ctl_call *call)
{
	const struct server *server = cookie;
	struct all_rooms *rooms = call->state;

	if (!rooms) {
		rooms = call->state = calloc(1, sizeof(*rooms));
		if (!rooms) {
			return no_memory(call);
		}
		all_rooms_begin(rooms, server->dialects);
	}
	for (int i = 0; i < ROWS; i++) {
		const struct room *room = all_rooms_next(rooms);

		if (!room) {
			return 0;
		}
		text_add(&call->out, "{\"mount\":");
		add_text(&call->out, rooms->path);
		text_add(&call->out, ",\"room\":");
		add_text(&call->out, room->name);
		text_print(&call->out, ",\"members\":%zu}\n", room->count);
	}
	return 1;
}

static void end_rooms(struct ctl_call *call)
{
	struct all_rooms *rooms = call->state;

	if (rooms) {
		all_rooms_end(rooms);
	}
	free(rooms);
}

/* The next seat of the peer behind that one (NULL: the first). NULL: no more. */
static const struct member *next_seat(const struct conn *conn, const struct member *seat)
{
	const struct dialect *dialect = conn->mount->dialect;

	if (seat) {
		return seat->peer ? seat->seat_next : NULL;
	}
	return conn->peer.seats || !dialect->seat ? conn->peer.seats : dialect->seat(&conn->peer);
}

static void add_peer(struct text *out, const struct server *server, const struct conn *conn,
	const struct member *seat)
{
	char address[ADDRESS_TEXT];
	uint64_t now = uv_now(&server->loop);

	text_print(out, "{\"peer\":%" PRIu64 ",\"address\":\"%s\",\"mount\":", conn->peer.id,
		address_format(&conn->address, address));
	add_text(out, path_of(conn->mount));
	text_print(out, ",\"silent\":%" PRIu64 ",\"waiting\":%zu",
		now > conn->peer.heard ? (now - conn->peer.heard) / 1000 : 0,
		(size_t)conn->peer.outbox.bytes);
	if (seat) {
		text_add(out, ",\"room\":");
		add_text(out, seat->room->name);
	}
	if (seat && seat->id) {
		text_add(out, ",\"id\":");
		add_text(out, seat->id);
	}
	text_add(out, "}\n");
}

static bool is_open(const struct conn *conn)
{
	return conn->stage >= CONN_ADMITTED && conn->peer.state == PEER_OPEN;
}

/* One line for each seat, or one for who has none. How many. */
static int add_seats(struct ctl_call *call, const struct server *server, const struct conn *conn)
{
	const struct member *seat = next_seat(conn, NULL);
	int count = 0;

	if (!seat && !call->argument) {
		add_peer(&call->out, server, conn, NULL);
		return 1;
	}
	for (; seat; seat = next_seat(conn, seat)) {
		if (!call->argument || !strcmp(seat->room->name, call->argument)) {
			add_peer(&call->out, server, conn, seat);
			count++;
		}
	}
	return count;
}

static int run_peers(void *cookie, struct ctl_call *call)
{
	struct server *server = cookie;
	struct conn_walk *walk = call->state;
	int rows = 0;

	if (!walk) {
		walk = call->state = calloc(1, sizeof(*walk));
		if (!walk) {
			return no_memory(call);
		}
		conn_walk_begin(walk, &server->sockets);
	}
	for (int i = 0; i < LOOKED_AT && rows < ROWS; i++) {
		const struct conn *conn = conn_walk_next(walk);

		if (!conn) {
			return 0;
		}
		rows += is_open(conn) ? add_seats(call, server, conn) : 0;
	}
	return 1;
}

static void end_peers(struct ctl_call *call)
{
	struct conn_walk *walk = call->state;

	if (walk) {
		conn_walk_end(walk);
	}
	free(walk);
}

static int run_kick(void *cookie, struct ctl_call *call)
{
	struct server *server = cookie;
	struct conn *conn = server->sockets.conns;
	char *end;
	uint64_t id;

	errno = 0;
	id = strtoull(call->argument, &end, 10);
	if (errno || *end || *call->argument < '0' || *call->argument > '9') {
		return problem_set(&call->problem, -EINVAL,
			"a peer is said by its number, which `nakodo ctl peers` shows");
	}
	while (conn && !(is_open(conn) && conn->peer.id == id)) {
		conn = conn->next;
	}
	if (!conn) {
		return problem_set(&call->problem, -ESRCH, "there is no peer %" PRIu64, id);
	}
	log_info("ctl.kick", LOG_UINT("conn", id));
	if (conn->mount->dialect->kick) {
		conn->mount->dialect->kick(&conn->peer);
	}
	hub_close(&conn->peer, KICKED, "sent away by the administrator");
	return 0;
}

/* At each mount that has such a room and knows locks. */
static int set_lock(const struct server *server, struct ctl_call *call, bool locked)
{
	const struct mount *mount;
	size_t count = 0;

	for (size_t i = 0; (mount = dialect_table_at(server->dialects, i)); i++) {
		struct room *room =
			mount->dialect->lock ? hub_room(mount->space, call->argument) : NULL;

		if (room) {
			mount->dialect->lock(room, locked);
			count++;
		}
	}
	if (!count) {
		return problem_set(&call->problem, -ESRCH,
			"nobody is in such a room of nakodo.v1; `nakodo ctl rooms` lists those "
			"that there are");
	}
	log_info(locked ? "ctl.lock" : "ctl.unlock", LOG_STR("room", call->argument));
	return 0;
}

static int run_lock(void *cookie, struct ctl_call *call)
{
	return set_lock(cookie, call, true);
}

static int run_unlock(void *cookie, struct ctl_call *call)
{
	return set_lock(cookie, call, false);
}

static int run_log_level(void *cookie, struct ctl_call *call)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	(void)cookie;
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (!strcmp(call->argument, levels[i])) {
			log_info("ctl.log-level", LOG_STR("level", levels[i]));
			log_set_threshold((enum log_level)i);
			return 0;
		}
	}
	return problem_set(
		&call->problem, -EINVAL, "the level is one of error, warn, info and debug");
}

static int run_reload(void *cookie, struct ctl_call *call)
{
	struct server *server = cookie;

	if (server->gate.draining) {
		return problem_set(&call->problem, -EBUSY, "the daemon is stopping");
	}
	return reload_run(server, &call->problem);
}

static int run_drain(void *cookie, struct ctl_call *call)
{
	struct server *server = cookie;

	if (server->gate.draining) {
		return problem_set(&call->problem, -EALREADY, "the daemon is stopping already");
	}
	lifecycle_drain(server);
	return 0;
}

static int run_cluster(void *cookie, struct ctl_call *call)
{
	return showing_nodes(&((struct server *)cookie)->cluster, call);
}

static int run_units(void *cookie, struct ctl_call *call)
{
	return showing_units(&((struct server *)cookie)->cluster, call);
}

const struct ctl_action verb_actions[VERB_COUNT] = {
	[VERB_STATUS] = {run_status, NULL},
	[VERB_TOP] = {run_top, NULL},
	[VERB_ROOMS] = {run_rooms, end_rooms},
	[VERB_PEERS] = {run_peers, end_peers},
	[VERB_KICK] = {run_kick, NULL},
	[VERB_LOCK] = {run_lock, NULL},
	[VERB_UNLOCK] = {run_unlock, NULL},
	[VERB_LOG_LEVEL] = {run_log_level, NULL},
	[VERB_RELOAD] = {run_reload, NULL},
	[VERB_DRAIN] = {run_drain, NULL},
	[VERB_CLUSTER] = {run_cluster, showing_nodes_end},
	[VERB_UNITS] = {run_units, showing_units_end},
};

static int ask_rooms(void *cookie, struct ctl_call *call)
{
	return inquiry_run(&((struct server *)cookie)->workers, VERB_ROOMS, call);
}

static int ask_peers(void *cookie, struct ctl_call *call)
{
	return inquiry_run(&((struct server *)cookie)->workers, VERB_PEERS, call);
}

static int ask_kick(void *cookie, struct ctl_call *call)
{
	return inquiry_run(&((struct server *)cookie)->workers, VERB_KICK, call);
}

static int ask_lock(void *cookie, struct ctl_call *call)
{
	return inquiry_run(&((struct server *)cookie)->workers, VERB_LOCK, call);
}

static int ask_unlock(void *cookie, struct ctl_call *call)
{
	return inquiry_run(&((struct server *)cookie)->workers, VERB_UNLOCK, call);
}

static int ask_log_level(void *cookie, struct ctl_call *call)
{
	int error = call->state ? 0 : run_log_level(cookie, call);

	return error ? error
		     : inquiry_run(&((struct server *)cookie)->workers, VERB_LOG_LEVEL, call);
}

const struct ctl_action verb_first_actions[VERB_COUNT] = {
	[VERB_STATUS] = {run_status, NULL},
	[VERB_TOP] = {run_top, NULL},
	[VERB_ROOMS] = {ask_rooms, inquiry_end},
	[VERB_PEERS] = {ask_peers, inquiry_end},
	[VERB_KICK] = {ask_kick, inquiry_end},
	[VERB_LOCK] = {ask_lock, inquiry_end},
	[VERB_UNLOCK] = {ask_unlock, inquiry_end},
	[VERB_LOG_LEVEL] = {ask_log_level, inquiry_end},
	[VERB_RELOAD] = {run_reload, NULL},
	[VERB_DRAIN] = {run_drain, NULL},
	[VERB_CLUSTER] = {run_cluster, showing_nodes_end},
	[VERB_UNITS] = {run_units, showing_units_end},
};

/* gate: see the header. */
#include "nakodo/net/gate/gate.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/base/board.h"
#include "nakodo/base/machine.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/gate/head.h"
#include "nakodo/net/gate/proxies.h"
#include "nakodo/net/tls/tls.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt_keys.h"

/* µs of bytes or messages that each of those who were there at once may owe on average, when they
 * have left, before their address is turned away: two bursts. */
#define DEBT_MAX UINT64_C(8000000)

static const struct refusal no_refusal;

static struct refusal refuse(int status, const char *code, const char *message, const char *option)
{
	return (struct refusal){
		.status = status, .code = code, .message = message, .option = option};
}

uint64_t gate_max_memory(const struct options *options)
{
	return options->max_memory ? options->max_memory : memory_available() / 4;
}

int gate_init(struct gate *gate, const struct options *options, struct dialect_table *dialects)
{
	*gate = (struct gate){.options = options,
		.dialects = dialects,
		.census = census_create(),
		.max_peers = options->max_peers,
		.processes = 1,
		.max_memory = gate_max_memory(options)};
	return gate->census ? 0 : -ENOMEM;
}

void gate_finish(struct gate *gate)
{
	census_destroy(gate->census);
	jwt_keys_destroy(gate->keys);
}

/* guard request-line: libwebsockets ends the line at a %0d or %0a in the URL and takes what follows
 * for a header, by which a page could forge its own Origin. The version is missing then, or cut
 * short if it came as what libwebsockets takes for a header of that name (server.c). */
static struct refusal check_request_line(const struct head *head)
{
	if (!head->protocol || strncmp(head->protocol, "HTTP/1.", strlen("HTTP/1.")) != 0) {
		return refuse(400, "bad-request", "The request line is not one of HTTP/1.1.", NULL);
	}
	if (head->has_null) {
		return refuse(400, "bad-request", "A null byte is part of no query here.", NULL);
	}
	return no_refusal;
}

static struct refusal check_host(
	const struct gate *gate, const struct gate_door *door, const char *host)
{
	if (!host || !admit_host_is_valid(host)) {
		return refuse(400, "bad-host", "The Host header must name one host.", NULL);
	}
	if (door->loopback && !admit_loopback_host(host, &gate->options->server_name)) {
		return refuse(403, "bad-host", "This server does not answer to that host name.",
			"server-name");
	}
	return no_refusal;
}

/* Behind a trusted proxy the client's address is what the proxy says. libwebsockets can be made to
 * lose the header, so a request without it is refused and never taken for the proxy's own. */
static struct refusal find_client(const struct options *options, const struct gate_door *door,
	const char *forwarded_for, struct address *client)
{
	struct address address;

	if (door->direct || !proxies_has(options, client)) {
		return no_refusal;
	}
	if (!forwarded_for || !proxies_find_client(&address, options, forwarded_for)) {
		return refuse(400, "bad-proxy",
			"A trusted proxy must name the client in X-Forwarded-For.",
			"trusted-proxy");
	}
	*client = address;
	return no_refusal;
}

struct refusal gate_check_request(const struct gate *gate, const struct gate_door *door,
	const struct head *head, struct address *client)
{
	struct refusal refusal = check_request_line(head);

	if (!refusal.status) {
		refusal = check_host(gate, door, head->host);
	}
	return refusal.status ? refusal
			      : find_client(gate->options, door, head->forwarded_for, client);
}

/* Is Host ours, so that a page of that name is one of our pages? Any site can make a name of its
 * own lead to us (DNS rebinding). On a loopback listener check_host() has seen to it. */
static bool is_our_host(const struct gate *gate, const struct gate_door *door, const char *host)
{
	char name[256];

	if (door->loopback || admit_host_is_address(host) ||
		admit_loopback_host(host, &gate->options->server_name)) {
		return true;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(host, ":"), host);
	return machine_has_name(name) || tls_has_name(gate->tls, name);
}

uint64_t gate_memory_share(const struct gate *gate)
{
	uint64_t most = gate->max_memory, part = most / gate->processes;
	uint64_t elsewhere = memory_held() - memory_used();
	uint64_t left = most > elsewhere ? most - elsewhere : 0;

	return left > part ? left : part;
}

bool gate_is_short_of_memory(const struct gate *gate)
{
	return gate->short_of_memory && memory_held() > gate->max_memory;
}

/* Kept places do not count: they give way. */
bool gate_is_full(const struct gate *gate)
{
	bool is_short = gate->short_of_memory || board_elsewhere(METER_MEMORY_SHORT);

	return (is_short && memory_held() > gate->max_memory) ||
	       gate->peers + board_elsewhere(METER_PEERS) >= gate->max_peers;
}

static enum admit_match match_of(
	const struct gate *gate, const struct gate_door *door, const char *host)
{
	if (door->loopback) {
		return ADMIT_NAME;
	}
	if (!is_our_host(gate, door, host)) {
		return ADMIT_NONE;
	}
	return door->proxied ? ADMIT_PORT : door->tls ? ADMIT_HTTPS : ADMIT_HTTP;
}

static struct refusal refuse_host(void)
{
	return refuse(403, "bad-host", "This server does not know itself by that host name.",
		"server-name");
}

struct refusal gate_check_private(
	const struct gate *gate, const struct gate_door *door, const struct head *head)
{
	if (!is_our_host(gate, door, head->host)) {
		return refuse_host();
	}
	if (admit_origin_one(
		    "same-host", head->origin, head->host, match_of(gate, door, head->host))) {
		return no_refusal;
	}
	return refuse(403, "bad-origin", "Only this server's own pages may read this.", NULL);
}

bool gate_admits_origin(
	const struct gate *gate, const struct gate_door *door, const struct head *head)
{
	enum admit_match match;

	if (!head->origin) {
		return true;
	}
	match = match_of(gate, door, head->host);
	return *door->origin
		       ? admit_origin_one(door->origin, head->origin, head->host, match)
		       : admit_origin(&gate->options->origin, head->origin, head->host, match);
}

static struct refusal check_origin(
	const struct gate *gate, const struct gate_door *door, const struct head *head)
{
	if (gate_admits_origin(gate, door, head)) {
		return no_refusal;
	}
	if (admit_origin_one("same-host", head->origin, head->host, ADMIT_NAME) &&
		!is_our_host(gate, door, head->host)) {
		return refuse_host();
	}
	return refuse(403, "bad-origin", "Pages of that origin may not connect here.", "origin");
}

/* A browser names no Origin to a page's own server; whether that is ours only Host says, unless any
 * page may join. */
static bool is_rebound(
	const struct gate *gate, const struct gate_door *door, const struct head *head)
{
	struct head other = *head;

	other.origin = "some://page";
	return !head->origin && !is_our_host(gate, door, head->host) &&
	       !gate_admits_origin(gate, door, &other);
}

struct refusal gate_check_page(
	const struct gate *gate, const struct gate_door *door, const struct head *head)
{
	return is_rebound(gate, door, head) ? refuse_host() : check_origin(gate, door, head);
}

struct refusal gate_check_joiner(struct gate *gate, const struct gate_door *door,
	const struct head *head, const struct mount *mount, const char *room,
	struct grant **ret_grant)
{
	struct refusal refusal = gate_check_page(gate, door, head);

	*ret_grant = NULL;
	return refusal.status ? refusal : bearer_check(gate, door, head, mount, room, ret_grant);
}

const struct mount *gate_route(const struct gate *gate, const struct gate_door *door,
	const char *path, const char **ret_room)
{
	return door->own ? dialect_table_route_own(door->own, path, ret_room)
			 : dialect_table_route(gate->dialects, path, ret_room);
}

static struct refusal check_handshake(const struct head *head)
{
	if (head->has_long_subprotocols) {
		return refuse(400, "bad-subprotocol",
			"All subprotocols together have 126 bytes at most; a token that is longer "
			"may stand in the query.",
			NULL);
	}
	if (head->method != HEAD_GET) {
		return refuse(405, "bad-method", "A WebSocket handshake is a GET request.", NULL);
	}
	/* libwebsockets would end the connection without a word. */
	if (!head->has_connection || !head->has_key) {
		return refuse(400, "bad-handshake",
			"A WebSocket handshake has Connection and Sec-WebSocket-Key headers.",
			NULL);
	}
	if (!head->version || strcmp(head->version, "13")) {
		return refuse(426, "bad-version",
			"This server speaks WebSocket version 13 (RFC 6455).", NULL);
	}
	return no_refusal;
}

/* RFC 9110 section 5.6.2, and what stands between tokens. */
static bool is_token_list(const char *text)
{
	for (; *text; text++) {
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~, ", *text)) {
			return false;
		}
	}
	return true;
}

static struct refusal choose_subprotocol(const struct gate *gate, const struct dialect *dialect,
	const char *offered, const char **ret)
{
	struct option_item item = {.value = (char *)dialect->subprotocol};
	const struct option_list own = {&item, dialect->subprotocol ? 1 : 0};
	struct refusal refusal = refuse(400, "bad-subprotocol",
		"None of the offered WebSocket subprotocols is known here: ",
		dialect->subprotocols ? "subprotocol" : NULL);
	bool any = false;

	*ret = offered ? admit_subprotocol(
				 dialect->subprotocols ? &gate->options->subprotocol : &own,
				 offered, &any)
		       : NULL;
	if (*ret || !any) {
		return no_refusal;
	}
	refusal.detail = is_token_list(offered) ? offered : "they are not even tokens";
	return refusal;
}

/* Does this client take over a place that it holds already? */
static bool is_awaited(const struct mount *mount, const struct head *head, const char *room,
	const struct address *client)
{
	const struct request request = {
		.mount = mount, .room = room, .arguments = head->arguments, .address = client};

	return mount->dialect->is_awaited && mount->dialect->is_awaited(mount, &request);
}

/* Count the client in the place of one who is away and gives way to it. */
static bool take_from_another(
	struct gate *gate, const struct address *client, struct census_group **ret)
{
	if (!census_add_peer(gate->census, client, gate->options->max_peers_per_address, ret)) {
		return false;
	}
	if (!dialect_table_give_way(gate->dialects, client)) {
		census_remove_peer(gate->census, *ret);
		return false;
	}
	return true;
}

/* Has its address come too often, sent too much or had too much sent to it, of late? */
static struct refusal check_rate(
	const struct gate *gate, const struct gate_door *door, const struct address *client)
{
	struct census_group *group = census_enter(gate->census, client);
	uint64_t wait;

	if (census_share_of_debt(group, CENSUS_BYTES, door->now) > DEBT_MAX) {
		return refuse(429, "too-fast", "This address has been sent too much of late.",
			"byte-rate");
	}
	if (census_share_of_debt(group, CENSUS_MESSAGES, door->now) > DEBT_MAX) {
		return refuse(429, "too-fast", "This address has sent too many messages of late.",
			"message-rate");
	}
	if (!door->counted &&
		!census_connect(group, gate->options->connect_rate, door->now, 0, &wait)) {
		return refuse(429, "too-many-connects", "This address connects too often.",
			"connect-rate");
	}
	return no_refusal;
}

/* There is no place for it, by itself or for its address. */
static struct refusal refuse_place(bool full, bool short_of_memory)
{
	if (full && short_of_memory) {
		meter_add(METER_SHED_NEWCOMERS, 1);
		return refuse(
			503, "server-full", "The server holds as much as it may.", "max-memory");
	}
	if (full) {
		return refuse(503, "server-full", "The server is full.", "max-peers");
	}
	return refuse(429, "too-many-peers", "Too many connections come from this address.",
		"max-peers-per-address");
}

/* The count, if there is a place. */
static struct refusal take_place(struct gate *gate, const struct mount *mount,
	const struct head *head, const char *room, const struct address *client,
	struct census_group **ret)
{
	bool short_of_memory = gate_is_short_of_memory(gate);
	uint64_t here = gate->peers + gate->awaited;
	uint64_t elsewhere = board_elsewhere(METER_PEERS) + board_elsewhere(METER_PLACES_KEPT);
	bool full = short_of_memory || here + elsewhere >= gate->max_peers, added;

	added = !full &&
		census_add_peer(gate->census, client, gate->options->max_peers_per_address, ret);
	if (!added && is_awaited(mount, head, room, client)) {
		added = census_add_peer(gate->census, client, 0, ret);
	} else if (full && !short_of_memory && take_from_another(gate, client, ret)) {
		added = true;
	}
	if (!added) {
		return refuse_place(full, short_of_memory);
	}
	gate->peers++;
	meter_add(METER_PEERS, 1);
	return no_refusal;
}

/* With several workers, who passed it on has read its room out of the same bytes, but not with the
 * same eyes: they must agree (workers/unit.h). */
static bool is_served_here(const struct mount *mount, const struct head *head, const char *room)
{
	const struct request request = {.mount = mount, .room = room, .arguments = head->arguments};
	char name[HUB_NAME_MAX + 2];

	request_room(&request, name);
	return mount_serves(mount, name);
}

struct refusal gate_check_upgrade(struct gate *gate, const struct gate_door *door,
	const struct head *head, struct address *client, struct gate_place *ret)
{
	struct refusal refusal = check_handshake(head);
	const struct mount *mount;
	const char *room = "", *subprotocol;

	if (!refusal.status) {
		refusal = gate_check_request(gate, door, head, client);
	}
	if (!refusal.status && door->misplaced) {
		refusal = refuse(426, "tls-required",
			"TLS is spoken on this port: use wss:// in place of ws://.", NULL);
	}
	if (!refusal.status) {
		refusal = check_origin(gate, door, head);
	}
	if (refusal.status) {
		return refusal;
	}
	mount = head->path ? gate_route(gate, door, head->path, &room) : NULL;
	if (!mount) {
		return refuse(404, "not-found", "No protocol is spoken at this path.", "mount");
	}
	if (!is_served_here(mount, head, room)) {
		return refuse(400, "bad-target",
			"The room is not written plainly: leave out //, /../ and what is not "
			"encoded.",
			NULL);
	}
	refusal = choose_subprotocol(gate, mount->dialect, head->subprotocols, &subprotocol);
	if (!refusal.status && gate->draining) {
		refusal = refuse(503, "draining", "The server is stopping.", NULL);
	}
	if (!refusal.status) {
		refusal = check_rate(gate, door, client);
	}
	ret->grant = NULL;
	if (!refusal.status && (!mount->dialect->token_in_message || bearer_has_token(head))) {
		refusal = bearer_check(gate, door, head, mount, room, &ret->grant);
	}
	if (refusal.status) {
		return refusal;
	}
	refusal = take_place(gate, mount, head, room, client, &ret->group);
	if (refusal.status) {
		grant_destroy(ret->grant);
		return refusal;
	}
	ret->mount = mount;
	ret->subprotocol = subprotocol;
	return refusal;
}

void gate_leave(struct gate *gate, struct census_group *group)
{
	gate->peers--;
	meter_subtract(METER_PEERS, 1);
	census_remove_peer(gate->census, group);
}

bool gate_keep(struct gate *gate, const struct address *client)
{
	struct census_group *group;

	if (!census_add_peer(gate->census, client, 0, &group)) {
		return false;
	}
	gate->awaited++;
	meter_add(METER_PLACES_KEPT, 1);
	return true;
}

void gate_give_up(struct gate *gate, const struct address *client)
{
	census_remove_peer(gate->census, census_find(gate->census, client));
	gate->awaited--;
	meter_subtract(METER_PLACES_KEPT, 1);
}

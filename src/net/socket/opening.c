/*
 * opening: owns the way from a value of `listen` to its sockets.
 */
#include "nakodo/net/socket/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/file.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/socket/stale.h"
#include "opening_value.h"

/* Does it listen until the options are exchanged, and not after that? */
static bool is_leaving(const struct listener *listener)
{
	return !listener->next_entry && !listener->handed_on && listener->fd >= 0;
}

/* The socket that listens there until now, so that no client finds it closed. -ENOENT: none does.
 */
static int inherit(const struct opening *opening, const struct sockaddr *address, socklen_t size)
{
	struct listener *listener;
	int fd;

	LL_FOREACH(opening->sockets->listeners, listener)
	{
		if (is_leaving(listener) && !listener->shared &&
			!memcmp(&listener->address, address, size)) {
			fd = fcntl(listener->fd, F_DUPFD_CLOEXEC, 0);
			listener->handed_on = fd >= 0;
			return fd < 0 ? -errno : fd;
		}
	}
	return -ENOENT;
}

/* Let others listen beside those that leave that port, or no more. False: none does. */
static bool share(const struct opening *opening, uint16_t port, bool shared)
{
	struct listener *listener;
	bool any = false;

	LL_FOREACH(opening->sockets->listeners, listener)
	{
		if (is_leaving(listener) && listener->endpoint.kind == ENDPOINT_TCP &&
			listener->endpoint.port == port) {
			listener_share(listener->fd, shared);
			listener->shared = any = true;
		}
	}
	return any;
}

/* One that leaves may listen at all addresses, and this be one of them, or the other way round. The
 * kernel allows that if both do. */
static int listen_at(const struct opening *opening, const struct sockaddr *address, socklen_t size,
	uint16_t port)
{
	int fd = inherit(opening, address, size);

	if (fd == -ENOENT) {
		fd = listener_bind(address, size, false);
	}
	if (fd == -EADDRINUSE && share(opening, port, true)) {
		fd = listener_bind(address, size, true);
		share(opening, port, false);
		if (fd >= 0) {
			listener_share(fd, false);
		}
	}
	return fd;
}

/* HOST is `*`, `localhost` or anything getaddrinfo(3) knows. */
static struct addrinfo *resolve(const struct endpoint *endpoint, const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
	struct addrinfo *found = NULL;
	char port[8];

	snprintf(port, sizeof(port), "%u", endpoint->port);
	return getaddrinfo(host, port, &hints, &found) ? NULL : found;
}

static bool is_absent_family(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL;
}

/* Bind one address. The second socket of a name shares the port that the first was given. */
static int open_address(struct value *value, const char *host)
{
	struct endpoint *endpoint = &value->endpoint;
	struct addrinfo *found = resolve(endpoint, host), *at;
	int opened = 0, error = found ? 0 : -EADDRNOTAVAIL, fd;

	for (at = found; at; at = at->ai_next) {
		fd = listen_at(value->opening, at->ai_addr, at->ai_addrlen, endpoint->port);
		if (fd < 0) {
			error = fd;
			continue;
		}
		endpoint->port = opening_port(fd);
		fd = opening_add(value, fd, -1, false);
		if (fd < 0) {
			error = fd;
			break;
		}
		opened++;
	}
	if (found) {
		freeaddrinfo(found);
	}
	return opened && (!error || is_absent_family(error)) ? 0 : error;
}

static int open_tcp(struct value *value)
{
	const struct endpoint *endpoint = &value->endpoint;
	bool local = !strcasecmp(endpoint->host, "localhost");
	bool any = !strcmp(endpoint->host, "*") || !strcmp(endpoint->host, "::");
	int first, second;

	if (!local && !any) {
		return open_address(value, endpoint->host);
	}
	first = open_address(value, local ? "127.0.0.1" : "::");
	if (any && !is_absent_family(first)) {
		return first; /* one socket takes both families */
	}
	if (first && !is_absent_family(first)) {
		return first;
	}
	second = open_address(value, local ? "::1" : "0.0.0.0");
	if (is_absent_family(second) && !first) {
		log_warn("listen.family", LOG_STR("family", "IPv6"),
			LOG_STR("host", endpoint->host),
			LOG_STR("effect", "this machine has none; IPv4 only"));
		return 0;
	}
	if (is_absent_family(first) && !second) {
		log_warn("listen.family", LOG_STR("family", local ? "IPv4" : "IPv6"),
			LOG_STR("host", endpoint->host),
			LOG_STR("effect", "this machine has none; the other family only"));
	}
	return second;
}

static int open_unix(struct value *value)
{
	struct endpoint *endpoint = &value->endpoint;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* The daemon leaves for "/" and has to find the path again to remove it. */
	char *path = file_absolute(endpoint->path);
	int len, fd, error;

	if (!path) {
		return -errno;
	}
	len = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	free(path);
	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(endpoint->path, address.sun_path, sizeof(endpoint->path));
	fd = inherit(value->opening, (struct sockaddr *)&address, sizeof(address));
	if (fd >= 0) {
		return opening_add(value, fd, -1, false);
	}
	if (fd != -ENOENT) {
		return fd;
	}
	stale_remove(&address);
	fd = listener_bind((struct sockaddr *)&address, sizeof(address), false);
	if (fd < 0) {
		return fd;
	}
	/* A reverse proxy runs as another user; the directory says who may reach the socket. */
	chmod(address.sun_path, 0666);
	error = opening_add(value, fd, -1, true);
	if (error) {
		unlink(address.sun_path);
	}
	return error;
}

/* Does a socket's name say that this is spoken there: `tls`, or `tls-` and more? */
static bool speaks(const char *name, const char *what)
{
	size_t len = strlen(what);

	return !strncmp(name, what, len) && (!name[len] || name[len] == '-');
}

/* An entry without a name takes what no other entry names. */
static bool is_for(const struct value *value, const char *name)
{
	const struct option_list *list = &value->opening->options->listen;
	struct endpoint other;
	struct problem problem;

	if (*value->endpoint.name) {
		return !strcmp(value->endpoint.name, name);
	}
	for (size_t i = 0; i < list->count; i++) {
		if (!endpoint_parse(&other, list->items[i].value, &problem) &&
			other.kind == ENDPOINT_SYSTEMD && !strcmp(other.name, name)) {
			return false;
		}
	}
	return true;
}

/* By another entry of the same options? */
static bool is_taken(const struct opening *opening, int fd)
{
	const struct listener *listener;

	LL_FOREACH(opening->sockets->listeners, listener)
	{
		if (listener->passed == fd && listener->next_entry) {
			return true;
		}
	}
	LL_SEARCH_SCALAR(opening->made, listener, passed, fd);
	return listener;
}

static bool is_loopback(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	struct address address;

	return !getsockname(fd, (struct sockaddr *)&bound, &size) &&
	       address_from_sockaddr(&address, (struct sockaddr *)&bound) &&
	       address_is_loopback(&address);
}

/* systemd's own descriptor stays as it is, for an entry that comes later. */
static int add_passed(struct value *value, int passed, const char *name)
{
	struct endpoint *each = &value->endpoint;
	const struct options *options = value->opening->options;
	int fd;

	each->tls = speaks(name, "tls");
	each->proxy = speaks(name, "proxy");
	if (sd_is_socket(passed, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
		return -ENOTSOCK;
	}
	if (is_taken(value->opening, passed)) {
		return -EEXIST;
	}
	if (each->tls && !options_have_certificate(options)) {
		return -ENOKEY;
	}
	if (each->proxy && !options->trusted_proxy.count && !is_loopback(passed)) {
		return -EPERM;
	}
	fd = fcntl(passed, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	each->port = opening_port(fd);
	return opening_add(value, fd, passed, false);
}

/* Sockets from socket units. FileDescriptorName= says what is spoken there, and for which entry it
 * is. */
static int open_systemd(struct value *value)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names), error = -ENOENT;

	for (int i = 0; i < count && (!error || error == -ENXIO || error == -ENOENT); i++) {
		if (!strcmp(names[i], NOTIFY_STORED)) {
			continue; /* no socket */
		}
		error = error ? -ENXIO : 0;
		if (is_for(value, names[i])) {
			error = add_passed(value, SD_LISTEN_FDS_START + i, names[i]);
		}
	}
	for (int i = 0; names && i < count; i++) {
		free(names[i]);
	}
	free(names);
	return count < 0 ? count : error;
}

static int explain(const struct option_item *item, int error, struct problem *problem)
{
	const char *why = log_errno_text(error);
	bool is_path = !strncmp(item->value, "unix:", 5);

	if (error == -EADDRINUSE) {
		why = is_path ? "another program listens there, or something that is no socket is "
				"in the way"
			      : "the address is already in use; stop the other program or choose "
				"another port";
	} else if (error == -EACCES && !is_path) {
		why = "permission denied; ports below 1024 need CAP_NET_BIND_SERVICE or "
		      "nakodo.socket";
	} else if (error == -EADDRNOTAVAIL) {
		why = "this machine has no such address";
	} else if (error == -ENOENT && !strncmp(item->value, "systemd", 7)) {
		why = "systemd passed no socket; start it from a socket unit";
	} else if (error == -ENXIO) {
		why = "none of the sockets that systemd passed has that name, or all have that of "
		      "another entry";
	} else if (error == -EEXIST) {
		why = "another entry has taken its sockets; tell them apart by ?name=";
	} else if (error == -ENOKEY) {
		why = "a socket is named tls, but there is no tls-cert or tls-self-signed";
	} else if (error == -EPERM && !strncmp(item->value, "systemd", 7)) {
		why = "a socket is named proxy and other machines reach it: say by trusted-proxy "
		      "from which addresses the proxies connect";
	}
	return problem_set(
		problem, error, "%s: cannot listen on `%s`: %s", item->where, item->value, why);
}

/* Who reaches a proxy: listener may say whose connection it is. */
static int check_proxy(const struct options *options, struct endpoint endpoint, struct problem *ret)
{
	if (endpoint.kind != ENDPOINT_TCP || !endpoint.proxy || options->trusted_proxy.count) {
		return 0;
	}
	endpoint.proxy = false;
	return endpoint_is_loopback(&endpoint)
		       ? 0
		       : problem_set(ret, -EINVAL,
				 "a proxy: listener that other machines reach believes what they "
				 "write into the PROXY header: say by trusted-proxy from which "
				 "addresses the proxies connect");
}

/* What tells the mount of its own from those of other listeners: where it listens, whatever else is
 * said of it. A port that the system picks is nobody else's. */
static const struct mount *find_own(const struct value *value, struct problem *problem)
{
	const struct endpoint *endpoint = &value->endpoint;
	char key[512];

	if (endpoint->kind == ENDPOINT_UNIX) {
		snprintf(key, sizeof(key), "unix:%s", endpoint->path);
	} else if (endpoint->kind == ENDPOINT_SYSTEMD) {
		snprintf(key, sizeof(key), "systemd:%s", endpoint->name);
	} else if (endpoint->port) {
		snprintf(key, sizeof(key), "%s:%u", endpoint->host, endpoint->port);
	} else {
		snprintf(key, sizeof(key), "%s:0:%zu", endpoint->host, value->entry);
	}
	return dialect_table_own(value->opening->dialects, key, endpoint->dialect, problem);
}

static int understand(struct value *value, struct problem *problem)
{
	struct problem detail;
	int error = endpoint_parse(&value->endpoint, value->item->value, &detail);

	if (!error) {
		error = check_proxy(value->opening->options, value->endpoint, &detail);
	}
	if (!error && *value->endpoint.dialect) {
		value->own = find_own(value, &detail);
		error = value->own ? 0 : -EINVAL;
	}
	return error ? problem_set(problem, error, "%s: %s", value->item->where, detail.text) : 0;
}

static int open_value(struct value *value)
{
	if (!value->opening->sockets->accepts) {
		return handed_open(value);
	}
	switch (value->endpoint.kind) {
	case ENDPOINT_TCP:
		return open_tcp(value);
	case ENDPOINT_UNIX:
		return open_unix(value);
	default:
		return open_systemd(value);
	}
}

static struct value value_of(struct opening *opening, size_t entry)
{
	return (struct value){
		.opening = opening,
		.item = &opening->options->listen.items[entry - 1],
		.entry = entry,
	};
}

static void let_go(const struct value *value)
{
	if (value->own) {
		dialect_table_let_go(value->own);
	}
}

int opening_check(struct opening *opening, size_t entry, struct problem *problem)
{
	struct value value = value_of(opening, entry);
	int error = understand(&value, problem);

	let_go(&value);
	return error;
}

int opening_run(struct opening *opening, size_t entry, struct problem *problem)
{
	struct value value = value_of(opening, entry);
	int error = understand(&value, problem);

	if (error) {
		return error;
	}
	error = open_value(&value);
	let_go(&value);
	return error ? explain(value.item, error, problem) : 0;
}

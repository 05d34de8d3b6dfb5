/*
 * listener: owns the listening sockets from bind to close. accept.c takes connections from them.
 */
#include "nakodo/net/socket/listener.h"

#include <errno.h>
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
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/socket/stale.h"

#define AGAIN_FIRST 100 /* ms until a broken socket is opened again */
#define AGAIN 1000 /* ms until the next try */

/* A host's name may stand for a loopback address, and systemd names none. */
static bool is_bound_to_loopback(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	struct address address;

	return !getsockname(fd, (struct sockaddr *)&bound, &size) &&
	       address_from_sockaddr(&address, (struct sockaddr *)&bound) &&
	       address_is_loopback(&address);
}

static int add(
	struct sockets *sockets, const struct endpoint *endpoint, int fd, const struct mount *own)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		close(fd);
		return -ENOMEM;
	}
	listener->sockets = sockets;
	listener->endpoint = *endpoint;
	/* Behind a proxy the clients are elsewhere. */
	listener->loopback = !endpoint->proxy && is_bound_to_loopback(fd);
	listener->own = own;
	listener->fd = fd;
	listener->address_size = sizeof(listener->address);
	getsockname(fd, (struct sockaddr *)&listener->address, &listener->address_size);
	LL_APPEND(sockets->listeners, listener);
	sockets->measured |= endpoint->metrics;
	return 0;
}

/* The socket's own port: the one asked for was perhaps 0. */
static uint16_t bound_port(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	char port[8] = "0";

	getsockname(fd, (struct sockaddr *)&bound, &size);
	getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
	return (uint16_t)strtoul(port, NULL, 10);
}

/* The IPv6 address that is every address takes IPv4 connections too. */
static int listen_on(const struct sockaddr *address, socklen_t size)
{
	int one = 1, only_v6, error;
	int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return -errno;
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->sa_family == AF_INET6) {
		only_v6 = !IN6_IS_ADDR_UNSPECIFIED(
			&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
	}
	if (bind(fd, address, size) || listen(fd, SOMAXCONN)) {
		error = -errno;
		close(fd);
		return error;
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
static int open_address(struct sockets *sockets, struct endpoint *endpoint, const char *host,
	const struct mount *own)
{
	struct addrinfo *found = resolve(endpoint, host), *at;
	int opened = 0, error = found ? 0 : -EADDRNOTAVAIL, fd;

	for (at = found; at; at = at->ai_next) {
		fd = listen_on(at->ai_addr, at->ai_addrlen);
		if (fd < 0) {
			error = fd;
			continue;
		}
		endpoint->port = bound_port(fd);
		fd = add(sockets, endpoint, fd, own);
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

static int open_tcp(struct sockets *sockets, struct endpoint *endpoint, const struct mount *own)
{
	bool local = !strcasecmp(endpoint->host, "localhost");
	bool any = !strcmp(endpoint->host, "*") || !strcmp(endpoint->host, "::");
	int first, second;

	if (!local && !any) {
		return open_address(sockets, endpoint, endpoint->host, own);
	}
	first = open_address(sockets, endpoint, local ? "127.0.0.1" : "::", own);
	if (any && !is_absent_family(first)) {
		return first; /* one socket takes both families */
	}
	if (first && !is_absent_family(first)) {
		return first;
	}
	second = open_address(sockets, endpoint, local ? "::1" : "0.0.0.0", own);
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

static int open_unix(struct sockets *sockets, struct endpoint *endpoint, const struct mount *own)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* The daemon leaves for "/" and has to find the path again to remove it. */
	char *path = file_absolute(endpoint->path);
	int len, fd;

	if (!path) {
		return -errno;
	}
	len = snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	free(path);
	if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
		return -ENAMETOOLONG;
	}
	memcpy(endpoint->path, address.sun_path, sizeof(endpoint->path));
	stale_remove(&address);
	fd = listen_on((struct sockaddr *)&address, sizeof(address));
	if (fd < 0) {
		return fd;
	}
	/* A reverse proxy runs as another user; the directory says who may reach the socket. */
	chmod(address.sun_path, 0666);
	return add(sockets, endpoint, fd, own);
}

/* Does a socket's name say that this is spoken there: `tls`, or `tls-` and more? */
static bool speaks(const char *name, const char *what)
{
	size_t len = strlen(what);

	return !strncmp(name, what, len) && (!name[len] || name[len] == '-');
}

/* An entry without a name takes what no other entry names. */
static bool is_for(const struct sockets *sockets, const struct endpoint *endpoint, const char *name)
{
	const struct option_list *list = &sockets->options->listen;
	struct endpoint other;
	struct problem problem;

	if (*endpoint->name) {
		return !strcmp(endpoint->name, name);
	}
	for (size_t i = 0; i < list->count; i++) {
		if (!endpoint_parse(&other, list->items[i].value, &problem) &&
			other.kind == ENDPOINT_SYSTEMD && !strcmp(other.name, name)) {
			return false;
		}
	}
	return true;
}

static bool is_taken(const struct sockets *sockets, int fd)
{
	const struct listener *listener;

	LL_SEARCH_SCALAR(sockets->listeners, listener, fd, fd);
	return listener;
}

static int add_passed(struct sockets *sockets, const struct endpoint *endpoint, int fd,
	const char *name, const struct mount *own)
{
	struct endpoint each = *endpoint;

	each.tls = speaks(name, "tls");
	each.proxy = speaks(name, "proxy");
	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) {
		return -ENOTSOCK;
	}
	if (is_taken(sockets, fd)) {
		return -EEXIST;
	}
	if (each.tls && !sockets->tls) {
		return -ENOKEY;
	}
	if (each.proxy && !sockets->options->trusted_proxy.count && !is_bound_to_loopback(fd)) {
		return -EPERM;
	}
	each.port = bound_port(fd);
	return add(sockets, &each, fd, own);
}

/* Sockets from socket units. FileDescriptorName= says what is spoken there, and for which entry it
 * is. */
static int open_systemd(
	struct sockets *sockets, const struct endpoint *endpoint, const struct mount *own)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names), error = -ENOENT;

	for (int i = 0; i < count && (!error || error == -ENXIO || error == -ENOENT); i++) {
		if (!strcmp(names[i], NOTIFY_STORED)) {
			continue; /* no socket */
		}
		error = error ? -ENXIO : 0;
		if (is_for(sockets, endpoint, names[i])) {
			error = add_passed(
				sockets, endpoint, SD_LISTEN_FDS_START + i, names[i], own);
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

static int understand(const struct options *options, struct dialect_table *dialects,
	const struct option_item *item, struct endpoint *ret_endpoint, const struct mount **ret_own,
	struct problem *problem)
{
	struct problem detail;
	int error = endpoint_parse(ret_endpoint, item->value, &detail);

	*ret_own = NULL;
	if (!error) {
		error = check_proxy(options, *ret_endpoint, &detail);
	}
	if (!error && *ret_endpoint->dialect) {
		*ret_own = dialect_table_own(dialects, item->value, ret_endpoint->dialect, &detail);
		error = *ret_own ? 0 : -EINVAL;
	}
	return error ? problem_set(problem, error, "%s: %s", item->where, detail.text) : 0;
}

int listener_check(const struct options *options, struct dialect_table *dialects,
	const struct option_item *item, struct problem *problem)
{
	struct endpoint endpoint;
	const struct mount *own;

	return understand(options, dialects, item, &endpoint, &own, problem);
}

int listener_open(struct sockets *sockets, struct dialect_table *dialects,
	const struct option_item *item, struct problem *problem)
{
	struct endpoint endpoint;
	const struct mount *own;
	int error = understand(sockets->options, dialects, item, &endpoint, &own, problem);

	if (error) {
		return error;
	}
	switch (endpoint.kind) {
	case ENDPOINT_TCP:
		error = open_tcp(sockets, &endpoint, own);
		break;
	case ENDPOINT_UNIX:
		error = open_unix(sockets, &endpoint, own);
		break;
	case ENDPOINT_SYSTEMD:
		error = open_systemd(sockets, &endpoint, own);
		break;
	}
	return error ? explain(item, error, problem) : 0;
}

static int watch(struct listener *listener)
{
	int error = uv_poll_init(listener->sockets->loop, &listener->poll, listener->fd);

	if (error) {
		return error;
	}
	listener->watched = true;
	listener->poll.data = listener;
	return accept_start(listener);
}

/* What is left of the broken socket is gone. */
static void on_again(uv_timer_t *timer)
{
	struct listener *listener = timer->data;
	const struct sockaddr *address = (const struct sockaddr *)&listener->address;

	if (listener->endpoint.kind == ENDPOINT_UNIX) {
		stale_remove((const struct sockaddr_un *)(const void *)address);
	}
	listener->fd = listen_on(address, listener->address_size);
	if (listener->fd >= 0 && !watch(listener)) {
		if (listener->endpoint.kind == ENDPOINT_UNIX) {
			chmod(listener->endpoint.path, 0666);
		}
		log_info("listen.again", LOG_STR("host", listener->endpoint.host),
			LOG_UINT("port", listener->endpoint.port),
			LOG_STR("path", listener->endpoint.path));
		return;
	}
	if (listener->fd >= 0) {
		close(listener->fd);
		listener->fd = -1;
	}
	uv_timer_start(timer, on_again, AGAIN, 0);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct listener *listener = handle->data;

	if (!listener->closed) {
		uv_timer_start(&listener->pause, on_again, AGAIN_FIRST, 0);
	}
}

static void on_broken(struct listener *listener, int error)
{
	log_error("listen.broken", LOG_STR("host", listener->endpoint.host),
		LOG_UINT("port", listener->endpoint.port), LOG_STR("path", listener->endpoint.path),
		LOG_ERRNO(error));
	meter_add(METER_LISTENERS_BROKEN, 1);
	listener->watched = false;
	uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
	close(listener->fd);
	listener->fd = -1;
}

int listener_start(struct listener *listener)
{
	listener->broken = on_broken;
	listener->pause.data = listener;
	uv_timer_init(listener->sockets->loop, &listener->pause);
	return watch(listener);
}

void listener_close(struct listener *listener)
{
	if (listener->closed) {
		return;
	}
	listener->closed = true;
	if (listener->endpoint.kind == ENDPOINT_UNIX) {
		unlink(listener->endpoint.path);
	}
	if (listener->watched) {
		uv_close((uv_handle_t *)&listener->poll, NULL);
	}
	if (listener->pause.data) {
		uv_close((uv_handle_t *)&listener->pause, NULL);
	}
	if (listener->fd >= 0) {
		close(listener->fd);
	}
	listener->fd = -1;
}

void listener_destroy(struct listener *listener)
{
	listener_close(listener);
	free(listener);
}

/*
 * listener: owns one listening socket from when it is opened to when it is closed. accept.c takes
 * connections from it; opening.c knows what it is opened for.
 */
#include "nakodo/net/socket/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "nakodo/base/address.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/socket/stale.h"

#define AGAIN_FIRST 100 /* ms until a broken socket is opened again */
#define AGAIN 1000 /* ms until the next try */

void listener_share(int fd, bool shared)
{
	int value = shared;

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof(value));
}

int listener_bind(const struct sockaddr *address, socklen_t size, bool shared)
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
	if (shared) {
		listener_share(fd, true);
	}
	if (bind(fd, address, size) || listen(fd, SOMAXCONN)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* A host's name may stand for a loopback address, and systemd names none. */
static bool is_bound_to_loopback(const struct listener *listener)
{
	struct address address;

	return address_from_sockaddr(&address, (const struct sockaddr *)&listener->address) &&
	       address_is_loopback(&address);
}

struct listener *listener_create(struct sockets *sockets, const struct endpoint *endpoint,
	const char *text, int fd, int passed, const struct mount *own)
{
	size_t size = strlen(text) + 1;
	struct listener *listener = calloc(1, sizeof(*listener) + size);

	if (!listener) {
		close(fd);
		if (own) {
			dialect_table_let_go(own);
		}
		return NULL;
	}
	memcpy(listener->text, text, size);
	listener->holders = 1;
	listener->sockets = sockets;
	listener->endpoint = *endpoint;
	listener->own = own;
	listener->fd = fd;
	listener->passed = passed;
	listener->address_size = sizeof(listener->address);
	getsockname(fd, (struct sockaddr *)&listener->address, &listener->address_size);
	/* Behind a proxy the clients are elsewhere. */
	listener->loopback = !endpoint->proxy && is_bound_to_loopback(listener);
	return listener;
}

static int watch(struct listener *listener)
{
	int error = uv_poll_init(listener->sockets->loop, &listener->poll, listener->fd);

	if (error) {
		return error;
	}
	listener->watched = true;
	listener_hold(listener);
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
	listener->fd = listener_bind(address, listener->address_size, false);
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
	listener_let_go(listener);
}

static void on_pause_closed(uv_handle_t *handle)
{
	listener_let_go(handle->data);
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
	if (listener->passed >= 0) {
		close(listener->passed);
		listener->passed = -1;
	}
}

int listener_start(struct listener *listener)
{
	if (!listener->sockets->accepts) {
		return 0;
	}
	listener->broken = on_broken;
	listener->pause.data = listener;
	uv_timer_init(listener->sockets->loop, &listener->pause);
	listener_hold(listener);
	return watch(listener);
}

void listener_close(struct listener *listener)
{
	if (listener->closed) {
		return;
	}
	listener->closed = true;
	if (listener->removes) {
		unlink(listener->endpoint.path);
	}
	if (listener->watched) {
		uv_close((uv_handle_t *)&listener->poll, on_poll_closed);
	}
	if (listener->pause.data) {
		uv_close((uv_handle_t *)&listener->pause, on_pause_closed);
	}
	if (listener->fd >= 0) {
		close(listener->fd);
	}
	listener->fd = -1;
}

void listener_destroy(struct listener *listener)
{
	listener_close(listener);
	listener_let_go(listener);
}

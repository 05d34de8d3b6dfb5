/* announce: see the header. */
#include "nakodo/net/announce.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/log.h"
#include "nakodo/config.h"
#include "nakodo/net/http/lan.h"
#include "nakodo/net/http/urls.h"
#include "nakodo/net/loop/notify.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/listeners.h"

/* The sockets of `localhost`, one for each family, are one place to a person. */
static bool is_second_of(const struct listener *listener, const struct listener *before)
{
	const struct endpoint *a = &listener->endpoint, *b;

	if (!before) {
		return false;
	}
	b = &before->endpoint;
	return a->kind == ENDPOINT_TCP && b->kind == a->kind && b->tls == a->tls &&
	       b->port == a->port && !strcmp(a->host, b->host);
}

/* Where we are reached, for a person. */
static void print_places(const struct server *server, FILE *out)
{
	const struct listener *listener, *before = NULL;

	fprintf(out, "nakodo " NAKODO_VERSION " is ready:\n");
	LL_FOREACH(server->sockets.listeners, listener)
	{
		if (!is_second_of(listener, before)) {
			urls_print(listener, out);
		}
		before = listener;
	}
	lan_announce(server->sockets.listeners, server->tls, out);
}

void announce(struct server *server)
{
	char *text = NULL;
	size_t len, count = listeners_count(&server->sockets);
	FILE *out = open_memstream(&text, &len);

	if (out) {
		print_places(server, out);
		fclose(out);
		show_text(&server->ws.show, text ? text : "");
		free(text);
	}
	log_info("server.ready", LOG_STR("version", NAKODO_VERSION),
		LOG_STR("libwebsockets", lws_get_library_version()), LOG_UINT("sockets", count),
		LOG_UINT("max-peers", server->gate.max_peers),
		LOG_UINT("max-memory", server->gate.max_memory));
	listeners_tell_open(&server->sockets);
	notify_ready(&server->lifecycle.notify, count);
}

/* lan: see the header. */
#include "nakodo/net/http/lan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unistr.h>

#include "nakodo/base/address.h"
#include "nakodo/base/text.h"
#include "nakodo/net/http/qr.h"
#include "nakodo/net/http/site.h"
#include "nakodo/net/http/urls.h"
#include "nakodo/net/server.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/tls/local_ca.h"
#include "nakodo/net/tls/tls.h"

#define ARGUMENT "text="

static void set(struct site_reply *ret, int status, const char *type, const char *body)
{
	*ret = (struct site_reply){
		.status = status, .type = type, .body = body, .len = strlen(body)};
}

/* With memory of its own; NULL: there was none for it. */
static void set_owned(struct site_reply *ret, const char *type, char *body)
{
	set(ret, body ? 200 : 500, type, body ? body : "");
	ret->owned = body;
}

static void write_url(void *cookie, const char *url)
{
	struct text *out = cookie;

	text_print(out, "%s\"%s\"", out->len ? "," : "", url);
}

/* What a machine's addresses are is told to its neighbours, not to the internet. */
static bool is_near(const struct address *client)
{
	return !address_is_known(client) || local_ca_is_private(client);
}

static char *urls(const struct server *server, const struct address *client)
{
	struct text text = {0};

	if (is_near(client)) {
		urls_lan(server, write_url, &text);
	}
	return text_take(&text, NULL);
}

static void tell_urls(
	const struct server *server, const struct address *client, struct site_reply *ret)
{
	char *list = urls(server, client), *body;

	if (!list || asprintf(&body, "{\"urls\":[%s]}\n", list) < 0) {
		body = NULL;
	}
	free(list);
	set_owned(ret, "application/json", body);
}

static void tell_trust(
	const struct listener *listener, const struct address *client, struct site_reply *ret)
{
	const struct server *server = listener->server;
	const char *fingerprint = tls_ca_fingerprint(server->tls);
	const char *quote = fingerprint ? "\"" : "";
	char *list = urls(server, client), *body;

	if (!list || asprintf(&body, "{\"fingerprint\":%s%s%s,\"tls\":%s,\"urls\":[%s]}\n", quote,
			     fingerprint ? fingerprint : "null", quote,
			     listener->endpoint.tls ? "true" : "false", list) < 0) {
		body = NULL;
	}
	free(list);
	set_owned(ret, "application/json", body);
}

static void draw(const char *const *arguments, struct site_reply *ret)
{
	const char *text = NULL;
	size_t len;

	for (; *arguments; arguments++) {
		if (!strncmp(*arguments, ARGUMENT, strlen(ARGUMENT))) {
			text = text ? "" : *arguments + strlen(ARGUMENT); /* twice is none */
		}
	}
	len = text ? strlen(text) : 0;
	if (!len || len > QR_TEXT_MAX || u8_check((const uint8_t *)text, len)) {
		set(ret, 400, "application/json",
			"{\"type\":\"error\",\"code\":\"bad-text\",\"message\":\"The text must "
			"stand once in the query, as 1 to 512 bytes of UTF-8.\"}\n");
	} else {
		set_owned(ret, "image/svg+xml", qr_svg(text));
	}
}

bool lan_find(const struct listener *listener, const struct address *client, const char *path,
	const char *const *arguments, struct site_reply *ret)
{
	const struct server *server = listener->server;

	if (!strcmp(path, "/ca.crt") && tls_ca_pem(server->tls)) {
		set(ret, 200, "application/x-x509-ca-cert", tls_ca_pem(server->tls));
	} else if (!strcmp(path, "/lan.json")) {
		tell_urls(server, client, ret);
	} else if (!strcmp(path, "/qr.svg")) {
		draw(arguments, ret);
	} else if (!strcmp(path, "/trust.json")) {
		tell_trust(listener, client, ret);
	} else {
		return false;
	}
	return true;
}

bool lan_is_private(const char *path)
{
	return !strcmp(path, "/lan.json") || !strcmp(path, "/qr.svg") ||
	       !strcmp(path, "/trust.json");
}

bool lan_is_open(const char *path)
{
	static const char *const paths[] = {
		"/ca.crt", "/favicon.svg", "/trust", "/trust.css", "/trust.html", "/trust.json"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		if (!strcmp(path, paths[i])) {
			return true;
		}
	}
	return !strncmp(path, "/trust/", strlen("/trust/"));
}

static void keep_first(void *cookie, const char *url)
{
	char *first = cookie;

	if (!*first) {
		snprintf(first, URLS_TEXT, "%s", url);
	}
}

void lan_announce(const struct server *server)
{
	char url[URLS_TEXT] = "", *code;

	urls_lan(server, keep_first, url);
	if (tls_ca_fingerprint(server->tls)) {
		/* Without TLS, so that the device has nothing to warn about. */
		printf("How other devices come to trust it: %s%strust\n  SHA-256 %s\n",
			*url ? "http" : "", *url ? url + strlen("https") : "/",
			tls_ca_fingerprint(server->tls));
	}
	/* A journal or a file would only be full of it. */
	code = *url && isatty(STDOUT_FILENO) ? qr_terminal(url) : NULL;
	if (code) {
		printf("%s%s\n", code, url);
		free(code);
	}
}

/* lan: see the header. */
#include "nakodo/net/http/lan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nakodo/base/address.h"
#include "nakodo/base/text.h"
#include "nakodo/base/utf8.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/qr.h"
#include "nakodo/net/http/urls.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"
#include "nakodo/net/tls/local_ca.h"
#include "nakodo/net/tls/tls.h"

#define ARGUMENT "text="

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

static char *urls(
	const struct listener *listener, const struct tls *tls, const struct address *client)
{
	struct text text = {0};

	if (is_near(client)) {
		urls_lan(listener->sockets->listeners, tls, write_url, &text);
	}
	return text_take(&text, NULL);
}

void lan_urls(const struct listener *listener, const struct tls *tls, const struct address *client,
	struct reply *ret)
{
	char *list = urls(listener, tls, client), *body;

	if (!list || asprintf(&body, "{\"urls\":[%s]}\n", list) < 0) {
		body = NULL;
	}
	free(list);
	reply_set_owned(ret, "application/json", body);
}

void lan_trust(const struct listener *listener, const struct tls *tls, const struct address *client,
	struct reply *ret)
{
	const char *fingerprint = tls_ca_fingerprint(tls);
	const char *quote = fingerprint ? "\"" : "";
	char *list = urls(listener, tls, client), *body;

	if (!list || asprintf(&body, "{\"fingerprint\":%s%s%s,\"tls\":%s,\"urls\":[%s]}\n", quote,
			     fingerprint ? fingerprint : "null", quote,
			     listener->endpoint.tls ? "true" : "false", list) < 0) {
		body = NULL;
	}
	free(list);
	reply_set_owned(ret, "application/json", body);
}

bool lan_qr(struct qr_cache *cache, const char *const *arguments, uint64_t now, bool may_draw,
	struct reply *ret)
{
	const char *text = NULL, *svg;
	bool drawn = false;
	size_t len;

	for (; *arguments; arguments++) {
		if (!strncmp(*arguments, ARGUMENT, strlen(ARGUMENT))) {
			text = text ? "" : *arguments + strlen(ARGUMENT); /* twice is none */
		}
	}
	len = text ? strlen(text) : 0;
	if (!len || len > QR_TEXT_MAX || !utf8_is_valid(text, len)) {
		reply_set(ret, 400, "application/json",
			"{\"type\":\"error\",\"code\":\"bad-text\",\"message\":\"The text must "
			"stand once in the query, as 1 to 512 bytes of UTF-8.\"}\n");
	} else {
		svg = qr_cache_svg(cache, text, now, may_draw, &drawn);
		if (svg) {
			reply_set(ret, 200, "image/svg+xml", svg);
		} else {
			reply_set(ret, 503, "application/json",
				"{\"type\":\"error\",\"code\":\"busy\",\"message\":\"Too many "
				"codes are being drawn.\"}\n");
		}
	}
	return drawn;
}

void lan_authority(const struct tls *tls, struct reply *ret)
{
	if (tls_ca_pem(tls)) {
		reply_set(ret, 200, "application/x-x509-ca-cert", tls_ca_pem(tls));
	} else {
		ret->status = 404;
	}
}

static void keep_first(void *cookie, const char *url)
{
	char *first = cookie;

	if (!*first) {
		snprintf(first, URLS_TEXT, "%s", url);
	}
}

void lan_announce(const struct listener *listeners, const struct tls *tls, FILE *out)
{
	char url[URLS_TEXT] = "", *code;

	urls_lan(listeners, tls, keep_first, url);
	if (tls_ca_fingerprint(tls)) {
		/* Without TLS, so that the device has nothing to warn about. */
		fprintf(out, "How other devices come to trust it: %s%strust\n  SHA-256 %s\n",
			*url ? "http" : "", *url ? url + strlen("https") : "/",
			tls_ca_fingerprint(tls));
	}
	/* A journal or a file would only be full of it. */
	code = *url && isatty(STDOUT_FILENO) ? qr_terminal(url) : NULL;
	if (code) {
		fprintf(out, "%s%s\n", code, url);
		free(code);
	}
}

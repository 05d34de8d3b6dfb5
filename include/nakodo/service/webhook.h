/*
 * webhook: a server that is told something by HTTP, and the secret that shows it who tells. What is
 * signed and how is the Standard Webhooks specification (1.0.0), for which there are libraries.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct options;
struct problem;
struct webhook;

#define WEBHOOK_ID 64 /* bytes of a message's id, with the NUL */
#define WEBHOOK_HEADERS 4

/* The headers of a request: lines without an end, NULL behind the last. */
struct webhook_headers {
	const char *lines[WEBHOOK_HEADERS + 1];
	char id[16 + WEBHOOK_ID], time[48], signature[80];
};

/* Read webhook-secret; the URL is copied. 0, or -EINVAL / -ENOMEM with a sentence that names the
 * place. */
int webhook_create(struct webhook **ret, const char *url, const struct options *options,
	struct problem *problem);
void webhook_destroy(struct webhook *webhook); /* NULL: nothing happens */

const char *webhook_url(const struct webhook *webhook);
/* Sign a body as of that time, in seconds since 1970: webhook-id, webhook-timestamp and
 * webhook-signature, "v1," and in base64 the HMAC-SHA256 of ID.TIME.BODY. False: no memory. */
bool webhook_sign(const struct webhook *webhook, const char *id, int64_t time, const char *body,
	size_t len, struct webhook_headers *ret);

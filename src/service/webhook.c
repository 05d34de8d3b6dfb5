/* webhook: see the header. */
#include "nakodo/service/webhook.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/service/secret.h"

struct webhook {
	char *url;
	struct secret *secret;
};

static int read_secret(struct secret **ret, const struct options *options, struct problem *problem)
{
	struct problem detail;
	int error = secret_read(ret, options->webhook_secret, &detail);

	return error ? problem_set(problem, error, "%s: webhook-secret `%s`: %s",
			       options_where(options, &options->webhook_secret),
			       options->webhook_secret, detail.text)
		     : 0;
}

int webhook_create(struct webhook **ret, const char *url, const struct options *options,
	struct problem *problem)
{
	struct webhook *webhook = calloc(1, sizeof(*webhook));
	int error = 0;

	if (webhook) {
		webhook->url = strdup(url);
	}
	if (!webhook || !webhook->url) {
		error = problem_set(problem, -ENOMEM, "out of memory");
	}
	error = error ? error : read_secret(&webhook->secret, options, problem);
	if (error) {
		webhook_destroy(webhook);
	} else {
		*ret = webhook;
	}
	return error;
}

void webhook_destroy(struct webhook *webhook)
{
	if (webhook) {
		secret_destroy(webhook->secret);
		free(webhook->url);
		free(webhook);
	}
}

const char *webhook_url(const struct webhook *webhook)
{
	return webhook->url;
}

bool webhook_sign(const struct webhook *webhook, const char *id, int64_t time, const char *body,
	size_t len, struct webhook_headers *ret)
{
	static const char version[] = "webhook-signature: v1,";
	unsigned char mac[SECRET_SHA256];
	struct text text = {0};
	size_t size;
	char *all;
	bool done;

	text_print(&text, "%s.%" PRId64 ".", id, time);
	text_add_bytes(&text, body, len);
	all = text_take(&text, &size);
	done = all && secret_sign(webhook->secret, all, size, mac, sizeof(mac));
	free(all);
	if (!done) {
		return false;
	}
	*ret = (struct webhook_headers){
		.lines = {"content-type: application/json", ret->id, ret->time, ret->signature}};
	snprintf(ret->id, sizeof(ret->id), "webhook-id: %s", id);
	snprintf(ret->time, sizeof(ret->time), "webhook-timestamp: %" PRId64, time);
	memcpy(ret->signature, version, sizeof(version));
	EVP_EncodeBlock((unsigned char *)ret->signature + sizeof(version) - 1, mac, sizeof(mac));
	return true;
}

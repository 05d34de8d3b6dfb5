/* read_head: see the header. */
#include "nakodo/net/socket/read_head.h"

#include <libwebsockets.h>
#include <string.h>

#include "nakodo/net/gate/admit.h"

#define SUBPROTOCOLS_MAX 126 /* bytes; with more, libwebsockets hangs up without a word */

static enum head_method method_of(struct lws *wsi)
{
	if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI)) {
		return HEAD_GET;
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI)) {
		return HEAD_HEAD;
	}
	if (lws_hdr_total_length(wsi, WSI_TOKEN_OPTIONS_URI)) {
		return HEAD_OPTIONS;
	}
	return HEAD_OTHER;
}

static const char *sized(struct lws *wsi, enum lws_token_indexes token, char *buf, int size)
{
	if (!lws_hdr_total_length(wsi, token)) {
		return NULL;
	}
	if (lws_hdr_copy(wsi, buf, size, token) < 0) {
		*buf = '\0';
	}
	return buf;
}

static const char *value(struct lws *wsi, enum lws_token_indexes token, char buf[READ_HEAD_VALUE])
{
	return sized(wsi, token, buf, READ_HEAD_VALUE);
}

/* Any value but a single zero is a body, or a way to hide one. */
static bool has_body(struct lws *wsi)
{
	char length[2];

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {
		return true;
	}
	return lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) &&
	       (lws_hdr_copy(wsi, length, sizeof(length), WSI_TOKEN_HTTP_CONTENT_LENGTH) < 0 ||
		       strcmp(length, "0"));
}

/* Put them behind the first `count`. libwebsockets has cut and decoded the query already.
 * guard null: since 4.3 it lets encoded null bytes in; those at the end of an argument it leaves
 * out. True: there is one before the end. */
static bool read_query(struct head_text *text, struct lws *wsi, size_t count)
{
	char *buf = text->query;
	size_t size = sizeof(text->query);
	bool has_null = false;

	for (int i = 0; count < READ_HEAD_ARGUMENTS; i++) {
		int len = lws_hdr_copy_fragment(wsi, buf, (int)size, WSI_TOKEN_HTTP_URI_ARGS, i);

		if (len < 0) {
			break;
		}
		text->arguments[count++] = buf;
		has_null = has_null || strlen(buf) != (size_t)len;
		buf += len + 1;
		size -= (size_t)len + 1;
	}
	text->arguments[count] = NULL;
	return has_null;
}

static enum lws_token_indexes path_token(enum head_method method)
{
	switch (method) {
	case HEAD_HEAD:
		return WSI_TOKEN_HEAD_URI;
	case HEAD_OPTIONS:
		return WSI_TOKEN_OPTIONS_URI;
	default:
		return WSI_TOKEN_GET_URI;
	}
}

void read_head(struct head *ret, struct head_text *text, struct lws *wsi)
{
	enum head_method method = method_of(wsi);
	const char *offered = value(wsi, WSI_TOKEN_PROTOCOL, text->values[6]);
	size_t carried = offered ? admit_take_arguments(text->values[6], text->carried,
					   text->arguments, READ_HEAD_ARGUMENTS)
				 : 0;
	bool has_null = read_query(text, wsi, carried);

	*ret = (struct head){
		.method = method,
		.protocol = value(wsi, WSI_TOKEN_HTTP, text->values[0]),
		.arguments = text->arguments,
		.host = value(wsi, WSI_TOKEN_HOST, text->values[1]),
		.origin = value(wsi, WSI_TOKEN_ORIGIN, text->values[2]),
		.forwarded_for = value(wsi, WSI_TOKEN_X_FORWARDED_FOR, text->values[3]),
		.if_none_match = value(wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, text->values[4]),
		.request_headers = value(wsi, WSI_TOKEN_HTTP_AC_REQUEST_HEADERS, text->values[5]),
		.subprotocols = offered,
		.version = value(wsi, WSI_TOKEN_VERSION, text->values[7]),
		.accept_encoding = value(wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, text->values[8]),
		.accept = value(wsi, WSI_TOKEN_HTTP_ACCEPT, text->values[9]),
		.authorization = sized(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text->authorization,
			sizeof(text->authorization)),
		.has_long_subprotocols =
			lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) > SUBPROTOCOLS_MAX,
		.has_connection = lws_hdr_total_length(wsi, WSI_TOKEN_CONNECTION),
		.has_key = lws_hdr_total_length(wsi, WSI_TOKEN_KEY),
		.has_body = has_body(wsi),
		.has_null = has_null,
	};
	/* The rest, if any, stands behind a raw `;` or `&`; joined to this it would be a name that
	 * nobody wrote. */
	if (lws_hdr_copy_fragment(wsi, text->path, sizeof(text->path), path_token(method), 0) >=
		0) {
		ret->path = text->path;
	}
}

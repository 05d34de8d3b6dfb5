/* nakodo_v1_visit: what the URL of a client says. */
#include "nakodo/dialect/nakodo_v1_visit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/json.h"
#include "nakodo/base/utf8.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/service/grant.h"

#define ATTEMPT_DIGITS 9

bool nakodo_v1_is_name(const char *text)
{
	size_t len = strlen(text);

	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* C0 and DEL; C1, which is U+0080 to U+009F */
		if (*at < 0x20 || *at == 0x7f || *at == '/' ||
			(at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)) {
			return false;
		}
	}
	return len && len <= HUB_NAME_MAX && utf8_is_valid(text, len);
}

bool nakodo_v1_visit_read_nonce(struct nakodo_v1_visit *visit)
{
	long len = request_get(visit->request, "nonce", visit->nonce, sizeof(visit->nonce));

	if (len == -ENOENT) {
		*visit->nonce = '\0';
		return true;
	}
	return len >= 0 && token_is_valid(visit->nonce);
}

static bool read_attempt(struct nakodo_v1_visit *visit)
{
	char text[ATTEMPT_DIGITS + 1];
	long len = request_get(visit->request, "try", text, sizeof(text));

	if (len == -ENOENT) {
		return true;
	}
	if (len < 1 || strspn(text, "0123456789") != (size_t)len) {
		return false;
	}
	visit->attempt = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

const char *nakodo_v1_visit_read(struct nakodo_v1_visit *visit)
{
	bool named = visit->grant && *visit->grant->name;
	long len;

	if (named) {
		len = snprintf(visit->name, sizeof(visit->name), "%s", visit->grant->name);
	} else {
		len = request_get(visit->request, "name", visit->name, sizeof(visit->name));
	}
	if (!nakodo_v1_is_name(visit->request->room)) {
		return "A room's name stands behind the path, as in /v1/ROOM, and has 1 to 128 "
		       "bytes of UTF-8 without control characters and slashes.";
	}
	if (len == -ENOENT) {
		*visit->name = '\0';
	} else if (len < 0 || !nakodo_v1_is_name(visit->name)) {
		return "A participant's name has 1 to 128 bytes of UTF-8 without control "
		       "characters and slashes.";
	}
	if (!nakodo_v1_visit_read_nonce(visit)) {
		return "A nonce has 22 characters of base64url.";
	}
	if (!read_attempt(visit)) {
		return "A try is a number of 1 to 9 digits.";
	}
	return NULL;
}

int nakodo_v1_visit_find(struct nakodo_v1_visit *visit, const char *argument)
{
	char token[TOKEN_TEXT];
	long len = request_get(visit->request, argument, token, sizeof(token));

	if (len == -ENOENT) {
		return 0;
	}
	visit->old =
		len < 0 ? NULL
			: nakodo_v1_key_find(visit->v1, NAKODO_V1_SESSION, token, &visit->shown);
	return visit->old ? 1 : -EPERM;
}

struct nakodo_v1_seat *nakodo_v1_visit_seat(const struct nakodo_v1_visit *visit)
{
	if (!*visit->nonce) {
		return NULL;
	}
	return nakodo_v1_key_find(visit->v1, visit->request->room, visit->nonce, NULL);
}

bool nakodo_v1_visit_is_of(const struct nakodo_v1_visit *visit, const struct nakodo_v1_seat *seat)
{
	char quoted[JSON_QUOTED(GRANT_NAME)];

	if (!visit->grant || !*visit->grant->subject) {
		return !seat->user;
	}
	json_quote(visit->grant->subject, quoted, sizeof(quoted));
	return seat->user && !strcmp(seat->user, quoted);
}

/* Has its session got what its client was told it has? The client may not send that again. */
static bool knows_of(const struct nakodo_v1_visit *visit)
{
	char text[20];
	long len = request_get(visit->request, "acked", text, sizeof(text));

	return len < 1 || strspn(text, "0123456789") != (size_t)len ||
	       strtoull(text, NULL, 10) <= visit->old->session.received;
}

bool nakodo_v1_visit_read_count(const struct nakodo_v1_visit *visit, uint64_t *ret)
{
	char text[20];
	long len = request_get(visit->request, "n", text, sizeof(text));

	if (len < 1 || strspn(text, "0123456789") != (size_t)len) {
		return false;
	}
	*ret = strtoull(text, NULL, 10);
	return *ret <= visit->old->known && session_can_resume(&visit->old->session, *ret) &&
	       knows_of(visit);
}

bool nakodo_v1_visit_is_late(const struct nakodo_v1_visit *visit)
{
	const struct nakodo_v1_seat *seat = nakodo_v1_visit_seat(visit);

	/* Who shows the session of another visit has taken it over, and counts its own tries. */
	return seat && (!visit->old || visit->old == seat) && visit->attempt &&
	       visit->attempt < seat->attempt;
}

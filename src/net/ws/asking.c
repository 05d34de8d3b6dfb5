/* asking: see the header. Owns what is asked in our own words. */
#include "nakodo/net/ws/asking.h"

#include <stdlib.h>
#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/base/json.h"
#include "nakodo/base/log.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/expiry.h"
#include "nakodo/net/ws/ws.h"
#include "nakodo/service/admission.h"
#include "nakodo/service/admission_answer.h"
#include "nakodo/service/grant.h"

#define REASON 124 /* bytes of a close frame's reason, with a NUL */
#define LOG_EVERY 60000 /* ms */

static void add_member(struct text *out, const char *name, const char *value)
{
	if (value) {
		text_print(out, ",\"%s\":", name);
		text_quote(out, value);
	}
}

/* Its query, decoded. A token that was checked here is nobody else's business. */
static void add_query(struct text *out, const struct request *request)
{
	static const char token[] = "token=";
	const char *between = ",\"query\":[";

	for (const char *const *at = request->arguments; at && *at; at++) {
		if (!request->asks_token || strncmp(*at, token, strlen(token)) != 0) {
			text_add(out, between);
			text_quote(out, *at);
			between = ",";
		}
	}
	text_add(out, *between == ',' && !between[1] ? "]" : "");
}

static char *print_question(
	const struct conn *conn, const struct request *request, struct admission_text *ret)
{
	const struct dialect *dialect = request->mount->dialect;
	char address[ADDRESS_TEXT], room[HUB_NAME_MAX + 1];
	struct text text = {0};
	const char *name = request->room;

	if (dialect->room_in_query && !*name &&
		request_get(request, "room", room, sizeof(room)) >= 0) {
		name = room;
	}
	text_print(&text, "{\"dialect\":\"%s\"", dialect->name);
	add_member(&text, "mount", request->mount->path);
	add_member(&text, "room", dialect->room_in_message ? NULL : name);
	add_member(&text, "address", address_format(&conn->address, address));
	add_member(&text, "origin", request->origin);
	grant_print(conn->peer.grant, &text);
	add_query(&text, request);
	text_add(&text, "}");
	ret->body = text_take(&text, &ret->len);
	ret->key = ret->len;
	return (char *)ret->body;
}

static void refuse(struct conn *conn, unsigned code, const char *reason)
{
	const struct dialect *dialect = conn->mount->dialect;

	if (dialect->refuse) {
		dialect->refuse(&conn->peer, code, reason);
	} else {
		hub_close(&conn->peer, code, reason);
	}
}

/* Nobody knows whether it may come in, so it may not. */
static void fail(struct conn *conn)
{
	refuse(conn, ASKING_FAILED, "nobody could say whether you may come in");
}

static void note_bad(struct conn *conn, const struct problem *problem)
{
	struct asking *asking = &conn->ws->asking;
	uint64_t now = deadlines_now(conn->ws->deadlines);

	if (now >= asking->told) {
		asking->told = now + LOG_EVERY;
		log_warn("auth-webhook.bad", LOG_UINT("conn", conn->peer.id),
			LOG_STR("problem", problem->text));
	}
}

static void take_terms(struct conn *conn, const struct admission_answer *answer)
{
	struct problem problem;
	struct grant *grant;

	if (grant_answer(&grant, conn->peer.grant, answer->text, answer->len, &problem)) {
		note_bad(conn, &problem);
		fail(conn);
	} else if (grant) {
		expiry_begin(conn, grant);
	}
}

static void on_answer(void *cookie, const struct admission_answer *answer)
{
	struct json_member why = {.name = "reason"};
	struct conn *conn = cookie;
	char reason[REASON];

	pace_answered(conn);
	if (!pace_is_pending(conn)) {
		conn->mount->dialect->answered(&conn->peer, answer);
	} else if (answer->problem) {
		fail(conn);
	} else if (answer->allowed) {
		take_terms(conn, answer);
	} else {
		json_scan(answer->text, answer->len, &why, 1);
		refuse(conn, ASKING_REFUSED,
			json_decode(&why.value, reason, sizeof(reason)) > 0 ? reason
									    : "not admitted");
	}
}

static void ask(struct conn *conn, const struct admission_text *text)
{
	struct question *question =
		admissions_ask(conn->ws->asking.admissions, &conn->address, text, on_answer, conn);

	if (question) {
		pace_set_question(conn, question);
	}
}

bool asking_begin(struct conn *conn, const struct request *request)
{
	struct admission_text text;
	char *made;

	if (!admissions_are_asked(conn->ws->asking.admissions)) {
		return false;
	}
	made = print_question(conn, request, &text);
	if (made && pace_put_off(conn, request)) {
		ask(conn, &text);
	} else {
		hub_close(&conn->peer, 1011, "out of memory");
	}
	free(made);
	return true;
}

bool asking_open(struct conn *conn, const struct request *request)
{
	const struct dialect *dialect = conn->mount->dialect;
	bool later = dialect->token_in_message && request->asks_token && !conn->peer.grant;

	return !later && !dialect->answered && asking_begin(conn, request);
}

bool asking_begin_in(struct conn *conn, const struct admission_text *text)
{
	if (!admissions_are_asked(conn->ws->asking.admissions)) {
		return false;
	}
	if (pace_hold_back(conn)) {
		ask(conn, text);
	} else {
		hub_close(&conn->peer, 1011, "out of memory");
	}
	return true;
}

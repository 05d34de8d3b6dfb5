/* bearer: see the header. A token goes nowhere but through here: neither into the log nor into an
 * answer. */
#include "nakodo/net/gate/bearer.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/gate/head.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"
#include "nakodo/service/jwt_keys.h"

static struct refusal refuse(int status, const char *code, const char *message, const char *option)
{
	return (struct refusal){
		.status = status, .code = code, .message = message, .option = option};
}

bool bearer_is_asked(const struct gate *gate, const char *auth)
{
	return *auth ? !strcmp(auth, "token") : gate->options->auth == OPTION_AUTH_TOKEN;
}

bool bearer_has_keys(const struct gate *gate)
{
	return jwt_keys_first(gate->keys);
}

int bearer_load(struct jwt_keys **ret, const struct options *options, struct problem *problem)
{
	return jwt_keys_load(ret, &options->auth_key, options->auth_jwks,
		options_where(options, &options->auth_jwks), problem);
}

int bearer_read(struct gate *gate, struct grant **ret, const char *token, size_t len)
{
	const struct jwt_expected expected = {
		gate->options->auth_issuer, gate->options->auth_audience};
	struct jwt_claims claims;
	int error =
		jwt_verify(gate->keys, token, len, time(NULL), &expected, &claims, &gate->problem);

	return error ? error : grant_read(ret, &claims, &gate->problem);
}

/* RFC 6750 section 2.1, else `token` of the subprotocols or the query. The header comes first,
 * since clients of PeerJS have a `token` of their own. NULL: none. */
static const char *find_token(const struct head *head)
{
	static const char scheme[] = "Bearer ", name[] = "token=";
	const char *authorization = head->authorization;

	if (authorization && !strncasecmp(authorization, scheme, strlen(scheme))) {
		authorization += strlen(scheme);
		return authorization + strspn(authorization, " ");
	}
	for (const char *const *at = head->arguments; at && *at; at++) {
		if (!strncmp(*at, name, strlen(name))) {
			return *at + strlen(name);
		}
	}
	return NULL;
}

/* May it join the room that its path or its query names, as the dialect will read it? */
static bool may_join(const struct grant *grant, const struct mount *mount, const struct head *head,
	const char *room)
{
	const struct request request = {.mount = mount, .arguments = head->arguments};
	char name[GRANT_NAME + 1];

	if (mount->dialect->room_in_query && !*room &&
		request_get(&request, "room", name, sizeof(name)) >= 0) {
		room = name;
	}
	return grant_may_join(grant, room);
}

bool bearer_has_token(const struct head *head)
{
	return find_token(head);
}

static struct refusal read_grant(struct gate *gate, const char *token, struct grant **ret)
{
	struct refusal refusal = {0};

	if (!token) {
		return refuse(401, "no-token", "A token is needed here.", "auth");
	}
	if (bearer_read(gate, ret, token, strlen(token))) {
		refusal = refuse(401, "bad-token", "The token ", "auth-key");
		refusal.detail = gate->problem.text;
	}
	return refusal;
}

struct refusal bearer_check(struct gate *gate, const struct gate_door *door,
	const struct head *head, const struct mount *mount, const char *room,
	struct grant **ret_grant)
{
	const char *token = find_token(head);
	struct refusal refusal = {0};
	struct grant *grant;

	*ret_grant = NULL;
	if (!bearer_is_asked(gate, door->auth)) {
		return refusal;
	}
	refusal = read_grant(gate, token, &grant);
	if (refusal.status) {
		return refusal;
	}
	if (!mount->dialect->room_in_message && !may_join(grant, mount, head, room)) {
		grant_destroy(grant);
		return refuse(403, "not-granted", "The token does not let into this room.", NULL);
	}
	*ret_grant = grant;
	return refusal;
}

struct refusal bearer_check_any(
	struct gate *gate, const struct gate_door *door, const struct head *head)
{
	struct refusal refusal = {0};
	struct grant *grant;

	if (!bearer_is_asked(gate, door->auth)) {
		return refusal;
	}
	refusal = read_grant(gate, find_token(head), &grant);
	if (!refusal.status) {
		grant_destroy(grant);
	}
	return refusal;
}

struct refusal bearer_check_admin(struct gate *gate, const struct head *head)
{
	struct grant *grant;
	struct refusal refusal = read_grant(gate, find_token(head), &grant);

	if (refusal.status) {
		return refusal;
	}
	if (!(grant->can & GRANT_ADMIN)) {
		refusal = refuse(403, "not-granted", "The token is not an administrator's.", NULL);
	}
	grant_destroy(grant);
	return refusal;
}

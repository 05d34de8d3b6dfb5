/*
 * nakodo_v1_self: what a participant says of itself, its name and its meta. Owns nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/options.h"
#include "nakodo/base/text.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"
#include "nakodo/dialect/nakodo_v1_call.h"
#include "nakodo/dialect/nakodo_v1_seat.h"
#include "nakodo/dialect/nakodo_v1_visit.h"
#include "nakodo/service/grant.h"

/* It goes to the participant too, who learns by it that its update was taken. */
static void publish_update(struct nakodo_v1_seat *seat)
{
	struct text text = {0};
	struct iovec part;

	text_add(&text, "{\"type\":\"peer-updated\",\"peer\":{");
	nakodo_v1_seat_print(seat, &text);
	text_add(&text, "}}");
	part.iov_base = text_take(&text, &part.iov_len);
	if (part.iov_base) {
		nakodo_v1_seat_publish(seat, NAKODO_V1_UPDATED, &part, 1);
		nakodo_v1_seat_send(seat, &part, 1);
		free(part.iov_base);
	}
}

static void replace(char **text, const char *by, size_t len)
{
	char *copy = strndup(by, len);

	if (copy) {
		free(*text);
		*text = copy;
	}
}

struct nakodo_v1_fault nakodo_v1_self_update(const struct nakodo_v1_call *call)
{
	const struct json_value *meta = &call->members[CALL_META].value;
	const struct json_value *given = &call->members[CALL_NAME].value;
	const struct grant *grant = call->seat->peer->grant;
	char name[HUB_NAME_MAX + 1], quoted[JSON_QUOTED(HUB_NAME_MAX)];

	if (given->kind != JSON_ABSENT && grant && *grant->name) {
		return (struct nakodo_v1_fault){"forbidden", "The name is that of the token."};
	}
	if (given->kind != JSON_ABSENT &&
		(json_decode(given, name, sizeof(name)) < 1 || !nakodo_v1_is_name(name))) {
		return nakodo_v1_bad_message("A name has 1 to 128 bytes of UTF-8 without control "
					     "characters and slashes.");
	}
	if (meta->kind != JSON_ABSENT && meta->kind != JSON_OBJECT) {
		return nakodo_v1_bad_message("The member meta must be an object.");
	}
	if (meta->len > call->seat->mount->mount->env->options->max_meta) {
		return nakodo_v1_bad_message("The member meta is too long.");
	}
	if (!json_is_portable(meta)) {
		return nakodo_v1_bad_message(
			"The member meta has half of a surrogate pair, the character "
			"U+0000 or a number that is too large.");
	}
	if (given->kind != JSON_ABSENT) {
		json_quote(name, quoted, sizeof(quoted));
		replace(&call->seat->name, quoted, strlen(quoted));
	}
	if (meta->kind != JSON_ABSENT) {
		replace(&call->seat->meta, meta->at, meta->len);
	}
	nakodo_v1_seat_count(call->seat);
	publish_update(call->seat);
	return (struct nakodo_v1_fault){0};
}

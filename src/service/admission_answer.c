/* admission_answer: see the header. */
#include "nakodo/service/admission_answer.h"

#include "nakodo/base/json.h"

#define TTL_DIGITS 9

/* For how many seconds it is good; 0: it is not kept. */
static unsigned read_ttl(const struct json_value *value)
{
	unsigned ttl = 0;

	if (value->kind != JSON_NUMBER || value->len > TTL_DIGITS) {
		return 0;
	}
	for (size_t i = 0; i < value->len; i++) {
		if (value->at[i] < '0' || value->at[i] > '9') {
			return 0;
		}
		ttl = ttl * 10 + (unsigned)(value->at[i] - '0');
	}
	return ttl < ADMISSION_TTL ? ttl : ADMISSION_TTL;
}

/* Ayame's servers call it `allowed`. */
bool admission_answer_read(
	const char *body, size_t len, struct admission_answer *ret, unsigned *ret_ttl)
{
	struct json_member members[] = {{.name = "allow"}, {.name = "allowed"}, {.name = "ttl"}};
	const struct json_value *verdict = &members[0].value;

	if (json_scan(body, len, members, 3) != JSON_OK) {
		return false;
	}
	if (verdict->kind == JSON_ABSENT) {
		verdict = &members[1].value;
	}
	*ret = (struct admission_answer){
		.allowed = verdict->kind == JSON_BOOL && *verdict->at == 't',
		.text = body,
		.len = len,
	};
	*ret_ttl = read_ttl(&members[2].value);
	return verdict->kind == JSON_BOOL;
}

/*
 * fuzz json: whatever the bytes are, what json_scan says about them must hold, and cJSON must read
 * what it accepts in the same way.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "nakodo/base/json.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define CJSON_NUMBER_MAX 60 /* cJSON reads numbers through a buffer of 64 bytes */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(): it must hold in every kind of build. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static void check_decoding(const struct json_value *value)
{
	char *buf = malloc(value->len);
	long got = json_decode(value, buf, value->len); /* decoding never makes longer */

	require(got != -ENOSPC);
	if (got >= 0) {
		require(strlen(buf) == (size_t)got);
		require(json_equals(value, buf));
		require(json_decode(value, buf, (size_t)got + 1) == got);
		require(json_decode(value, buf, (size_t)got) == -ENOSPC);
		if (got > 0) {
			buf[got - 1] ^= 1;
			require(!json_equals(value, buf));
		}
	} else {
		require(json_decode(value, NULL, 0) == got);
		require(!json_equals(value, ""));
	}
	free(buf);
}

static void check_value(const struct json_value *value, const char *text, size_t len)
{
	struct json_value item = {0};
	enum json_result result;

	require(value->at >= text && value->len > 0);
	require(value->len <= len && (size_t)(value->at - text) <= len - value->len);
	result = json_scan(value->at, value->len, NULL, 0);
	require(result == (value->kind == JSON_OBJECT ? JSON_OK : JSON_NOT_OBJECT));
	if (value->kind == JSON_STRING) {
		check_decoding(value);
	} else {
		require(json_decode(value, NULL, 0) == -EINVAL);
	}
	while (json_next(value, &item)) {
		check_value(&item, value->at, value->len);
	}
}

static int count_elements(const struct json_value *array)
{
	struct json_value item = {0};
	int count = 0;

	while (json_next(array, &item)) {
		count++;
	}
	return count;
}

/* cJSON refuses lone surrogates, ends strings at U+0000 and numbers at 63 digits. */
static bool is_comparable(const char *text)
{
	const char *escape = text;

	while ((escape = strstr(escape, "\\u"))) {
		escape += 2;
		if (strncmp(escape, "0000", 4) == 0 ||
			((*escape | 0x20) == 'd' && escape[1] > '7')) {
			return false;
		}
	}
	for (; *text; text++) {
		size_t digits = strspn(text, "0123456789+-.eE");

		if (digits > CJSON_NUMBER_MAX) {
			return false;
		}
		text += digits ? digits - 1 : 0;
	}
	return true;
}

static enum json_kind kind_of(const cJSON *item)
{
	switch (item ? item->type & 0xff : cJSON_Invalid) {
	case cJSON_NULL:
		return JSON_NULL;
	case cJSON_True:
	case cJSON_False:
		return JSON_BOOL;
	case cJSON_Number:
		return JSON_NUMBER;
	case cJSON_String:
		return JSON_STRING;
	case cJSON_Array:
		return JSON_ARRAY;
	case cJSON_Object:
		return JSON_OBJECT;
	default:
		return JSON_ABSENT;
	}
}

static void compare(const char *text, size_t len, enum json_result result,
	const struct json_member *members, size_t count)
{
	cJSON *root = cJSON_ParseWithLengthOpts(text, len + 1, NULL, true);

	require(root != NULL);
	require(cJSON_IsObject(root) == (result != JSON_NOT_OBJECT));
	for (size_t i = 0; result == JSON_OK && i < count; i++) {
		const struct json_value *value = &members[i].value;
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, members[i].name);

		require(value->kind == kind_of(item));
		if (value->kind == JSON_NUMBER && json_is_portable(value)) {
			require(isfinite(item->valuedouble));
		}
		if (value->kind == JSON_STRING) {
			require(json_equals(value, item->valuestring));
		}
		require(count_elements(value) ==
			(cJSON_IsArray(item) ? cJSON_GetArraySize(item) : 0));
	}
	cJSON_Delete(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_member members[] = {{.name = "type"}, {.name = "to"}, {.name = "a"},
		{.name = ""}, {.name = "\xe5\x90\x8d"}};
	const char *text = (const char *)data;
	enum json_result result = json_scan(text, size, members, COUNT(members));
	char *copy;

	if (result == JSON_BAD) {
		return 0;
	}
	for (size_t i = 0; result == JSON_OK && i < COUNT(members); i++) {
		if (members[i].value.kind != JSON_ABSENT) {
			check_value(&members[i].value, text, size);
		}
	}
	copy = malloc(size + 1);
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (is_comparable(copy)) {
		compare(copy, size, result, members, COUNT(members));
	}
	free(copy);
	return 0;
}

/* saved: see the header. */
#include "nakodo/base/saved.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/utf8.h"

static uint64_t get(const unsigned char *at, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++) {
		number |= (uint64_t)at[i] << 8 * i;
	}
	return number;
}

/* The payload of the record at *at, which is moved behind it. NULL: there is none that is right. */
static const unsigned char *check(
	const unsigned char **at, const unsigned char *end, uint64_t index, size_t *ret_len)
{
	const unsigned char *head = *at, *payload = head + SAVE_HEAD;
	uint64_t len;

	if (end - head < SAVE_HEAD) {
		return NULL;
	}
	len = get(head, 4);
	if (len > (uint64_t)(end - payload) ||
		save_check(index, (uint32_t)get(head + 4, 4), payload, len) != get(head + 8, 8)) {
		return NULL;
	}
	*ret_len = len;
	*at = payload + len;
	return payload;
}

int saved_open(struct saved *saved, const void *bytes, size_t len)
{
	const unsigned char *at = bytes, *end = at + len, *head, *payload;
	size_t size;

	if (len < SAVE_MAGIC_SIZE || memcmp(at, SAVE_MAGIC, SAVE_MAGIC_SIZE) != 0) {
		return -ENOMSG;
	}
	at += SAVE_MAGIC_SIZE;
	*saved = (struct saved){.next = at};
	for (uint64_t index = 0;; index++) {
		head = at;
		payload = check(&at, end, index, &size);
		if (!payload) {
			return -EBADMSG;
		}
		if (get(head + 4, 4) == SAVE_LAST) {
			return size == 8 && get(payload, 8) == index && at == end ? 0 : -EBADMSG;
		}
	}
}

bool saved_next(struct saved *saved)
{
	const unsigned char *head = saved->next;

	saved->bad |= saved->at != saved->end;
	if (saved->bad) {
		return false;
	}
	saved->kind = (enum save_kind)get(head + 4, 4);
	saved->at = head + SAVE_HEAD;
	saved->end = saved->at + get(head, 4);
	if (saved->kind == SAVE_LAST) {
		saved->end = saved->at; /* stays the next one */
		return false;
	}
	saved->next = saved->end;
	return true;
}

void saved_skip(struct saved *saved)
{
	saved->at = saved->end;
}

const void *saved_rest(struct saved *saved, size_t *ret_len)
{
	const unsigned char *at = saved->at;

	*ret_len = (size_t)(saved->end - at);
	saved->at = saved->end;
	return at;
}

static const unsigned char *take(struct saved *saved, uint64_t len)
{
	const unsigned char *at = saved->at;

	if (saved->bad || len > (uint64_t)(saved->end - at)) {
		saved->bad = true;
		return NULL;
	}
	saved->at += len;
	return at;
}

uint64_t saved_number(struct saved *saved)
{
	const unsigned char *at = take(saved, 8);

	return at ? get(at, 8) : 0;
}

uint64_t saved_number_up_to(struct saved *saved, uint64_t most)
{
	uint64_t number = saved_number(saved);

	saved->bad |= number > most;
	return saved->bad ? 0 : number;
}

size_t saved_count(struct saved *saved, size_t least)
{
	uint64_t count = saved_number(saved);

	saved->bad |= count > (uint64_t)(saved->end - saved->at) / least;
	return saved->bad ? 0 : count;
}

const void *saved_bytes(struct saved *saved, size_t *ret_len)
{
	uint64_t len = saved_number(saved);
	const unsigned char *at = take(saved, len);

	*ret_len = at ? len : 0;
	return at;
}

void saved_copy(struct saved *saved, void *ret, size_t len)
{
	size_t have;
	const void *bytes = saved_bytes(saved, &have);

	saved->bad |= have != len;
	if (saved->bad) {
		memset(ret, 0, len);
	} else {
		memcpy(ret, bytes, len);
	}
}

const char *saved_text(struct saved *saved)
{
	size_t len;
	const char *text = saved_bytes(saved, &len);

	if (!len) {
		return NULL;
	}
	if (memchr(text, '\0', len) != text + len - 1 || !utf8_is_valid(text, len - 1)) {
		saved->bad = true;
		return NULL;
	}
	return text;
}

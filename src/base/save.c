/* save: see the header. */
#include "nakodo/base/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/hash.h"

static void put(unsigned char *at, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		at[i] = number >> 8 * i & 0xff;
	}
}

uint64_t save_check(uint64_t index, uint32_t kind, const void *payload, size_t len)
{
	unsigned char key[HASH_KEY_SIZE];

	put(key, index, 8);
	put(key + 8, kind, 8);
	return hash_keyed(key, payload, len);
}

static void write_out(struct save *save, const void *bytes, size_t len)
{
	if (!save->error && len && fwrite(bytes, 1, len, save->out) != len) {
		save->error = errno ? -errno : -EIO;
	}
}

void save_init(struct save *save, FILE *out)
{
	*save = (struct save){.out = out};
	write_out(save, SAVE_MAGIC, SAVE_MAGIC_SIZE);
}

void save_begin(struct save *save, enum save_kind kind)
{
	save->kind = kind;
	save->record.len = 0;
}

void save_number(struct save *save, uint64_t number)
{
	unsigned char bytes[8];

	put(bytes, number, sizeof(bytes));
	text_add_bytes(&save->record, bytes, sizeof(bytes));
}

void save_bytes(struct save *save, const void *bytes, size_t len)
{
	save_number(save, len);
	text_add_bytes(&save->record, bytes, len);
}

void save_text(struct save *save, const char *text)
{
	save_bytes(save, text ? text : "", text ? strlen(text) + 1 : 0);
}

void save_end(struct save *save)
{
	const struct text *record = &save->record;
	unsigned char head[SAVE_HEAD];

	if (record->failed || record->len > UINT32_MAX) {
		save->error = save->error ? save->error : record->failed ? -ENOMEM : -EFBIG;
		return;
	}
	put(head, record->len, 4);
	put(head + 4, save->kind, 4);
	put(head + 8, save_check(save->count, save->kind, record->at, record->len), 8);
	write_out(save, head, sizeof(head));
	write_out(save, record->at, record->len);
	save->count++;
	save->seats += save->kind == SAVE_SEAT;
}

int save_finish(struct save *save)
{
	save_begin(save, SAVE_LAST);
	save_number(save, save->count);
	save_end(save);
	free(save->record.at);
	save->record = (struct text){0};
	if (!save->error && fflush(save->out)) {
		save->error = -errno;
	}
	return save->error;
}

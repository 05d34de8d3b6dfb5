/* frame_book: see the header. A frame knows the last number that it was given, in what would be
 * padding else; it is right if the book has that frame there. */
#include "nakodo/hub/frame_book.h"

#include <errno.h>
#include <stdlib.h>

#include "nakodo/base/saved.h"
#include "nakodo/base/utf8.h"
#include "nakodo/hub/frame.h"

#define FIRST_ROOM 64

static int add(struct frame_book *book, struct frame *frame)
{
	size_t room = book->room ? book->room * 2 : FIRST_ROOM;
	struct frame **frames = book->frames;

	if (book->count == UINT32_MAX) {
		return -ENOMEM;
	}
	if (book->count == book->room) {
		frames = reallocarray(frames, room, sizeof(struct frame *));
		if (!frames) {
			return -ENOMEM;
		}
		book->frames = frames;
		book->room = room;
	}
	frames[book->count++] = frame;
	return 0;
}

uint64_t frame_book_number(const struct frame_book *book, const struct frame *frame)
{
	bool known = frame && frame->number && frame->number <= book->count &&
		     book->frames[frame->number - 1] == frame;

	return known ? frame->number : 0;
}

int frame_book_write(struct frame_book *book, struct save *save, struct frame *frame)
{
	const void *payload;
	size_t len;

	if (frame_book_number(book, frame)) {
		return 0;
	}
	if (add(book, frame)) {
		return -ENOMEM;
	}
	frame->number = (unsigned)book->count;
	payload = frame_payload(frame, &len);
	save_begin(save, SAVE_FRAME);
	save_bytes(save, payload, len);
	save_end(save);
	return 0;
}

int frame_book_read(struct frame_book *book, struct saved *saved)
{
	struct iovec part;
	struct frame *frame;

	book->read = true;
	part.iov_base = (void *)saved_bytes(saved, &part.iov_len);
	if (saved->bad || !utf8_is_valid(part.iov_base, part.iov_len)) {
		return -EBADMSG;
	}
	frame = frame_create(FRAME_TEXT, &part, 1);
	if (!frame || add(book, frame)) {
		frame_unref(frame);
		return -ENOMEM;
	}
	return 0;
}

struct frame *frame_book_find(const struct frame_book *book, struct saved *saved)
{
	uint64_t number = saved_number_up_to(saved, book->count);

	return number ? book->frames[number - 1] : NULL;
}

void frame_book_finish(struct frame_book *book)
{
	for (size_t i = 0; book->read && i < book->count; i++) {
		frame_unref(book->frames[i]);
	}
	free(book->frames);
	*book = (struct frame_book){0};
}

/* frame_book: see the header. A frame knows the last number that it was given, in what would be
 * padding else; it is right if the book has that frame there. */
#include "nakodo/hub/frame_book.h"

#include <errno.h>
#include <stdlib.h>

#include "nakodo/base/saved.h"
#include "nakodo/base/utf8.h"
#include "nakodo/hub/frame.h"

#define FIRST_ROOM 64
#define NUMBER_MOST (1 << 22)

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

int frame_book_enter(struct frame_book *book, struct frame *frame)
{
	book->owns = true;
	if (frame_book_number(book, frame)) {
		return 0;
	}
	if (add(book, frame_ref(frame))) {
		frame_unref(frame);
		return -ENOMEM;
	}
	frame->number = (unsigned)book->count;
	return 1;
}

void frame_book_forget(struct frame_book *book, size_t number)
{
	frame_unref(book->frames[number - 1]);
	book->frames[number - 1] = NULL;
}

void frame_book_save(const struct frame_book *book, const struct frame *frame, struct save *save)
{
	size_t len;
	const void *payload = frame_payload(frame, &len);

	save_number(save, frame_book_number(book, frame));
	save_bytes(save, payload, len);
}

static int read_frame(struct saved *saved, struct frame **ret)
{
	struct iovec part;

	part.iov_base = (void *)saved_bytes(saved, &part.iov_len);
	if (saved->bad || !utf8_is_valid(part.iov_base, part.iov_len)) {
		return -EBADMSG;
	}
	*ret = frame_create(FRAME_TEXT, &part, 1);
	return *ret ? 0 : -ENOMEM;
}

int frame_book_read(struct frame_book *book, struct saved *saved)
{
	struct frame *frame;
	int error;

	book->owns = true;
	error = read_frame(saved, &frame);
	if (!error && add(book, frame)) {
		frame_unref(frame);
		error = -ENOMEM;
	}
	return error;
}

int frame_book_read_numbered(struct frame_book *book, struct saved *saved)
{
	uint64_t number = saved_number_up_to(saved, NUMBER_MOST);
	int error = 0;

	book->owns = true;
	while (!error && book->count < number) {
		error = add(book, NULL);
	}
	if (error || !number || book->frames[number - 1]) {
		return error ? error : -EBADMSG;
	}
	return read_frame(saved, &book->frames[number - 1]);
}

struct frame *frame_book_find(const struct frame_book *book, struct saved *saved)
{
	uint64_t number = saved_number_up_to(saved, book->count);

	return number ? book->frames[number - 1] : NULL;
}

void frame_book_finish(struct frame_book *book)
{
	for (size_t i = 0; book->owns && i < book->count; i++) {
		frame_unref(book->frames[i]);
	}
	free(book->frames);
	*book = (struct frame_book){0};
}

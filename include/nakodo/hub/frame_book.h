/*
 * frame_book: the text frames that are saved for the next process (base/save.h), each once, however
 * many keep it. Who keeps one writes its number, from 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame;
struct save;
struct saved;

/* Zeroed memory is an empty book. */
struct frame_book {
	struct frame **frames; /* by number - 1 */
	size_t count, room;
	bool owns; /* a reference of each: it was read, or is kept */
};

/*
 * A book may also be kept: frame_book_enter() and _forget() in place of _write(), and records that
 * say their number.
 */

/* Write a record of the frame unless it is in the book already. The frame must stay until
 * frame_book_finish(). 0 or -ENOMEM. */
int frame_book_write(struct frame_book *book, struct save *save, struct frame *frame);
/* The number of a frame that was written. 0: it was not, or is NULL. */
uint64_t frame_book_number(const struct frame_book *book, const struct frame *frame);

/* Read the record of a frame. 0, -EBADMSG or -ENOMEM. */
int frame_book_read(struct frame_book *book, struct saved *saved);
/* The frame of a number that stands in the record, the book's. NULL: 0, or there is none of that
 * number, which makes all bad. */
struct frame *frame_book_find(const struct frame_book *book, struct saved *saved);
void frame_book_finish(struct frame_book *book);

/* Keep the frame, with a reference of the book's. 1: it is new; 0: it was there; -ENOMEM. */
int frame_book_enter(struct frame_book *book, struct frame *frame);
/* That number is nobody's any more. */
void frame_book_forget(struct frame_book *book, size_t number);
/* Into the record that has been begun; read such a one: 0, -EBADMSG or -ENOMEM. */
void frame_book_save(const struct frame_book *book, const struct frame *frame, struct save *save);
int frame_book_read_numbered(struct frame_book *book, struct saved *saved);

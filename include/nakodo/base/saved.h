/*
 * saved: read what base/save.h wrote, in the same order. It may be anybody's bytes: nothing outside
 * of them is ever looked at, and who asks for what is not there gets 0 or "" and hears in the end
 * that all of it is bad.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/base/save.h"

struct saved {
	const unsigned char *at, *end; /* what is left of the record */
	const unsigned char *next; /* record */
	enum save_kind kind; /* of the record */
	bool bad; /* something was asked for that is not there, or cannot be */
};

/* Look through all of it, which must outlive `saved`. 0; -ENOMSG: it is something else, or of
 * another version; -EBADMSG: it is torn or damaged. */
int saved_open(struct saved *saved, const void *bytes, size_t len);
/* The next record, which is the first after saved_open(). What is left of the one before makes all
 * bad. False: it was the last, or all is bad. */
bool saved_next(struct saved *saved);
/* The rest of the record is of no use. */
void saved_skip(struct saved *saved);
/* The rest of the record as it is. */
const void *saved_rest(struct saved *saved, size_t *ret_len);
uint64_t saved_number(struct saved *saved);
/* A number of at most that; a higher one makes all bad, and is 0. */
uint64_t saved_number_up_to(struct saved *saved, uint64_t most);
/* How many things follow, each of at least so many bytes in the record. */
size_t saved_count(struct saved *saved, size_t least);
/* Bytes inside of what was opened. */
const void *saved_bytes(struct saved *saved, size_t *ret_len);
/* Bytes, exactly so many, copied; zeros if they are not there. */
void saved_copy(struct saved *saved, void *ret, size_t len);
/* UTF-8 with a NUL behind it, inside of what was opened; NULL: NULL was saved, or all is bad. */
const char *saved_text(struct saved *saved);

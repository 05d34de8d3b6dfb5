/*
 * listeners: all that the options let us listen on, and how other options change it.
 */
#pragma once

#include <stdint.h>

#include "nakodo/net/socket/opening.h"

struct sockaddr_storage;

/* Open what the options say and what is not there by the same words. `made` are those; 0, or -errno
 * with a sentence, and then all is as it was. Sockets that are there and not said any more listen
 * until listeners_take(). */
int listeners_make(struct opening *opening, struct problem *problem);
/* Begin to accept. 0 or -errno. */
int listeners_start(const struct opening *opening);
/* Exchange them: `made` are those then that the options do not say. */
void listeners_take(struct opening *opening);
/* Close those in `made`. Their connections go on. */
void listeners_dispose(struct opening *opening);

/* The socket of that number. NULL: there is none any more. */
const struct listener *listeners_find(const struct sockets *sockets, uint32_t number);
/* The socket that listens there now. NULL: none does. */
const struct listener *listeners_find_at(
	const struct sockets *sockets, const struct sockaddr_storage *address);
/* How many there are. */
size_t listeners_count(const struct sockets *sockets);
/* Stop accepting, for good. */
void listeners_close(struct sockets *sockets);
/* Close them, when the loop has ended. */
void listeners_destroy(struct sockets *sockets);
/* Say in the log if others may join any room. */
void listeners_tell_open(const struct sockets *sockets);

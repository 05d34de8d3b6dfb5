/*
 * nakodo_v1_history: the last chat messages of a room, each as the JSON object that newcomers are
 * sent. They go with the room. A message weighs on the address that it came from, and is the first
 * to be given up when memory is short. The mount counts it for the address (`said`).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct nakodo_v1;
struct nakodo_v1_seat;
struct room;
struct save;
struct saved;
struct shortage;
struct text;

/* Keep a chat message of the participant; `text` is JSON. Without memory, or if it is longer than
 * all that is kept for a room, it is not kept. */
void nakodo_v1_history_add(const struct nakodo_v1_seat *from, const char *text, size_t len);
/* Write what is kept for the room, "[…]". */
void nakodo_v1_history_print(const struct room *room, struct text *out);
void nakodo_v1_history_free(struct nakodo_v1 *v1, struct room *room);

/* Of the rooms for which that is true, forget messages of addresses of which shortage_takes(): the
 * oldest of the room that was silent longest first. */
void nakodo_v1_history_shed(
	struct nakodo_v1 *v1, struct shortage *shortage, bool (*of_room)(const struct room *room));

/* Write a record for each room of which something is kept, and read such a one back: -EBADMSG if
 * it cannot be, -ENOMEM. */
void nakodo_v1_history_save(const struct nakodo_v1 *v1, struct save *save);
/* The same of one room, into the record that has been begun. False: nothing is kept of it. */
bool nakodo_v1_history_save_room(const struct room *room, struct save *save);
int nakodo_v1_history_restore(struct nakodo_v1 *v1, struct saved *saved);

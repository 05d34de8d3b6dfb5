/*
 * largest: which rooms have most members. It is found out while somebody asks again and again, by a
 * bounded number of rooms each time; no room costs anything while nobody asks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nakodo/dialect/all_rooms.h"
#include "nakodo/hub/hub.h"

#define LARGEST_ROWS 20
#define LARGEST_LOOKED_AT 10000 /* rooms, each time that somebody asks */

struct largest_row {
	size_t members;
	char mount[128]; /* its path, or as much as there is room for */
	char room[HUB_NAME_MAX + 1];
};

/* The largest come first once they are in order. */
struct largest_list {
	struct largest_row rows[LARGEST_ROWS];
	size_t count;
};

/* All zero: nobody has asked yet. */
struct largest {
	struct all_rooms walk;
	bool under_way; /* a look at all rooms, of which `found` are the largest so far; */
	bool whole; /* one has ended, and `shown` are its largest; else the largest so far */
	struct largest_list found, shown;
	uint64_t asked; /* ms */
};

/* Go on, at that time, and return the largest rooms in order: of all rooms if they are as few as
 * are looked at at once, else of when they were last met. */
const struct largest_list *largest_ask(
	struct largest *largest, const struct dialect_table *table, uint64_t now);
void largest_finish(struct largest *largest);

/*
 * dialect_entry: a mount as the files of dialect_table.h know it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/dialect/mount.h"

struct dialect_env;
struct dialect_table;
struct hub;

struct entry {
	struct mount mount;
	struct dialect_table *table;
	struct entry *next;
	bool said; /* the options say so: paths lead there. Never a listener's own */
	bool saying; /* the options that dialect_table_prepare() was given do */
	size_t users; /* that hold it */
	const char *key; /* the path, or the listener whose own it is */
	char text[]; /* what the mount's strings point into */
};

struct dialect_table {
	struct hub *hub;
	const struct dialect_env *env;
	struct entry *mounts, *own;
};

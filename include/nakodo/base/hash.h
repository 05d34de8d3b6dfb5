/*
 * hash: uthash with a hash function whose key is drawn at random in each process. With a known one
 * a client could choose names that all fall into one bucket, and each lookup would then walk
 * through all of them.
 *
 * Include this instead of uthash.h. An element that was added is in the table only if its hh.tbl is
 * not NULL: without memory uthash would otherwise end the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_FUNCTION(key, len, value) ((value) = hash_bytes((key), (len)))
#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#define HASH_KEY_SIZE 16

/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
uint64_t hash_keyed(const unsigned char key[HASH_KEY_SIZE], const void *bytes, size_t len);
/* The same with this process's key, cut to what uthash takes. */
unsigned hash_bytes(const void *bytes, size_t len);
/* The bytes that a table (hh.tbl of its elements) takes beside them. NULL: it has none. */
size_t hash_size(const UT_hash_table *table);

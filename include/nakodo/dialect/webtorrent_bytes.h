/*
 * webtorrent_bytes: hashes and ids, 20 bytes that stand in JSON as 20 characters up to U+00FF.
 */
#pragma once

#include <stdbool.h>

#define WEBTORRENT_ID 20 /* bytes of a hash, a peer id or an offer id */

struct json_value;

/* A value of a scanned text, decoded; U+0000 is a byte as any other. False: it is not that many
 * such characters, and `ret` means nothing. */
bool webtorrent_bytes_read(const struct json_value *value, unsigned char ret[WEBTORRENT_ID]);

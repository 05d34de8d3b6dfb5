/*
 * daemon: the whole server in a thread of the fuzzer, asked through a unix socket as clients ask
 * it, so that what libwebsockets makes of the bytes is in the picture. The server and its state
 * live as long as the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Start it and wait until it answers. */
void daemon_start(void);
/* Connect, send the bytes, and read until the server ends the connection, which it does soon since
 * nothing more can come. What it said, to be freed. */
unsigned char *daemon_ask(const void *bytes, size_t len, size_t *ret_len);

/*
 * tunnel_sides: the two sides of a tunnel, and how bytes go from one to the other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct side;
struct tunnel;

/* Bytes that came; 0: none now; -EPIPE: it has ended. */
ssize_t tunnel_get_client(struct tunnel *tunnel, unsigned char *bytes, size_t size);
/* What waits for that side, as long as it takes it. What it will never take is dropped. */
void tunnel_push(struct tunnel *tunnel, struct side *to);
/* From one side to the other, the same. False: no memory. */
bool tunnel_pump(struct tunnel *tunnel, struct side *from, struct side *to);
/* The client has ended. The owner is to hear all of what it has said, for which it must be able to
 * say what it has to say until it ends, too: what the client does not take at once is dropped. */
void tunnel_part(struct tunnel *tunnel);
/* Nothing more is said to the client. False: to be called again when it takes something. */
bool tunnel_shut_client(struct tunnel *tunnel);
/* Has it not acknowledged all of what was said? Sees when it took something last. */
bool tunnel_client_lags(struct tunnel *tunnel, uint64_t now);
/* Has the owner said something that is not read? */
bool tunnel_owner_waits(const struct tunnel *tunnel);

/*
 * plain: what the dialects without a handshake of their own have in common (signal, relay, chat,
 * echo): connecting is joining one room, but for echo, and `frames` chooses the opcode a client
 * receives.
 */
#pragma once

#include <stdbool.h>

struct mount;
struct peer;
struct problem;
struct request;

/* Close codes: the request makes no sense; the room is full. */
#define PLAIN_CLOSE_BAD_REQUEST 4400
#define PLAIN_CLOSE_ROOM_FULL 4413

/* dialect.start of a dialect that knows the parameters named (NULL at the end), `frames` among
 * them. */
int plain_check(const struct mount *mount, const char *const *names, struct problem *problem);
/* Read `frames`. False: it makes no sense, and the peer has been closed. */
bool plain_choose_frames(struct peer *peer, const struct request *request);
/* The same, and take the seat. 0; -ENOSPC: the room is full, and the caller closes the peer in
 * the words of its protocol; any other -errno: the peer has been closed. */
int plain_join(struct peer *peer, const struct request *request);
/* dialect.close of those who joined so. */
void plain_close(struct peer *peer);

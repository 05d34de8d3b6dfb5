/*
 * nakodo_v1_token: tokens that come in messages. Who has shown none in the request, where one is
 * asked for, is a guest: connected, without a seat, and soon closed with 4401. A token in a message
 * has no URL that a log could keep, and may be as long as JWT_MAX; and it can be shown again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct nakodo_v1_call;
struct peer;
struct request;

/* Make the peer a guest; what it asked for is done when its token has come. */
void nakodo_v1_token_await(struct peer *peer, const struct request *request);
/* A peer without a seat says this. If it is a token that lets in, the peer has the grant and is a
 * guest no more; what it asked for is returned, to be done and freed. NULL: it is closed. */
struct request *nakodo_v1_token_hear(struct peer *peer, const char *data, size_t len);
/* A peer without a seat leaves. */
void nakodo_v1_token_leave(struct peer *peer);
/* A participant's message: is it a token? Then it has been taken or refused. */
bool nakodo_v1_token_take(const struct nakodo_v1_call *call);
void nakodo_v1_token_ask(struct peer *peer); /* for one; dialect.renew */

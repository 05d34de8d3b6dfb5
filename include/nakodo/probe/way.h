/*
 * way: name, connection, TLS: the steps up to a stream on which the server is spoken to.
 */
#pragma once

struct probing;
struct stream;

/* Try the steps and report each. 0: `ret` is open, though its certificate may be a bad one, and
 * then no token may go over it; -1: there is no way. */
int way_find(struct probing *probing, struct stream *ret, int *ret_is_trusted);
/* The same way once more, without a word. 0 or -errno; -EPROTO, too, if there is a token
 * and the certificate is not trusted. */
int way_repeat(const struct probing *probing, struct stream *ret);

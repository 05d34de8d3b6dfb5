/*
 * stream: a connected socket, TCP with or without TLS or UDP, that is waited for until a deadline
 * and no longer. Times are microseconds of CLOCK_MONOTONIC.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct addrinfo;
struct ssl_ctx_st;
struct ssl_st;

struct stream {
	int fd; /* -1: not open */
	struct ssl_st *ssl; /* NULL: no TLS */
};

int64_t stream_now(void);

/* The addresses of a name, for SOCK_STREAM or SOCK_DGRAM; freed by freeaddrinfo(). 0, or a number
 * for gai_strerror(), EAI_AGAIN after the deadline. */
int stream_resolve(
	struct addrinfo **ret, const char *host, const char *port, int type, int64_t deadline);
/* 0, or -errno, -ETIMEDOUT at the deadline; so with all of the following. */
int stream_connect(struct stream *ret, const struct addrinfo *to, int64_t deadline);
/* Begin TLS as a client of `host`. The certificate is looked at, and what was found is for
 * SSL_get_verify_result() to tell. -EPROTO: it is no TLS. */
int stream_secure(
	struct stream *stream, struct ssl_ctx_st *tls, const char *host, int64_t deadline);
/* Some bytes, or a datagram. 0: the end. */
ssize_t stream_read(struct stream *stream, void *buf, size_t size, int64_t deadline);
/* All bytes. */
int stream_write(struct stream *stream, const void *bytes, size_t len, int64_t deadline);
void stream_close(struct stream *stream);
/* What an error of these means, in words. */
const char *stream_reason(int error);

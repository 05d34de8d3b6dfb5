/* stream: owns sockets and their waiting; what is said over them belongs to others. */
#include "nakodo/probe/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000)

int64_t stream_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* getaddrinfo() has no deadline but resolv.conf's. What it is asked with must outlive it. */
struct question {
	struct gaicb ask;
	struct addrinfo hints;
	char host[256], port[6];
};

int stream_resolve(
	struct addrinfo **ret, const char *host, const char *port, int type, int64_t deadline)
{
	struct question *question = calloc(1, sizeof(*question));
	struct gaicb *list[1];
	int error;

	if (!question || strlen(host) >= sizeof(question->host) ||
		strlen(port) >= sizeof(question->port)) {
		free(question);
		return question ? EAI_NONAME : EAI_MEMORY;
	}
	memcpy(question->host, host, strlen(host));
	memcpy(question->port, port, strlen(port));
	question->hints.ai_socktype = type;
	question->ask.ar_name = question->host;
	question->ask.ar_service = question->port;
	question->ask.ar_request = &question->hints;
	list[0] = &question->ask;
	error = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	while (!error && (error = gai_error(&question->ask)) == EAI_INPROGRESS) {
		int64_t left = deadline - stream_now();
		const struct timespec wait = {left / SECOND, left % SECOND * 1000};

		if (left <= 0) {
			/* Its thread goes on with it until the program ends. */
			return EAI_AGAIN;
		}
		gai_suspend((const struct gaicb *const *)list, 1, &wait);
		error = 0;
	}
	if (!error) {
		*ret = question->ask.ar_result;
	}
	free(question);
	return error;
}

/* Looks at the clock first: who sends without end must not be read for ever. */
static int wait_for(const struct stream *stream, short events, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - stream_now();
		struct pollfd wanted = {.fd = stream->fd, .events = events};
		int count;

		if (left <= 0) {
			return -ETIMEDOUT;
		}
		count = poll(&wanted, 1, (int)((left + 999) / 1000));
		if (count > 0) {
			return 0;
		}
		if (count < 0 && errno != EINTR) {
			return -errno;
		}
	}
}

int stream_connect(struct stream *ret, const struct addrinfo *to, int64_t deadline)
{
	struct stream stream = {
		.fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
			to->ai_protocol)};
	socklen_t len = sizeof(int);
	int error = 0;

	if (stream.fd < 0) {
		return -errno;
	}
	if (connect(stream.fd, to->ai_addr, to->ai_addrlen)) {
		error = errno == EINPROGRESS ? wait_for(&stream, POLLOUT, deadline) : -errno;
		if (!error) {
			getsockopt(stream.fd, SOL_SOCKET, SO_ERROR, &error, &len);
			error = -error;
		}
	}
	if (error) {
		close(stream.fd);
		return error;
	}
	*ret = stream;
	return 0;
}

/* After a call of OpenSSL that did not succeed. 0: try it again. */
static int settle(struct stream *stream, int result, int64_t deadline)
{
	int error = errno;

	switch (SSL_get_error(stream->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return wait_for(stream, POLLIN, deadline);
	case SSL_ERROR_WANT_WRITE:
		return wait_for(stream, POLLOUT, deadline);
	case SSL_ERROR_ZERO_RETURN:
		return -ECONNRESET;
	case SSL_ERROR_SYSCALL:
		return error ? -error : -ECONNRESET;
	default:
		return -EPROTO;
	}
}

static bool set_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
	}
	return SSL_set1_host(ssl, host) && SSL_set_tlsext_host_name(ssl, host);
}

int stream_secure(struct stream *stream, SSL_CTX *tls, const char *host, int64_t deadline)
{
	int error = 0;
	int result;

	stream->ssl = SSL_new(tls);
	if (!stream->ssl || !set_host(stream->ssl, host) || !SSL_set_fd(stream->ssl, stream->fd)) {
		return -ENOMEM;
	}
	do {
		ERR_clear_error();
		errno = 0;
		result = SSL_connect(stream->ssl);
	} while (result != 1 && !(error = settle(stream, result, deadline)));
	return error;
}

ssize_t stream_read(struct stream *stream, void *buf, size_t size, int64_t deadline)
{
	int error = 0;

	while (!error) {
		ssize_t len;

		if (stream_now() >= deadline) {
			return -ETIMEDOUT;
		}
		ERR_clear_error();
		errno = 0;
		len = stream->ssl ? SSL_read(stream->ssl, buf, size > INT_MAX ? INT_MAX : (int)size)
				  : recv(stream->fd, buf, size, 0);
		if (len > 0 || (!len && !stream->ssl)) {
			return len;
		}
		if (stream->ssl) {
			if (SSL_get_error(stream->ssl, (int)len) == SSL_ERROR_ZERO_RETURN) {
				return 0;
			}
			error = settle(stream, (int)len, deadline);
		} else if (errno == EAGAIN) {
			error = wait_for(stream, POLLIN, deadline);
		} else if (errno != EINTR) {
			error = -errno;
		}
	}
	return error;
}

int stream_write(struct stream *stream, const void *bytes, size_t len, int64_t deadline)
{
	const char *at = bytes;
	int error = 0;

	while (len && !error) {
		ssize_t done;

		ERR_clear_error();
		errno = 0;
		done = stream->ssl ? SSL_write(stream->ssl, at, (int)len)
				   : send(stream->fd, at, len, MSG_NOSIGNAL);
		if (done > 0) {
			at += done;
			len -= (size_t)done;
		} else if (stream->ssl) {
			error = settle(stream, (int)done, deadline);
		} else if (errno == EAGAIN) {
			error = wait_for(stream, POLLOUT, deadline);
		} else if (errno != EINTR) {
			error = -errno;
		}
	}
	return error;
}

void stream_close(struct stream *stream)
{
	SSL_free(stream->ssl);
	if (stream->fd >= 0) {
		close(stream->fd);
	}
	*stream = (struct stream){.fd = -1};
}

const char *stream_reason(int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return "nothing came in time";
	case -EPROTO:
		return "what came is not of this protocol";
	case -ECONNRESET:
		return "the connection was closed";
	default:
		return strerror(-error);
	}
}

/*
 * redis_wire: owns the socket, its TLS, and what is not written yet. OpenSSL reads and writes
 * memory, so that the socket is libuv's alone.
 */
#include "nakodo/net/redis/redis_wire.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/redis_url.h"
#include "nakodo/base/text.h"

#define PIECE 65536 /* bytes that are read at a time */
#define ADDRESS_PATIENCE 1000 /* ms */
#define KEEPALIVE 30 /* s without a word, until TCP asks: what is between may forget it else */

struct redis_wire {
	uv_loop_t *loop;
	struct redis_wire_events events;
	union {
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} socket;
	uv_getaddrinfo_t lookup;
	uv_connect_t connect;
	uv_prepare_t turn; /* writes */
	struct addrinfo *addresses, *address; /* found; the one that is tried */
	uint64_t began; /* ms: to connect to it */
	SSL *ssl; /* NULL: no TLS */
	BIO *in, *out; /* its two ends, which are its */
	struct text plain; /* to be written */
	unsigned handles; /* that are not closed yet, and a lookup that has not ended */
	bool is_open, closed;
	bool looks_up;
	bool has_socket; /* the handle is there */
};

static unsigned lookups; /* under way */

static void on_closed(uv_handle_t *handle);

static void end(struct redis_wire *wire, const char *why)
{
	struct redis_wire_events events = wire->events;

	if (!wire->closed) {
		redis_wire_close(wire);
		events.ended(events.cookie, why);
	}
}

static void end_by_tls(struct redis_wire *wire)
{
	unsigned long code = ERR_peek_last_error();
	long verified = SSL_get_verify_result(wire->ssl);
	char why[256];

	snprintf(why, sizeof(why), "TLS: %s",
		verified != X509_V_OK ? X509_verify_cert_error_string(verified)
		: code                ? ERR_reason_error_string(code)
				      : "it has ended");
	end(wire, why);
}

struct outgoing {
	uv_write_t request;
	char bytes[];
};

static void on_written(uv_write_t *request, int status)
{
	struct redis_wire *wire = request->handle->data;

	free(request->data);
	if (status < 0 && status != UV_ECANCELED) {
		end(wire, uv_strerror(status));
	}
}

static void send_bytes(struct redis_wire *wire, const char *bytes, size_t len)
{
	uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
	int done = uv_try_write(&wire->socket.stream, &buf, 1);
	struct outgoing *outgoing;
	size_t from = done > 0 ? (size_t)done : 0;

	if (from == len) {
		return;
	}
	outgoing = malloc(sizeof(*outgoing) + len - from);
	if (!outgoing) {
		end(wire, "out of memory");
		return;
	}
	memcpy(outgoing->bytes, bytes + from, len - from);
	outgoing->request.data = outgoing;
	buf = uv_buf_init(outgoing->bytes, (unsigned)(len - from));
	if (uv_write(&outgoing->request, &wire->socket.stream, &buf, 1, on_written)) {
		free(outgoing);
		end(wire, "it cannot be written to");
	}
}

/* What OpenSSL wants to say. */
static void send_tls(struct redis_wire *wire)
{
	char bytes[16384];
	int got;

	while (!wire->closed && (got = BIO_read(wire->out, bytes, sizeof(bytes))) > 0) {
		send_bytes(wire, bytes, (size_t)got);
	}
}

static void flush(struct redis_wire *wire)
{
	size_t len;
	char *bytes;

	if (!wire->is_open || (!wire->plain.len && !wire->plain.failed)) {
		return;
	}
	ERR_clear_error();
	bytes = text_take(&wire->plain, &len);
	if (!bytes) {
		end(wire, "out of memory");
	} else if (!wire->ssl) {
		send_bytes(wire, bytes, len);
	} else if (SSL_write(wire->ssl, bytes, (int)len) <= 0) {
		end_by_tls(wire);
	} else {
		send_tls(wire);
	}
	free(bytes);
}

static void on_turn(uv_prepare_t *turn)
{
	flush(turn->data);
}

void redis_wire_write(struct redis_wire *wire, const char *bytes, size_t len)
{
	text_add_bytes(&wire->plain, bytes, len);
}

static void become_open(struct redis_wire *wire)
{
	wire->is_open = true;
	uv_prepare_start(&wire->turn, on_turn);
	wire->events.open(wire->events.cookie);
}

static void shake_hands(struct redis_wire *wire)
{
	int done, error;

	ERR_clear_error();
	done = SSL_connect(wire->ssl);
	error = done == 1 ? 0 : SSL_get_error(wire->ssl, done);
	send_tls(wire);
	if (wire->closed) {
		return;
	}
	if (done == 1) {
		become_open(wire);
	} else if (error != SSL_ERROR_WANT_READ) {
		end_by_tls(wire);
	}
}

static void take_tls(struct redis_wire *wire, const char *bytes, size_t len)
{
	static char plain[16384];
	int got = 1;

	if (BIO_write(wire->in, bytes, (int)len) != (int)len) {
		end(wire, "out of memory");
		return;
	}
	if (!wire->is_open) {
		shake_hands(wire);
	}
	while (wire->is_open && !wire->closed && got > 0) {
		ERR_clear_error();
		got = SSL_read(wire->ssl, plain, sizeof(plain));
		if (got > 0) {
			wire->events.bytes(wire->events.cookie, plain, (size_t)got);
		} else if (SSL_get_error(wire->ssl, got) != SSL_ERROR_WANT_READ) {
			end_by_tls(wire);
		} else {
			send_tls(wire);
		}
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	static char bytes[PIECE]; /* it is read before the next one is asked for */

	(void)handle;
	(void)suggested;
	*ret = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
	struct redis_wire *wire = stream->data;

	if (got < 0) {
		end(wire, got == UV_EOF ? "it has closed the connection" : uv_strerror((int)got));
	} else if (got && wire->ssl) {
		take_tls(wire, buf->base, (size_t)got);
	} else if (got) {
		wire->events.bytes(wire->events.cookie, buf->base, (size_t)got);
	}
}

static void begin(struct redis_wire *wire)
{
	int error = uv_read_start(&wire->socket.stream, on_alloc, on_read);

	if (error) {
		end(wire, uv_strerror(error));
	} else if (wire->ssl) {
		shake_hands(wire);
	} else {
		become_open(wire);
	}
}

static void try_address(struct redis_wire *wire);

static void on_abandoned(uv_handle_t *handle)
{
	struct redis_wire *wire = handle->data;

	wire->has_socket = false;
	if (wire->closed) {
		on_closed(handle);
	} else {
		wire->handles--;
		try_address(wire);
	}
}

static void pass_over(struct redis_wire *wire)
{
	wire->began = 0;
	wire->address = wire->address->ai_next;
	wire->handles++;
	uv_close((uv_handle_t *)&wire->socket.stream, on_abandoned);
}

bool redis_wire_look(struct redis_wire *wire)
{
	if (wire->began && wire->address->ai_next &&
		uv_now(wire->loop) - wire->began >= ADDRESS_PATIENCE) {
		pass_over(wire);
	}
	return wire->looks_up;
}

bool redis_wire_shakes_hands(const struct redis_wire *wire)
{
	return wire->has_socket && !wire->began && wire->ssl && !wire->is_open;
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct redis_wire *wire = connect->data;

	if (wire->closed || status == UV_ECANCELED) {
		return;
	}
	if (!status) {
		wire->began = 0;
		begin(wire);
	} else if (wire->address && wire->address->ai_next) {
		pass_over(wire);
	} else {
		end(wire, uv_strerror(status));
	}
}

static void try_address(struct redis_wire *wire)
{
	int error = uv_tcp_init(wire->loop, &wire->socket.tcp);

	wire->socket.stream.data = wire;
	wire->has_socket = !error;
	wire->began = uv_now(wire->loop);
	if (!error) {
		uv_tcp_nodelay(&wire->socket.tcp, 1);
		uv_tcp_keepalive(&wire->socket.tcp, 1, KEEPALIVE);
		error = uv_tcp_connect(
			&wire->connect, &wire->socket.tcp, wire->address->ai_addr, on_connected);
	}
	if (error && wire->has_socket) {
		on_connected(&wire->connect, error);
	} else if (error) {
		end(wire, uv_strerror(error));
	}
}

static void on_looked_up(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct redis_wire *wire = lookup->data;

	lookups--;
	wire->looks_up = false;
	wire->addresses = wire->address = found;
	if (wire->closed) {
		on_closed((uv_handle_t *)&wire->turn);
		return;
	}
	wire->handles--;
	if (status) {
		end(wire, uv_strerror(status));
	} else {
		try_address(wire);
	}
}

static int look_up(struct redis_wire *wire, const struct redis_host *host)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char port[8];
	int error;

	snprintf(port, sizeof(port), "%u", host->port);
	error = uv_getaddrinfo(wire->loop, &wire->lookup, on_looked_up, host->name, port, &hints);
	wire->looks_up = !error;
	lookups += !error;
	wire->handles += !error;
	return error;
}

static int connect_unix(struct redis_wire *wire, const char *path)
{
	int error = uv_pipe_init(wire->loop, &wire->socket.pipe, 0);

	wire->socket.stream.data = wire;
	wire->has_socket = !error;
	if (!error) {
		uv_pipe_connect(&wire->connect, &wire->socket.pipe, path, on_connected);
	}
	return error;
}

static bool begin_tls(struct redis_wire *wire, SSL_CTX *context, const struct redis_host *host)
{
	X509_VERIFY_PARAM *rules;

	wire->ssl = SSL_new(context);
	wire->in = BIO_new(BIO_s_mem());
	wire->out = BIO_new(BIO_s_mem());
	if (!wire->ssl || !wire->in || !wire->out) {
		BIO_free(wire->in);
		BIO_free(wire->out);
		return false;
	}
	SSL_set_bio(wire->ssl, wire->in, wire->out);
	rules = SSL_get0_param(wire->ssl);
	if (!X509_VERIFY_PARAM_set1_ip_asc(rules, host->name)) {
		SSL_set_tlsext_host_name(wire->ssl, host->name);
		if (!X509_VERIFY_PARAM_set1_host(rules, host->name, 0)) {
			return false;
		}
	}
	SSL_set_verify(wire->ssl, SSL_VERIFY_PEER, NULL);
	return true;
}

struct redis_wire *redis_wire_open(uv_loop_t *loop, const struct redis_host *host, const char *path,
	SSL_CTX *context, const struct redis_wire_events *events, int *ret_error)
{
	struct redis_wire *wire = calloc(1, sizeof(*wire));

	*ret_error = UV_ENOMEM;
	if (!wire) {
		return NULL;
	}
	wire->loop = loop;
	wire->events = *events;
	wire->lookup.data = wire->connect.data = wire->turn.data = wire;
	uv_prepare_init(loop, &wire->turn);
	if (!context || !host || begin_tls(wire, context, host)) {
		*ret_error = host ? look_up(wire, host) : connect_unix(wire, path);
	}
	if (*ret_error) {
		redis_wire_close(wire);
		return NULL;
	}
	return wire;
}

static void on_closed(uv_handle_t *handle)
{
	struct redis_wire *wire = handle->data;

	if (--wire->handles) {
		return;
	}
	uv_freeaddrinfo(wire->addresses);
	SSL_free(wire->ssl);
	free(wire->plain.at);
	free(wire);
}

void redis_wire_close(struct redis_wire *wire)
{
	wire->closed = true;
	wire->is_open = false;
	wire->handles++;
	uv_close((uv_handle_t *)&wire->turn, on_closed);
	if (wire->looks_up) {
		uv_cancel((uv_req_t *)&wire->lookup);
	}
	if (wire->has_socket && !uv_is_closing((uv_handle_t *)&wire->socket.stream)) {
		wire->handles++;
		uv_close((uv_handle_t *)&wire->socket.stream, on_closed);
	}
}

void redis_wire_name(const struct redis_wire *wire, char *buf, size_t size)
{
	struct sockaddr_storage name = {0};
	int len = sizeof(name);

	*buf = '\0';
	if (wire->has_socket && wire->socket.stream.type == UV_TCP &&
		!uv_tcp_getsockname(&wire->socket.tcp, (struct sockaddr *)&name, &len)) {
		uv_ip_name((struct sockaddr *)&name, buf, size);
	}
}

bool redis_wire_hangs(void)
{
	return lookups;
}

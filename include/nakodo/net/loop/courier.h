/*
 * courier: requests of HTTP that the daemon makes itself, by libcurl on the event loop.
 *
 * Why libcurl: it has the TLS, the names, the connections that are used again and the many ways in
 * which a server can misbehave, it never waits itself, and Debian keeps it safe. http and https
 * with verification, by the certificates of OpenSSL (SSL_CERT_FILE and SSL_CERT_DIR); no
 * redirects, no proxies.
 */
#pragma once

#include <stddef.h>
#include <uv.h>

struct courier;
struct errand; /* one request under way */

struct courier_request {
	const char *url, *body;
	size_t len; /* of the body */
	const char *const *headers; /* lines without an end; NULL behind the last */
	unsigned timeout; /* ms for all of it */
	size_t most; /* bytes of the answer's body that are kept; more are an error. 0: none is */
};

struct courier_answer {
	int status; /* 0: there is none, `problem` says why */
	const char *problem;
	const char *body;
	size_t len;
};

/* The errand has ended, and is no more. */
typedef void courier_fn(void *cookie, const struct courier_answer *answer);

/* NULL: no memory. courier_finish() and then, when the loop has ended, courier_destroy(). */
struct courier *courier_create(uv_loop_t *loop);
void courier_finish(struct courier *courier); /* NULL: nothing happens */
void courier_destroy(struct courier *courier); /* the same */

/* POST a copy of all this. `done` is called in a later turn of the loop. NULL: no memory. */
struct errand *courier_post(struct courier *courier, const struct courier_request *request,
	courier_fn *done, void *cookie);
/* `done` is not called any more. */
void courier_cancel(struct errand *errand);

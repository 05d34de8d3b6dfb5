/*
 * relays: owns what is asked of STUN and TURN servers. A TURN server is asked for two relays, and
 * what one is given goes through both: as between two clients that cannot reach each other.
 */
#include "nakodo/probe/relays.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "nakodo/probe/probing.h"
#include "nakodo/probe/stream.h"
#include "nakodo/probe/stun.h"

#define RETRY                                                                                      \
	500000 /* microseconds until UDP is sent again, then twice as long (RFC 8489 6.2.1)        \
		*/
#define SERVERS_MAX 32 /* URLs that are tried */

/* A URL of RFC 7064 or 7065. */
struct place {
	const char *url;
	bool is_turn, is_secure, is_udp;
	char host[256], port[6];
};

/* A conversation with a server. */
struct relay {
	struct stream stream;
	bool is_udp;
	const char *username, *password;
	char realm[1024];
	size_t realm_len;
	unsigned char nonce[1024];
	size_t nonce_len;
	unsigned char key[16];
	struct stun allocated; /* the answer that has the address */
};

static bool parse_scheme(struct place *place)
{
	static const struct {
		const char *scheme;
		bool is_turn, is_secure;
	} schemes[] = {{"stun:", false, false}, {"stuns:", false, true}, {"turn:", true, false},
		{"turns:", true, true}};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
		if (!strncasecmp(place->url, schemes[i].scheme, strlen(schemes[i].scheme))) {
			place->is_turn = schemes[i].is_turn;
			place->is_secure = schemes[i].is_secure;
			return true;
		}
	}
	return false;
}

static bool parse_place(struct place *ret, const char *url)
{
	const char *at = strchr(url, ':');
	const char *query = strchr(url, '?');
	size_t end;
	size_t len;

	*ret = (struct place){.url = url};
	if (!parse_scheme(ret)) {
		return false;
	}
	at++;
	len = *at == '[' ? strcspn(++at, "]") : strcspn(at, ":?");
	if (!len || len >= sizeof(ret->host)) {
		return false;
	}
	snprintf(ret->host, sizeof(ret->host), "%.*s", (int)len, at);
	at += len + (at[len] == ']');
	end = strcspn(at, "?");
	if ((end && *at != ':') || end > 6) {
		return false;
	}
	snprintf(ret->port, sizeof(ret->port), "%.*s", end ? (int)end - 1 : 4,
		end              ? at + 1
		: ret->is_secure ? "5349"
				 : "3478");
	ret->is_udp = query ? strstr(query, "transport=udp") != NULL : !ret->is_secure;
	return true;
}

static int open_relay(const struct probing *probing, const struct place *place, struct relay *ret)
{
	int64_t deadline = stream_now() + probing->patience;
	struct addrinfo *all;
	int error = stream_resolve(
		&all, place->host, place->port, place->is_udp ? SOCK_DGRAM : SOCK_STREAM, deadline);

	if (error) {
		return -EHOSTUNREACH;
	}
	ret->is_udp = place->is_udp;
	error = -EADDRNOTAVAIL;
	for (const struct addrinfo *one = all; one && error; one = one->ai_next) {
		error = stream_connect(&ret->stream, one, deadline);
	}
	freeaddrinfo(all);
	if (!error && place->is_secure) {
		error = stream_secure(&ret->stream, probing->tls, place->host, deadline);
		if (!error && SSL_get_verify_result(ret->stream.ssl) != X509_V_OK) {
			error = -EKEYREJECTED;
		}
	}
	return error;
}

static int read_all(struct stream *stream, unsigned char *at, size_t len, int64_t deadline)
{
	while (len) {
		ssize_t done = stream_read(stream, at, len, deadline);

		if (done <= 0) {
			return done ? (int)done : -ECONNRESET;
		}
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

/* The next message; what is none is passed over with UDP, where anybody may send. */
static int receive(struct relay *relay, struct stun *ret, int64_t deadline)
{
	if (relay->is_udp) {
		do {
			ssize_t len = stream_read(
				&relay->stream, ret->bytes, sizeof(ret->bytes), deadline);

			if (len < 0) {
				return (int)len;
			}
			ret->len = (size_t)len;
		} while (!stun_is_valid(ret));
		return 0;
	}
	int error = read_all(&relay->stream, ret->bytes, STUN_HEAD, deadline);

	ret->len = STUN_HEAD + (((size_t)ret->bytes[2] << 8) | ret->bytes[3]);
	if (!error && ret->len > sizeof(ret->bytes)) {
		return -EPROTO;
	}
	error = error ? error
		      : read_all(&relay->stream, ret->bytes + STUN_HEAD, ret->len - STUN_HEAD,
				deadline);
	return error ? error : stun_is_valid(ret) ? 0 : -EPROTO;
}

typedef bool wanted_fn(const struct stun *got, const struct stun *sent);

/* Send from `from` until what is wanted comes at `to`: over UDP again and again. */
static int exchange(struct relay *from, const struct stun *sent, struct relay *to,
	wanted_fn *is_wanted, struct stun *ret, int64_t deadline)
{
	int64_t retry = RETRY;
	int error = -ETIMEDOUT;

	while (error == -ETIMEDOUT && stream_now() < deadline) {
		int64_t until = stream_now() + retry;

		until = from->is_udp && until < deadline ? until : deadline;
		retry *= 2;
		error = stream_write(&from->stream, sent->bytes, sent->len, deadline);
		while (!error) {
			error = receive(to, ret, until);
			if (!error && is_wanted(ret, sent)) {
				return 0;
			}
		}
	}
	return error;
}

static bool is_answer(const struct stun *got, const struct stun *sent)
{
	unsigned type = stun_type(got);

	return stun_has_same_id(got, sent) &&
	       (type == (stun_type(sent) | STUN_SUCCESS) || type == (stun_type(sent) | STUN_ERROR));
}

/* Do both have the same bytes in them? */
static bool is_relayed(const struct stun *got, const struct stun *sent)
{
	size_t len = 0;
	size_t sent_len = 0;
	const unsigned char *bytes = stun_find(got, STUN_BYTES, &len);
	const unsigned char *wanted = stun_find(sent, STUN_BYTES, &sent_len);

	return stun_type(got) == STUN_DATA && bytes && wanted && len == sent_len &&
	       !memcmp(bytes, wanted, len);
}

/* 0, -errno, or the code of an error. */
static int ask(struct relay *relay, const struct stun *request, struct stun *ret, int64_t deadline)
{
	int error = exchange(relay, request, relay, is_answer, ret, deadline);

	if (error || stun_type(ret) == (stun_type(request) | STUN_SUCCESS)) {
		return error;
	}
	error = (int)stun_error_code(ret);
	return error ? error : -EPROTO;
}

static void sign(const struct relay *relay, struct stun *request)
{
	stun_add(request, STUN_USERNAME, relay->username, strlen(relay->username));
	stun_add(request, STUN_REALM, relay->realm, relay->realm_len);
	stun_add(request, STUN_NONCE, relay->nonce, relay->nonce_len);
	stun_sign(request, relay->key);
}

/* What the server asks for with 401 and 438 (RFC 8489 section 9.2). */
static bool take_challenge(struct relay *relay, const struct stun *answer)
{
	size_t realm_len;
	size_t nonce_len;
	const unsigned char *realm = stun_find(answer, STUN_REALM, &realm_len);
	const unsigned char *nonce = stun_find(answer, STUN_NONCE, &nonce_len);

	if (!realm || !nonce || realm_len > sizeof(relay->realm) ||
		nonce_len > sizeof(relay->nonce)) {
		return false;
	}
	memcpy(relay->realm, realm, realm_len);
	memcpy(relay->nonce, nonce, nonce_len);
	relay->realm_len = realm_len;
	relay->nonce_len = nonce_len;
	return stun_make_key(relay->key, relay->username, relay->realm, realm_len, relay->password);
}

static int allocate(struct relay *relay, int64_t deadline)
{
	static const unsigned char udp[4] = {17};
	int error = 0;

	/* Without credentials, then with them, and again if the nonce was stale. */
	for (unsigned attempt = 0; attempt < 3; attempt++) {
		struct stun request;

		stun_begin(&request, STUN_ALLOCATE);
		stun_add(&request, STUN_TRANSPORT, udp, sizeof(udp));
		if (attempt) {
			sign(relay, &request);
		}
		error = ask(relay, &request, &relay->allocated, deadline);
		if (error != (attempt ? 438 : 401)) {
			break;
		}
		if (!take_challenge(relay, &relay->allocated)) {
			return -EPROTO;
		}
	}
	return error;
}

/* The other's relay may send to this one. */
static int permit(struct relay *relay, const struct relay *other, int64_t deadline)
{
	struct stun request;
	struct stun answer;

	stun_begin(&request, STUN_PERMISSION);
	if (!stun_copy_address(
		    &request, STUN_PEER_ADDRESS, &other->allocated, STUN_RELAYED_ADDRESS)) {
		return -EPROTO;
	}
	sign(relay, &request);
	return ask(relay, &request, &answer, deadline);
}

static int carry(struct relay *from, struct relay *to, int64_t deadline)
{
	static const char bytes[64] = "nakodo probe";
	struct stun sent;
	struct stun got;

	stun_begin(&sent, STUN_SEND);
	if (!stun_copy_address(&sent, STUN_PEER_ADDRESS, &to->allocated, STUN_RELAYED_ADDRESS)) {
		return -EPROTO;
	}
	stun_add(&sent, STUN_BYTES, bytes, sizeof(bytes));
	return exchange(from, &sent, to, is_relayed, &got, deadline);
}

/* Its place is free again; whether that is heard we do not wait for. */
static void give_back(struct relay *relay, int64_t deadline)
{
	static const unsigned char none[4] = {0};
	struct stun request;

	if (relay->stream.fd >= 0 && relay->nonce_len) {
		stun_begin(&request, STUN_REFRESH);
		stun_add(&request, STUN_LIFETIME, none, sizeof(none));
		sign(relay, &request);
		stream_write(&relay->stream, request.bytes, request.len, deadline);
	}
	stream_close(&relay->stream);
}

static const char *find_advice(const struct place *place, int error)
{
	switch (error) {
	case 401:
		return "Its secret or password must be that of turn-secret or ice-server here; "
		       "also "
		       "look at both clocks.";
	case 403:
		return "The TURN server forbids this; look at denied-peer-ip and its like in its "
		       "configuration.";
	case 486:
		return "Its user-quota must allow two relays for one user.";
	case 508:
		return "It has no ports left: look at min-port, max-port and total-quota.";
	case -EHOSTUNREACH:
		return "Its name is not found: look at turn-server and ice-server.";
	case -EKEYREJECTED:
		return "Its certificate is not trusted here: renew it, serve the whole chain, or "
		       "give --ca FILE.";
	default:
		return place->is_udp ? "Does it run there? Let firewalls pass UDP to this port; a "
				       "second URL with ?transport=tcp helps where none may."
				     : "Does it run there, and listen for TCP, or TLS with turns:? "
				       "Let firewalls pass it.";
	}
}

static void report_failure(
	struct probing *probing, const struct place *place, const char *what, int error)
{
	const char *step = place->is_turn ? "turn" : "stun";
	const char *advice = find_advice(place, error);

	if (error > 0) {
		report_bad(&probing->report, step, advice, "%s: %s is refused with %d%s",
			place->url, what, error,
			error == 401 ? ": wrong username or password" : "");
	} else {
		report_bad(&probing->report, step, advice, "%s: %s: %s", place->url, what,
			error == -EKEYREJECTED ? "the certificate is not trusted"
					       : stream_reason(error));
	}
}

static void try_stun(struct probing *probing, const struct place *place)
{
	struct relay relay = {.stream = {.fd = -1}};
	char address[64] = "?";
	struct stun request;
	struct stun answer;
	int64_t begin;
	int error = open_relay(probing, place, &relay);

	begin = stream_now();
	stun_begin(&request, STUN_BINDING);
	error = error ? error : ask(&relay, &request, &answer, begin + probing->patience);
	stream_close(&relay.stream);
	if (!error && !stun_print_address(&answer, STUN_MAPPED_ADDRESS, address, sizeof(address))) {
		error = -EPROTO;
	}
	if (error) {
		report_failure(probing, place, "binding", error);
		return;
	}
	report_good(&probing->report, "stun", "%s sees us as %s, in %.1f ms", place->url, address,
		(double)(stream_now() - begin) / 1000);
}

/* `*ret_what`: what was tried last. */
static int use(struct probing *probing, const struct place *place, struct relay pair[2],
	const char **ret_what, int64_t *ret_time)
{
	int64_t deadline;
	int64_t begin;
	int error = 0;

	*ret_what = "connection";
	for (unsigned i = 0; i < 2 && !error; i++) {
		error = open_relay(probing, place, &pair[i]);
	}
	deadline = stream_now() + probing->patience;
	*ret_what = error ? *ret_what : "allocation";
	for (unsigned i = 0; i < 2 && !error; i++) {
		error = allocate(&pair[i], deadline);
	}
	*ret_what = error ? *ret_what : "permission";
	for (unsigned i = 0; i < 2 && !error; i++) {
		error = permit(&pair[i], &pair[!i], deadline);
	}
	begin = stream_now();
	*ret_what = error ? *ret_what : "relaying";
	error = error ? error : carry(&pair[0], &pair[1], begin + probing->patience);
	error = error ? error : carry(&pair[1], &pair[0], begin + probing->patience);
	*ret_time = stream_now() - begin;
	return error;
}

static void try_turn(struct probing *probing, const struct place *place, const char *username,
	const char *password)
{
	struct relay *pair = calloc(2, sizeof(*pair));
	char address[64] = "?";
	const char *what;
	int64_t time;
	int error;

	if (!pair) {
		probing->report.failed = true;
		return;
	}
	for (unsigned i = 0; i < 2; i++) {
		pair[i].stream.fd = -1;
		pair[i].username = username;
		pair[i].password = password;
	}
	error = use(probing, place, pair, &what, &time);
	if (error) {
		report_failure(probing, place, what, error);
	} else {
		stun_print_address(
			&pair[0].allocated, STUN_RELAYED_ADDRESS, address, sizeof(address));
		report_good(&probing->report, "turn",
			"%s relays at %s: 64 bytes through two relays and back, in %.1f ms",
			place->url, address, (double)time / 1000);
	}
	give_back(&pair[0], stream_now() + probing->patience);
	give_back(&pair[1], stream_now() + probing->patience);
	free(pair);
}

static void try_url(struct probing *probing, const cJSON *server, const char *url)
{
	const char *username =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(server, "username"));
	const char *password =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(server, "credential"));
	struct place place;

	if (!parse_place(&place, url)) {
		report_bad(&probing->report, "ice",
			"It must be as in stun:HOST:PORT or turn:HOST:PORT?transport=tcp.",
			"%s is no URL of a STUN or TURN server", url);
	} else if (place.is_secure && place.is_udp) {
		report_skip(&probing->report, place.is_turn ? "turn" : "stun",
			"%s: DTLS is not tried; browsers do not speak it either", url);
	} else if (!place.is_turn) {
		try_stun(probing, &place);
	} else if (!username || !password) {
		report_bad(&probing->report, "turn",
			"Use turn-server with turn-secret, or give ice-server a username and a "
			"password.",
			"%s comes without username and credential", url);
	} else {
		try_turn(probing, &place, username, password);
	}
}

void relays_try(struct probing *probing, const cJSON *servers)
{
	const cJSON *server;
	unsigned count = 0;

	cJSON_ArrayForEach(server, servers)
	{
		const cJSON *urls = cJSON_GetObjectItemCaseSensitive(server, "urls");
		int size = cJSON_IsArray(urls) ? cJSON_GetArraySize(urls) : 1;

		for (int i = 0; i < size && count < SERVERS_MAX; i++, count++) {
			const char *url = cJSON_GetStringValue(
				cJSON_IsArray(urls) ? cJSON_GetArrayItem(urls, i) : urls);

			try_url(probing, server, url ? url : "");
		}
	}
	if (!count) {
		report_skip(&probing->report, "ice",
			"the server names no STUN or TURN server: calls work in one network "
			"only (ice-server, turn-server)");
	}
}

/*
 * courier: owns libcurl's multi handle, one timer of the loop, and a poll handle for each of
 * libcurl's sockets.
 *
 * libcurl's callbacks must not fail: a multi handle never works again afterwards. A socket that
 * cannot be watched for want of memory lets its request time out.
 */
#include "nakodo/net/loop/courier.h"

#include <curl/curl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/text.h"
#include "nakodo/config.h"

#define CONNECT_TIMEOUT 5000L /* ms */
#define CONNECTIONS 32L /* at a time, and kept for the next requests */
#define ANSWER_MOST 65536 /* bytes, of an answer that nobody reads */

struct errand {
	struct courier *courier;
	struct errand *prev, *next; /* of the courier (utlist DL) */
	CURL *easy;
	struct curl_slist *headers;
	courier_fn *done;
	void *cookie;
	size_t received, most; /* bytes of the answer's body; that are kept */
	struct text body;
	char problem[CURL_ERROR_SIZE];
};

struct courier {
	uv_loop_t *loop;
	uv_timer_t timer;
	CURLM *multi;
	struct errand *errands;
};

static void errand_destroy(struct errand *errand)
{
	DL_DELETE(errand->courier->errands, errand);
	curl_multi_remove_handle(errand->courier->multi, errand->easy);
	curl_easy_cleanup(errand->easy);
	curl_slist_free_all(errand->headers);
	free(errand->body.at);
	free(errand);
	ERR_clear_error(); /* TLS of our clients looks at them */
}

static void finish(struct errand *errand, CURLcode result)
{
	struct courier_answer answer = {0};
	courier_fn *done = errand->done;
	void *cookie = errand->cookie;
	char problem[CURL_ERROR_SIZE], *body;
	long status = 0;

	if (result == CURLE_OK) {
		curl_easy_getinfo(errand->easy, CURLINFO_RESPONSE_CODE, &status);
	}
	answer.status = (int)status;
	snprintf(problem, sizeof(problem), "%s",
		*errand->problem ? errand->problem : curl_easy_strerror(result));
	answer.problem = problem;
	body = text_take(&errand->body, &answer.len);
	if (!body) {
		answer = (struct courier_answer){.problem = "out of memory"};
	}
	answer.body = body;
	errand_destroy(errand);
	done(cookie, &answer);
	free(body);
}

/* Tell who asked of what has ended; that may begin another request. */
static void look(struct courier *courier)
{
	const CURLMsg *message;
	int left;

	ERR_clear_error();
	while ((message = curl_multi_info_read(courier->multi, &left))) {
		CURLcode result = message->data.result;
		char *errand;

		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &errand);
		finish((struct errand *)(void *)errand, result);
	}
}

static void on_timer(uv_timer_t *timer)
{
	struct courier *courier = timer->data;
	int running;

	curl_multi_socket_action(courier->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	look(courier);
}

/* `delay` 0 is soon, and not from in here. */
static int on_delay(CURLM *multi, long delay, void *cookie)
{
	struct courier *courier = cookie;

	(void)multi;
	if (delay < 0) {
		uv_timer_stop(&courier->timer);
	} else {
		uv_timer_start(&courier->timer, on_timer, (uint64_t)delay, 0);
	}
	return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct courier *courier = poll->data;
	int what = status < 0 ? CURL_CSELECT_ERR : 0, running;
	uv_os_fd_t fd;

	what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
	what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	if (!uv_fileno((uv_handle_t *)poll, &fd)) {
		curl_multi_socket_action(courier->multi, fd, what, &running);
		look(courier);
	}
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static uv_poll_t *watch(struct courier *courier, curl_socket_t socket)
{
	uv_poll_t *poll = malloc(sizeof(*poll));

	if (poll && uv_poll_init_socket(courier->loop, poll, socket)) {
		free(poll);
		poll = NULL;
	}
	if (poll) {
		poll->data = courier;
		curl_multi_assign(courier->multi, socket, poll);
	}
	return poll;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *cookie, void *of_socket)
{
	uv_poll_t *poll = of_socket;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (poll) { /* at once, since libcurl closes the descriptor next */
			curl_multi_assign(((struct courier *)cookie)->multi, socket, NULL);
			uv_close((uv_handle_t *)poll, free_handle);
		}
		return 0;
	}
	poll = poll ? poll : watch(cookie, socket);
	events |= what & CURL_POLL_IN ? UV_READABLE : 0;
	events |= what & CURL_POLL_OUT ? UV_WRITABLE : 0;
	if (poll) {
		uv_poll_start(poll, events, on_poll);
	}
	return 0;
}

static size_t on_body(char *bytes, size_t one, size_t len, void *cookie)
{
	struct errand *errand = cookie;

	(void)one;
	errand->received += len;
	if (errand->received > (errand->most ? errand->most : ANSWER_MOST)) {
		return 0;
	}
	if (errand->most) {
		text_add_bytes(&errand->body, bytes, len);
	}
	return len;
}

struct courier *courier_create(uv_loop_t *loop)
{
	struct courier *courier = calloc(1, sizeof(*courier));

	if (courier && curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(courier);
		return NULL;
	}
	if (courier) {
		courier->loop = loop;
		courier->multi = curl_multi_init();
	}
	if (!courier || !courier->multi) {
		courier_destroy(courier);
		return NULL;
	}
	uv_timer_init(loop, &courier->timer);
	courier->timer.data = courier;
	curl_multi_setopt(courier->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(courier->multi, CURLMOPT_SOCKETDATA, courier);
	curl_multi_setopt(courier->multi, CURLMOPT_TIMERFUNCTION, on_delay);
	curl_multi_setopt(courier->multi, CURLMOPT_TIMERDATA, courier);
	curl_multi_setopt(courier->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS);
	curl_multi_setopt(courier->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS);
	return courier;
}

void courier_finish(struct courier *courier)
{
	struct errand *errand, *next;

	if (!courier) {
		return;
	}
	DL_FOREACH_SAFE (courier->errands, errand, next) {
		errand_destroy(errand);
	}
	curl_multi_cleanup(courier->multi);
	courier->multi = NULL;
	uv_close((uv_handle_t *)&courier->timer, NULL);
}

void courier_destroy(struct courier *courier)
{
	if (courier) {
		free(courier);
		curl_global_cleanup();
	}
}

static CURLcode set_request(struct errand *errand, const struct courier_request *request)
{
	CURL *easy = errand->easy;
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		code = code ? code : curl_easy_setopt(easy, option, value);                        \
	} while (0)
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_HTTPHEADER, errand->headers);
	SET(CURLOPT_POSTFIELDSIZE, (long)request->len);
	SET(CURLOPT_COPYPOSTFIELDS, request->body);
	SET(CURLOPT_TIMEOUT_MS, (long)request->timeout);
	SET(CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT);
	SET(CURLOPT_PRIVATE, errand);
	SET(CURLOPT_ERRORBUFFER, errand->problem);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, errand);
#undef SET
	return code;
}

/* What is the same for all. */
static CURLcode set_manners(CURL *easy)
{
	const char *directory = getenv(X509_get_default_cert_dir_env());
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	do {                                                                                       \
		code = code ? code : curl_easy_setopt(easy, option, value);                        \
	} while (0)
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PROXY, ""); /* nor one of the environment */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "nakodo/" NAKODO_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	/* Else a name that is not found in time keeps the loop until it is, or never. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	/* libcurl's own bundle would be read as a whole; of a directory only what is needed is. */
	SET(CURLOPT_CAINFO, getenv(X509_get_default_cert_file_env()));
	SET(CURLOPT_CAPATH, directory ? directory : X509_get_default_cert_dir());
#undef SET
	return code;
}

static struct curl_slist *list_headers(const char *const *lines)
{
	struct curl_slist *list = NULL, *longer;

	for (; *lines; lines++, list = longer) {
		longer = curl_slist_append(list, *lines);
		if (!longer) {
			curl_slist_free_all(list);
			return NULL;
		}
	}
	return list;
}

struct errand *courier_post(struct courier *courier, const struct courier_request *request,
	courier_fn *done, void *cookie)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand) {
		return NULL;
	}
	errand->courier = courier;
	errand->done = done;
	errand->cookie = cookie;
	errand->most = request->most;
	errand->easy = curl_easy_init();
	errand->headers = list_headers(request->headers);
	DL_APPEND(courier->errands, errand);
	if (!errand->easy || !errand->headers || set_manners(errand->easy) ||
		set_request(errand, request) ||
		curl_multi_add_handle(courier->multi, errand->easy)) {
		errand_destroy(errand);
		return NULL;
	}
	return errand;
}

void courier_cancel(struct errand *errand)
{
	errand_destroy(errand);
}

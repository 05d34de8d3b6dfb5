/* admission: see the header. Owns the questions; in which order they are asked is
 * admission_lanes.c's, and the answers that are still good are admission_cache.c's. */
#include "nakodo/service/admission.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nakodo/base/ids.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/problem.h"
#include "nakodo/service/admission_answer.h"
#include "nakodo/service/admission_cache.h"
#include "nakodo/service/admission_lanes.h"
#include "nakodo/service/webhook.h"

#define KEY ADMISSION_CACHE_KEY

struct question {
	struct admission_place place; /* it waits, or is under way */
	struct admissions *of;
	void *request; /* under way, the host's; NULL: it waits */
	struct wheel_timer timer;
	uint64_t patience; /* ms: until when it waits */
	bool prolonged;
	admission_fn *done;
	void *cookie;
	unsigned char key[KEY];
	char id[IDS_ULID];
	size_t len;
	char body[];
};

struct admissions {
	struct admission_host host;
	const struct webhook *webhook;
	struct admission_lanes lanes;
	struct admission_cache *cache;
};

struct admissions *admissions_create(size_t most)
{
	struct admissions *admissions = calloc(1, sizeof(*admissions));

	if (admissions) {
		admissions->cache = admission_cache_create(most);
	}
	if (admissions && !admissions->cache) {
		free(admissions);
		admissions = NULL;
	}
	return admissions;
}

void admissions_set_most(struct admissions *admissions, size_t most)
{
	admission_cache_set_most(admissions->cache, most);
}

void admissions_shed(struct admissions *admissions)
{
	admission_cache_clear(admissions->cache);
}

void admissions_destroy(struct admissions *admissions)
{
	if (admissions) {
		admission_cache_destroy(admissions->cache);
		free(admissions);
	}
}

void admissions_start(struct admissions *admissions, const struct admission_host *host)
{
	admissions->host = *host;
}

bool admissions_are_asked(const struct admissions *admissions)
{
	return admissions && admissions->webhook;
}

static struct question *question_at(struct admission_place *place)
{
	return (struct question *)(void *)((char *)place - offsetof(struct question, place));
}

static void on_late(struct wheel_timer *timer);

static void wait_in_lane(struct question *question, bool first)
{
	const struct admission_host *host = &question->of->host;
	uint64_t now = host->now(host->cookie);

	host->set_timer(host->cookie, &question->timer,
		question->patience > now ? question->patience - now : 0, on_late);
	admission_lanes_wait(&question->of->lanes, &question->place, first);
}

/* It is under way no more. */
static void land(struct question *question)
{
	admission_lanes_land(&question->of->lanes, &question->place);
	question->request = NULL;
}

static void break_off(struct question *question)
{
	const struct admission_host *host = &question->of->host;

	host->cancel(host->cookie, question->request);
	land(question);
}

/* It waits again. Its turn had come in time, so it gets another if it is late now; but only one. */
static void put_back(struct question *question)
{
	const struct admission_host *host = &question->of->host;
	uint64_t enough = host->now(host->cookie) + ADMISSION_TIMEOUT;

	break_off(question);
	if (question->patience < enough && !question->prolonged) {
		question->patience = enough;
		question->prolonged = true;
	}
	wait_in_lane(question, true);
}

static void question_free(struct question *question)
{
	struct admissions *admissions = question->of;

	if (admissions->host.clear_timer) {
		admissions->host.clear_timer(admissions->host.cookie, &question->timer);
	}
	admission_lanes_leave(&admissions->lanes, &question->place);
	meter_subtract(METER_ADMISSIONS_WAITING, 1);
	memory_give(MEMORY_EVENTS, admissions_size(question));
	free(question);
}

/* It is in no list any more: tell the answer. */
static void finish(struct question *question, const struct admission_answer *answer)
{
	admission_fn *done = question->done;
	void *cookie = question->cookie;

	if (!answer->problem) {
		meter_add(answer->allowed ? METER_ADMISSIONS_ALLOWED : METER_ADMISSIONS_REFUSED, 1);
	}
	question_free(question);
	done(cookie, answer);
}

static void fail(struct question *question, const char *problem)
{
	const struct admission_answer answer = {.problem = problem};

	question->of->host.note(question->of->host.cookie, problem);
	meter_add(METER_ADMISSIONS_FAILED, 1);
	finish(question, &answer);
}

static bool post(struct question *question)
{
	struct admissions *admissions = question->of;
	const struct admission_host *host = &admissions->host;
	struct webhook_headers headers;

	if (!webhook_sign(admissions->webhook, question->id, time(NULL), question->body,
		    question->len, &headers)) {
		return false;
	}
	question->request = host->post(host->cookie, webhook_url(admissions->webhook), &headers,
		question->body, question->len, question);
	if (question->request) {
		host->set_timer(host->cookie, &question->timer, ADMISSION_TIMEOUT, on_late);
	}
	return question->request;
}

/* Begin with who waits, as far as there is room. Without memory it is tried again when a question
 * ends, and at last it fails by its time. */
static void go_on(struct admissions *admissions)
{
	struct admission_place *place;

	while (admissions->host.post && admissions->webhook &&
		admissions->lanes.in_flight < ADMISSIONS_FLYING &&
		(place = admission_lanes_next(&admissions->lanes))) {
		if (!post(question_at(place))) {
			return;
		}
		admission_lanes_fly(&admissions->lanes, place);
	}
}

/* Who has more under way than the newcomer would have gives it a place. */
static void make_way(struct admissions *admissions, struct question *newcomer)
{
	struct admission_place *place;

	if (admissions->lanes.in_flight < ADMISSIONS_FLYING) {
		return;
	}
	place = admission_lanes_who_makes_way(&admissions->lanes, &newcomer->place);
	if (place) {
		put_back(question_at(place));
		admission_lanes_prefer(&admissions->lanes, &newcomer->place);
	}
}

static void on_late(struct wheel_timer *timer)
{
	struct question *question =
		(struct question *)(void *)((char *)timer - offsetof(struct question, timer));
	static const struct admission_answer never = {
		.problem = "too many newcomers wait for an answer"};
	struct admissions *admissions = question->of;

	if (question->request) {
		break_off(question);
		fail(question, "no answer came within 2 s");
	} else { /* of which whom is asked knows nothing */
		admission_lanes_stop_waiting(&admissions->lanes, &question->place);
		meter_add(METER_ADMISSIONS_EXPIRED, 1);
		finish(question, &never);
	}
	go_on(admissions);
}

/* NULL: no memory. It waits. */
static struct question *make_question(struct admissions *admissions, const struct address *address,
	const struct admission_text *text)
{
	struct question *question = calloc(1, sizeof(*question) + text->len);
	struct timespec now;

	if (!question || !admission_lanes_enter(&admissions->lanes, &question->place, address)) {
		free(question);
		return NULL;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	ids_ulid(question->id, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
	question->of = admissions;
	question->patience = admissions->host.now(admissions->host.cookie) + ADMISSION_PATIENCE;
	question->len = text->len;
	memcpy(question->body, text->body, text->len);
	meter_add(METER_ADMISSIONS_WAITING, 1);
	memory_take(MEMORY_EVENTS, admissions_size(question));
	wait_in_lane(question, false);
	return question;
}

size_t admissions_size(const struct question *question)
{
	return sizeof(*question) + question->len;
}

/* What needs no question: it has been answered before. */
static bool is_known(struct admissions *admissions, const unsigned char key[KEY],
	admission_fn *done, void *cookie)
{
	const struct admission_host *host = &admissions->host;
	struct admission_answer answer;

	if (!admission_cache_find(admissions->cache, key, host->now(host->cookie), &answer)) {
		return false;
	}
	meter_add(METER_ADMISSIONS_CACHED, 1);
	meter_add(answer.allowed ? METER_ADMISSIONS_ALLOWED : METER_ADMISSIONS_REFUSED, 1);
	done(cookie, &answer);
	return true;
}

struct question *admissions_ask(struct admissions *admissions, const struct address *address,
	const struct admission_text *text, admission_fn *done, void *cookie)
{
	const struct admission_answer none = {.problem = "out of memory"};
	struct question *question = NULL;
	unsigned char key[KEY];
	bool hashed = EVP_Digest(text->body, text->key, key, NULL, EVP_sha256(), NULL);

	meter_add(METER_ADMISSIONS, 1);
	if (hashed && is_known(admissions, key, done, cookie)) {
		return NULL;
	}
	question = hashed ? make_question(admissions, address, text) : NULL;
	if (!question) {
		meter_add(METER_ADMISSIONS_FAILED, 1);
		done(cookie, &none);
		return NULL;
	}
	memcpy(question->key, key, KEY);
	question->done = done;
	question->cookie = cookie;
	make_way(admissions, question);
	go_on(admissions);
	return question;
}

void admissions_cancel(struct question *question)
{
	struct admissions *admissions = question->of;

	if (question->request) {
		break_off(question);
	} else {
		admission_lanes_stop_waiting(&admissions->lanes, &question->place);
	}
	question_free(question);
	go_on(admissions);
}

void admissions_answered(
	struct question *question, int status, const char *body, size_t len, const char *problem)
{
	struct admissions *admissions = question->of;
	const struct admission_host *host = &admissions->host;
	struct admission_answer answer;
	struct problem sentence;
	unsigned ttl;

	land(question);
	if (status == 200 && admission_answer_read(body, len, &answer, &ttl)) {
		host->note(host->cookie, NULL);
		if (ttl) {
			uint64_t now = host->now(host->cookie);

			admission_cache_keep(admissions->cache, question->key, now,
				now + ttl * UINT64_C(1000), &answer);
		}
		finish(question, &answer);
	} else if (status == 200) {
		fail(question, "what it answered does not say whether to `allow`");
	} else {
		problem_set(&sentence, 0, "it answered %d", status);
		fail(question, status ? sentence.text : problem);
	}
	go_on(admissions);
}

/* What is under way has to wait again, in its order. */
static void put_back_all(struct admissions *admissions)
{
	while (admissions->lanes.flying) {
		put_back(question_at(admissions->lanes.flying->prev));
	}
}

/* Nobody is to be asked any more. */
static void let_all_in(struct admissions *admissions)
{
	const struct admission_answer answer = {.allowed = true, .text = "{}", .len = 2};

	struct admission_place *place;

	put_back_all(admissions);
	while ((place = admission_lanes_next(&admissions->lanes))) {
		admission_lanes_stop_waiting(&admissions->lanes, place);
		finish(question_at(place), &answer);
	}
}

void admissions_aim(struct admissions *admissions, const struct webhook *webhook)
{
	admissions->webhook = webhook;
	admissions_shed(admissions);
	if (!webhook) {
		let_all_in(admissions);
		return;
	}
	put_back_all(admissions);
	go_on(admissions);
}

static void clear_timer(void *cookie, struct admission_place *place)
{
	const struct admission_host *host = cookie;

	host->clear_timer(host->cookie, &question_at(place)->timer);
}

void admissions_finish(struct admissions *admissions)
{
	put_back_all(admissions);
	admission_lanes_each(&admissions->lanes, clear_timer, &admissions->host);
	admissions->host = (struct admission_host){0};
}

#ifdef NAKODO_AUDIT
static void weigh(void *cookie, struct admission_place *place)
{
	*(size_t *)cookie += admissions_size(question_at(place));
}

size_t admissions_audit(const struct admissions *admissions)
{
	size_t bytes = admission_cache_audit(admissions->cache) +
		       admission_lanes_audit(&admissions->lanes);

	admission_lanes_each(&admissions->lanes, weigh, &bytes);
	return bytes;
}
#endif

/* events: see the header. Owns the queue and the pauses; how an event is written is event_text.c's.
 *
 * Each item is in two lists: all of them, in the order in which they are told, and those of its
 * address, which share keeps.
 */
#include "nakodo/service/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/ids.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"
#include "nakodo/service/event_text.h"
#include "nakodo/service/share.h"
#include "nakodo/service/shortage.h"
#include "nakodo/service/webhook.h"

#define COLLECT 20 /* ms from an event to a request, for those that come with it */
#define BATCH_BYTES 65536 /* of one request at most, */
#define BATCH_PART 4 /* and this part of all that may be kept, since it is given up last */
#define PAUSE_LEAST 1000 /* ms after the first failure; then twice as long each time */
#define PAUSE_MOST 60000
#define WATCHDOG (EVENTS_TIMEOUT + 5000) /* ms, after which the host has lost a request */
#define REFUSALS_MOST 15 /* ten minutes, in which those behind it wait as well */

struct item {
	struct item *prev, *next; /* of the queue (utlist DL) */
	struct item *own_prev, *own_next; /* of its address (utlist DL) */
	struct address address;
	uint64_t number;
	size_t len;
	char text[]; /* JSON, not NUL-terminated */
};

/* What one request tells. It stays the same however often it is made. */
struct batch {
	char *body; /* NULL: there is none */
	size_t len, count;
	char id[WEBHOOK_ID];
	unsigned refusals; /* in a row */
};

enum state {
	STOPPED, /* not begun, finished, or nobody listens */
	IDLE, /* nothing waits */
	COLLECTING, /* a timer runs: more events may come */
	SENDING, /* a request is under way; a timer watches it */
	PAUSING, /* it failed; a timer runs */
};

struct events {
	struct events_host host;
	const struct webhook *webhook;
	enum state state;
	struct item *queue; /* the oldest first */
	struct share kept; /* bytes of items, of each address */
	struct batch batch; /* older than all of the queue */
	size_t bytes, most; /* of both; in MEMORY_EVENTS */
	unsigned failures; /* in a row */
	struct wheel_timer timer;
	struct event_source source;
	uint64_t last; /* number of the newest event */
	bool said_stopped;
};

static void on_timer(struct wheel_timer *timer);

static void take_bytes(struct events *events, size_t bytes)
{
	events->bytes += bytes;
	memory_take(MEMORY_EVENTS, bytes);
}

static void give_bytes(struct events *events, size_t bytes)
{
	events->bytes -= bytes;
	memory_give(MEMORY_EVENTS, bytes);
}

static size_t size_of(const struct item *item)
{
	return sizeof(*item) + item->len;
}

static struct item **items_of(struct share_owner *owner)
{
	return (struct item **)(void *)share_list(owner);
}

/* False: no memory. */
static bool keep_item(struct events *events, struct item *item)
{
	struct item **own;

	if (share_add(&events->kept, &item->address, size_of(item))) {
		return false;
	}
	own = items_of(share_find(&events->kept, &item->address));
	DL_APPEND2(*own, item, own_prev, own_next);
	DL_APPEND(events->queue, item);
	take_bytes(events, size_of(item));
	return true;
}

static void drop_item(struct events *events, struct item *item)
{
	struct item **own = items_of(share_find(&events->kept, &item->address));

	DL_DELETE2(*own, item, own_prev, own_next);
	DL_DELETE(events->queue, item);
	share_remove(&events->kept, &item->address, size_of(item));
	give_bytes(events, size_of(item));
	free(item);
}

static void drop_batch(struct events *events)
{
	struct batch *batch = &events->batch;

	give_bytes(events, batch->body ? batch->len : 0);
	free(batch->body);
	*batch = (struct batch){0};
}

static void note_given_up(size_t count)
{
	meter_add(METER_EVENTS_GIVEN_UP, count);
	meter_subtract(METER_EVENTS_WAITING, count);
}

static void give_up_batch(struct events *events)
{
	note_given_up(events->batch.count);
	drop_batch(events);
}

struct events *events_create(size_t most)
{
	struct events *events = calloc(1, sizeof(*events));
	struct timespec now;

	if (events) {
		clock_gettime(CLOCK_REALTIME, &now);
		ids_ulid(events->source.run,
			(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
		events->most = most;
	}
	return events;
}

/* The oldest of the address that has most; what a request tells again only when nothing else is
 * left. */
static void give_up_beyond(struct events *events)
{
	while (events->bytes > events->most && events->queue) {
		drop_item(events, *items_of(share_most(&events->kept)));
		note_given_up(1);
	}
	if (events->bytes > events->most && events->batch.body && events->state != SENDING) {
		give_up_batch(events);
	}
}

void events_set_most(struct events *events, size_t most)
{
	events->most = most;
	give_up_beyond(events);
}

static void forget_all(struct events *events)
{
	while (events->queue) {
		drop_item(events, events->queue);
		note_given_up(1);
	}
	if (events->batch.body) {
		give_up_batch(events);
	}
}

void events_set_worker(struct events *events, unsigned worker)
{
	events->source.worker = worker;
}

void events_destroy(struct events *events)
{
	if (events) {
		forget_all(events);
		free(events);
	}
}

static void set_timer(struct events *events, enum state state, uint64_t delay)
{
	events->state = state;
	events->host.set_timer(events->host.cookie, &events->timer, delay, on_timer);
}

/* Something may be there to be told. */
static void go_on(struct events *events)
{
	if (events->queue || events->batch.body) {
		set_timer(events, COLLECTING, COLLECT);
	} else {
		events->state = IDLE;
	}
}

static void say(struct events *events, const char *type)
{
	const struct event event = {.type = type};

	events_add(events, &event);
}

static void begin(struct events *events)
{
	if (events->webhook && events->host.set_timer && events->state == STOPPED) {
		go_on(events);
	}
}

void events_start(struct events *events, const struct events_host *host)
{
	events->host = *host;
	begin(events);
}

static void halt(struct events *events)
{
	if (events->state == SENDING) {
		events->host.cancel(events->host.cookie);
	}
	if (events->host.clear_timer) {
		events->host.clear_timer(events->host.cookie, &events->timer);
	}
	events->state = STOPPED;
}

void events_aim(struct events *events, const struct webhook *webhook)
{
	const struct webhook *before = events->webhook;
	bool fresh = webhook && (!before || strcmp(webhook_url(before), webhook_url(webhook)) != 0);

	events->webhook = webhook;
	events->failures = 0;
	if (!webhook) {
		halt(events);
		forget_all(events);
		return;
	}
	if (fresh) {
		say(events, events->host.set_timer ? "subscribed" : "started");
	}
	if (events->state == PAUSING) {
		go_on(events); /* this one may be heard */
	}
	begin(events);
}

bool events_are_wanted(const struct events *events)
{
	return events && events->webhook;
}

void events_add(struct events *events, const struct event *event)
{
	struct text text = {0};
	struct item *item = NULL;
	size_t len;
	char *made;

	if (!events_are_wanted(events)) {
		return;
	}
	meter_add(METER_EVENTS, 1);
	meter_add(METER_EVENTS_WAITING, 1);
	event_text_add(&text, event, &events->source, ++events->last);
	made = text_take(&text, &len);
	item = made ? malloc(sizeof(*item) + len) : NULL;
	if (item) {
		item->number = events->last;
		item->address = event->address ? *event->address : (struct address){0};
		item->len = len;
		memcpy(item->text, made, len);
	}
	if (!item || !keep_item(events, item)) {
		free(item);
		note_given_up(1);
	}
	free(made);
	give_up_beyond(events);
	if (events->state == IDLE) {
		go_on(events);
	}
}

void events_weigh(const struct events *events, struct share *held)
{
	share_add_all(held, &events->kept);
}

/* An address that has to give some back gives its oldest. */
void events_shed(struct events *events, struct shortage *shortage)
{
	struct item *item, *next;

	DL_FOREACH_SAFE (events->queue, item, next) {
		struct address address = item->address;

		if (shortage_is_over(shortage)) {
			return;
		}
		if (shortage_takes(shortage, &address)) {
			shortage_take(shortage, &address, size_of(item));
			meter_add(METER_SHED_EVENTS, 1);
			drop_item(events, item);
			note_given_up(1);
		}
	}
}

/* As many of the queue as go into one request: into its body. False: no memory, all stay there. */
static bool fill_batch(struct events *events)
{
	struct batch *batch = &events->batch;
	size_t part = events->most / BATCH_PART, most = part < BATCH_BYTES ? part : BATCH_BYTES;
	size_t count = 0, bytes = 0, len;
	struct text text = {0};
	struct item *item;

	text_add(&text, "{\"events\":[");
	DL_FOREACH (events->queue, item) {
		if (count && bytes + item->len > most) {
			break;
		}
		text_add(&text, count ? "," : "");
		text_add_bytes(&text, item->text, item->len);
		bytes += item->len;
		count++;
	}
	text_add(&text, "]}");
	batch->body = text_take(&text, &len);
	if (!batch->body) {
		return false;
	}
	batch->len = len;
	batch->count = count;
	take_bytes(events, len);
	snprintf(batch->id, sizeof(batch->id), "%s.%" PRIu64, events->source.run,
		events->queue->number);
	for (; count; count--) {
		drop_item(events, events->queue);
	}
	return true;
}

static bool post(struct events *events)
{
	struct batch *batch = &events->batch;
	struct webhook_headers headers;

	return (batch->body || fill_batch(events)) &&
	       webhook_sign(
		       events->webhook, batch->id, time(NULL), batch->body, batch->len, &headers) &&
	       !events->host.post(events->host.cookie, webhook_url(events->webhook), &headers,
		       batch->body, batch->len);
}

static void pause_a_while(struct events *events)
{
	unsigned doubled = events->failures < 6 ? events->failures : 6;
	uint64_t pause = (uint64_t)PAUSE_LEAST << doubled;

	meter_add(METER_EVENTS_FAILURES, 1);
	events->failures++;
	set_timer(events, PAUSING, pause < PAUSE_MOST ? pause : PAUSE_MOST);
}

static void send_some(struct events *events)
{
	if (!events->queue && !events->batch.body) {
		events->state = IDLE;
	} else if (post(events)) {
		set_timer(events, SENDING, WATCHDOG);
	} else {
		pause_a_while(events);
	}
}

static void on_timer(struct wheel_timer *timer)
{
	struct events *events =
		(struct events *)(void *)((char *)timer - offsetof(struct events, timer));

	if (events->state == SENDING) {
		events->host.cancel(events->host.cookie);
		pause_a_while(events);
	} else {
		send_some(events);
	}
}

void events_delivered(struct events *events)
{
	size_t count = events->batch.count;

	meter_add(METER_EVENTS_DELIVERED, count);
	meter_subtract(METER_EVENTS_WAITING, count);
	drop_batch(events);
	events->failures = 0;
	events->host.clear_timer(events->host.cookie, &events->timer);
	go_on(events);
}

/* Who answers so to this will do so again; not who asks for patience. */
static bool is_refused(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

void events_failed(struct events *events, int status)
{
	struct batch *batch = &events->batch;

	events->state = PAUSING;
	batch->refusals = is_refused(status) ? batch->refusals + 1 : 0;
	if (batch->refusals > REFUSALS_MOST) {
		give_up_batch(events);
	}
	pause_a_while(events);
}

bool events_stop(struct events *events)
{
	if (!events_are_wanted(events)) {
		return false;
	}
	if (!events->said_stopped) {
		events->said_stopped = true;
		say(events, "stopped");
	}
	return events->state == COLLECTING || events->state == SENDING;
}

void events_finish(struct events *events)
{
	halt(events);
	events->host = (struct events_host){0};
}

#ifdef NAKODO_AUDIT
size_t events_audit(const struct events *events)
{
	size_t bytes = events->batch.body ? events->batch.len : 0;
	const struct item *item;

	DL_FOREACH (events->queue, item) {
		bytes += size_of(item);
	}
	return bytes;
}
#endif

/* peerjs_queue: see the header. */
#include "nakodo/dialect/peerjs_queue.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/hub/hub.h"

#define IDS_MAX 4096
#define LETTERS_MAX 256 /* for one id */
#define BYTES_MAX (16u << 20) /* altogether, with what each message costs beside its text */

struct letter {
	struct letter *prev, *next; /* in its box (utlist DL) */
	const char *src; /* behind the text */
	size_t len; /* of the text */
	bool first; /* the first of its sender in this box */
	char text[];
};

/* What waits for one id. */
struct box {
	struct letter *letters;
	size_t count, bytes;
	uint64_t due; /* ms of hub_now() */
	UT_hash_handle hh;
	char dst[];
};

struct peerjs_queue {
	struct wheel_timer timer; /* first: turned back by a cast. For the oldest box */
	struct hub *hub;
	uint64_t lifetime;
	peerjs_expire_fn *expire;
	void *cookie;
	struct box *boxes; /* uthash keeps them in order of arrival, so the oldest is in front */
	size_t bytes;
};

struct peerjs_queue *peerjs_queue_create(
	struct hub *hub, uint64_t lifetime, peerjs_expire_fn *expire, void *cookie)
{
	struct peerjs_queue *queue = calloc(1, sizeof(*queue));

	if (queue) {
		queue->hub = hub;
		queue->lifetime = lifetime;
		queue->expire = expire;
		queue->cookie = cookie;
	}
	return queue;
}

static size_t cost(const struct letter *letter)
{
	return sizeof(*letter) + letter->len + strlen(letter->src) + 1;
}

static void remove_box(struct peerjs_queue *queue, struct box *box)
{
	struct letter *letter, *next;

	queue->bytes -= box->bytes;
	HASH_DEL(queue->boxes, box);
	DL_FOREACH_SAFE (box->letters, letter, next) {
		free(letter);
	}
	free(box);
}

void peerjs_queue_destroy(struct peerjs_queue *queue)
{
	hub_clear_timer(queue->hub, &queue->timer);
	while (queue->boxes) {
		remove_box(queue, queue->boxes);
	}
	free(queue);
}

static void on_due(struct wheel_timer *timer)
{
	struct peerjs_queue *queue = (struct peerjs_queue *)timer;
	uint64_t now = hub_now(queue->hub);
	struct letter *letter;
	struct box *box;

	while ((box = queue->boxes) && box->due <= now) {
		DL_FOREACH (box->letters, letter) {
			if (letter->first) {
				queue->expire(queue->cookie, letter->src, box->dst);
			}
		}
		remove_box(queue, box);
	}
	if (box) {
		hub_set_timer(queue->hub, timer, box->due - now, on_due);
	}
}

static struct letter *letter_create(const char *src, const struct iovec *parts, int count)
{
	size_t len = 0, size = strlen(src) + 1;
	struct letter *letter;

	for (int i = 0; i < count; i++) {
		len += parts[i].iov_len;
	}
	letter = malloc(sizeof(*letter) + len + size);
	if (!letter) {
		return NULL;
	}
	letter->len = 0;
	for (int i = 0; i < count; i++) {
		memcpy(letter->text + letter->len, parts[i].iov_base, parts[i].iov_len);
		letter->len += parts[i].iov_len;
	}
	letter->src = memcpy(letter->text + len, src, size);
	return letter;
}

static struct box *box_create(struct peerjs_queue *queue, const char *dst)
{
	size_t size = strlen(dst) + 1;
	struct box *box;

	if (HASH_COUNT(queue->boxes) >= IDS_MAX) {
		return NULL;
	}
	box = calloc(1, sizeof(*box) + size);
	if (!box) {
		return NULL;
	}
	memcpy(box->dst, dst, size);
	box->due = hub_now(queue->hub) + queue->lifetime;
	HASH_ADD_STR(queue->boxes, dst, box);
	if (!box->hh.tbl) {
		free(box);
		return NULL;
	}
	if (queue->boxes == box) {
		hub_set_timer(queue->hub, &queue->timer, queue->lifetime, on_due);
	}
	return box;
}

static bool has_room(const struct peerjs_queue *queue, const struct box *box, size_t bytes)
{
	size_t count = box ? box->count : 0, used = box ? box->bytes : 0;

	return count < LETTERS_MAX && used + bytes <= hub_outbox_bytes(queue->hub) / 2 &&
	       queue->bytes + bytes <= BYTES_MAX;
}

bool peerjs_queue_add(struct peerjs_queue *queue, const char *src, const char *dst,
	const struct iovec *parts, int count)
{
	struct letter *letter = letter_create(src, parts, count), *other;
	struct box *box;

	if (!letter) {
		return false;
	}
	HASH_FIND_STR(queue->boxes, dst, box);
	if (!has_room(queue, box, cost(letter)) || (!box && !(box = box_create(queue, dst)))) {
		free(letter);
		return false;
	}
	letter->first = true;
	DL_FOREACH (box->letters, other) {
		letter->first = letter->first && strcmp(other->src, src) != 0;
	}
	DL_APPEND(box->letters, letter);
	box->count++;
	box->bytes += cost(letter);
	queue->bytes += cost(letter);
	return true;
}

void peerjs_queue_flush(struct peerjs_queue *queue, const char *dst, struct peer *peer)
{
	struct letter *letter;
	struct box *box;

	HASH_FIND_STR(queue->boxes, dst, box);
	if (!box) {
		return;
	}
	DL_FOREACH (box->letters, letter) {
		struct iovec part = {letter->text, letter->len};
		struct message message;

		message_init(&message, &part, 1, false, true);
		hub_send(peer, &message);
		message_finish(&message);
	}
	remove_box(queue, box);
}

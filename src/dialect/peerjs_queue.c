/* peerjs_queue: see the header. */
#include "nakodo/dialect/peerjs_queue.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/hub.h"

#define IDS_MAX 4096
#define LETTERS_MAX 256 /* for one id */
/* Of one sender, so that nobody fills the queues for all. */
#define SENDER_BYTES_MAX (1u << 20)
#define SENDER_LETTERS_MAX 256
#define BYTES_MAX (16u << 20) /* altogether, with what each message costs beside its text */

/* Who has something waiting here. */
struct sender {
	size_t count, bytes;
	UT_hash_handle hh;
	char id[];
};

struct letter {
	struct letter *prev, *next; /* in its box (utlist DL) */
	struct sender *sender;
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
	struct sender *senders;
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
	return sizeof(*letter) + letter->len;
}

static void remove_letter(struct peerjs_queue *queue, struct letter *letter)
{
	struct sender *sender = letter->sender;

	sender->bytes -= cost(letter);
	if (--sender->count == 0) {
		HASH_DEL(queue->senders, sender);
		free(sender);
	}
	free(letter);
}

static void remove_box(struct peerjs_queue *queue, struct box *box)
{
	struct letter *letter, *next;

	queue->bytes -= box->bytes;
	memory_give(MEMORY_ROOMS, box->bytes);
	HASH_DEL(queue->boxes, box);
	DL_FOREACH_SAFE (box->letters, letter, next) {
		remove_letter(queue, letter);
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
				queue->expire(queue->cookie, letter->sender->id, box->dst);
			}
		}
		remove_box(queue, box);
	}
	if (box) {
		hub_set_timer(queue->hub, timer, box->due - now, on_due);
	}
}

static struct letter *letter_create(const struct iovec *parts, int count)
{
	struct letter *letter;
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		len += parts[i].iov_len;
	}
	letter = calloc(1, sizeof(*letter) + len);
	if (!letter) {
		return NULL;
	}
	for (int i = 0; i < count; i++) {
		memcpy(letter->text + letter->len, parts[i].iov_base, parts[i].iov_len);
		letter->len += parts[i].iov_len;
	}
	return letter;
}

/* NULL: no memory. One that is new counts nothing yet. */
static struct sender *find_sender(struct peerjs_queue *queue, const char *id)
{
	size_t size = strlen(id) + 1;
	struct sender *sender;

	HASH_FIND_STR(queue->senders, id, sender);
	if (!sender) {
		sender = calloc(1, sizeof(*sender) + size);
		if (!sender) {
			return NULL;
		}
		memcpy(sender->id, id, size);
		HASH_ADD_STR(queue->senders, id, sender);
		if (!sender->hh.tbl) {
			free(sender);
			return NULL;
		}
	}
	return sender;
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

static bool has_room(const struct peerjs_queue *queue, const struct box *box,
	const struct sender *sender, size_t bytes)
{
	size_t count = box ? box->count : 0, used = box ? box->bytes : 0;

	return count < LETTERS_MAX && used + bytes <= hub_outbox_bytes(queue->hub) / 2 &&
	       sender->count < SENDER_LETTERS_MAX && sender->bytes + bytes <= SENDER_BYTES_MAX &&
	       queue->bytes + bytes <= BYTES_MAX;
}

static void append(struct peerjs_queue *queue, struct box *box, struct letter *letter)
{
	const struct letter *other;

	letter->first = true;
	DL_FOREACH (box->letters, other) {
		letter->first = letter->first && other->sender != letter->sender;
	}
	DL_APPEND(box->letters, letter);
	letter->sender->count++;
	letter->sender->bytes += cost(letter);
	box->count++;
	box->bytes += cost(letter);
	queue->bytes += cost(letter);
	memory_take(MEMORY_ROOMS, cost(letter));
}

bool peerjs_queue_add(struct peerjs_queue *queue, const char *src, const char *dst,
	const struct iovec *parts, int count)
{
	struct letter *letter = letter_create(parts, count);
	struct sender *sender = letter ? find_sender(queue, src) : NULL;
	struct box *box;

	HASH_FIND_STR(queue->boxes, dst, box);
	if (sender && has_room(queue, box, sender, cost(letter)) &&
		(box || (box = box_create(queue, dst)))) {
		letter->sender = sender;
		append(queue, box, letter);
		return true;
	}
	if (sender && !sender->count) {
		HASH_DEL(queue->senders, sender);
		free(sender);
	}
	free(letter);
	return false;
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

		hub_send_text(peer, &part, 1);
	}
	remove_box(queue, box);
}

#ifdef NAKODO_AUDIT
void peerjs_queue_audit(const struct peerjs_queue *queue, struct audit *audit)
{
	const struct letter *letter;
	size_t bytes = 0;

	for (const struct box *box = queue->boxes; box; box = box->hh.next) {
		DL_FOREACH (box->letters, letter) {
			bytes += cost(letter);
		}
	}
	audit_bytes(audit, MEMORY_ROOMS, bytes);
	if (bytes != queue->bytes) {
		audit_fault(audit, "a queue counts %zu bytes and has %zu", queue->bytes, bytes);
	}
}
#endif

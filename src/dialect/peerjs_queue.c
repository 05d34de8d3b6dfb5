/*
 * peerjs_queue: owns a box for each id that something waits for, and an entry for each sender. A
 * letter is in the list of both. What gives way is all that one sender has in one box, since an
 * offer is of no use without what belongs to it. See the header.
 */
#include "nakodo/dialect/peerjs_queue.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/dialect/mount_audit.h"
#include "nakodo/hub/audit.h"
#include "nakodo/hub/hub.h"
#include "nakodo/service/share.h"
#include "nakodo/service/shortage.h"

#define LETTERS_MAX 256 /* for one id */
#define HEAD 40 /* bytes that a letter counts beside its text, for its id and for its sender */
/* Of one sender, so that nobody fills the queues for all. */
#define SENDER_BYTES_MAX (1u << 20)
#define SENDER_LETTERS_MAX 256
#define BYTES_MAX (16u << 20) /* altogether, as cost() counts */

/* Who has something waiting here. */
struct sender {
	struct letter *letters; /* the oldest first (utlist DL) */
	size_t count, bytes;
	/* Where its first letter came from; what it adds while that waits counts for it too. */
	struct address address;
	UT_hash_handle hh;
	char id[];
};

struct letter {
	struct letter *prev, *next; /* in its box (utlist DL) */
	struct letter *sender_prev, *sender_next; /* of its sender (utlist DL) */
	struct sender *sender;
	struct box *box;
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
	struct share share; /* bytes of each address */
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

static size_t size_of(const struct letter *letter)
{
	return HEAD + letter->len;
}

/* The box is charged to each letter in it, so that ids need no bound of their own. */
static size_t cost(const struct letter *letter, const char *dst)
{
	return sizeof(*letter) + letter->len + sizeof(struct box) + strlen(dst) + 1;
}

static void forget_if_idle(struct peerjs_queue *queue, struct sender *sender)
{
	if (!sender->count) {
		HASH_DEL(queue->senders, sender);
		free(sender);
	}
}

static void remove_letter(struct peerjs_queue *queue, struct letter *letter)
{
	struct sender *sender = letter->sender;
	struct box *box = letter->box;
	size_t bytes = cost(letter, box->dst);

	share_remove(&queue->share, &sender->address, bytes);
	memory_give(MEMORY_ROOMS, bytes);
	DL_DELETE(box->letters, letter);
	box->count--;
	box->bytes -= size_of(letter);
	DL_DELETE2(sender->letters, letter, sender_prev, sender_next);
	sender->count--;
	sender->bytes -= size_of(letter);
	forget_if_idle(queue, sender);
	free(letter);
}

static void remove_box(struct peerjs_queue *queue, struct box *box)
{
	struct letter *letter, *next;

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
static struct sender *find_sender(
	struct peerjs_queue *queue, const char *id, const struct address *address)
{
	size_t size = strlen(id) + 1;
	struct sender *sender;

	HASH_FIND_STR(queue->senders, id, sender);
	if (!sender) {
		sender = calloc(1, sizeof(*sender) + size);
		if (!sender) {
			return NULL;
		}
		sender->address = *address;
		memcpy(sender->id, id, size);
		HASH_ADD_STR(queue->senders, id, sender);
		if (!sender->hh.tbl) {
			free(sender);
			return NULL;
		}
	}
	return sender;
}

static struct box *find_box(const struct peerjs_queue *queue, const char *dst)
{
	struct box *box;

	HASH_FIND_STR(queue->boxes, dst, box);
	return box;
}

static struct box *box_create(struct peerjs_queue *queue, const char *dst)
{
	size_t size = strlen(dst) + 1;
	struct box *box = calloc(1, sizeof(*box) + size);

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

/* All that the letter's sender has in the same box goes, and the sender is told. The box stays. */
static void take_out(struct peerjs_queue *queue, const struct letter *letter, enum meter meter)
{
	const struct sender *sender = letter->sender;
	struct box *box = letter->box;
	struct letter *other, *next;

	queue->expire(queue->cookie, sender->id, box->dst);
	DL_FOREACH_SAFE (box->letters, other, next) {
		if (other->sender == sender) {
			meter_add(meter, 1);
			remove_letter(queue, other); /* with the last one the sender may go */
		}
	}
}

static void remove_if_empty(struct peerjs_queue *queue, struct box *box)
{
	if (!box->letters) {
		remove_box(queue, box);
	}
}

static void give_up(struct peerjs_queue *queue, const struct letter *letter)
{
	struct box *box = letter->box;

	take_out(queue, letter, METER_LETTERS_YIELDED);
	remove_if_empty(queue, box);
}

/* By how much is there too little room in the box? In bytes, or if these suffice in letters. */
static size_t lacking_in(const struct peerjs_queue *queue, const struct box *box,
	const struct letter *letter, bool *ret_in_bytes)
{
	size_t most = hub_outbox_bytes(queue->hub) / 2;
	size_t bytes = (box ? box->bytes : 0) + size_of(letter);

	*ret_in_bytes = bytes > most;
	return *ret_in_bytes ? bytes - most : box && box->count >= LETTERS_MAX;
}

/* Which letter gives way first in its box, for one that counts so much more? NULL: none does, or
 * not enough of them. */
static struct letter *find_yielding_in(const struct box *box, const struct sender *newcomer,
	bool in_bytes, size_t amount, size_t lacking)
{
	struct letter *letter, *found = NULL;
	struct share share = {0};
	struct address group;

	DL_FOREACH (box->letters, letter) {
		share_add(&share, &letter->sender->address, in_bytes ? size_of(letter) : 1);
	}
	if (share_yielding(&share, &newcomer->address, amount) >= lacking &&
		share_find_yielding(&share, &newcomer->address, amount, &group)) {
		found = box->letters;
		while (!share_is_same(&found->sender->address, &group)) {
			found = found->next;
		}
	}
	share_clear(&share);
	return found;
}

static bool make_room_in_box(struct peerjs_queue *queue, const char *dst,
	const struct sender *newcomer, const struct letter *letter)
{
	struct box *box = find_box(queue, dst);
	struct letter *other;
	bool in_bytes;
	size_t lacking;

	/* Without a box the letter may be too long by itself. */
	while ((lacking = lacking_in(queue, box, letter, &in_bytes))) {
		other = box ? find_yielding_in(box, newcomer, in_bytes,
				      in_bytes ? size_of(letter) : 1, lacking)
			    : NULL;
		if (!other) {
			return false;
		}
		give_up(queue, other);
		box = find_box(queue, dst);
	}
	return true;
}

/* The sender of that address that has most. */
static const struct sender *find_largest(
	const struct peerjs_queue *queue, const struct address *group)
{
	const struct sender *sender, *largest = NULL;

	for (sender = queue->senders; sender; sender = sender->hh.next) {
		if (sender->count && share_is_same(&sender->address, group) &&
			(!largest || sender->bytes > largest->bytes)) {
			largest = sender;
		}
	}
	return largest;
}

static bool make_room(struct peerjs_queue *queue, const struct sender *newcomer, size_t bytes)
{
	const struct share *share = &queue->share;
	struct address group;

	while (share->used + bytes > BYTES_MAX) {
		size_t lacking = share->used + bytes - BYTES_MAX;

		if (share_yielding(share, &newcomer->address, bytes) < lacking ||
			!share_find_yielding(share, &newcomer->address, bytes, &group)) {
			return false;
		}
		give_up(queue, find_largest(queue, &group)->letters);
	}
	return true;
}

static bool may_send(const struct sender *sender, const struct letter *letter)
{
	return sender->count < SENDER_LETTERS_MAX &&
	       sender->bytes + size_of(letter) <= SENDER_BYTES_MAX;
}

/* False: no memory. */
static bool append(
	struct peerjs_queue *queue, struct sender *sender, const char *dst, struct letter *letter)
{
	struct box *box = find_box(queue, dst);
	const struct letter *other;
	size_t bytes = cost(letter, dst);

	box = box ? box : box_create(queue, dst);
	if (!box || share_add(&queue->share, &sender->address, bytes)) {
		if (box && !box->letters) {
			remove_box(queue, box);
		}
		return false;
	}
	letter->sender = sender;
	letter->box = box;
	letter->first = true;
	DL_FOREACH (box->letters, other) {
		letter->first = letter->first && other->sender != sender;
	}
	DL_APPEND(box->letters, letter);
	box->count++;
	box->bytes += size_of(letter);
	DL_APPEND2(sender->letters, letter, sender_prev, sender_next);
	sender->count++;
	sender->bytes += size_of(letter);
	memory_take(MEMORY_ROOMS, bytes);
	return true;
}

bool peerjs_queue_add(struct peerjs_queue *queue, const char *src, const struct address *address,
	const char *dst, const struct iovec *parts, int count)
{
	struct letter *letter = letter_create(parts, count);
	struct sender *sender = letter ? find_sender(queue, src, address) : NULL;

	if (sender && may_send(sender, letter) && make_room_in_box(queue, dst, sender, letter) &&
		make_room(queue, sender, cost(letter, dst)) && append(queue, sender, dst, letter)) {
		return true;
	}
	meter_add(METER_LETTERS_REFUSED, 1);
	if (sender) {
		forget_if_idle(queue, sender);
	}
	free(letter);
	return false;
}

void peerjs_queue_flush(struct peerjs_queue *queue, const char *dst, struct peer *peer)
{
	struct letter *letter;
	struct box *box = find_box(queue, dst);

	if (!box) {
		return;
	}
	DL_FOREACH (box->letters, letter) {
		struct iovec part = {letter->text, letter->len};

		hub_send_text(peer, &part, 1);
	}
	remove_box(queue, box);
}

void peerjs_queue_weigh(const struct peerjs_queue *queue, struct shortage *shortage)
{
	share_add_all(&shortage->held, &queue->share);
}

/* The first letter in the box that has to go; NULL: none. */
static struct letter *find_taken(const struct box *box, const struct shortage *shortage)
{
	struct letter *letter = box->letters;

	while (letter && !shortage_takes(shortage, &letter->sender->address)) {
		letter = letter->next;
	}
	return letter;
}

void peerjs_queue_shed(struct peerjs_queue *queue, struct shortage *shortage)
{
	const struct letter *letter;
	struct box *box, *next;

	HASH_ITER (hh, queue->boxes, box, next) {
		while ((letter = find_taken(box, shortage))) {
			struct address address = letter->sender->address;
			size_t before = queue->share.used;

			take_out(queue, letter, METER_SHED_LETTERS);
			shortage_take(shortage, &address, before - queue->share.used);
		}
		remove_if_empty(queue, box);
	}
}

#ifdef NAKODO_AUDIT
void peerjs_queue_audit(const struct peerjs_queue *queue, struct audit *audit)
{
	const struct letter *letter;
	const struct sender *sender;
	size_t bytes = 0, count = 0, sent = 0;

	for (const struct box *box = queue->boxes; box; box = box->hh.next) {
		DL_FOREACH (box->letters, letter) {
			bytes += cost(letter, box->dst);
			count++;
		}
	}
	for (sender = queue->senders; sender; sender = sender->hh.next) {
		sent += sender->count;
	}
	audit_bytes(audit, MEMORY_ROOMS, bytes);
	if (bytes != queue->share.used || count != sent) {
		audit_fault(audit, "a queue counts %zu bytes of %zu letters and has %zu of %zu",
			queue->share.used, sent, bytes, count);
	}
}
#endif

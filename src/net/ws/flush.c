/*
 * flush: owns the check, prepare and idle handles.
 *
 * libwebsockets reads one buffer per socket and turn, so a burst of messages shows up over several
 * turns. Writing after each of them would cost one system call per message and receiver; waiting
 * until the burst has been read (but for at most 8 turns) costs one per receiver.
 * While the flush waits, the idle handle keeps the poll from blocking. The prepare handle starts it
 * as well when a timer has queued something, since timers run before the poll and the check after.
 */
#include "nakodo/net/ws/flush.h"

#include "nakodo/hub/hub.h"

#define WAIT_TURNS 8
#define WAIT_FRAMES 20000

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void keep_turning(struct flush *flush)
{
	uv_idle_start(&flush->idle, on_idle); /* does nothing when it is started */
}

static bool is_worth_waiting(struct flush *flush)
{
	bool more = flush->more_to_read;

	flush->more_to_read = false;
	return more && ++flush->waited < WAIT_TURNS && hub_queued(flush->hub) < WAIT_FRAMES;
}

static void on_check(uv_check_t *check)
{
	struct flush *flush = check->data;
	struct peer *peer;

	flush->turn++;
	flush->turned(flush);
	hub_settle(flush->hub);
	if (hub_is_dirty(flush->hub) && is_worth_waiting(flush)) {
		keep_turning(flush);
		return;
	}
	/* Also when who was waited for is gone, or the loop would turn for nothing. */
	flush->more_to_read = false;
	flush->waited = 0;
	uv_idle_stop(&flush->idle);
	while ((peer = hub_next_dirty(flush->hub))) {
		flush->peer(peer);
	}
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct flush *flush = prepare->data;

	if (hub_is_dirty(flush->hub)) {
		keep_turning(flush);
	}
}

void flush_init(struct flush *flush, uv_loop_t *loop, struct hub *hub, flush_turn_fn *turned,
	flush_peer_fn *peer)
{
	flush->hub = hub;
	flush->turned = turned;
	flush->peer = peer;
	flush->check.data = flush->prepare.data = flush;
	uv_check_init(loop, &flush->check);
	uv_prepare_init(loop, &flush->prepare);
	uv_idle_init(loop, &flush->idle);
	uv_check_start(&flush->check, on_check);
	uv_prepare_start(&flush->prepare, on_prepare);
}

void flush_expect_more(struct flush *flush)
{
	flush->more_to_read = true;
}

void flush_finish(struct flush *flush)
{
	uv_close((uv_handle_t *)&flush->check, NULL);
	uv_close((uv_handle_t *)&flush->prepare, NULL);
	uv_close((uv_handle_t *)&flush->idle, NULL);
}

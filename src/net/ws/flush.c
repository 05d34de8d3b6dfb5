/*
 * flush: owns the check, prepare and idle handles.
 *
 * Timers run before the poll, since libuv 1.45 behind the check, and the check after the poll: when
 * a timer has queued something, the prepare handle starts the idle handle, which keeps the poll
 * from blocking.
 */
#include "nakodo/net/ws/flush.h"

#include "nakodo/hub/hub.h"

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void on_check(uv_check_t *check)
{
	struct flush *flush = check->data;
	struct peer *peer;

	flush->turned(flush);
	hub_settle(flush->hub);
	uv_idle_stop(&flush->idle);
	while ((peer = hub_next_dirty(flush->hub))) {
		flush->peer(peer);
	}
	flush->flushed(flush);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct flush *flush = prepare->data;

	if (flush->again || hub_is_dirty(flush->hub)) {
		uv_idle_start(&flush->idle, on_idle);
	}
}

void flush_init(struct flush *flush, uv_loop_t *loop, struct hub *hub, flush_turn_fn *turned,
	flush_peer_fn *peer, flush_turn_fn *flushed)
{
	flush->hub = hub;
	flush->turned = turned;
	flush->peer = peer;
	flush->flushed = flushed;
	flush->check.data = flush->prepare.data = flush;
	uv_check_init(loop, &flush->check);
	uv_prepare_init(loop, &flush->prepare);
	uv_idle_init(loop, &flush->idle);
	uv_check_start(&flush->check, on_check);
	uv_prepare_start(&flush->prepare, on_prepare);
}

void flush_finish(struct flush *flush)
{
	uv_close((uv_handle_t *)&flush->check, NULL);
	uv_close((uv_handle_t *)&flush->prepare, NULL);
	uv_close((uv_handle_t *)&flush->idle, NULL);
}

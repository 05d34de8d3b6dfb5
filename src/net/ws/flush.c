/*
 * flush: owns the check, prepare and idle handles.
 *
 * Timers run before the poll, since libuv 1.45 behind the check, and the check after the poll: when
 * a timer has queued something or left something to the turn's end, the prepare handle starts the
 * idle handle, which keeps the poll from blocking.
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

	if (hub_is_dirty(flush->hub) || flush->has_more(flush)) {
		uv_idle_start(&flush->idle, on_idle);
	}
}

void flush_start(struct flush *flush, uv_loop_t *loop)
{
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

/*
 * flush: owns the check, prepare and idle handles.
 *
 * Timers run before the poll, since libuv 1.45 behind the check, and the check after the poll: when
 * a timer has queued something or left something to the turn's end, the prepare handle starts the
 * idle handle, which keeps the poll from blocking.
 */
#include "nakodo/net/ws/flush.h"

#include "nakodo/hub/hub.h"
#include "nakodo/hub/press.h"

/* A pass is over when it has cost so many bytes: some ms. */
#define PASS (16 << 20)
#define PEER 2048 /* bytes that take as long as it takes to write to one more peer */

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void note_pass(struct flush *flush)
{
	struct presses *presses = hub_presses(flush->hub);

	if (hub_is_dirty(flush->hub)) {
		flush->passes++;
		press_note_backlog(presses, hub_now(flush->hub));
	} else if (flush->passes) {
		flush->passes = 0;
		press_end_backlog(presses, hub_now(flush->hub));
	}
}

/* Who has waited longest; but while there is a backlog every second one is of those to whom
 * something was said last, so that who is told little waits for no backlog. `again` and who stands
 * behind it have had their share of this pass. */
static void write_pass(struct flush *flush)
{
	const struct peer *again = NULL;
	struct peer *peer;
	bool newest = false;
	size_t cost = 0;

	while (cost < PASS && (peer = hub_next_dirty(flush->hub, again, newest))) {
		cost += PEER + flush->peer(peer, FLUSH_SHARE);
		if (peer->dirty && !again) {
			again = peer;
		}
		newest = flush->passes && !newest;
	}
	note_pass(flush);
}

static void on_check(uv_check_t *check)
{
	struct flush *flush = check->data;
	bool any;

	flush->turned(flush);
	hub_settle(flush->hub);
	flush->settled(flush);
	uv_idle_stop(&flush->idle);
	any = hub_is_dirty(flush->hub);
	write_pass(flush);
	lag_note_written(&flush->lag, any, !flush->passes);
	flush->flushed(flush);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct flush *flush = prepare->data;

	if (hub_is_dirty(flush->hub) || flush->has_more(flush)) {
		uv_idle_start(&flush->idle, on_idle);
	}
	lag_end_turn(&flush->lag);
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

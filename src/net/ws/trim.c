/* trim: see the header. */
#include "nakodo/net/ws/trim.h"

#include <libwebsockets.h>
#include <malloc.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/loop/deadlines.h"

static bool is_due(const struct trim *trim, uint64_t used)
{
	uint64_t freed = trim->most - used;

	return (freed >= TRIM_LEAST && freed >= trim->most / TRIM_PART) ||
	       trim->handshakes >= TRIM_CROWD;
}

static void on_timer(struct wheel_timer *timer)
{
	struct trim *trim = lws_container_of(timer, struct trim, timer);

	if (!is_due(trim, memory_used())) {
		return; /* it has been taken again */
	}
	trim->most = memory_used();
	trim->handshakes = 0;
	trim->next = deadlines_now(trim->deadlines) + TRIM_EVERY;
	meter_add(METER_HEAP_TRIMS, 1);
	malloc_trim(0);
}

static uint64_t delay_of(const struct trim *trim)
{
	uint64_t now = deadlines_now(trim->deadlines);

	return trim->next > now + TRIM_DELAY ? trim->next - now : TRIM_DELAY;
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct trim *trim = prepare->data;
	uint64_t used = memory_used();

	trim->most = used > trim->most ? used : trim->most;
	if (!trim->timer.at && is_due(trim, used)) {
		deadlines_set(trim->deadlines, &trim->timer, delay_of(trim), on_timer);
	}
}

void trim_note_handshake(struct trim *trim)
{
	trim->handshakes++;
}

void trim_start(struct trim *trim, struct deadlines *deadlines, uv_loop_t *loop)
{
	trim->deadlines = deadlines;
	trim->prepare.data = trim;
	uv_prepare_init(loop, &trim->prepare);
	uv_prepare_start(&trim->prepare, on_prepare);
}

void trim_finish(struct trim *trim)
{
	uv_close((uv_handle_t *)&trim->prepare, NULL);
}

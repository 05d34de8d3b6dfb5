/* handshakes: owns accepted sockets between their first bytes and their conn. */
#include "nakodo/net/socket/handshakes.h"

#include <stdlib.h>
#include <utlist.h>

#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/options.h"
#include "nakodo/hub/audit.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"

/* One takes about half a millisecond of processor time until its upgrade is answered. */
#define PER_TURN 16

struct queued_handshake {
	struct accepted accepted;
	struct queued_handshake *prev, *next;
};

static struct accepted take_first(struct handshakes *handshakes)
{
	struct queued_handshake *first = handshakes->queue;
	struct accepted accepted = first->accepted;

	DL_DELETE(handshakes->queue, first);
	accepted.listener->sockets->count--;
	meter_subtract(METER_HANDSHAKES_QUEUED, 1);
	memory_give(MEMORY_CONNECTIONS, sizeof(*first));
	free(first);
	return accepted;
}

static void on_idle(uv_idle_t *idle)
{
	struct handshakes *handshakes = idle->data;

	for (int i = 0; i < PER_TURN && handshakes->queue; i++) {
		struct accepted accepted = take_first(handshakes);
		const struct sockets *sockets = accepted.listener->sockets;

		/* That it had to wait was not its fault. */
		accepted.deadline = deadlines_now(sockets->deadlines) +
				    sockets->options->handshake_timeout * 1000;
		conn_adopt(&accepted);
	}
	if (!handshakes->queue) {
		uv_idle_stop(idle);
	}
}

void handshakes_init(struct handshakes *handshakes, uv_loop_t *loop)
{
	uv_idle_init(loop, &handshakes->idle);
	handshakes->idle.data = handshakes;
}

void handshakes_add(struct handshakes *handshakes, struct accepted *accepted)
{
	struct queued_handshake *last = malloc(sizeof(*last));

	if (!last) {
		conn_discard(accepted);
		return;
	}
	memory_take(MEMORY_CONNECTIONS, sizeof(*last));
	last->accepted = *accepted;
	DL_APPEND(handshakes->queue, last);
	accepted->listener->sockets->count++;
	meter_add(METER_HANDSHAKES_QUEUED, 1);
	uv_idle_start(&handshakes->idle, on_idle);
}

void handshakes_finish(struct handshakes *handshakes)
{
	while (handshakes->queue) {
		struct accepted accepted = take_first(handshakes);

		conn_discard(&accepted);
	}
	uv_close((uv_handle_t *)&handshakes->idle, NULL);
}

#ifdef NAKODO_AUDIT
void handshakes_audit(const struct handshakes *handshakes, struct audit *audit)
{
	const struct queued_handshake *queued;

	DL_FOREACH (handshakes->queue, queued) {
		audit_bytes(audit, MEMORY_CONNECTIONS, sizeof(*queued));
	}
}
#endif

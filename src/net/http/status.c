/* status: see the header. */
#include "nakodo/net/http/status.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "nakodo/base/board.h"
#include "nakodo/base/memory.h"
#include "nakodo/base/meter.h"
#include "nakodo/base/text.h"
#include "nakodo/config.h"
#include "nakodo/net/gate/gate.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/http/largest.h"
#include "nakodo/net/http/metrics.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/sockets.h"

void status_print(struct text *out, const struct sockets *sockets, int64_t started)
{
	const struct gate *gate = sockets->gate;

	metrics_look(sockets);
	text_print(out,
		"\"version\":\"" NAKODO_VERSION "\",\"pid\":%jd,\"state\":\"%s\","
		"\"uptime\":%jd,\"peers\":%" PRIu64 ",\"max_peers\":%zu,\"connections\":%" PRIu64
		",\"rooms\":%" PRIu64 ",\"memory\":%" PRIu64 ",\"max_memory\":%" PRIu64
		",\"messages_in\":%" PRIu64 ",\"messages_out\":%" PRIu64 ",\"refused\":%" PRIu64,
		(intmax_t)board_pid(),
		gate->draining       ? "draining"
		: gate_is_full(gate) ? "full"
				     : "ready",
		(intmax_t)(time(NULL) - started), board_sum(METER_PEERS), gate->max_peers,
		board_sum(METER_CONNECTIONS), board_sum(METER_ROOMS), memory_held(),
		gate->max_memory, board_sum(METER_MESSAGES_IN), board_sum(METER_MESSAGES_OUT),
		board_sum(METER_REFUSED));
}

void status_print_work(struct text *out)
{
	const struct histogram_values turns = board_histogram(HISTOGRAM_TURN);
	uint64_t count = 0;

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		count += turns.counts[i];
	}
	text_print(out,
		",\"bytes_in\":%" PRIu64 ",\"bytes_out\":%" PRIu64 ",\"turns\":%" PRIu64
		",\"turn_ns\":%" PRIu64,
		board_sum(METER_BYTES_IN), board_sum(METER_BYTES_OUT), count, turns.sum);
}

static void print_meters(struct text *out)
{
	for (int i = 0; i < METER_COUNT; i++) {
		text_print(out, "%s\"%s\":%" PRIu64, i ? "," : "", meter_rows[i].name,
			board_sum((enum meter)i));
	}
}

static void print_largest(struct text *out, const struct largest_list *list, bool named)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct largest_row *row = &list->rows[i];

		text_add(out, i ? ",{\"mount\":" : "{\"mount\":");
		text_quote(out, row->mount);
		if (named) {
			text_add(out, ",\"room\":");
			text_quote(out, row->room);
		}
		text_print(out, ",\"members\":%zu}", row->members);
	}
}

void status_answer(const struct sockets *sockets, int64_t started, struct largest *largest,
	bool named, struct reply *ret)
{
	struct text out = {0};

	text_add(&out, "{");
	status_print(&out, sockets, started);
	status_print_work(&out);
	text_print(&out, ",\"max_connections\":%zu,\"meters\":{", sockets->max_count);
	print_meters(&out);
	text_print(&out, "},\"named\":%s,\"largest\":[", named ? "true" : "false");
	print_largest(&out,
		largest_ask(largest, sockets->gate->dialects, deadlines_now(sockets->deadlines)),
		named);
	text_add(&out, "]}\n");
	reply_set_owned(ret, "application/json", text_take(&out, NULL));
}

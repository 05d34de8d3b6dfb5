/* rates: owns the two limits of each connection. */
#include "nakodo/net/ws/rates.h"

#include "nakodo/base/options.h"
#include "nakodo/net/gate/census.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/ws.h"

static uint64_t now_of(const struct conn *conn)
{
	return deadlines_now(conn->ws->pace.deadlines);
}

static uint64_t debt_of(const struct limit *limit, uint64_t now)
{
	return limit->due > now * 1000 ? limit->due - now * 1000 : 0;
}

/* With a burst of debt it is not held but for its own messages, at the rate, whoever of its address
 * owes the rest. */
void rates_begin(struct conn *conn)
{
	uint64_t now = now_of(conn), most = UINT64_C(1000000) * RATES_BURST;

	conn->limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_MESSAGES, most, now);
	conn->byte_limit.due = now * 1000 + census_take_debt(conn->place, CENSUS_BYTES, most, now);
}

void rates_leave(struct conn *conn)
{
	uint64_t now = now_of(conn);

	census_leave_debt(conn->place, CENSUS_MESSAGES, debt_of(&conn->limit, now), now);
	census_leave_debt(conn->place, CENSUS_BYTES, debt_of(&conn->byte_limit, now), now);
}

uint64_t rates_spend_message(struct conn *conn)
{
	uint64_t rate = conn->ws->pace.options->message_rate;

	if (conn->peer.unmetered) {
		conn->peer.unmetered--;
		return 0;
	}
	return limit_spend(&conn->limit, now_of(conn), rate, rate * RATES_BURST);
}

uint64_t rates_spend_bytes(struct conn *conn, size_t len)
{
	uint64_t rate = conn->ws->pace.options->byte_rate;

	return limit_spend_bytes(&conn->byte_limit, now_of(conn), rate, rate * RATES_BURST, len);
}

void rates_spend_opening(struct conn *conn, size_t bytes)
{
	uint64_t half = conn->ws->pace.options->byte_rate * RATES_BURST / 2;

	/* Half a burst at most, whatever resume-bytes is: the rest is for what it sends now. */
	rates_spend_bytes(conn, bytes < half ? bytes : half);
}

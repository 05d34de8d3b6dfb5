/* expiry: owns the timer in each peer's grant. See the header. */
#include "nakodo/net/ws/expiry.h"

#include <libwebsockets.h>
#include <time.h>

#include "nakodo/dialect/dialect.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/socket/conn.h"
#include "nakodo/net/ws/ws.h"
#include "nakodo/service/grant.h"
#include "nakodo/service/jwt.h"

#define DAY INT64_C(86400000) /* ms; nobody is waited for longer, since the clock may be set */

/* `exp` goes by the clock on the wall, and so must we. */
static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void on_due(struct wheel_timer *timer);

static void wait_until(struct grant *grant, int64_t due, int64_t now)
{
	const struct conn *conn = grant->bearer;
	int64_t wait = due - now < DAY ? due - now : DAY;

	deadlines_set(conn->ws->deadlines, &grant->timer, wait > 0 ? (uint64_t)wait : 0, on_due);
}

static void on_due(struct wheel_timer *timer)
{
	struct grant *grant = lws_container_of(timer, struct grant, timer);
	struct conn *conn = grant->bearer;
	int64_t now = now_ms();

	if (now >= grant->ends) {
		hub_close(&conn->peer, 4401, "the token has expired");
	} else if (now < grant->renewal) {
		wait_until(grant, grant->renewal, now);
	} else {
		wait_until(grant, grant->ends, now);
		grant->asked = true;
		if (conn->mount->dialect->renew) {
			conn->mount->dialect->renew(&conn->peer);
		}
	}
}

void expiry_begin(struct conn *conn, struct grant *grant)
{
	int64_t now = now_ms(), most = INT64_MAX / 1000 - JWT_LEEWAY, expires, before = 0;
	struct grant *old = conn->peer.grant;
	bool asked = false;

	if (old && old != grant) {
		asked = old->asked;
		before = old->ends;
		expiry_end(conn);
		grant_destroy(old);
	}
	conn->peer.grant = grant;
	if (!grant) {
		return;
	}
	expires = (grant->expires < most ? grant->expires : most) * 1000;
	grant->bearer = conn;
	grant->ends = now < expires ? expires : expires + JWT_LEEWAY * 1000;
	/* Who was asked and has shown nothing newer will have nothing newer in a moment. */
	grant->asked = asked && grant->ends <= before;
	grant->renewal = grant->asked ? grant->ends : grant->ends - (grant->ends - now) / 4;
	wait_until(grant, grant->renewal, now);
}

void expiry_end(struct conn *conn)
{
	if (conn->peer.grant) {
		deadlines_clear(conn->ws->deadlines, &conn->peer.grant->timer);
	}
}

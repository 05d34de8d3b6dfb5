/* renewal: see the header. */
#include "nakodo/net/tls/renewal.h"

#include <stddef.h>

#include "nakodo/base/log.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/loop/deadlines.h"
#include "nakodo/net/tls/tls.h"

#define CHECK_EVERY 10000 /* ms; a look costs some system calls */
#define AFTER_FAILURE 3600000 /* ms, so that the log is not filled with it */

static void on_check(struct wheel_timer *timer)
{
	struct renewal *renewal = (void *)((char *)timer - offsetof(struct renewal, timer));
	struct problem problem;
	uint64_t next = CHECK_EVERY;

	if (*renewal->tls && tls_is_due(*renewal->tls)) {
		if (tls_reload(*renewal->tls, &problem)) {
			log_error("certificate.renew", LOG_STR("problem", problem.text));
			next = AFTER_FAILURE;
		} else if (renewal->renewed) {
			renewal->renewed(renewal->cookie);
		}
	}
	deadlines_set(renewal->deadlines, &renewal->timer, next, on_check);
}

void renewal_start(struct renewal *renewal, struct tls **tls, struct deadlines *deadlines)
{
	*renewal = (struct renewal){.tls = tls, .deadlines = deadlines};
	deadlines_set(deadlines, &renewal->timer, CHECK_EVERY, on_check);
}

/* renewal: see the header. */
#include "nakodo/net/tls/renewal.h"

#include <libwebsockets.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/server.h"
#include "nakodo/net/tls/tls.h"

#define CHECK_EVERY 10000 /* ms; a look costs some system calls */
#define AFTER_FAILURE 3600000 /* ms, so that the log is not filled with it */

static void on_check(struct wheel_timer *timer)
{
	struct server *server = lws_container_of(timer, struct server, renewal);
	struct problem problem;
	uint64_t next = CHECK_EVERY;

	if (tls_is_due(server->tls) && tls_reload(server->tls, &problem)) {
		log_error("certificate.renew", LOG_STR("problem", problem.text));
		next = AFTER_FAILURE;
	}
	deadlines_set(&server->deadlines, &server->renewal, next, on_check);
}

void renewal_start(struct server *server)
{
	if (*server->options->tls_self_signed) {
		deadlines_set(&server->deadlines, &server->renewal, CHECK_EVERY, on_check);
	}
}

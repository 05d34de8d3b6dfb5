/* context: see the header. */
#include "nakodo/net/context.h"

#include <errno.h>
#include <libwebsockets.h>

#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/http/answer.h"
#include "nakodo/net/server.h"

/* libwebsockets complains at length about what clients send; that is no news unless we debug. */
static void log_library(int level, const char *line)
{
	(void)level;
	log_debug("libwebsockets", LOG_STR("line", line));
}

static void log_library_start(int level, const char *line)
{
	if (level & LLL_ERR) {
		log_error("libwebsockets", LOG_STR("line", line));
	}
}

static int create_vhosts(struct server *server, struct lws_context_creation_info *info)
{
	/* After the Host header (and by SNI) libwebsockets moves a connection to the first vhost
	 * that has the same port. There are two ports that mean no listening; some builds have
	 * taken this one for a vhost of their own. */
	if (!lws_get_vhost_by_name(server->context, "system")) {
		info->port = CONTEXT_PORT_NO_LISTEN;
	}
	info->vhost_name = "plain";
	server->sockets.plain = lws_create_vhost(server->context, info);
	/* Also if there is no certificate: other options may bring one, and libwebsockets does not
	 * survive to be out of memory here. */
	info->port = CONTEXT_PORT_NO_LISTEN_SERVER; /* the other one is without TLS */
	info->vhost_name = "tls";
	info->protocols = server->secure_protocols;
	/* No file names: tls.c gives the certificate to each handshake. */
	info->options |= LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
	server->sockets.secure = lws_create_vhost(server->context, info);
	return server->sockets.plain && server->sockets.secure ? 0 : -ENOMEM;
}

int context_create(struct server *server, struct problem *problem)
{
	static const lws_retry_bo_t no_validity_timers;
	/* guard request-line: a version behind the URL is under the URL's limit, none; one that
	 * stands where headers do is under its own. */
	static const struct lws_token_limits limits = {.token_limit = {[WSI_TOKEN_HTTP] = 1}};
	void *loops[1] = {&server->loop};
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = server->plain_protocols,
		.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
			   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
			   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
			   /* It would read them for connections that it makes; we make none. */
			   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
		.foreign_loops = loops,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.pt_serv_buf_size = 16384,
		/* guard h2c: nor by ALPN. */
		.alpn = "http/1.1",
		/* guard compression: its code can be made to abort the process. */
		.extensions = NULL,
		.headers = answer_library_headers(),
		.token_limits = &limits,
		/* Its timers are one sorted list; with them each accept walks through it. */
		.retry_and_idle_policy = &no_validity_timers,
		.timeout_secs = (unsigned)server->options->handshake_timeout,
		.timeout_secs_ah_idle = (unsigned)server->options->handshake_timeout,
		.keepalive_timeout = 1,
		.user = server,
		.pcontext = &server->context, /* becomes NULL when it is gone */
	};

	lws_set_log_level(LLL_ERR | LLL_WARN, log_library_start);
	server->context = lws_create_context(&info);
	if (!server->context || create_vhosts(server, &info)) {
		lws_context_destroy(server->context);
		uv_run(&server->loop, UV_RUN_DEFAULT);
		lws_context_destroy(server->context);
		return problem_set(problem, -ENOMEM,
			"libwebsockets did not start; is the package libwebsockets-evlib-uv "
			"installed?");
	}
	lws_set_log_level(LLL_ERR | LLL_WARN, log_library);
	return 0;
}

/*
 * redis_url: the value of the option `cluster`, taken apart.
 *
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]
 *   redis+unix://[[USER]:PASSWORD@]/PATH[?db=DB]
 *   redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]…]/MASTER[/DB]
 *
 * `rediss` in place of `redis` is TLS, with Sentinels too, but not with a path; ?ca=/FILE are the
 * certificates that are trusted then, else those of the system. USER and PASSWORD are
 * percent-decoded, an IPv6 address stands in brackets. USER, PASSWORD and DB are the server's, not
 * those of Sentinels.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_URL_HOSTS 8

struct problem;

struct redis_host {
	char name[256]; /* without brackets */
	uint16_t port;
};

struct redis_url {
	struct redis_host hosts[REDIS_URL_HOSTS];
	size_t host_count; /* 0: there is a path; more than one: of Sentinels */
	bool tls;
	unsigned db;
	char path[108]; /* as sockaddr_un's sun_path */
	char master[64]; /* that Sentinels are asked for; "": there are none */
	char user[128], password[256]; /* "": none */
	char ca[256]; /* "": those of the system */
};

/* 0, or -EINVAL with a sentence that goes on where the text was shown. `ret` is written only on
 * success. */
int redis_url_parse(struct redis_url *ret, const char *text, struct problem *problem);

/* Owns the participants: as much of a client of nakodo.v1 as it takes to come back. Each of them
 * counts the server's numbered messages. */
#include "comeback.h"

#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "load.h"
#include "meter.h"
#include "wire.h"

#define SECOND 1000000000u
#define TURN_MS 10
#define TEN 10 /* in a room, and one who stays */
#define SESSION_MAX 100 /* bytes, and its NUL */
#define TOKEN_MAX 1024
#define WHAT_IS_MISSED "{\"type\":\"missed\"}"

struct comer {
	struct comeback *all;
	struct conn *conn;
	unsigned room;
	char session[SESSION_MAX];
	unsigned numbered; /* messages that have come, since it was welcomed */
	unsigned peers; /* others that it knows of */
	unsigned away; /* of them, how many have been reported so since it joined */
	unsigned missed;
	bool stays;
	bool in; /* this connection's first message has come */
	bool answered; /* a pong has come */
};

struct comeback {
	struct net *net;
	const char *token; /* "": none */
	struct comer *comers;
	unsigned count, opening, failed;
	bool resumes; /* sessions are alive, so that nobody may be welcomed */
	bool waits; /* for a line on stdin; a server that ends meanwhile is no failure */
};

static void comer_say(struct comer *c, const char *text)
{
	unsigned char out[256 + WIRE_HEADER_MAX];

	conn_send(c->conn, out, wire_write(out, WIRE_TEXT, text, strlen(text)));
}

static bool says(const char *text, const char *type)
{
	return strncmp(text + strlen("{\"type\":\""), type, strlen(type)) == 0;
}

static void comer_welcomed(struct comer *c, const char *text)
{
	static const char member[] = "\"session\":\"", id[] = "\"id\":\"";
	const char *session = strstr(text, member);
	char ack[64];
	size_t len;

	if (!session || says(text, "error") || (c->all->resumes && !says(text, "resumed"))) {
		warnx("came back to %.200s", text);
		c->all->failed++;
		return;
	}
	session += strlen(member);
	len = strcspn(session, "\"");
	snprintf(c->session, sizeof c->session, "%.*s", (int)len, session);
	if (says(text, "welcome")) {
		c->numbered = c->peers = 0;
		for (text = strstr(text, id); text; text = strstr(text + 1, id)) {
			c->peers++;
		}
		c->peers--; /* its own */
	}
	c->in = true;
	c->all->opening--;
	snprintf(ack, sizeof ack, "{\"type\":\"ack\",\"n\":%u}", c->numbered);
	comer_say(c, ack);
}

static void comeback_message(void *cookie, const unsigned char *data, size_t len)
{
	struct comer *c = cookie;
	char text[8192];

	snprintf(text, sizeof text, "%.*s", (int)len, (const char *)data);
	if (!c->in) {
		comer_welcomed(c, text);
	} else if (!says(text, "ack")) {
		c->numbered++;
		c->peers += says(text, "peer-joined");
		c->away += says(text, "peer-away");
		c->missed += strstr(text, "\"type\":\"missed\"") != NULL; /* behind from */
	}
}

static void comeback_opened(void *cookie)
{
	(void)cookie;
}

static void comeback_pong(void *cookie)
{
	((struct comer *)cookie)->answered = true;
}

static void comeback_failed(void *cookie, const char *why)
{
	struct comer *c = cookie;

	if (!c->all->waits) {
		warnx("room %u: %s", c->room, why);
		c->all->failed++;
	}
}

static const struct conn_events comeback_events = {
	.opened = comeback_opened,
	.message = comeback_message,
	.pong = comeback_pong,
	.failed = comeback_failed,
};

static void comer_come(struct comer *c)
{
	char path[256 + TOKEN_MAX];
	int len = snprintf(path, sizeof path, "/v1/room-%u?token=%s", c->room, c->all->token);

	if (*c->session) {
		snprintf(path + len, sizeof path - (size_t)len, "&session=%s&n=%u", c->session,
			c->numbered);
	}
	c->in = false;
	c->all->opening++;
	c->conn = conn_open(c->all->net, path, c);
}

/* Turns until this is true of all, or one has failed. */
static void wait_for(struct comeback *all, bool (*is_true)(const struct comer *c))
{
	unsigned i = 0;

	while (i < all->count && !all->failed) {
		if (is_true(&all->comers[i])) {
			i++;
		} else {
			net_turn(all->net, TURN_MS);
		}
	}
}

static bool is_in(const struct comer *c)
{
	return c->in;
}

static bool knows_all(const struct comer *c)
{
	return c->in && c->peers == TEN;
}

static bool knows_who_is_away(const struct comer *c)
{
	return !c->stays || c->away == TEN;
}

static bool is_heard(const struct comer *c)
{
	return !c->stays || c->answered;
}

static bool has_what_it_missed(const struct comer *c)
{
	return c->in && (c->stays || c->missed);
}

static void join(struct comeback *all, unsigned at_once)
{
	for (unsigned i = 0; i < all->count && !all->failed; i++) {
		comer_come(&all->comers[i]);
		while (all->opening >= at_once && !all->failed) {
			net_turn(all->net, TURN_MS);
		}
	}
	wait_for(all, knows_all);
}

/* Ends the connections of all, or of all but those who stay, and has the latter say something. */
static void cut(struct comeback *all, bool restarted)
{
	for (unsigned i = 0; i < all->count; i++) {
		if (restarted || !all->comers[i].stays) {
			conn_cut(all->comers[i].conn);
		}
	}
	if (restarted) {
		return;
	}
	wait_for(all, knows_who_is_away);
	for (unsigned i = 0; i < all->count; i++) {
		if (all->comers[i].stays) {
			comer_say(&all->comers[i], WHAT_IS_MISSED);
			conn_ping(all->comers[i].conn);
		}
	}
	wait_for(all, is_heard);
}

static void come_back(struct comeback *all, bool restarted)
{
	all->resumes = !restarted;
	for (unsigned i = 0; i < all->count; i++) {
		if (restarted || !all->comers[i].stays) {
			comer_come(&all->comers[i]);
		}
	}
	wait_for(all, is_in);
	wait_for(all, restarted ? knows_all : has_what_it_missed);
	for (unsigned i = 0; i < all->count; i++) {
		all->failed += all->comers[i].missed > 1;
	}
}

/* Is the line the one of a restart? Meanwhile the connections are served. */
static bool wait_for_restart(struct comeback *all)
{
	struct pollfd line = {.fd = STDIN_FILENO, .events = POLLIN};
	char word[32];

	all->waits = true;
	while (poll(&line, 1, 0) == 0) {
		net_turn(all->net, TURN_MS);
	}
	all->waits = false;
	if (!fgets(word, sizeof word, stdin)) {
		errx(2, "nobody says how to go on");
	}
	return strcmp(word, "restarted\n") == 0;
}

int comeback_run(const struct load_options *o)
{
	unsigned rooms = o->count / TEN;
	struct comeback all = {.token = o->token ? o->token : "", .count = rooms * (TEN + 1)};
	uint64_t begin, cpu;
	bool restarted;

	if (strlen(all.token) > TOKEN_MAX) {
		errx(2, "the token is too long");
	}
	all.net = net_create(o->port, o->tls, &comeback_events);
	net_set_sources(all.net, o->sources);
	all.comers = calloc(all.count, sizeof *all.comers);
	if (!all.comers) {
		err(2, "participants");
	}
	for (unsigned i = 0; i < all.count; i++) {
		all.comers[i] = (struct comer){.all = &all, .room = i % rooms, .stays = i < rooms};
	}
	join(&all, o->concurrency);
	printf("{\"joined\":%u,\"failed\":%u}\n", all.count, all.failed);
	fflush(stdout);
	if (all.failed) {
		return 1;
	}
	restarted = wait_for_restart(&all);
	cut(&all, restarted);
	begin = meter_now();
	cpu = restarted ? 0 : meter_cpu(o->pid);
	come_back(&all, restarted);
	cpu = restarted ? 0 : meter_cpu(o->pid) - cpu;
	printf("{\"seconds\":%.3f,\"cpu_us\":%.1f,\"failed\":%u}\n",
		(double)(meter_now() - begin) / SECOND, (double)cpu / 1000 / (all.count - rooms),
		all.failed);
	net_destroy(all.net);
	free(all.comers);
	return all.failed ? 1 : 0;
}

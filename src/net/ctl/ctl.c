/* ctl: owns the socket and its clients; what the verbs do is the caller's. */
#include "nakodo/net/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/file.h"
#include "nakodo/base/json.h"
#include "nakodo/base/log.h"
#include "nakodo/base/meter.h"
#include "nakodo/net/socket/stale.h"

#define BACKLOG 16
#define REFUSE_MOST "{\"ok\":false,\"error\":\"8 clients are there already: end one of them\"}\n"

struct ctl_client {
	uv_pipe_t pipe; /* first: it is turned back by a cast */
	uv_timer_t timer; /* its patience, or the next piece */
	uv_write_t write;
	struct ctl *ctl;
	struct ctl_client *prev, *next;
	const struct ctl_action *action; /* what is being answered; NULL: nothing */
	struct ctl_call call;
	char *piece; /* that is being written */
	bool last; /* to be closed when that is written */
	bool closing;
	int handles; /* not closed yet */
	size_t len; /* of `line` */
	char line[CTL_LINE], argument[CTL_LINE];
};

static void read_on(struct ctl_client *client);

static void end_call(struct ctl_client *client)
{
	if (client->action && client->action->end) {
		client->action->end(&client->call);
	}
	client->action = NULL;
	free(text_take(&client->call.out, NULL));
}

static void on_closed(uv_handle_t *handle)
{
	struct ctl_client *client = handle->data;

	if (!--client->handles) {
		free(client->piece);
		free(client);
	}
}

static void client_close(struct ctl_client *client)
{
	if (client->closing) {
		return;
	}
	client->closing = true;
	end_call(client);
	DL_DELETE(client->ctl->clients, client);
	client->ctl->count--;
	uv_close((uv_handle_t *)&client->timer, on_closed);
	uv_close((uv_handle_t *)&client->pipe, on_closed);
}

static void on_patience(uv_timer_t *timer)
{
	meter_add(METER_CTL_REFUSED, 1);
	client_close(timer->data);
}

static void wait_for_client(struct ctl_client *client)
{
	uv_timer_start(&client->timer, on_patience, CTL_PATIENCE, 0);
}

static void add_end(struct ctl_client *client, int error)
{
	char quoted[JSON_QUOTED(sizeof(client->call.problem.text))];

	if (!error) {
		text_add(&client->call.out, "{\"ok\":true}\n");
		return;
	}
	json_quote(client->call.problem.text, quoted, sizeof(quoted));
	text_print(&client->call.out, "{\"ok\":false,\"error\":%s}\n", quoted);
}

static void go_on(struct ctl_client *client);

static void on_go_on(uv_timer_t *timer)
{
	go_on(timer->data);
}

/* The next turn, so that others have theirs. */
static void on_written(uv_write_t *write, int status)
{
	struct ctl_client *client = write->data;

	free(client->piece);
	client->piece = NULL;
	if (client->closing) {
		return;
	}
	if (status || client->last) {
		client_close(client);
	} else if (client->action) {
		uv_timer_start(&client->timer, on_go_on, 0, 0);
	} else {
		read_on(client);
	}
}

static void write_piece(struct ctl_client *client)
{
	uv_buf_t buf;
	size_t len;

	client->piece = text_take(&client->call.out, &len);
	if (!client->piece) {
		client_close(client); /* no memory */
		return;
	}
	buf = uv_buf_init(client->piece, (unsigned)len);
	wait_for_client(client);
	if (uv_write(&client->write, (uv_stream_t *)&client->pipe, &buf, 1, on_written)) {
		client_close(client);
	}
}

static void go_on(struct ctl_client *client)
{
	int more = client->action->run(client->ctl->cookie, &client->call);

	if (more == CTL_LATER) {
		wait_for_client(client); /* nor for whoever has to answer longer than that */
		return;
	}
	if (more > 0 && !client->call.out.len && !client->call.out.failed) {
		uv_timer_start(&client->timer, on_go_on, 0, 0);
		return;
	}
	if (more <= 0) {
		struct text out = client->call.out;

		client->call.out = (struct text){0};
		end_call(client);
		client->call.out = out;
		add_end(client, more);
	}
	write_piece(client);
}

void ctl_resume(struct ctl_call *call)
{
	struct ctl_client *client =
		(struct ctl_client *)(void *)((char *)call - offsetof(struct ctl_client, call));

	uv_timer_start(&client->timer, on_go_on, 0, 0);
}

static void refuse(struct ctl_client *client, const char *sentence)
{
	problem_set(&client->call.problem, -EINVAL, "%s", sentence);
	add_end(client, -EINVAL);
	write_piece(client);
}

/* A line without its end. What it says is in client->call; NULL: it is not understood. */
static const struct ctl_action *understand(struct ctl_client *client, size_t len, enum verb *ret)
{
	struct json_member members[] = {{.name = "verb"}, {.name = "argument"}};
	const struct json_value *argument = &members[1].value;
	char name[32];

	client->call = (struct ctl_call){0};
	*ret = VERB_COUNT;
	if (json_scan(client->line, len, members, 2) != JSON_OK ||
		json_decode(&members[0].value, name, sizeof(name)) < 0) {
		return NULL;
	}
	if (argument->kind == JSON_STRING) {
		if (json_decode(argument, client->argument, sizeof(client->argument)) < 0) {
			return NULL;
		}
		client->call.argument = client->argument;
	}
	*ret = verb_find(name);
	return *ret == VERB_COUNT ? NULL : &client->ctl->actions[*ret];
}

static void take_line(struct ctl_client *client, size_t len)
{
	enum verb verb;
	const struct ctl_action *action = understand(client, len, &verb);
	const char *wanted = action ? verb_rows[verb].argument : NULL;

	client->len -= len + 1;
	memmove(client->line, client->line + len + 1, client->len);
	if (!action) {
		refuse(client,
			"a request is a line such as {\"verb\":\"peers\",\"argument\":\"ROOM\"} "
			"with a verb of `nakodo ctl --help`");
	} else if (!wanted != !client->call.argument && !(wanted && *wanted == '[')) {
		refuse(client,
			wanted ? "the verb needs an argument" : "the verb takes no argument");
	} else {
		client->action = action;
		go_on(client);
	}
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	struct ctl_client *client = handle->data;

	(void)wanted;
	*buf = uv_buf_init(client->line + client->len, (unsigned)(CTL_LINE - client->len));
}

static bool take_lines(struct ctl_client *client)
{
	const char *end = memchr(client->line, '\n', client->len);

	if (end) {
		uv_read_stop((uv_stream_t *)&client->pipe);
		take_line(client, (size_t)(end - client->line));
	} else if (client->len == CTL_LINE) {
		uv_read_stop((uv_stream_t *)&client->pipe);
		client->last = true;
		client->call = (struct ctl_call){0};
		refuse(client, "a request has at most 4096 bytes");
	} else {
		return false;
	}
	return true;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct ctl_client *client = stream->data;

	(void)buf;
	if (count < 0) {
		client_close(client);
		return;
	}
	client->len += (size_t)count;
	take_lines(client);
}

/* What came already is looked at first. */
static void read_on(struct ctl_client *client)
{
	wait_for_client(client);
	if (!take_lines(client) && uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read)) {
		client_close(client);
	}
}

static void turn_away(struct ctl *ctl);

static void on_turned_away(uv_handle_t *handle)
{
	struct ctl *ctl = handle->data;

	ctl->away.data = NULL;
	if (ctl->more_away && ctl->listening) {
		turn_away(ctl);
	}
}

/* There is no memory for it; but who is not accepted would keep all others out. */
static void turn_away(struct ctl *ctl)
{
	meter_add(METER_CTL_REFUSED, 1);
	ctl->more_away = ctl->away.data;
	if (!ctl->more_away) {
		ctl->away.data = ctl;
		uv_pipe_init(ctl->loop, &ctl->away, 0);
		uv_accept((uv_stream_t *)&ctl->pipe, (uv_stream_t *)&ctl->away);
		uv_close((uv_handle_t *)&ctl->away, on_turned_away);
	}
}

static void on_connect(uv_stream_t *stream, int status)
{
	struct ctl *ctl = stream->data;
	struct ctl_client *client = status ? NULL : calloc(1, sizeof(*client));

	if (!client) {
		if (!status) {
			turn_away(ctl);
		}
		return;
	}
	client->ctl = ctl;
	client->handles = 2;
	client->write.data = client;
	uv_pipe_init(ctl->loop, &client->pipe, 0);
	uv_timer_init(ctl->loop, &client->timer);
	client->pipe.data = client->timer.data = client;
	DL_APPEND(ctl->clients, client);
	ctl->count++;
	if (uv_accept(stream, (uv_stream_t *)&client->pipe)) {
		client_close(client);
	} else if (ctl->count > CTL_CLIENTS) {
		uv_buf_t buf = uv_buf_init((char *)REFUSE_MOST, sizeof(REFUSE_MOST) - 1);

		meter_add(METER_CTL_REFUSED, 1);
		uv_try_write((uv_stream_t *)&client->pipe, &buf, 1);
		client_close(client);
	} else {
		read_on(client);
	}
}

/* Nobody else may connect, not even before its mode is set. */
static int bind_at(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0117);
	int error = 0;

	if (fd < 0 || bind(fd, (const struct sockaddr *)address, sizeof(*address))) {
		error = -errno;
	}
	umask(mask);
	if (error && fd >= 0) {
		close(fd);
	}
	return error ? error : fd;
}

int ctl_open(struct ctl *ctl, const char *path, const char *where, struct problem *problem)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* The daemon leaves for "/" and has to find the path again to remove it. */
	char *whole = *path ? file_absolute(path) : NULL;
	int error = whole ? 0 : -errno;

	ctl->fd = -1;
	if (!*path) {
		return 0;
	}
	if (whole && strlen(whole) >= sizeof(ctl->path)) {
		error = -ENAMETOOLONG;
	} else if (whole) {
		memcpy(ctl->path, whole, strlen(whole) + 1);
		memcpy(address.sun_path, ctl->path, sizeof(address.sun_path));
		stale_remove(&address);
		ctl->fd = bind_at(&address);
		error = ctl->fd < 0 ? ctl->fd : 0;
	}
	free(whole);
	return error ? problem_set(problem, error, "%s: cannot listen for ctl on `%s`: %s", where,
			       path,
			       error == -EADDRINUSE ? "another daemon answers there, or something "
						      "that is no socket is in the way"
						    : log_errno_text(error))
		     : 0;
}

int ctl_start(struct ctl *ctl, uv_loop_t *loop, const struct ctl_action *actions, void *cookie)
{
	int error;

	if (ctl->fd < 0) {
		return 0;
	}
	ctl->loop = loop;
	ctl->actions = actions;
	ctl->cookie = cookie;
	ctl->pipe.data = ctl;
	ctl->listening = true;
	uv_pipe_init(loop, &ctl->pipe, 0);
	error = uv_pipe_open(&ctl->pipe, ctl->fd);
	if (!error) {
		ctl->fd = -1;
		error = uv_listen((uv_stream_t *)&ctl->pipe, BACKLOG, on_connect);
	}
	return error;
}

void ctl_finish(struct ctl *ctl)
{
	struct ctl_client *client, *next;

	DL_FOREACH_SAFE (ctl->clients, client, next) {
		client_close(client);
	}
	if (ctl->listening) {
		uv_close((uv_handle_t *)&ctl->pipe, NULL);
	}
	if (ctl->fd >= 0) {
		close(ctl->fd);
	}
	if (ctl->listening || ctl->fd >= 0) {
		unlink(ctl->path);
	}
	ctl->listening = false;
	ctl->fd = -1;
}

/*
 * listeners: owns the set of listeners. opening.c opens what is new in it.
 */
#include "nakodo/net/socket/listeners.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

#include "nakodo/base/address.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"
#include "nakodo/net/gate/bearer.h"
#include "nakodo/net/socket/accept.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/sockets.h"

#define MOST 32 /* sockets; while they are exchanged there may be twice as many */

/* Does it believe whatever client's address anybody on another machine tells it? */
static bool believes_all(const struct listener *listener)
{
	const struct sockaddr *bound = (const struct sockaddr *)&listener->address;
	struct address address;

	return listener->endpoint.proxy && listener->endpoint.kind != ENDPOINT_UNIX &&
	       !(address_from_sockaddr(&address, bound) && address_is_loopback(&address));
}

/* What stays must go with the other options. */
static int check_kept(
	const struct opening *opening, const struct listener *listener, struct problem *problem)
{
	const struct option_item *item = &opening->options->listen.items[listener->next_entry - 1];
	const struct option_list *before = &opening->sockets->options->trusted_proxy;

	if (!opening->options->trusted_proxy.count && believes_all(listener)) {
		return problem_set(problem, -EINVAL,
			"%s: trusted-proxy cannot go, since other machines reach a proxy: "
			"listener, which would believe what they write into the PROXY "
			"header",
			before->count ? before->items[0].where : "default");
	}
	if (listener->endpoint.tls && !options_have_certificate(opening->options)) {
		return problem_set(problem, -EINVAL,
			"%s: the certificate cannot go, since a socket of `%s` is named tls",
			item->where, item->value);
	}
	return 0;
}

/* What listens by the same words stays; each value may have several sockets. */
static void keep(const struct opening *opening, size_t entry)
{
	const char *text = opening->options->listen.items[entry - 1].value;
	struct listener *first, *listener;

	LL_FOREACH(opening->sockets->listeners, first)
	{
		if (!first->next_entry && !strcmp(first->text, text)) {
			break;
		}
	}
	LL_FOREACH(first, listener)
	{
		if (listener->entry == first->entry) {
			listener->next_entry = entry;
		}
	}
}

static bool is_kept(const struct opening *opening, size_t entry)
{
	const struct listener *listener;

	LL_SEARCH_SCALAR(opening->sockets->listeners, listener, next_entry, entry);
	return listener;
}

static int make(struct opening *opening, struct problem *problem)
{
	const struct option_list *list = &opening->options->listen;
	const struct listener *listener;
	size_t count = 0;
	int error = 0;

	for (size_t entry = 1; entry <= list->count; entry++) {
		keep(opening, entry);
	}
	LL_FOREACH(opening->sockets->listeners, listener)
	{
		if (listener->next_entry && !error) {
			error = check_kept(opening, listener, problem);
			count++;
		}
	}
	for (size_t entry = 1; entry <= list->count && !error; entry++) {
		if (!is_kept(opening, entry)) {
			error = opening_run(opening, entry, problem);
		}
	}
	LL_FOREACH(opening->made, listener)
	{
		count++;
	}
	if (!error && count > MOST) {
		error = problem_set(problem, -EINVAL, "%s: listen has more than %d sockets",
			list->items[list->count - 1].where, MOST);
	}
	return error;
}

int listeners_make(struct opening *opening, struct problem *problem)
{
	int error = make(opening, problem);

	if (error) {
		listeners_dispose(opening);
	}
	return error;
}

int listeners_start(const struct opening *opening)
{
	struct listener *listener;
	int error = 0;

	LL_FOREACH(opening->made, listener)
	{
		error = error ? error : listener_start(listener);
	}
	return error;
}

static int compare(const struct listener *a, const struct listener *b)
{
	return (a->entry > b->entry) - (a->entry < b->entry);
}

/* Whoever has the path now removes it. */
static void settle_path(struct listener *listener)
{
	listener->removes = listener->endpoint.kind == ENDPOINT_UNIX && !listener->handed_on &&
			    listener->sockets->accepts;
}

void listeners_take(struct opening *opening)
{
	struct sockets *sockets = opening->sockets;
	struct listener *gone = NULL, *listener, *next;

	LL_FOREACH_SAFE(sockets->listeners, listener, next)
	{
		if (!listener->next_entry) {
			LL_DELETE(sockets->listeners, listener);
			LL_APPEND(gone, listener);
			settle_path(listener);
		}
	}
	LL_CONCAT(sockets->listeners, opening->made);
	opening->made = gone;
	sockets->measured = false;
	LL_FOREACH(sockets->listeners, listener)
	{
		settle_path(listener);
		listener->entry = listener->next_entry;
		listener->next_entry = 0;
		sockets->measured |= listener->endpoint.metrics;
	}
	LL_SORT(sockets->listeners, compare);
}

void listeners_dispose(struct opening *opening)
{
	struct listener *listener, *next;

	LL_FOREACH_SAFE(opening->made, listener, next)
	{
		/* Who has connected already is let in. */
		if (listener->entry && !listener->handed_on && listener->watched) {
			accept_waiting(listener);
		}
		listener_destroy(listener);
	}
	opening->made = NULL;
	LL_FOREACH(opening->sockets->listeners, listener)
	{
		listener->next_entry = 0;
		listener->handed_on = listener->shared = false;
	}
}

const struct listener *listeners_find(const struct sockets *sockets, uint32_t number)
{
	const struct listener *listener;

	LL_SEARCH_SCALAR(sockets->listeners, listener, number, number);
	return listener;
}

const struct listener *listeners_find_at(
	const struct sockets *sockets, const struct sockaddr_storage *address)
{
	const struct listener *listener;

	LL_FOREACH(sockets->listeners, listener)
	{
		if (!memcmp(&listener->address, address, sizeof(*address))) {
			break;
		}
	}
	return listener;
}

size_t listeners_count(const struct sockets *sockets)
{
	const struct listener *listener;
	size_t count;

	LL_COUNT(sockets->listeners, listener, count);
	return count;
}

void listeners_close(struct sockets *sockets)
{
	struct listener *listener;

	LL_FOREACH(sockets->listeners, listener)
	{
		listener_close(listener);
	}
}

void listeners_destroy(struct sockets *sockets)
{
	struct listener *listener, *next;

	LL_FOREACH_SAFE(sockets->listeners, listener, next)
	{
		listener_destroy(listener);
	}
	sockets->listeners = NULL;
}

void listeners_tell_open(const struct sockets *sockets)
{
	const struct listener *listener;
	size_t count = 0;

	LL_FOREACH(sockets->listeners, listener)
	{
		count += !listener->loopback &&
			 !bearer_is_asked(sockets->gate, listener->endpoint.auth);
	}
	if (count && !*sockets->options->auth_webhook) {
		log_info("auth.none", LOG_UINT("sockets", count),
			LOG_STR("remedy", "whoever reaches them may join any room; auth = token "
					  "changes that"));
	}
}

/*
 * gstreamer_peers: peers of the gstreamer dialect, for its unit tests: what they say and hear, with
 * the ids that the server gives them.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peers.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define UUID_LEN 36
#define HEARS_NOTHING(who) assert_string_equal(peers_hear((who)->peer), "nothing")

static const char *const mounts[] = {"/gst=gstreamer", "/other=gstreamer", NULL};
static struct peers all;

struct one {
	struct peer *peer;
	char id[UUID_LEN + 1];
};

static inline int set_up(void **state)
{
	(void)state;
	peers_init(&all, PEERS_ALL, mounts);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	peers_finish(&all);
	return 0;
}

static inline void say(struct one *one, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static inline void hears(struct one *one, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline void say(struct one *one, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	assert_true(vsnprintf(text, sizeof(text), format, arguments) < (int)sizeof(text));
	va_end(arguments);
	peers_say(one->peer, text);
}

static inline void hears(struct one *one, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	assert_true(vsnprintf(text, sizeof(text), format, arguments) < (int)sizeof(text));
	va_end(arguments);
	assert_string_equal(peers_hear(one->peer) + strlen("text "), text);
}

/* What comes is `head`, an id, `tail`; the id is copied. */
static inline void hears_id(struct one *one, const char *head, const char *tail, char *ret_id)
{
	const char *text = peers_hear(one->peer) + strlen("text ");

	assert_memory_equal(text, head, strlen(head));
	text += strlen(head);
	assert_int_equal(strspn(text, "0123456789abcdef-"), UUID_LEN);
	memcpy(ret_id, text, UUID_LEN);
	ret_id[UUID_LEN] = '\0';
	assert_string_equal(text + UUID_LEN, tail);
}

static inline struct one connected_from(const char *address, const char *path)
{
	struct one one = {peers_connect_from(&all, address, path), ""};

	hears_id(&one, "{\"type\":\"welcome\",\"peerId\":\"", "\"}", one.id);
	HEARS_NOTHING(&one);
	return one;
}

static inline struct one connected_to(const char *path)
{
	return connected_from(NULL, path);
}

static inline struct one connected(void)
{
	return connected_to("/gst");
}

static inline struct one with_roles(const char *roles)
{
	struct one one = connected();

	say(&one, "{\"type\":\"setPeerStatus\",\"roles\":[%s]}", roles);
	if (strstr(roles, "listener")) {
		hears(&one,
			"{\"type\":\"peerStatusChanged\",\"roles\":[%s],\"meta\":null,"
			"\"peerId\":\"%s\"}",
			roles, one.id);
	}
	HEARS_NOTHING(&one);
	return one;
}

/* A session that the consumer has asked for. */
static inline void start(struct one *consumer, struct one *producer, char *ret_session)
{
	char head[128];

	say(consumer, "{\"type\":\"startSession\",\"peerId\":\"%s\"}", producer->id);
	snprintf(head, sizeof(head),
		"{\"type\":\"sessionStarted\",\"peerId\":\"%s\",\"sessionId\":\"", producer->id);
	hears_id(consumer, head, "\"}", ret_session);
	hears(producer,
		"{\"type\":\"startSession\",\"peerId\":\"%s\",\"sessionId\":\"%s\",\"offer\":null}",
		consumer->id, ret_session);
	HEARS_NOTHING(consumer);
	HEARS_NOTHING(producer);
}

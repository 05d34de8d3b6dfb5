/* v1: see the header. */
#include "v1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "nakodo/hub/outbox.h"

void v1_read(const char *text, const char *member, char ret[64])
{
	char name[32];
	const char *at;
	size_t len;

	snprintf(name, sizeof(name), "\"%s\":\"", member);
	at = strstr(text, name);
	assert_non_null(at);
	at += strlen(name);
	len = strcspn(at, "\"");
	assert_in_range(len, 1, 63);
	memcpy(ret, at, len);
	ret[len] = '\0';
}

static struct v1_one first(struct peer *peer, const char *type)
{
	struct v1_one one = {.peer = peer};
	char head[64];
	const char *text = peers_hear(peer);

	snprintf(head, sizeof(head), "text {\"type\":\"%s\",", type);
	if (strncmp(text, head, strlen(head)) != 0) {
		fail_msg("%s was due, not %s", type, text);
	}
	v1_read(text, "id", one.id);
	v1_read(text, "session", one.session);
	return one;
}

struct v1_one v1_join(struct peers *peers, const char *url)
{
	return v1_join_from(peers, NULL, url);
}

void v1_confirm(struct v1_one one)
{
	peers_say(one.peer, "{\"type\":\"ack\",\"n\":0}");
}

void v1_join_two(struct peers *peers, const char *url, struct v1_one *ret_a, struct v1_one *ret_b)
{
	char room[64];

	snprintf(room, sizeof(room), "%.*s", (int)strcspn(url, "?"), url);
	*ret_a = v1_join(peers, url);
	*ret_b = v1_join(peers, room);
	v1_skip(*ret_a);
	v1_confirm(*ret_a);
	v1_confirm(*ret_b);
}

struct v1_one v1_join_from(struct peers *peers, const char *address, const char *url)
{
	char path[512];

	snprintf(path, sizeof(path), "/v1/%s", url);
	return first(peers_connect_from(peers, address, path), "welcome");
}

struct v1_one v1_resume(struct peers *peers, const char *room, const char *session, unsigned n)
{
	char path[512];

	snprintf(path, sizeof(path), "/v1/%s?session=%s&n=%u", room, session, n);
	return first(peers_connect(peers, path), "resumed");
}

const char *v1_hear(struct v1_one one)
{
	const char *text = peers_hear(one.peer);

	if (strncmp(text, "text ", 5) != 0) {
		fail_msg("a text was due, not %s", text);
	}
	return text + 5;
}

void v1_hears(struct v1_one one, const char *format, const char *id)
{
	const char *at = strstr(format, "%s");
	char expected[1024];

	snprintf(expected, sizeof(expected), "%.*s%s%s",
		at ? (int)(at - format) : (int)strlen(format), format, at ? id : "",
		at ? at + 2 : "");
	assert_string_equal(v1_hear(one), expected);
}

void v1_hears_nothing(struct v1_one one)
{
	assert_string_equal(peers_hear(one.peer), "nothing");
}

void v1_skip(struct v1_one one)
{
	outbox_clear(&one.peer->outbox);
}

void v1_drop(struct v1_one one, unsigned code)
{
	one.peer->close_code = (uint16_t)code;
	hub_drop(one.peer);
}

struct peer *v1_present(struct peers *peers, const char *room, const char *session, const char *n)
{
	char url[256];

	snprintf(url, sizeof(url), "/v1/%s?session=%s%s%s", room, session, n ? "&n=" : "",
		n ? n : "");
	return peers_connect(peers, url);
}

struct v1_one v1_is_not_recovered(struct peer *peer)
{
	struct v1_one one = {.peer = peer};
	const char *text = v1_hear(one);

	assert_memory_equal(text, "{\"type\":\"welcome\"", 17);
	assert_non_null(strstr(text, ",\"recovered\":false,"));
	v1_read(text, "id", one.id);
	v1_read(text, "session", one.session);
	return one;
}

void v1_hears_joined(struct v1_one one, struct v1_one other)
{
	v1_hears(one, "{\"type\":\"peer-joined\",\"peer\":{\"id\":\"%s\",\"owner\":false}}",
		other.id);
}

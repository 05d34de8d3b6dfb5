/* unit: see the header. The target is read here as libwebsockets reads it (its parsers.c). */
#include "nakodo/net/workers/unit.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "nakodo/base/board.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/hub/hub.h"
#include "nakodo/net/gate/admit.h"
#include "nakodo/net/socket/listener.h"

#define TARGET_MAX 4096 /* bytes; libwebsockets has no room for a longer head */
#define ARGUMENTS 16

/* A request as far as it says where it belongs. */
struct target {
	char path[TARGET_MAX + 1], query[TARGET_MAX + 1], offered[TARGET_MAX + 1];
	char carried[TARGET_MAX + 1];
	const char *arguments[2 * ARGUMENTS + 1];
	size_t argument_count;
};

static unsigned digit_of(char c)
{
	return isdigit((unsigned char)c) ? (unsigned)(c - '0')
					 : (unsigned)(tolower((unsigned char)c) - 'a') + 10;
}

static bool is_escape(const char *from, size_t left)
{
	return left > 2 && *from == '%' && isxdigit((unsigned char)from[1]) &&
	       isxdigit((unsigned char)from[2]);
}

/* Decode one character, and return how many bytes of `from` it took. */
static size_t decode(char *ret, const char *from, size_t left, bool plus)
{
	if (is_escape(from, left)) {
		*ret = (char)(digit_of(from[1]) << 4 | digit_of(from[2]));
		return 3;
	}
	*ret = *from == '+' && plus ? ' ' : *from;
	return 1;
}

/* Where in a path it is: libwebsockets keeps the same four. */
enum place { PLACE_PLAIN, PLACE_SLASH, PLACE_DOT, PLACE_DOT_DOT };

/* One step back from a path that ends with a slash, which goes too. Returns the new length. */
static size_t go_back(const char *path, size_t len)
{
	if (len > 2) {
		len--;
		do {
			len--;
		} while (len > 1 && path[len] != '/');
	}
	return len;
}

/* Is the character left out? Those left out before that mean something after all are put back. */
static bool is_left_out(char c, enum place *place, char *to, size_t *len)
{
	enum place before = *place;

	*place = PLACE_PLAIN;
	if (before == PLACE_PLAIN) {
		*place = c == '/' ? PLACE_SLASH : PLACE_PLAIN;
	} else if (c == '/' && before != PLACE_DOT_DOT) {
		*place = PLACE_SLASH;
		return true;
	} else if (c == '.' && before != PLACE_DOT_DOT) {
		*place = before == PLACE_SLASH ? PLACE_DOT : PLACE_DOT_DOT;
		return true;
	} else if (before == PLACE_DOT_DOT && (c == '/' || c == '?')) {
		*len = go_back(to, *len);
		*place = PLACE_SLASH;
		return *len <= 1;
	} else {
		for (; before > PLACE_SLASH; before--) {
			to[(*len)++] = '.';
		}
	}
	return false;
}

/* Returns how much of `from` it took: what is left is the query. */
static size_t read_path(struct target *target, const char *from, size_t left)
{
	enum place place = PLACE_PLAIN;
	char *to = target->path; /* behind & or ; begins what is no part of the path any more */
	size_t len = 0, at = 0;

	while (at < left) {
		bool escaped = is_escape(from + at, left - at), plain = place == PLACE_PLAIN;
		char c;

		at += decode(&c, from + at, left - at, plain);
		if (plain && !escaped && (c == '&' || c == ';')) {
			to[len] = '\0';
			to += len + 1;
			len = 0;
			continue;
		}
		if (is_left_out(c, &place, to, &len)) {
			continue;
		}
		if (c == '?' && !escaped) {
			place = PLACE_PLAIN;
			break;
		}
		to[len++] = c;
	}
	to[place == PLACE_DOT_DOT ? go_back(to, len) : len] = '\0';
	return at;
}

static void read_query(struct target *target, const char *from, size_t left)
{
	char *to = target->query;

	while (left && target->argument_count < ARGUMENTS) {
		target->arguments[target->argument_count++] = to;
		for (bool named = false; left && *from != '&' && *from != ';'; to++) {
			size_t took = decode(to, from, left, true);

			named |= *from == '=';
			*to = *to == '=' && !named ? '_'
						   : *to; /* as if it were a part of the name */
			from += took;
			left -= took;
		}
		*to++ = '\0';
		if (left) {
			from++;
			left--;
		}
	}
}

/* Arguments may be carried among the subprotocols, in any number of lines, and come first then. */
static void read_offered(struct target *target, const char *head, size_t len)
{
	static const char name[] = "sec-websocket-protocol:";
	const char *line = head, *end = head + len;
	size_t have = 0;

	target->offered[0] = '\0';
	while (line < end) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		size_t size = (size_t)((next ? next : end) - line);

		if (size >= sizeof(name) && !strncasecmp(line, name, sizeof(name) - 1)) {
			have += (size_t)snprintf(target->offered + have,
				sizeof(target->offered) - have, " %.*s",
				(int)(size - (line[size - 1] == '\r') - sizeof(name) + 1),
				line + sizeof(name) - 1);
		}
		line = next ? next + 1 : end;
	}
	target->argument_count = admit_take_arguments(
		target->offered, target->carried, target->arguments, ARGUMENTS);
}

/* False: it has no target that leads anywhere. */
static bool read_target(struct target *target, const char *bytes, size_t len)
{
	const char *line_end = memchr(bytes, '\n', len), *from, *to;

	from = line_end ? memchr(bytes, ' ', (size_t)(line_end - bytes)) : NULL;
	while (from && *from == ' ') {
		from++;
	}
	if (!from || *from != '/') {
		return false;
	}
	to = memchr(from, ' ', (size_t)(line_end - from));
	to = to ? to : line_end;
	from += read_path(target, from, (size_t)(to - from));
	read_offered(target, line_end + 1, len - (size_t)(line_end + 1 - bytes));
	read_query(target, from, (size_t)(to - from));
	target->arguments[target->argument_count] = NULL;
	return true;
}

void unit_of_room(const struct mount *mount, const char *room, char ret[UNIT_NAME])
{
	const struct dialect *dialect = mount->dialect;
	bool whole = dialect->one_room || dialect->room_in_message ||
		     !(dialect->room_in_path || dialect->room_in_query);

	/* What stands behind a room's name is about it. */
	snprintf(ret, UNIT_NAME, "%s\n%.*s", dialect_table_key(mount),
		whole ? 0 : (int)strcspn(room, "/"), room);
}

uint64_t unit_number(const char *name)
{
	uint64_t number = board_hash(name, strlen(name));

	return number ? number : 1;
}

bool unit_of_head(const struct dialect_table *dialects, const struct listener *listener,
	const char *bytes, size_t len, char ret[UNIT_NAME])
{
	const struct mount *mount = listener->own;
	struct request request = {.room = ""};
	char room[HUB_NAME_MAX + 2];
	struct target target;

	target.argument_count = 0;
	if (!read_target(&target, bytes, len)) {
		return false;
	}
	if (mount) {
		dialect_table_route_own(mount, target.path, &request.room);
	} else {
		mount = dialect_table_route(dialects, target.path, &request.room);
		mount = mount ? mount : dialect_table_answering(dialects, target.path);
	}
	if (!mount) {
		return false;
	}
	request.mount = mount;
	request.arguments = target.arguments;
	request_room(&request, room);
	unit_of_room(mount, room, ret);
	return true;
}

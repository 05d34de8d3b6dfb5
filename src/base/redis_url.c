/* redis_url: see the header. Sentences do not repeat the text: it may hold a password. */
#include "nakodo/base/redis_url.h"

#include <errno.h>
#include <string.h>

#include "nakodo/base/chars.h"
#include "nakodo/base/problem.h"
#include "nakodo/base/query.h"

#define PORT 6379
#define SENTINEL_PORT 26379
#define DB_MAX 65535
#define EXAMPLE "as in redis://:secret@redis.example:6379/0"

static int refuse(struct problem *problem, const char *why)
{
	return problem_set(problem, -EINVAL, "%s, " EXAMPLE, why);
}

/* -1: it is no number, or a larger one. */
static long number_of(const char *text, size_t len, long most)
{
	long number = 0;

	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return -1;
		}
		number = number * 10 + (text[i] - '0');
		if (number > most) {
			return -1;
		}
	}
	return len ? number : -1;
}

/* False: there is no room, or a % without two digits, or a NUL. */
static bool decode(char *buf, size_t size, const char *text, size_t len)
{
	size_t at = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = i + 2 < len ? chars_hex_digit(text[i + 1]) : -1;
			int low = high < 0 ? -1 : chars_hex_digit(text[i + 2]);

			if (low < 0) {
				return false;
			}
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (!c || at + 1 == size) {
			return false;
		}
		buf[at++] = c;
	}
	buf[at] = '\0';
	return true;
}

/* [[USER]:PASSWORD@]; *text is moved behind it. */
static int parse_login(struct redis_url *url, const char **text, struct problem *problem)
{
	const char *end = *text + strcspn(*text, "/?"), *at = memrchr(*text, '@', end - *text);
	const char *colon = at ? memchr(*text, ':', at - *text) : NULL;

	if (!at) {
		return 0;
	}
	if (!colon) {
		return refuse(problem, "in front of a password there is a colon");
	}
	if (!decode(url->user, sizeof(url->user), *text, (size_t)(colon - *text)) ||
		!decode(url->password, sizeof(url->password), colon + 1,
			(size_t)(at - colon - 1))) {
		return refuse(problem, "the user or the password is too long, or has a % without "
				       "two hex digits");
	}
	*text = at + 1;
	return 0;
}

/* HOST[:PORT] of `len` bytes. */
static bool parse_host(struct redis_host *host, const char *text, size_t len, uint16_t port)
{
	const char *begin = text, *end = memchr(text, ':', len);
	long number = port;

	if (len && *text == '[') {
		begin++;
		end = memchr(text, ']', len);
		if (!end || (end + 1 < text + len && end[1] != ':')) {
			return false;
		}
	}
	end = end ? end : text + len;
	if (begin == end || (size_t)(end - begin) >= sizeof(host->name)) {
		return false;
	}
	memcpy(host->name, begin, (size_t)(end - begin));
	host->name[end - begin] = '\0';
	end += end < text + len && *end == ']';
	if (end < text + len) {
		number = number_of(end + 1, (size_t)(text + len - end - 1), UINT16_MAX);
	}
	host->port = (uint16_t)number;
	return number > 0;
}

static int parse_hosts(
	struct redis_url *url, const char *text, size_t len, uint16_t port, struct problem *problem)
{
	for (const char *end = text + len; text <= end;) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		size_t one = (size_t)((comma ? comma : end) - text);

		if (url->host_count == REDIS_URL_HOSTS) {
			return refuse(problem, "there may be eight Sentinels");
		}
		if (!parse_host(&url->hosts[url->host_count++], text, one, port)) {
			return refuse(problem, "the host or the port is missing or wrong");
		}
		text += one + 1;
	}
	return 0;
}

static int parse_db(struct redis_url *url, const char *text, size_t len, struct problem *problem)
{
	long number = len ? number_of(text, len, DB_MAX) : 0;

	url->db = number < 0 ? 0 : (unsigned)number;
	return number < 0 ? refuse(problem, "the number of the database must be one") : 0;
}

/* /PATH[?db=DB] */
static int parse_unix(struct redis_url *url, const char *text, struct problem *problem)
{
	size_t len = strcspn(text, "?");
	char db[16];
	long have;

	if (*text != '/' || url->tls) {
		return problem_set(problem, -EINVAL,
			"the path of a socket begins with a slash, and has no TLS, as in "
			"redis+unix:///run/redis/redis-server.sock");
	}
	if (!decode(url->path, sizeof(url->path), text, len)) {
		return problem_set(problem, -EINVAL,
			"the path of the socket is longer than %zu bytes, or has a %% without two "
			"hex digits",
			sizeof(url->path) - 1);
	}
	have = text[len] ? query_get(text + len + 1, "db", db, sizeof(db)) : -ENOENT;
	return have == -ENOENT ? 0 : parse_db(url, db, have > 0 ? (size_t)have : 0, problem);
}

/* HOSTS/MASTER[/DB], or HOST[/DB] */
static int parse_net(struct redis_url *url, const char *text, bool sentinel, struct problem *ret)
{
	const char *end = text + strcspn(text, "?"), *at = text + strcspn(text, "/?");
	int error =
		parse_hosts(url, text, (size_t)(at - text), sentinel ? SENTINEL_PORT : PORT, ret);

	if (error) {
		return error;
	}
	if (sentinel) {
		const char *name = at + (*at == '/');

		at = name + strcspn(name, "/?");
		if (at == name ||
			!decode(url->master, sizeof(url->master), name, (size_t)(at - name))) {
			return problem_set(ret, -EINVAL,
				"behind the Sentinels stands the name of their master, as in "
				"redis+sentinel://a.example,b.example/mymaster");
		}
	} else if (url->host_count > 1) {
		return refuse(ret, "only of Sentinels there may be several");
	}
	at += at < end;
	return parse_db(url, at, (size_t)(end - at), ret);
}

static int parse_ca(struct redis_url *url, const char *text, struct problem *problem)
{
	const char *query = strchr(text, '?');
	long have = query ? query_get(query + 1, "ca", url->ca, sizeof(url->ca)) : -ENOENT;

	if (have == -ENOENT) {
		url->ca[0] = '\0';
		return 0;
	}
	return have > 0 && url->tls && *url->ca == '/'
		       ? 0
		       : refuse(problem, "ca is the whole path of a file of certificates, and "
					 "belongs to rediss://");
}

/* Each parameter is one that is known, and stands once: what is misspelt would be without effect.
 */
static int check_query(const char *text, bool path, struct problem *problem)
{
	const char *known = path ? "db=" : "ca=", *at = strchr(text, '?');

	if (at && (strncmp(at + 1, known, strlen(known)) != 0 || strchr(at, '&'))) {
		return refuse(
			problem, path ? "behind ? stands db= alone" : "behind ? stands ca= alone");
	}
	return 0;
}

int redis_url_parse(struct redis_url *ret, const char *text, struct problem *problem)
{
	struct redis_url url = {0};
	bool sentinel = false, path = false;
	int error;

	if (!chars_take_prefix(&text, "redis")) {
		return refuse(problem, "it begins with redis://, rediss://, redis+unix:// or "
				       "redis+sentinel://");
	}
	url.tls = chars_take_prefix(&text, "s");
	sentinel = chars_take_prefix(&text, "+sentinel");
	path = !sentinel && chars_take_prefix(&text, "+unix");
	if (!chars_take_prefix(&text, "://")) {
		return refuse(problem, "it begins with redis://, rediss://, redis+unix:// or "
				       "redis+sentinel://");
	}
	error = parse_login(&url, &text, problem);
	error = error  ? error
		: path ? parse_unix(&url, text, problem)
		       : parse_net(&url, text, sentinel, problem);
	error = error ? error : check_query(text, path, problem);
	error = error ? error : parse_ca(&url, text, problem);
	if (!error) {
		*ret = url;
	}
	return error;
}

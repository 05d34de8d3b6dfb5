/*
 * site: what plain HTTP is answered with: the files below web-root, /ice.json and health.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct options;
struct problem;
struct site;

struct site_reply {
	int status; /* HTTP */
	const char *type;
	const char *body;
	size_t len;
	char etag[48]; /* with its quotes; "": not to be cached */
	char *owned; /* the body's memory, if it is the reply's own */
};

/* Open web-root; `ice_servers` is the JSON array for /ice.json. 0, or -errno with a sentence. */
int site_create(struct site **ret, const struct options *options, const char *ice_servers,
	struct problem *problem);
void site_destroy(struct site *site); /* takes NULL */

/* Look up a decoded path; `/` is index.html and a name without an extension may be that of a page.
 * 404 when there is no such thing, 304 when `if_none_match` names its present state. */
void site_find(const struct site *site, const char *path, const char *if_none_match, bool draining,
	struct site_reply *ret);
void site_reply_finish(struct site_reply *reply);

/*
 * site: the files below web-root.
 */
#pragma once

#include <stddef.h>

#define SITE_TOO_MUCH (-1) /* no status of HTTP */

struct options;
struct problem;
struct reply;
struct site;

/* Open web-root. 0, or -errno with a sentence. */
int site_create(struct site **ret, const struct options *options, struct problem *problem);
void site_destroy(struct site *site); /* takes NULL */

/* Look up a decoded path; `/` is index.html and a name without an extension may be that of a page.
 * No symbolic link is followed out of web-root, nor an absolute one, and none at all where the
 * kernel lacks openat2(2). 404 when there is no such thing, 304 when `if_none_match` names its
 * present state. */
void site_find(const struct site *site, const char *path, const char *if_none_match, size_t most,
	struct reply *ret);

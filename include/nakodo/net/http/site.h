/*
 * site: the files below web-root.
 */
#pragma once

#include <stddef.h>

struct options;
struct problem;
struct reply;
struct site;

/* Open web-root. 0, or -errno with a sentence. */
int site_create(struct site **ret, const struct options *options, struct problem *problem);
void site_destroy(struct site *site); /* takes NULL */

struct site_request {
	const char *path; /* decoded */
	const char *if_none_match, *accept_encoding; /* the headers; NULL: none */
};

/* Look up a path; `/` is index.html and a name without an extension may be that of a page.
 * No symbolic link is followed out of web-root, nor an absolute one, and none at all where the
 * kernel lacks openat2(2). 404 when there is no such thing, 304 when `if_none_match` names its
 * present state. Of a large file it is the first piece (download.h).
 *
 * A file with NAME.br or NAME.gz beside it, neither older than itself, is sent as one of these to
 * who takes it. What is in a folder called `immutable` may be kept for ever. */
void site_find(const struct site *site, const struct site_request *request, struct reply *ret);

/*
 * urls: under which addresses a browser reaches the listeners.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>

struct listener;
struct tls;

#define URLS_TEXT 80 /* enough for any URL of urls_lan(), with its NUL */

typedef void urls_fn(void *cookie, const char *url);

/* What a person would open, one line each, localhost first. */
void urls_print(const struct listener *listener, FILE *out);
/* The https URLs, with the slash at their end, under which other machines reach our pages: first
 * those whose address the certificate has, and among them the one that most likely works. */
void urls_lan(const struct listener *listeners, const struct tls *tls, urls_fn *fn, void *cookie);

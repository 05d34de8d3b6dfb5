/*
 * renewal: certificates of our own are made anew while we run, when the machine gets other names or
 * addresses, or when they come to their end. Nobody is dropped.
 */
#pragma once

#include "nakodo/base/wheel.h"

struct deadlines;
struct tls;

struct renewal {
	struct tls **tls;
	struct deadlines *deadlines;
	struct wheel_timer timer;
	void (*renewed)(void *cookie); /* NULL: nobody is told */
	void *cookie;
};

/* Look from time to time, from now on until the loop ends, at what is in `*tls` then; NULL: nothing
 * is. Only certificates that are ours to make (`tls-self-signed`) are made anew. */
void renewal_start(struct renewal *renewal, struct tls **tls, struct deadlines *deadlines);

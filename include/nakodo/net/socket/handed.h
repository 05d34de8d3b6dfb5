/*
 * handed: listening sockets that another process has opened, and at which it alone accepts. This
 * one only knows what they are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HANDED_MOST 64

struct handed_socket {
	int fd; /* -1: taken */
	uint32_t entry, number; /* of its value of `listen`; its own */
	bool tls, proxy;
};

struct handed {
	struct handed_socket sockets[HANDED_MOST];
	size_t count;
};

/* Close those that are of no listener. */
void handed_forget(struct handed *handed);

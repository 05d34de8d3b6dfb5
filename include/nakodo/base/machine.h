/*
 * machine: by what names and addresses others know this machine.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "nakodo/base/address.h"

#define MACHINE_ADDRESSES 128

struct machine {
	char host[256]; /* gethostname(2); "" when it cannot stand in a URL, or is localhost */
	/* Of the interfaces, without loopback and fe80::/10. */
	struct address addresses[MACHINE_ADDRESSES];
	size_t count; /* those beyond MACHINE_ADDRESSES are left out */
};

/* Is it this machine's host name, whole or without its domain, or NAME.local? */
bool machine_has_name(const char *name);
/* Look at the host name and the interfaces as they are now. The source address of
 * the default route, if there is one, comes first: other machines most likely reach that. */
void machine_look(struct machine *ret);

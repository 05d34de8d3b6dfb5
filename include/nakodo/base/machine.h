/*
 * machine: by what names and addresses others know this machine.
 */
#pragma once

#include <stddef.h>

#include "nakodo/base/address.h"

#define MACHINE_ADDRESSES 128

struct machine {
	char host[256]; /* gethostname(2); "" when it is none that a URL could have, or localhost */
	/* Of the interfaces, without loopback and fe80::/10. */
	struct address addresses[MACHINE_ADDRESSES];
	size_t count; /* those beyond MACHINE_ADDRESSES are left out */
};

/* Look at the host name and the interfaces as they are now. The address from which the default
 * route goes, if any, comes first: that is the one that other machines most likely reach. */
void machine_look(struct machine *ret);

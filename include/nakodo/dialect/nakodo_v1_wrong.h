/* nakodo_v1_wrong: how many wrong sessions an address may present. */
#pragma once

#include <stdbool.h>

struct address;
struct nakodo_v1;

/* Counts one more of the address (NULL or unknown: not counted). False: it has presented too many.
 */
bool nakodo_v1_may_be_wrong(struct nakodo_v1 *v1, const struct address *address);

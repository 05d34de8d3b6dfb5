/* nakodo_v1_wrong: owns the count of wrong sessions that each address has presented. */
#include "nakodo/dialect/nakodo_v1_wrong.h"

#include <string.h>

#include "nakodo/base/hash.h"
#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect.h"
#include "nakodo/dialect/nakodo_v1.h"

/* Who comes back after we were restarted presents a token that is not known. All whom an address
 * may have must be able to, and a few times in a row. */
#define WRONG_RATE 20 /* per second */
#define WRONG_TIMES 4

bool nakodo_v1_may_be_wrong(struct nakodo_v1 *v1, const struct address *address)
{
	const struct options *options = v1->mount->env->options;
	uint64_t most = options->max_peers_per_address ? options->max_peers_per_address
						       : options->max_peers;
	struct address group;
	size_t slots = sizeof(v1->wrong) / sizeof(*v1->wrong);
	struct nakodo_v1_wrong *wrong;
	struct limit next;

	if (!address || !address_is_known(address)) {
		return true;
	}
	group = address_group(address);
	wrong = &v1->wrong[hash_bytes(&group, sizeof(group)) % slots];
	if (memcmp(&wrong->address, &group, sizeof(group))) {
		/* Whoever had the slot is forgotten: nobody is turned away for another. */
		*wrong = (struct nakodo_v1_wrong){.address = group};
	}
	next = wrong->limit;
	if (limit_spend(&next, hub_now(v1->hub), WRONG_RATE, most * WRONG_TIMES)) {
		return false;
	}
	wrong->limit = next;
	return true;
}

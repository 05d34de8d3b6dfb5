/* silence: see the header. */
#include "nakodo/dialect/silence.h"

#include "nakodo/base/options.h"
#include "nakodo/hub/hub.h"

bool silence_is_long(const struct peer *peer, const struct options *options)
{
	uint64_t silence = options->ping_interval * 1000 + options->ping_timeout * 500;

	return hub_now(peer->hub) - peer->heard > silence;
}

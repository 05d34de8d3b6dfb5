/* proxies: see the header. */
#include "nakodo/net/gate/proxies.h"

#include <string.h>

#include "nakodo/base/address.h"
#include "nakodo/base/options.h"

bool proxies_has(const struct options *options, const struct address *address)
{
	const struct option_list *list = &options->trusted_proxy;
	struct address_range range;

	for (size_t i = 0; i < list->count; i++) {
		const char *value = list->items[i].value;

		if (!address_is_known(address)) {
			if (!strcmp(value, "unix")) {
				return true;
			}
		} else if (address_range_parse(&range, value) &&
			   address_in_range(address, &range)) {
			return true;
		}
	}
	return false;
}

/* ADDRESS, ADDRESS:PORT (IPv4) or [ADDRESS]:PORT, as some proxies write it. */
static bool parse_entry(struct address *ret, const char *text, size_t len)
{
	const char *colon;

	if (len && *text == '[') {
		const char *end = memchr(text, ']', len);

		return end && address_parse(ret, text, (size_t)(end + 1 - text));
	}
	colon = memchr(text, ':', len);
	if (colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - text))) {
		len = (size_t)(colon - text);
	}
	return address_parse(ret, text, len);
}

bool proxies_find_client(struct address *ret, const struct options *options, const char *forwarded)
{
	size_t end = strlen(forwarded);

	while (end) {
		size_t from = end, to = end;
		struct address address;
		bool first;

		while (from && forwarded[from - 1] != ',') {
			from--;
		}
		first = !from;
		end = first ? 0 : from - 1;
		while (from < to && (forwarded[from] == ' ' || forwarded[from] == '\t')) {
			from++;
		}
		while (to > from && (forwarded[to - 1] == ' ' || forwarded[to - 1] == '\t')) {
			to--;
		}
		if (!parse_entry(&address, forwarded + from, to - from)) {
			return false;
		}
		if (first || !proxies_has(options, &address)) {
			*ret = address;
			return true;
		}
	}
	return false;
}

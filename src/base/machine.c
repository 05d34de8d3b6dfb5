/* machine: see the header. */
#include "nakodo/base/machine.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static void look_at_name(struct machine *ret)
{
	size_t len;

	if (gethostname(ret->host, sizeof(ret->host) - 1)) {
		*ret->host = '\0';
	}
	len = strlen(ret->host);
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)ret->host[i]) && !strchr("-.", ret->host[i])) {
			*ret->host = '\0';
			return;
		}
	}
	if (!strcasecmp(ret->host, "localhost") || strspn(ret->host, "-.") ||
		strstr(ret->host, "..")) {
		*ret->host = '\0';
	}
}

bool machine_has_name(const char *name)
{
	struct machine machine = {0};
	size_t first;

	look_at_name(&machine);
	first = strcspn(machine.host, ".");
	if (!*machine.host) {
		return false;
	}
	return !strcasecmp(name, machine.host) ||
	       (!strncasecmp(name, machine.host, first) &&
		       (!name[first] || !strcasecmp(name + first, ".local")));
}

/* Where packets to far away would come from. Connecting a UDP socket sends none. */
static bool find_first(struct address *ret)
{
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)}, near;
	socklen_t size = sizeof(near);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool found;

	far.sin_addr.s_addr = htonl(0xc6336401); /* 198.51.100.1, for documentation (RFC 5737) */
	found = fd >= 0 && !connect(fd, (struct sockaddr *)&far, sizeof(far)) &&
		!getsockname(fd, (struct sockaddr *)&near, &size) &&
		address_from_sockaddr(ret, (struct sockaddr *)&near);
	if (fd >= 0) {
		close(fd);
	}
	return found;
}

/* fe80::/10: nobody can name one in a URL, and they come and go with every container. */
static bool is_local_to_link(const struct address *address)
{
	return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

static void move_to_front(struct machine *machine, const struct address *first)
{
	for (size_t i = 0; i < machine->count; i++) {
		if (!memcmp(&machine->addresses[i], first, sizeof(*first))) {
			memmove(machine->addresses + 1, machine->addresses,
				i * sizeof(*machine->addresses));
			machine->addresses[0] = *first;
			return;
		}
	}
}

void machine_look(struct machine *ret)
{
	struct ifaddrs *interfaces = NULL, *at;
	struct address address;

	memset(ret, 0, sizeof(*ret));
	look_at_name(ret);
	if (getifaddrs(&interfaces)) {
		return;
	}
	for (at = interfaces; at && ret->count < MACHINE_ADDRESSES; at = at->ifa_next) {
		if (at->ifa_addr && address_from_sockaddr(&address, at->ifa_addr) &&
			!address_is_loopback(&address) && !is_local_to_link(&address)) {
			ret->addresses[ret->count++] = address;
		}
	}
	freeifaddrs(interfaces);
	if (find_first(&address)) {
		move_to_front(ret, &address);
	}
}

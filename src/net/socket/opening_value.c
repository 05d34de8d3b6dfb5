/* opening_value: see the header. */
#include "opening_value.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "nakodo/base/options.h"
#include "nakodo/dialect/dialect_table.h"
#include "nakodo/net/socket/listener.h"
#include "nakodo/net/socket/opening.h"
#include "nakodo/net/socket/sockets.h"

int opening_add(struct value *value, int fd, int passed, bool removes)
{
	struct opening *opening = value->opening;
	struct listener *listener;

	if (value->own) {
		dialect_table_hold(value->own);
	}
	listener = listener_create(
		opening->sockets, &value->endpoint, value->item->value, fd, passed, value->own);
	if (!listener) {
		return -ENOMEM;
	}
	listener->next_entry = value->entry;
	listener->number = value->number;
	listener->removes = removes;
	if (!opening->sockets->accepts) {
		close(fd); /* else it would be open for as long as this process holds it */
		listener->fd = -1;
	}
	LL_APPEND(opening->made, listener);
	return 0;
}

uint16_t opening_port(int fd)
{
	struct sockaddr_storage bound = {0};
	socklen_t size = sizeof(bound);
	char port[8] = "0";

	getsockname(fd, (struct sockaddr *)&bound, &size);
	getnameinfo((struct sockaddr *)&bound, size, NULL, 0, port, sizeof(port), NI_NUMERICSERV);
	return (uint16_t)strtoul(port, NULL, 10);
}

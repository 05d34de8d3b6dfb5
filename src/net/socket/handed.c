/* handed: see the header. */
#include "nakodo/net/socket/handed.h"

#include <unistd.h>

#include "nakodo/net/socket/opening.h"
#include "nakodo/net/socket/sockets.h"
#include "opening_value.h"

int handed_open(struct value *value)
{
	struct handed *handed = &value->opening->sockets->handed;
	int error = 0;

	for (size_t i = 0; i < handed->count && !error; i++) {
		struct handed_socket *one = &handed->sockets[i];

		if (one->entry != value->entry || one->fd < 0) {
			continue;
		}
		if (value->endpoint.kind != ENDPOINT_UNIX) {
			value->endpoint.port = opening_port(one->fd);
		}
		value->endpoint.tls = one->tls;
		value->endpoint.proxy = one->proxy;
		value->number = one->number;
		error = opening_add(value, one->fd, -1, false);
		one->fd = -1;
	}
	return error;
}

void handed_forget(struct handed *handed)
{
	for (size_t i = 0; i < handed->count; i++) {
		if (handed->sockets[i].fd >= 0) {
			close(handed->sockets[i].fd);
			handed->sockets[i].fd = -1;
		}
	}
	handed->count = 0;
}

/* kernel: see the header. It keeps nothing. */
#include "nakodo/net/socket/kernel.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define UNSENT 65536 /* bytes that the kernel takes beyond what it may send at once */

size_t kernel_unacknowledged(int fd)
{
	int bytes = 0;

	return ioctl(fd, SIOCOUTQ, &bytes) || bytes < 0 ? 0 : (size_t)bytes;
}

uint64_t kernel_mark(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len)) {
		return kernel_unacknowledged(fd); /* a unix socket */
	}
	return info.tcpi_bytes_acked;
}

uint64_t kernel_bytes_read(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int unread = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) || ioctl(fd, FIONREAD, &unread)) {
		return 0;
	}
	return info.tcpi_bytes_received - (uint64_t)unread;
}

void kernel_set_tcp(int fd)
{
	int one = 1, unsent = UNSENT;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

bool kernel_is_hung_up(int fd)
{
	struct pollfd state = {.fd = fd};

	return poll(&state, 1, 0) > 0;
}

/* tcp_bytes: see the header. */
#include "nakodo/net/socket/tcp_bytes.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

uint64_t tcp_bytes_read(int fd)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	int unread = 0;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) || ioctl(fd, FIONREAD, &unread)) {
		return 0;
	}
	return info.tcpi_bytes_received - (uint64_t)unread;
}

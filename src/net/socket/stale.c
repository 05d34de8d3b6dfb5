/* stale: see the header. */
#include "nakodo/net/socket/stale.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

void stale_remove(const struct sockaddr_un *address)
{
	struct stat st;
	int fd;

	if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode)) {
		return;
	}
	/* Else a program that does not accept would keep us waiting. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) &&
			errno == ECONNREFUSED) {
			unlink(address->sun_path);
		}
		close(fd);
	}
}

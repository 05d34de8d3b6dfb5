/*
 * fuzz http: whatever is sent where a request is due, the answer is none, or one HTTP answer, and
 * behind an upgrade frames.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "rules.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* What the server's thread is about to free is no leak. */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	daemon_start();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len;
	unsigned char *answer = daemon_ask(data, size, &len);

	rules_require(!len || (len > 16 && !memcmp(answer, "HTTP/1.", 7)));
	rules_require(!len || memmem(answer, len, "\r\n\r\n", 4));
	free(answer);
	return 0;
}

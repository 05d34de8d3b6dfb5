/*
 * fuzz redis_url: any text is understood or refused with a sentence, and nothing is read behind its
 * end.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/base/problem.h"
#include "nakodo/base/redis_url.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct redis_url url;
	struct problem problem = {""};
	int error;

	memcpy(text, size ? data : (const uint8_t *)"", size);
	text[size] = '\0';
	error = redis_url_parse(&url, text, &problem);
	rules_require(!error || (error == -EINVAL && *problem.text));
	rules_require(error || url.host_count || *url.path);
	rules_require(error || url.host_count < 2 || *url.master);
	for (size_t i = 0; !error && i < url.host_count; i++) {
		rules_require(*url.hosts[i].name && url.hosts[i].port);
	}
	free(text);
	return 0;
}

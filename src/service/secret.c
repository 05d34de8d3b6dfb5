/* secret: owns what the file of the secrets looks like, and the signature. */
#include "nakodo/service/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nakodo/base/file.h"
#include "nakodo/base/problem.h"

#define FILE_MAX 65536 /* bytes */
#define SECRET_MAX 1024

struct secret {
	size_t len;
	unsigned char bytes[SECRET_MAX];
};

/* NULL: nothing is wrong with it. */
static const char *fault_of(const char *line, size_t len)
{
	if (!len) {
		return "is empty, where a secret must stand";
	}
	if (len > SECRET_MAX) {
		return "is longer than 1024 bytes";
	}
	if (line[0] == ' ' || line[len - 1] == ' ') {
		return "begins or ends with a space";
	}
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) {
			return "has a control character in it";
		}
	}
	return NULL;
}

/* The text ends in a NUL, and may hold others. */
static int parse(struct secret *secret, const char *text, size_t size, struct problem *problem)
{
	const char *at = text;

	for (unsigned number = 1; at < text + size || number == 1; number++) {
		const char *end = memchr(at, '\n', (size_t)(text + size - at));
		size_t len = (size_t)((end ? end : text + size) - at), whole = len + 1;
		const char *fault;

		len -= len && at[len - 1] == '\r';
		fault = fault_of(at, len);
		if (fault) {
			return problem_set(problem, -EINVAL, "line %u %s", number, fault);
		}
		if (number == 1) {
			memcpy(secret->bytes, at, len);
			secret->len = len;
		}
		at += whole;
	}
	return 0;
}

int secret_read(struct secret **ret, const char *path, struct problem *problem)
{
	struct secret *secret;
	size_t len;
	mode_t mode;
	char *text = file_read(path, FILE_MAX, &len, &mode);
	int error;

	if (!text) {
		return problem_set(
			problem, errno == ENOMEM ? -ENOMEM : -EINVAL, "%s", file_error_text(errno));
	}
	secret = malloc(sizeof(*secret));
	if (!secret) {
		error = problem_set(problem, -ENOMEM, "out of memory");
	} else if (file_is_open_to_all(mode)) {
		error = problem_set(problem, -EINVAL,
			"everybody may read or change it (mode %04o): chmod o-rw", mode & 07777);
	} else {
		error = parse(secret, text, len, problem);
	}
	OPENSSL_cleanse(text, len);
	free(text);
	if (error) {
		secret_destroy(secret);
	} else {
		*ret = secret;
	}
	return error;
}

void secret_destroy(struct secret *secret)
{
	if (secret) {
		OPENSSL_cleanse(secret, sizeof(*secret));
		free(secret);
	}
}

bool secret_sign(
	const struct secret *secret, const void *bytes, size_t size, unsigned char *ret, size_t len)
{
	unsigned made;

	if (!HMAC(len == SECRET_SHA1 ? EVP_sha1() : EVP_sha256(), secret->bytes, (int)secret->len,
		    bytes, size, ret, &made)) {
		ERR_clear_error(); /* TLS looks at them */
		return false;
	}
	return true;
}

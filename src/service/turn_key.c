/* turn_key: owns what the file of the secrets looks like, and the signature. */
#include "nakodo/service/turn_key.h"

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
#define SHA1_LEN 20

struct turn_key {
	size_t len;
	unsigned char secret[SECRET_MAX];
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
static int parse(struct turn_key *key, const char *text, size_t size, struct problem *problem)
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
			memcpy(key->secret, at, len);
			key->len = len;
		}
		at += whole;
	}
	return 0;
}

int turn_key_read(struct turn_key **ret, const char *path, struct problem *problem)
{
	struct turn_key *key;
	size_t len;
	mode_t mode;
	char *text = file_read(path, FILE_MAX, &len, &mode);
	int error;

	if (!text) {
		return problem_set(
			problem, errno == ENOMEM ? -ENOMEM : -EINVAL, "%s", file_error_text(errno));
	}
	key = malloc(sizeof(*key));
	if (!key) {
		error = problem_set(problem, -ENOMEM, "out of memory");
	} else if (mode & (S_IROTH | S_IWOTH)) {
		error = problem_set(problem, -EINVAL,
			"everybody may read or change it (mode %04o): chmod o-rw", mode & 07777);
	} else {
		error = parse(key, text, len, problem);
	}
	OPENSSL_cleanse(text, len);
	free(text);
	if (error) {
		turn_key_destroy(key);
	} else {
		*ret = key;
	}
	return error;
}

void turn_key_destroy(struct turn_key *key)
{
	if (key) {
		OPENSSL_cleanse(key, sizeof(*key));
		free(key);
	}
}

bool turn_key_sign(const struct turn_key *key, const char *username, char ret[TURN_KEY_PASSWORD])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!HMAC(EVP_sha1(), key->secret, (int)key->len, (const unsigned char *)username,
		    strlen(username), mac, &len)) {
		ERR_clear_error(); /* TLS looks at them */
		return false;
	}
	EVP_EncodeBlock((unsigned char *)ret, mac, SHA1_LEN);
	return true;
}

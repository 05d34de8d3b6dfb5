/*
 * admission_answer: what auth-webhook answers (service/admission.h), as far as all have it in
 * common.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ADMISSION_TTL 3600 /* seconds at most */

struct admission_answer {
	const char *problem; /* why there is none; NULL: there is one */
	bool allowed;
	const char *text; /* all that it says: a JSON object, of `len` bytes */
	size_t len;
};

/* The body of an answer. *ret_ttl: for so many seconds it is good; 0: for this question. False: it
 * says nothing that can be understood. */
bool admission_answer_read(
	const char *body, size_t len, struct admission_answer *ret, unsigned *ret_ttl);

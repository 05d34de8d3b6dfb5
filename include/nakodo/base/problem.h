/*
 * problem: one sentence that tells a person what is wrong and what to do.
 *
 * The layers below net never print: a function that can fail for a reason a person must hear of
 * takes a `struct problem *` and fills it when it fails; main or net shows it.
 */
#pragma once

#include <stddef.h>

struct problem {
	char text[512]; /* UTF-8, no line break; cut when longer; meaningful only after a failure */
};

/* Write the sentence. Returns `error` as given (a negative errno), so that a caller can
 * `return problem_set(problem, -EINVAL, "…")`. */
int problem_set(struct problem *problem, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * issue: `nakodo token`, which makes a token to try things with.
 */
#pragma once

#include <stdio.h>

struct problem;

/* Make the token that the arguments behind `token` ask for: --key KID:ALGORITHM:FILE, --room ROOM
 * (several are a list), and perhaps --can, --sub, --name, --ttl, --iss and --aud. To be freed. 0;
 * -EINVAL or -ENOMEM with a sentence. */
int issue_token(char **ret, int argc, char *const *argv, struct problem *problem);
void issue_print_help(FILE *out);

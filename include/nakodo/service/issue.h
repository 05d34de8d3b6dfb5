/*
 * issue: `nakodo token`, which makes a token to try things with.
 */
#pragma once

#include <stdio.h>

struct problem;

/* Make the token that the arguments behind `token` ask for: --room ROOM (several are a list), and
 * perhaps --can, --sub, --name, --ttl, --iss and --aud. It is signed with --key
 * KID:ALGORITHM:FILE, else with the first auth-key of --config FILE, of the file that NAKODO_CONFIG
 * names, or of /etc/nakodo/nakodo.conf. To be freed. 0; -EINVAL or -ENOMEM with a sentence. */
int issue_token(char **ret, int argc, char *const *argv, struct problem *problem);
void issue_print_help(FILE *out);

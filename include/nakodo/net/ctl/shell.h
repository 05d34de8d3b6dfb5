/*
 * shell: `nakodo ctl`, the end of the socket where the administrator is.
 */
#pragma once

#include <stdio.h>

struct problem;

#define SHELL_SOCKET "/run/nakodo/ctl" /* where it looks if it is told nothing else */

/* Do what the arguments behind `ctl` say, [--socket PATH] [--json] VERB [ARGUMENT], and print the
 * answer: as a table, or with --json as the lines that came. 0; -EINVAL with a sentence if they are
 * wrong; else -errno with one: the daemon is not there, or says no. */
int shell_run(int argc, char *const *argv, FILE *out, struct problem *problem);
void shell_print_help(FILE *out);

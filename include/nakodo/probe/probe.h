/*
 * probe: `nakodo probe URL`, which goes the way of a client to a server and says of each step
 * whether it is good, or what to do.
 *
 * It is a program of its own beside the server: it blocks, each step no longer than its patience.
 */
#pragma once

#include <stdio.h>

struct problem;

/* Do what the arguments behind `probe` ask for, and write to `out`. 0: all is good; 1: something is
 * not; -EINVAL or -ENOMEM with a sentence: nothing was tried. */
int probe_run(int argc, char *const *argv, FILE *out, struct problem *problem);
void probe_print_help(FILE *out);

/*
 * log_options: the log as log-file, log-level and log-format say.
 */
#pragma once

struct options;
struct problem;

/* log_open() with them. 0, or -errno with a sentence; the log is then as before. */
int log_options_open(const struct options *options, struct problem *problem);

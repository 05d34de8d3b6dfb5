/*
 * options_file: the configuration file, lines of `name = value`.
 */
#pragma once

struct options_load;

/* 0, or -EINVAL / -errno with a sentence that begins with the file and the line; load->where is the
 * place to blame if the file cannot be opened. */
int options_file_read(struct options_load *load, const char *path);

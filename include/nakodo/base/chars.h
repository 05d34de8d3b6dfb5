/*
 * chars: what several readers of text ask of its characters.
 */
#pragma once

#include <stdbool.h>

/* What a hexadecimal digit of either case stands for, 0 to 15; -1: it is none. */
int chars_hex_digit(char byte);
/* Does the text begin so? Then *text is moved behind it. */
bool chars_take_prefix(const char **text, const char *prefix);

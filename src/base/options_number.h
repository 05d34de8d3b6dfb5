/*
 * options_number: how numbers are written in options, with the units of their row's type.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OPTIONS_NUMBER_TEXT 32 /* bytes that hold any number, its unit and a NUL */
#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

struct option_row;

/* Read a number; false: not one, or out of the row's limits. */
bool options_number_parse(const struct option_row *row, const char *text, uint64_t *ret);
/* Write it so that it reads back, with the largest unit that divides it. Returns `buf`. */
const char *options_number_format(
	const struct option_row *row, uint64_t number, char buf[OPTIONS_NUMBER_TEXT]);

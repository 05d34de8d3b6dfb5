/* options_number: owns the units. */
#include "options_number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "options_table.h"

/* The largest first; the first name of a factor is the one that is written. */
static const struct unit {
	const char *name;
	uint64_t factor;
} sizes[] = {{"GiB", GIB}, {"MiB", MIB}, {"KiB", KIB}, {"", 1}, {"G", GIB}, {"M", MIB}, {"K", KIB},
	{"k", KIB}, {NULL, 0}},
  times[] = {{"h", 3600}, {"m", 60}, {"s", 1}, {"", 1}, {NULL, 0}}, plain[] = {{"", 1}, {NULL, 0}};

static const struct unit *units_of(const struct option_row *row)
{
	return row->type == OPTION_SIZE ? sizes : row->type == OPTION_SECONDS ? times : plain;
}

bool options_number_parse(const struct option_row *row, const char *text, uint64_t *ret)
{
	const char *at = text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		/* Ten times this is above every limit, and still no factor makes it overflow. */
		if (number >= GIB) {
			return false;
		}
		number = number * 10 + (uint64_t)(*at - '0');
	}
	if (at == text) {
		return false;
	}
	at += strspn(at, " \t");
	for (const struct unit *unit = units_of(row); unit->name; unit++) {
		if (strcmp(at, unit->name) == 0) {
			*ret = number * unit->factor;
			return *ret >= row->min && *ret <= row->max;
		}
	}
	return false;
}

const char *options_number_format(
	const struct option_row *row, uint64_t number, char buf[OPTIONS_NUMBER_TEXT])
{
	const struct unit *unit = units_of(row);

	while (unit->factor > 1 && (!number || number % unit->factor)) {
		unit++;
	}
	snprintf(buf, OPTIONS_NUMBER_TEXT, "%" PRIu64 "%s", number / unit->factor, unit->name);
	return buf;
}

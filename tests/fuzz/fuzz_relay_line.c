/*
 * fuzz relay_line: what is read of a line, printed and read again, is the same.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nakodo/net/cluster/relay_line.h"
#include "rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), printed[RELAY_LINE];
	struct relay_line line, again;

	memcpy(text, size ? data : (const uint8_t *)"", size);
	text[size] = '\0';
	if (relay_line_parse(&line, text)) {
		size_t len = relay_line_print(&line, printed);

		rules_require(len < RELAY_LINE && printed[len - 1] == '\n');
		printed[len - 1] = '\0';
		rules_require(relay_line_parse(&again, printed));
		rules_require(!memcmp(&line, &again, sizeof(line)));
	}
	free(text);
	return 0;
}

/* options_actions: owns the arguments that are no options. */
#include "options_table.h"

const struct option_action_row options_actions[] = {
	{
		.name = "config",
		.placeholder = "FILE",
		.action = OPTION_RUN,
		.help = "Read the configuration from FILE.",
	},
	{
		.name = "check",
		.action = OPTION_CHECK,
		.help = "Say what is wrong with the options, and where, instead of serving.",
	},
	{
		.name = "print-config",
		.action = OPTION_PRINT_CONFIG,
		.help = "Print all options as they are, in the form of a configuration file, "
			"passwords included.",
	},
	{
		.name = "help",
		.letter = 'h',
		.action = OPTION_HELP,
		.help = "Print this help.",
	},
	{
		.name = "version",
		.letter = 'V',
		.action = OPTION_VERSION,
		.help = "Print the version.",
	},
	{
		.name = "man",
		.action = OPTION_MAN,
	},
	{
		.name = "man-config",
		.action = OPTION_MAN_CONFIG,
	},
	{
		.name = "example-config",
		.action = OPTION_EXAMPLE_CONFIG,
	},
	{.name = NULL},
};

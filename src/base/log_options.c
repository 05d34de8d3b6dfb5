/* log_options: see the header. */
#include "nakodo/base/log_options.h"

#include "nakodo/base/file.h"
#include "nakodo/base/log.h"
#include "nakodo/base/options.h"
#include "nakodo/base/problem.h"

static enum log_format choose_format(const struct options *options)
{
	if (*options->log_file) {
		return options->log_format == OPTION_LOG_JSON ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
	}
	switch (options->log_format) {
	case OPTION_LOG_TEXT:
		return LOG_FORMAT_TEXT;
	case OPTION_LOG_JSON:
		return LOG_FORMAT_JSON;
	case OPTION_LOG_JOURNAL:
		return LOG_FORMAT_JOURNAL;
	default:
		return log_is_journal() ? LOG_FORMAT_JOURNAL : LOG_FORMAT_TEXT;
	}
}

int log_options_open(const struct options *options, struct problem *problem)
{
	int error = log_open(
		options->log_file, (enum log_level)options->log_level, choose_format(options));

	return error ? problem_set(problem, file_fault(error), "%s: cannot open log-file `%s`: %s",
			       options_where(options, &options->log_file), options->log_file,
			       log_errno_text(error))
		     : 0;
}

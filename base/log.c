/*
 * Words for the analyst on standard error.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static void say(const char *format, va_list args)
{
	/* One locked stretch, so that lines of several threads do not mix. */
	flockfile(stderr);
	fputs("poolscope: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	funlockfile(stderr);
}

void log_warn(const struct log *log, const char *format, ...)
{
	va_list args;

	if (!log || log->level < LOG_NORMAL)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

void log_info(const struct log *log, const char *format, ...)
{
	va_list args;

	if (!log || log->level < LOG_VERBOSE)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

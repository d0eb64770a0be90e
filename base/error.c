/*
 * Errors: filling, wrapping and naming them. No allocation, so that running out of memory can be
 * reported as well. A message longer than its field is cut at the end.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct ps_error *err, enum ps_status status, const char *format, va_list args)
{
	err->status = status;
	err->has_at = false;
	err->at = 0;
	err->errnum = 0;
	err->hint[0] = '\0';
	vsnprintf(err->text, sizeof(err->text), format, args);
}

enum ps_status ps_fail(struct ps_error *err, enum ps_status status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, status, format, args);
	va_end(args);
	return status;
}

enum ps_status ps_fail_at(struct ps_error *err, enum ps_status status, uint64_t at,
			  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, status, format, args);
	va_end(args);
	err->has_at = true;
	err->at = at;
	return status;
}

enum ps_status ps_fail_errno(struct ps_error *err, int errnum, const char *format, ...)
{
	va_list args;
	size_t used;

	va_start(args, format);
	fill(err, PS_SYSTEM, format, args);
	va_end(args);
	err->errnum = errnum;
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(errnum));
	return PS_SYSTEM;
}

enum ps_status ps_fail_memory(struct ps_error *err, const char *what)
{
	return ps_fail(err, PS_NO_MEMORY, "out of memory for %s", what);
}

enum ps_status ps_wrap(struct ps_error *err, const char *format, ...)
{
	char inner[PS_ERROR_TEXT];
	va_list args;
	size_t used;

	memcpy(inner, err->text, sizeof(inner));
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return err->status;
}

void ps_hint(struct ps_error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] != '\0')
		return;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
}

void ps_error_clear(struct ps_error *err)
{
	*err = (struct ps_error)PS_ERROR_INIT;
}

const char *ps_status_word(enum ps_status status)
{
	switch (status) {
	case PS_OK: return "ok";
	case PS_ABSENT: return "absent";
	case PS_CORRUPT: return "corrupt";
	case PS_UNSUPPORTED: return "unsupported";
	case PS_NOT_FOUND: return "not-found";
	case PS_SYSTEM: return "system";
	case PS_NO_MEMORY: return "no-memory";
	case PS_USAGE: return "usage";
	case PS_INTERRUPTED: return "interrupted";
	case PS_INTERNAL: return "internal";
	}
	return "internal";
}

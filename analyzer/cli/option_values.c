/*
 * What each option of the command line means: numbers, sizes, addresses, words from a list, and
 * where they go in struct options.
 *
 * Does not: judge which options go together; option_checks.c does.
 */
#include "analyzer/cli/option_table.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

enum { HOURS_MOST = 100 * 366 * 24 /* a century */ };

static const struct {
	const char *word;
	enum tag_sort sort;
} sort_keys[] = {
	{"bytes", SORT_BYTES}, {"diff", SORT_DIFF}, {"allocs", SORT_ALLOCS},
	{"frees", SORT_FREES}, {"tag", SORT_TAG},   {"per-alloc", SORT_PER_ALLOC},
};

static const char *const process_sort_keys[] = {
	[BY_HANDLES] = "handles",
	[BY_HOLDS] = "holds",
	[BY_PID] = "pid",
	[BY_NAME] = "name",
};

static enum ps_status parse_number(const char *name, const char *text, int base, uint64_t maximum,
				   uint64_t *ret, struct ps_error *err)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, base);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || text[0] == '+' ||
	    text[0] == ' ' || *ret > maximum)
		return ps_fail(err, PS_USAGE, "--%s '%s' is not a number that fits", name, text);
	return PS_OK;
}

/* Hours with a point or without as seconds, to the nearest. */
static enum ps_status parse_hours(const char *text, uint64_t *ret, struct ps_error *err)
{
	static const char form[] = "0123456789";
	const size_t whole = strspn(text, form);
	const size_t part = text[whole] == '.' ? strspn(text + whole + 1, form) : 0;
	const size_t length = whole + (part > 0 ? 1 + part : 0);
	const double hours = strtod(text, NULL);

	*ret = 0;
	if (whole > 0 && text[length] == '\0' && hours <= HOURS_MOST)
		*ret = (uint64_t)(hours * 3600 + 0.5);
	if (*ret > 0)
		return PS_OK;
	return ps_fail(err, PS_USAGE,
		       "--hours '%s' is no number of hours, such as 24 or 2.5, up to %d", text,
		       HOURS_MOST);
}

/* An address: hex with or without 0x; the ` of debuggers is passed over. */
static enum ps_status parse_address(const char *text, uint64_t *ret, struct ps_error *err)
{
	char digits[32];
	size_t used = 0;

	for (const char *c = text; *c != '\0' && used + 1 < sizeof(digits); c++) {
		if (*c != '`')
			digits[used++] = *c;
	}
	digits[used] = '\0';
	if (parse_number("dump", digits, 16, UINT64_MAX, ret, err) != PS_OK)
		return ps_fail(err, PS_USAGE, "--dump '%s' is not an address in hexadecimal", text);
	return PS_OK;
}

static enum ps_status parse_sort(struct options *o, const char *text, struct ps_error *err)
{
	for (size_t i = 0; i < sizeof(sort_keys) / sizeof(sort_keys[0]); i++) {
		if (strcmp(text, sort_keys[i].word) == 0) {
			o->sort = sort_keys[i].sort;
			o->has_sort = true;
			return PS_OK;
		}
	}
	if (strcmp(text, "rate") == 0) {
		o->by_rate = o->has_sort = true;
		return PS_OK;
	}
	for (unsigned i = 0; i < sizeof(process_sort_keys) / sizeof(process_sort_keys[0]); i++) {
		if (strcmp(text, process_sort_keys[i]) == 0) {
			o->process_sort = (enum process_sort)i;
			o->has_process_sort = true;
			return PS_OK;
		}
	}
	return ps_fail(
		err, PS_USAGE,
		"--sort '%s' is none of bytes, diff, allocs, frees, tag, per-alloc, nor, of "
		"diff, of bytes, rate, diff, tag, nor, of processes, of handles, holds, pid, name",
		text);
}

static enum ps_status parse_color(struct options *o, const char *text, struct ps_error *err)
{
	if (!text || strcmp(text, "always") == 0)
		o->color = COLOR_ALWAYS;
	else if (strcmp(text, "never") == 0)
		o->color = COLOR_NEVER;
	else if (strcmp(text, "auto") == 0)
		o->color = COLOR_AUTO;
	else
		return ps_fail(err, PS_USAGE, "--color '%s' is none of auto, always, never", text);
	return PS_OK;
}

static enum ps_status parse_reader(struct options *o, const char *text, struct ps_error *err)
{
	if (strcmp(text, "native") == 0)
		o->reader = READER_NATIVE;
	else if (strcmp(text, "kdumpfile") == 0)
		o->reader = READER_KDUMPFILE;
	else
		return ps_fail(err, PS_USAGE, "--reader '%s' is none of native, kdumpfile", text);
	return PS_OK;
}

static enum ps_status parse_type(struct options *o, const char *text, struct ps_error *err)
{
	if (strcmp(text, "full") == 0)
		o->body = CRASH_BODY_FULL;
	else if (strcmp(text, "bitmap") == 0)
		o->body = CRASH_BODY_BITMAP;
	else
		return ps_fail(err, PS_USAGE, "--type '%s' is none of full, bitmap", text);
	return PS_OK;
}

enum ps_status size_parse(const char *name, const char *text, uint64_t *ret, struct ps_error *err)
{
	static const char letters[] = "KMGT";
	size_t length = strlen(text);
	const char *letter = length > 1 ? strchr(letters, text[length - 1]) : NULL;
	unsigned shift = letter ? 10 * ((unsigned)(letter - letters) + 1) : 0;
	char number[24];

	snprintf(number, sizeof(number), "%.*s", (int)(letter ? length - 1 : length), text);
	if (parse_number(name, number, 10, INT64_MAX >> shift, ret, err) != PS_OK || *ret == 0) {
		ps_error_clear(err);
		return ps_fail(err, PS_USAGE, "--%s '%s' is no size, such as 1000000, 500M or 2T",
			       name, text);
	}
	*ret <<= shift;
	return PS_OK;
}

static enum ps_status add_tag(struct options *o, const char *text, struct ps_error *err)
{
	if (o->tag_count == TAG_PATTERNS)
		return ps_fail(err, PS_USAGE, "more than %d tags given with --tag", TAG_PATTERNS);
	return tag_pattern_parse(text, &o->tags[o->tag_count++], err);
}

static enum ps_status add_pooltag(struct options *o, const char *path, struct ps_error *err)
{
	if (o->pooltag_count == POOLTAG_FILES)
		return ps_fail(err, PS_USAGE, "more than %d files given with --pooltag",
			       POOLTAG_FILES);
	o->pooltag[o->pooltag_count++] = path;
	return PS_OK;
}

static enum ps_status add_drivers(struct options *o, const char *path, struct ps_error *err)
{
	if (o->driver_count == DRIVER_FOLDERS)
		return ps_fail(err, PS_USAGE, "more than %d folders given with --drivers",
			       DRIVER_FOLDERS);
	o->drivers[o->driver_count++] = path;
	return PS_OK;
}

static enum ps_status add_httperr(struct options *o, const char *path, struct ps_error *err)
{
	if (o->httperr_count == HTTPERR_PATHS)
		return ps_fail(err, PS_USAGE, "more than %d paths given with --httperr",
			       HTTPERR_PATHS);
	o->httperr[o->httperr_count++] = path;
	return PS_OK;
}

/* `-` takes the place of the text, a name comes beside it. */
static enum ps_status take_html(struct options *o, const char *path, struct ps_error *err)
{
	if (*path == '\0')
		return ps_fail(err, PS_USAGE, "--html needs the name of a file to write");
	if (strcmp(path, "-") == 0)
		o->output = OUTPUT_HTML;
	else
		o->html = path;
	return PS_OK;
}

static enum ps_status add_symbols(struct options *o, const char *path, struct ps_error *err)
{
	if (strcmp(path, "none") == 0) {
		o->no_symbols = true;
		return PS_OK;
	}
	if (o->symbol_count == SYMBOL_PATHS)
		return ps_fail(err, PS_USAGE, "more than %d paths given with --symbols",
			       SYMBOL_PATHS);
	o->symbols[o->symbol_count++] = path;
	return PS_OK;
}

static enum ps_status take_value(struct options *o, int id, const char *value, struct ps_error *err)
{
	uint64_t number = 0;
	enum ps_status status;

	switch (id) {
	case OPTION_TOP:
		status = parse_number("top", value, 10, SIZE_MAX, &number, err);
		o->top = (size_t)number;
		o->has_top = true;
		return status;
	case OPTION_BYTES:
		status = parse_number("bytes", value, 0, DUMP_BYTES_MAX, &number, err);
		o->dump_bytes = (size_t)number;
		o->has_bytes = true;
		return status;
	case OPTION_DUMP: o->has_dump = true; return parse_address(value, &o->dump_va, err);
	case OPTION_HOURS: return parse_hours(value, &o->diff_seconds, err);
	case OPTION_READER: return parse_reader(o, value, err);
	case OPTION_SORT: return parse_sort(o, value, err);
	case OPTION_TAG: return add_tag(o, value, err);
	case OPTION_SYMBOLS: return add_symbols(o, value, err);
	case OPTION_DRIVERS: return add_drivers(o, value, err);
	case OPTION_POOLTAG: return add_pooltag(o, value, err);
	case OPTION_HTTPERR: return add_httperr(o, value, err);
	case OPTION_MEMBER: o->member = value; return PS_OK;
	case OPTION_PASSWORD_FILE: o->password_file = value; return PS_OK;
	case OPTION_MAX_EXPAND: return size_parse("max-expand", value, &o->max_expand, err);
	case OPTION_KNOWN: o->known = value; return PS_OK;
	case OPTION_TYPE: return parse_type(o, value, err);
	case OPTION_HTML: return take_html(o, value, err);
	case OPTION_OUT:
	case OPTION_JOBS:
	case OPTION_TIMEOUT:
	case OPTION_MAX_MEMORY:
	case OPTION_SHARD: return batch_option(o, id, value, err);
	case OPTION_DRIVER:
	case OPTION_BUILD:
	case OPTION_BUGCHECK:
	case OPTION_LIKE: return cases_option(o, id, value, err);
	default: return parse_color(o, value, err);
	}
}

enum ps_status option_take(struct options *o, int id, const char *value, struct ps_error *err)
{
	switch (id) {
	case OPTION_JSON: o->output = OUTPUT_JSON; return PS_OK;
	case OPTION_CSV: o->output = OUTPUT_CSV; return PS_OK;
	case OPTION_TICKET: o->output = OUTPUT_TICKET; return PS_OK;
	case OPTION_NONPAGED: o->filter = FILTER_NONPAGED; return PS_OK;
	case OPTION_PAGED: o->filter = FILTER_PAGED; return PS_OK;
	case OPTION_SESSIONS: o->sessions = true; return PS_OK;
	case OPTION_NO_OWNERS: o->no_owners = true; return PS_OK;
	case OPTION_NO_KNOWN_BUILDS: o->no_known_builds = true; return PS_OK;
	case OPTION_FORCE: o->force = true; return PS_OK;
	case OPTION_RETRY_FAILED: o->batch.retry_failed = true; return PS_OK;
	case OPTION_MERGE: o->batch.merge = true; return PS_OK;
	case OPTION_CASE_JSON: o->batch.keep_reports = true; return PS_OK;
	case OPTION_CASE_HTML: o->batch.keep_pages = true; return PS_OK;
	case OPTION_LIST: o->list = true; return PS_OK;
	case OPTION_FREED: o->freed = true; return PS_OK;
	case OPTION_HELP: o->help = true; return PS_OK;
	case OPTION_VERSION: o->version = true; return PS_OK;
	case OPTION_VERBOSE: o->verbosity++; return PS_OK;
	case OPTION_QUIET: o->verbosity = LOG_QUIET; return PS_OK;
	default: return take_value(o, id, value, err);
	}
}

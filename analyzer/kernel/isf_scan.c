/*
 * See isf_scan.h: a lexer over bytes that may end anywhere, above it what may come next.
 */
#include "analyzer/kernel/isf_scan.h"

#include <inttypes.h>
#include <string.h>

enum lexing { LEX_NONE, LEX_STRING, LEX_ESCAPE, LEX_UNICODE, LEX_WORD };

enum expecting { WANT_VALUE, WANT_VALUE_OR_END, WANT_KEY, WANT_KEY_OR_END, WANT_COLON, WANT_COMMA };

void isf_scan_init(struct isf_scan *scan, isf_scan_visit visit, void *context)
{
	memset(scan, 0, sizeof(*scan));
	scan->visit = visit;
	scan->context = context;
	scan->expecting = WANT_VALUE;
}

bool isf_scan_stopped(const struct isf_scan *scan)
{
	return scan->stopped;
}

static enum ps_status fail(const struct isf_scan *scan, const char *what, struct ps_error *err)
{
	return ps_fail_at(err, PS_CORRUPT, scan->offset, "%s at byte %" PRIu64, what, scan->offset);
}

static void visit(struct isf_scan *scan, enum isf_scan_event event)
{
	if (!scan->visit(scan->context, scan, event))
		scan->stopped = true;
}

static void after_value(struct isf_scan *scan)
{
	scan->expecting = WANT_COMMA;
	scan->done = scan->depth == 0;
}

static enum ps_status open_container(struct isf_scan *scan, bool is_array, struct ps_error *err)
{
	if (scan->expecting != WANT_VALUE && scan->expecting != WANT_VALUE_OR_END)
		return fail(scan, "a value stands where none can be", err);
	if (scan->depth == JSON_DEPTH)
		return fail(scan, "values lie in each other too deeply", err);
	if (!is_array)
		visit(scan, JSON_OBJECT_BEGIN);
	scan->is_array[scan->depth] = is_array;
	scan->keys[scan->depth++][0] = '\0';
	scan->expecting = is_array ? WANT_VALUE_OR_END : WANT_KEY_OR_END;
	return PS_OK;
}

static enum ps_status close_container(struct isf_scan *scan, bool is_array, struct ps_error *err)
{
	bool may_end = scan->expecting == WANT_COMMA ||
		       scan->expecting == (is_array ? WANT_VALUE_OR_END : WANT_KEY_OR_END);

	if (scan->depth == 0 || scan->is_array[scan->depth - 1] != is_array || !may_end)
		return fail(scan, "a bracket closes what is not open", err);
	scan->depth--;
	if (!is_array)
		visit(scan, JSON_OBJECT_END);
	after_value(scan);
	return PS_OK;
}

static void begin_text(struct isf_scan *scan, enum lexing lexing)
{
	scan->lexing = lexing;
	scan->used = 0;
	scan->too_long = false;
}

static void add(struct isf_scan *scan, char c)
{
	if (scan->used < sizeof(scan->text) - 1)
		scan->text[scan->used++] = c;
	else
		scan->too_long = true;
}

/* Structure: what may stand between strings, numbers and words. */
static enum ps_status take_mark(struct isf_scan *scan, char c, struct ps_error *err)
{
	bool value = scan->expecting == WANT_VALUE || scan->expecting == WANT_VALUE_OR_END;
	bool key = scan->expecting == WANT_KEY || scan->expecting == WANT_KEY_OR_END;

	if (scan->done)
		return fail(scan, "more text stands behind the end", err);
	switch (c) {
	case '{': return open_container(scan, false, err);
	case '[': return open_container(scan, true, err);
	case '}': return close_container(scan, false, err);
	case ']': return close_container(scan, true, err);
	case '"':
		if (!value && !key)
			return fail(scan, "a string stands where none can be", err);
		begin_text(scan, LEX_STRING);
		return PS_OK;
	case ':':
		if (scan->expecting != WANT_COLON)
			break;
		scan->expecting = WANT_VALUE;
		return PS_OK;
	case ',':
		if (scan->expecting != WANT_COMMA || scan->depth == 0)
			break;
		scan->expecting = scan->is_array[scan->depth - 1] ? WANT_VALUE : WANT_KEY;
		return PS_OK;
	default:
		if (!value || !((c >= '0' && c <= '9') || c == '-' || (c >= 'a' && c <= 'z')))
			break;
		begin_text(scan, LEX_WORD);
		add(scan, c);
		return PS_OK;
	}
	return fail(scan, "no JSON", err);
}

static void end_string(struct isf_scan *scan)
{
	scan->text[scan->used] = '\0';
	scan->lexing = LEX_NONE;
	if (scan->expecting == WANT_KEY || scan->expecting == WANT_KEY_OR_END) {
		char *key = scan->keys[scan->depth - 1];

		memcpy(key, scan->text, scan->used + 1);
		if (scan->too_long)
			key[0] = '\0';
		scan->expecting = WANT_COLON;
		return;
	}
	visit(scan, JSON_STRING);
	after_value(scan);
}

static enum ps_status end_word(struct isf_scan *scan, struct ps_error *err)
{
	const char *c = scan->text;

	scan->text[scan->used] = '\0';
	scan->lexing = LEX_NONE;
	scan->is_integer = !scan->too_long && *c != '\0';
	scan->number = 0;
	for (; *c != '\0' && scan->is_integer; c++) {
		scan->is_integer = *c >= '0' && *c <= '9' &&
				   scan->number <= (UINT64_MAX - (uint64_t)(*c - '0')) / 10;
		if (scan->is_integer)
			scan->number = scan->number * 10 + (uint64_t)(*c - '0');
	}
	if (scan->text[0] == '-' || (scan->text[0] >= '0' && scan->text[0] <= '9'))
		visit(scan, JSON_NUMBER);
	else if (strcmp(scan->text, "true") == 0 || strcmp(scan->text, "false") == 0 ||
		 strcmp(scan->text, "null") == 0)
		visit(scan, JSON_OTHER);
	else
		return fail(scan, "no JSON", err);
	after_value(scan);
	return PS_OK;
}

static enum ps_status take_escape(struct isf_scan *scan, char c, struct ps_error *err)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	scan->lexing = LEX_STRING;
	if (at) {
		add(scan, to[at - from]);
	} else if (c == 'u') {
		scan->lexing = LEX_UNICODE;
		scan->unicode_digits = 0;
		scan->unicode = 0;
	} else {
		return fail(scan, "an unknown escape", err);
	}
	return PS_OK;
}

static enum ps_status take_unicode(struct isf_scan *scan, char c, struct ps_error *err)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	if (!at)
		at = c ? strchr(digits + 16, c) : NULL;
	if (!at)
		return fail(scan, "an unknown escape", err);
	scan->unicode = scan->unicode * 16 + (unsigned)((at - digits) % 16);
	if (++scan->unicode_digits == 4) {
		add(scan, scan->unicode > 0 && scan->unicode < 0x100 ? (char)scan->unicode : '?');
		scan->lexing = LEX_STRING;
	}
	return PS_OK;
}

/* As much of a string as ends before something special; returns how much. */
static size_t take_plain(struct isf_scan *scan, const uint8_t *data, size_t size)
{
	size_t length = 0, room = sizeof(scan->text) - 1 - scan->used;

	while (length < size && data[length] != '"' && data[length] != '\\' && data[length] >= 0x20)
		length++;
	scan->too_long |= length > room;
	if (length < room)
		room = length;
	memcpy(scan->text + scan->used, data, room);
	scan->used += room;
	return length;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static bool ends_word(char c)
{
	return c == ',' || c == '}' || c == ']' || c == ':' || c == '"' || is_space((uint8_t)c);
}

static enum ps_status take(struct isf_scan *scan, char c, struct ps_error *err)
{
	switch (scan->lexing) {
	case LEX_STRING:
		if (c == '"')
			end_string(scan);
		else if (c == '\\')
			scan->lexing = LEX_ESCAPE;
		else
			return fail(scan, "a control character in a string", err);
		return PS_OK;
	case LEX_ESCAPE: return take_escape(scan, c, err);
	case LEX_UNICODE: return take_unicode(scan, c, err);
	case LEX_WORD:
		if (!ends_word(c)) {
			add(scan, c);
			return PS_OK;
		}
		if (end_word(scan, err) != PS_OK)
			return err->status;
		return is_space((uint8_t)c) || scan->stopped ? PS_OK : take_mark(scan, c, err);
	default: return take_mark(scan, c, err);
	}
}

enum ps_status isf_scan_feed(struct isf_scan *scan, const uint8_t *data, size_t size,
			     struct ps_error *err)
{
	uint64_t start = scan->offset;
	size_t i = 0;

	while (i < size && !scan->stopped) {
		if (scan->lexing == LEX_STRING)
			i += take_plain(scan, data + i, size - i);
		else if (scan->lexing == LEX_NONE)
			while (i < size && is_space(data[i]))
				i++;
		if (i == size)
			break;
		scan->offset = start + i;
		if (take(scan, (char)data[i], err) != PS_OK)
			return err->status;
		i++;
	}
	scan->offset = start + i;
	return PS_OK;
}

enum ps_status isf_scan_end(const struct isf_scan *scan, struct ps_error *err)
{
	if (scan->done || scan->stopped)
		return PS_OK;
	return fail(scan, "the text ends too early", err);
}

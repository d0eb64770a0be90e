/*
 * A tag as users write it, into bytes and wildcards.
 */
#include "analyzer/cli/options.h"

#include <ctype.h>
#include <string.h>

enum { TAG_BYTES = 4, HEX_DIGITS = 8 };

static unsigned hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return (unsigned)(tolower((unsigned char)c) - 'a' + 10);
}

static bool is_hex(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return false;
	}
	return true;
}

static void from_hex(const char *text, struct tag_pattern *ret)
{
	*ret = (struct tag_pattern){.any = {0}};
	for (size_t i = 0; i < TAG_BYTES; i++)
		ret->bytes[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
}

/* One character of the pattern, which may be written as \xNN; returns where the next one begins. */
static const char *next_byte(const char *text, uint8_t *ret_byte, bool *ret_any)
{
	*ret_any = false;
	if (text[0] == '\\' && text[1] == 'x' && isxdigit((unsigned char)text[2]) &&
	    isxdigit((unsigned char)text[3])) {
		*ret_byte = (uint8_t)(hex_digit(text[2]) << 4 | hex_digit(text[3]));
		return text + 4;
	}
	*ret_byte = (uint8_t)text[0];
	*ret_any = text[0] == '?';
	return text + 1;
}

static enum ps_status too_long(const char *text, struct ps_error *err)
{
	ps_fail(err, PS_USAGE, "--tag '%s' is longer than a tag, which has four characters", text);
	ps_hint(err,
		"quote blanks and write other bytes as \\xNN, or all four as eight hex digits");
	return err->status;
}

enum ps_status tag_pattern_parse(const char *text, struct tag_pattern *ret, struct ps_error *err)
{
	uint8_t bytes[TAG_BYTES];
	bool any[TAG_BYTES];
	size_t count = 0, star = SIZE_MAX, skip;
	const char *at = text;

	if (text[0] == '\0')
		return ps_fail(err, PS_USAGE, "--tag needs a tag");
	if (strlen(text) == HEX_DIGITS && is_hex(text, HEX_DIGITS)) {
		from_hex(text, ret);
		return PS_OK;
	}
	while (*at != '\0') {
		if (*at == '*') {
			if (star != SIZE_MAX)
				return ps_fail(err, PS_USAGE, "--tag '%s' has more than one *",
					       text);
			star = count;
			at++;
			continue;
		}
		if (count == TAG_BYTES)
			return too_long(text, err);
		at = next_byte(at, &bytes[count], &any[count]);
		count++;
	}
	/* a * fills the tag up to its four bytes; without one, blanks do so at the end */
	skip = TAG_BYTES - count;
	*ret = (struct tag_pattern){.any = {0}};
	for (size_t to = 0, from = 0; to < TAG_BYTES; to++) {
		bool in_star = star != SIZE_MAX && to >= star && to < star + skip;

		if (in_star || (from < count && any[from]))
			ret->any[to] = 1;
		ret->bytes[to] = in_star || from == count ? ' ' : bytes[from];
		from += !in_star && from < count;
	}
	return PS_OK;
}

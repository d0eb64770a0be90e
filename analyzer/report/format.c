/*
 * Spelling of sizes, durations and foreign text.
 */
#include "analyzer/report/format.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *format_size_unsigned(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const units[] = {"KB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, SIZE_TEXT, "%" PRIu64 " B", bytes);
		return text;
	}
	/* 1023.95 would be printed as 1024.0 */
	while (value >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, SIZE_TEXT, "%.1f %s", value, units[unit]);
	return text;
}

char *format_size(int64_t bytes, char text[SIZE_TEXT])
{
	char positive[SIZE_TEXT];

	if (bytes >= 0)
		return format_size_unsigned((uint64_t)bytes, text);
	format_size_unsigned(0 - (uint64_t)bytes, positive);
	snprintf(text, SIZE_TEXT, "-%.*s", SIZE_TEXT - 2, positive);
	return text;
}

const char *trust_mark(enum figure_trust trust)
{
	switch (trust) {
	case FIGURE_EXACT: return "";
	case FIGURE_AT_LEAST: return ">=";
	case FIGURE_ABOUT: return "~";
	}
	return "~";
}

const char *basis_mark(enum report_basis basis)
{
	switch (basis) {
	case BASIS_READ: return "";
	case BASIS_DOUBTFUL: return "?";
	case BASIS_DERIVED: return "*";
	}
	return "";
}

char *format_duration(uint64_t seconds, char text[DURATION_TEXT])
{
	uint64_t days = seconds / 86400;
	unsigned rest = (unsigned)(seconds % 86400);
	int used = 0;

	if (days > 0)
		used = snprintf(text, DURATION_TEXT, "%" PRIu64 " d ", days);
	snprintf(text + used, DURATION_TEXT - (size_t)used, "%02u:%02u:%02u", rest / 3600,
		 rest / 60 % 60, rest % 60);
	return text;
}

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t utf8_length(const char *text)
{
	const unsigned char *b = (const unsigned char *)text;

	if (b[0] == 0)
		return 0;
	if (b[0] < 0x80)
		return 1;
	if (b[0] >= 0xc2 && b[0] <= 0xdf)
		return continues(b[1]) ? 2 : 0;
	if (b[0] >= 0xe0 && b[0] <= 0xef) {
		if (!continues(b[1]) || !continues(b[2]))
			return 0;
		/* over-long forms and surrogates are not UTF-8 */
		if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f))
			return 0;
		return 3;
	}
	if (b[0] >= 0xf0 && b[0] <= 0xf4) {
		if (!continues(b[1]) || !continues(b[2]) || !continues(b[3]))
			return 0;
		if ((b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

bool text_is_ascii(const char *text)
{
	unsigned char all = 0;

	for (; *text != '\0'; text++)
		all |= (unsigned char)*text;
	return all < 0x80;
}

/* Characters that move the cursor or turn the direction of the text around. */
static bool is_harmful(const unsigned char *b, size_t length)
{
	if (length == 1)
		return b[0] < 0x20 || b[0] == 0x7f;
	if (length == 2)
		return (b[0] == 0xc2 && b[1] < 0xa0) || (b[0] == 0xd8 && b[1] == 0x9c);
	if (length != 3)
		return false;
	if (b[0] == 0xe2 && b[1] == 0x80)
		return (b[2] >= 0x8b && b[2] <= 0x8f) || (b[2] >= 0xa8 && b[2] <= 0xae);
	if (b[0] == 0xe2 && b[1] == 0x81)
		return b[2] >= 0xa0 && b[2] <= 0xaf;
	return b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf;
}

enum text_target format_terminal(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? TARGET_TERMINAL : TARGET_ASCII;
}

static bool may_stay(const char *text, size_t length, enum text_target target)
{
	if (length == 0 || target == TARGET_UTF8)
		return length > 0;
	if (target == TARGET_ASCII && length > 1)
		return false;
	return !is_harmful((const unsigned char *)text, length);
}

char *format_safe(const char *text, enum text_target target)
{
	size_t size = strlen(text);
	char *safe, *to;

	if (size > (SIZE_MAX - 1) / 4)
		return NULL;
	safe = malloc(4 * size + 1);
	if (!safe)
		return NULL;
	to = safe;
	while (*text != '\0') {
		size_t length = utf8_length(text);
		bool keep = may_stay(text, length, target);

		if (length == 0)
			length = 1;
		for (size_t i = 0; i < length; i++) {
			if (keep)
				*to++ = text[i];
			else
				to += sprintf(to, "\\x%02x", (unsigned char)text[i]);
		}
		text += length;
	}
	*to = '\0';
	return safe;
}

static size_t count_columns(const char *words, size_t length)
{
	size_t columns = 0;

	for (size_t i = 0; i < length; i++)
		columns += ((unsigned char)words[i] & 0xc0) != 0x80;
	return columns;
}

void format_wrap(FILE *out, const char *words, size_t column, unsigned indent, size_t width)
{
	bool first = true;

	while (*words != '\0') {
		size_t blanks = strspn(words, " ");
		size_t length = strcspn(words + blanks, " ");
		size_t columns = count_columns(words + blanks, length);

		if (!first && column + blanks + columns > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
			words += blanks;
			blanks = 0;
		}
		fwrite(words, 1, blanks + length, out);
		column += blanks + columns;
		words += blanks + length;
		first = false;
	}
	fputc('\n', out);
}

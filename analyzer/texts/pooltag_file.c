/*
 * Lines of a pooltag.txt. The format is loose: tags of three or four columns, one blank or several
 * around the dashes, images that are missing or <unknown>, comments in two styles with continuation
 * lines. A line that does not begin with a tag and a dash is passed over, never guessed at.
 */
#include "analyzer/texts/pooltag_file.h"

#include <string.h>
#include <strings.h>

enum { TAG_COLUMNS = 4 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct line_part trim(const char *text, size_t length)
{
	while (length > 0 && is_blank(text[0])) {
		text++;
		length--;
	}
	while (length > 0 && (is_blank(text[length - 1]) || text[length - 1] == '\r'))
		length--;
	return (struct line_part){text, length};
}

static bool is_comment(struct line_part line)
{
	if (line.length == 0 || line.text[0] == ';')
		return true;
	if (line.length >= 2 && memcmp(line.text, "//", 2) == 0)
		return true;
	return line.length >= 3 && strncasecmp(line.text, "rem", 3) == 0 &&
	       (line.length == 3 || is_blank(line.text[3]));
}

void tag_key_parse(const char *text, size_t length, struct tag_key *ret)
{
	size_t used = 0;

	if (length > TAG_COLUMNS)
		length = TAG_COLUMNS;
	/* blanks behind a * are layout: the * already stands for the rest */
	while (length > 1 && is_blank(text[length - 1]) && memchr(text, '*', length))
		length--;
	*ret = (struct tag_key){.literals = 0};
	for (size_t i = 0; i < length; i++) {
		size_t repeat = text[i] == '*' ? TAG_COLUMNS - (length - 1) : 1;

		for (size_t k = 0; k < repeat && used < TAG_COLUMNS; k++, used++) {
			ret->any[used] = text[i] == '*' || text[i] == '?';
			ret->bytes[used] = (uint8_t)text[i];
		}
	}
	for (; used < TAG_COLUMNS; used++)
		ret->bytes[used] = ' ';
	for (size_t i = 0; i < TAG_COLUMNS; i++)
		ret->literals = (uint8_t)(ret->literals + !ret->any[i]);
}

bool tag_key_matches(const struct tag_key *key, uint32_t tag)
{
	for (unsigned i = 0; i < TAG_COLUMNS; i++) {
		unsigned mask = i == 3 ? 0x7f : 0xff;

		if (!key->any[i] && (key->bytes[i] & mask) != (tag >> 8 * i & mask))
			return false;
	}
	return true;
}

/* Place of the dash behind the tag: after one to four columns and at least one blank. 0 = none. */
static size_t find_dash(struct line_part line)
{
	for (size_t i = 2; i < line.length; i++) {
		bool ends = i + 1 == line.length || is_blank(line.text[i + 1]);

		if (line.text[i] == '-' && is_blank(line.text[i - 1]) && ends)
			return i;
		/* past the tag only blanks may stand before the dash */
		if (i >= TAG_COLUMNS && !is_blank(line.text[i]))
			return 0;
	}
	return 0;
}

static bool is_unknown(struct line_part image)
{
	return image.length == 0 ||
	       (image.length == 9 && strncasecmp(image.text, "<unknown>", 9) == 0);
}

static void split(struct line_part rest, struct pooltag_line *ret)
{
	for (size_t i = 0; i < rest.length; i++) {
		bool before = i == 0 || is_blank(rest.text[i - 1]);
		bool after = i + 1 == rest.length || is_blank(rest.text[i + 1]);

		if (rest.text[i] != '-' || !before || !after)
			continue;
		ret->image = trim(rest.text, i);
		ret->description = trim(rest.text + i + 1, rest.length - i - 1);
		if (is_unknown(ret->image))
			ret->image.length = 0;
		return;
	}
	ret->image = (struct line_part){rest.text, 0};
	ret->description = rest;
}

bool pooltag_parse_line(const char *line, size_t length, struct pooltag_line *ret)
{
	struct line_part all = {line, length};
	size_t dash, tag_length;

	if (is_comment(trim(line, length)))
		return false;
	dash = find_dash(all);
	if (dash == 0)
		return false;
	tag_length = dash - 1 < TAG_COLUMNS ? dash - 1 : TAG_COLUMNS;
	if (trim(line, tag_length).length == 0 || memchr(line, '\t', tag_length))
		return false;
	tag_key_parse(line, tag_length, &ret->key);
	split(trim(line + dash + 1, length - dash - 1), ret);
	return ret->image.length > 0 || ret->description.length > 0;
}

/*
 * See json_line.h.
 *
 * A report has tens of thousands of small objects. json_dumpf() calls the stream for every few
 * bytes and notes each container to find those that contain themselves; that was a third of the
 * time of a case. Here only strings with something to escape, and reals, go through it.
 */
#include "analyzer/report/json_line.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { PIECES = 8192 /* bytes */ };

struct line {
	FILE *out;
	bool no_memory;
	size_t used;
	char text[PIECES];
};

static void flush(struct line *line)
{
	fwrite(line->text, 1, line->used, line->out);
	line->used = 0;
}

static void add(struct line *line, const char *text, size_t size)
{
	if (size > sizeof(line->text) - line->used)
		flush(line);
	if (size > sizeof(line->text)) {
		fwrite(text, 1, size, line->out);
		return;
	}
	memcpy(line->text + line->used, text, size);
	line->used += size;
}

static int take_piece(const char *text, size_t size, void *context)
{
	add(context, text, size);
	return 0;
}

static void by_jansson(struct line *line, const json_t *value)
{
	if (json_dump_callback(value, take_piece, line, JSON_ENCODE_ANY) != 0)
		line->no_memory = true;
}

/* True when nothing in the text is escaped. */
static bool is_plain(const char *text, size_t size)
{
	unsigned odd = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		odd |= (c < 0x20) | (c == '"') | (c == '\\') | (c == 0x7f);
	}
	return odd == 0;
}

static void add_string(struct line *line, const json_t *string)
{
	const char *text = json_string_value(string);
	size_t size = json_string_length(string);

	if (!is_plain(text, size)) {
		by_jansson(line, string);
		return;
	}
	add(line, "\"", 1);
	add(line, text, size);
	add(line, "\"", 1);
}

static void add_integer(struct line *line, json_int_t value)
{
	char digits[24], *at = digits + sizeof(digits);
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		*--at = '-';
	add(line, at, (size_t)(digits + sizeof(digits) - at));
}

static void add_value(struct line *line, const json_t *value);

static void add_object(struct line *line, const json_t *object)
{
	const char *key;
	json_t *value;
	bool first = true;

	add(line, "{", 1);
	json_object_foreach((json_t *)object, key, value)
	{
		add(line, ", ", first ? 0 : 2);
		add(line, "\"", 1);
		add(line, key, strlen(key));
		add(line, "\": ", 3);
		add_value(line, value);
		first = false;
	}
	add(line, "}", 1);
}

static void add_array(struct line *line, const json_t *array)
{
	size_t count = json_array_size(array);

	add(line, "[", 1);
	for (size_t i = 0; i < count; i++) {
		add(line, ", ", i > 0 ? 2 : 0);
		add_value(line, json_array_get(array, i));
	}
	add(line, "]", 1);
}

static void add_value(struct line *line, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: add_object(line, value); break;
	case JSON_ARRAY: add_array(line, value); break;
	case JSON_STRING: add_string(line, value); break;
	case JSON_INTEGER: add_integer(line, json_integer_value(value)); break;
	case JSON_REAL: by_jansson(line, value); break;
	case JSON_TRUE: add(line, "true", 4); break;
	case JSON_FALSE: add(line, "false", 5); break;
	case JSON_NULL: add(line, "null", 4); break;
	}
}

int json_line(const json_t *value, FILE *out)
{
	struct line line;

	line.out = out;
	line.no_memory = false;
	line.used = 0;
	add_value(&line, value);
	flush(&line);
	return line.no_memory ? -1 : 0;
}

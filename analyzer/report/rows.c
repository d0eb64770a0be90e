/*
 * See rows.h.
 */
#include "analyzer/report/rows.h"

#include <stdlib.h>

#include "analyzer/report/format.h"

/* ---- writing ---- */

static void write_uint(FILE *out, uint64_t value, unsigned width)
{
	uint8_t bytes[sizeof(value)];

	for (unsigned i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	fwrite(bytes, 1, width, out);
}

void rows_begin(FILE *out, unsigned kind)
{
	putc('R', out);
	write_uint(out, kind, 1);
}

void rows_none(FILE *out)
{
	putc('n', out);
}

void rows_integer(FILE *out, int64_t value)
{
	putc('i', out);
	write_uint(out, (uint64_t)value, sizeof(value));
}

static bool write_text(FILE *out, const char *text)
{
	size_t length = strlen(text);

	if (length >= UINT32_MAX)
		return false;
	putc('t', out);
	write_uint(out, length, sizeof(uint32_t));
	fwrite(text, 1, length + 1, out);
	return true;
}

bool rows_text(FILE *out, const char *text)
{
	char *safe;
	bool good;

	if (!text)
		rows_none(out);
	if (!text || text_is_ascii(text))
		return !text || write_text(out, text);
	safe = format_safe(text, TARGET_UTF8);
	good = safe && write_text(out, safe);
	free(safe);
	return good;
}

void rows_end(FILE *out)
{
	putc('E', out);
}

/* ---- reading ---- */

struct rows rows_in(const void *data, size_t size)
{
	return (struct rows){bytes_of(data, size), 0};
}

static bool is_utf8(const char *text, size_t length)
{
	size_t at = 0, one;

	while (at < length && (one = utf8_length(text + at)) > 0)
		at += one;
	return at == length;
}

/* The NUL makes it a text for C as well. */
static bool take_text(struct rows *rows, struct row_item *ret)
{
	ret->type = ROW_TEXT;
	ret->length = bytes_u32(&rows->bytes, rows->at);
	rows->at += sizeof(uint32_t);
	if (!bytes_has(&rows->bytes, rows->at, (size_t)ret->length + 1))
		return false;
	ret->text = (const char *)rows->bytes.data + rows->at;
	rows->at += (size_t)ret->length + 1;
	return ret->text[ret->length] == '\0' && is_utf8(ret->text, ret->length);
}

bool rows_next(struct rows *rows, struct row_item *ret)
{
	*ret = (struct row_item){.type = ROW_NONE};
	switch (bytes_u8(&rows->bytes, rows->at++)) {
	case 'R':
		ret->type = ROW_BEGIN;
		ret->kind = bytes_u8(&rows->bytes, rows->at++);
		break;
	case 'n': break;
	case 'i':
		ret->type = ROW_INTEGER;
		ret->integer = (int64_t)bytes_u64(&rows->bytes, rows->at);
		rows->at += sizeof(uint64_t);
		break;
	case 't': return take_text(rows, ret) && !rows->bytes.overrun;
	case 'E': ret->type = ROWS_END; break;
	default: return false;
	}
	return !rows->bytes.overrun;
}

bool rows_are_whole(struct rows rows, const unsigned *values, unsigned kind_count)
{
	struct row_item item;
	unsigned lacking = 0; /* values of the row */

	while (rows_next(&rows, &item)) {
		if (item.type == ROWS_END)
			return lacking == 0 && rows.at == rows.bytes.size;
		if (item.type == ROW_BEGIN) {
			if (lacking != 0 || item.kind >= kind_count)
				return false;
			lacking = values[item.kind];
		} else if (lacking-- == 0)
			return false;
	}
	return false;
}

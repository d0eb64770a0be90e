/*
 * Building JSON values: every jansson call's NULL is caught here.
 */
#include "analyzer/report/json_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"

enum { KEY_TEXT = 64, NUMBER_TEXT = 96 };

json_t *build_object(struct builder *b)
{
	json_t *value = b->failed ? NULL : json_object();

	b->failed = b->failed || !value;
	return value;
}

json_t *build_array(struct builder *b)
{
	json_t *value = b->failed ? NULL : json_array();

	b->failed = b->failed || !value;
	return value;
}

void put(struct builder *b, json_t *object, const char *key, json_t *value)
{
	/* A NULL value is an error to it, and it drops the value on failure. Keys are our own
	 * words. */
	if (!object || json_object_set_new_nocheck(object, key, value) != 0)
		b->failed = true;
	if (!object)
		json_decref(value);
}

void append(struct builder *b, json_t *array, json_t *value)
{
	if (!array || json_array_append_new(array, value) != 0)
		b->failed = true;
	if (!array)
		json_decref(value);
}

static json_t *text_value(const char *text)
{
	json_t *value;
	char *safe;

	if (text_is_ascii(text)) /* nearly all texts, which format_safe() would only copy */
		return json_string_nocheck(text);
	safe = format_safe(text, TARGET_UTF8);
	value = safe ? json_string_nocheck(safe) : NULL;
	free(safe);
	return value;
}

void put_text(struct builder *b, json_t *object, const char *key, const char *text)
{
	put(b, object, key, text ? text_value(text) : json_null());
}

void put_null(struct builder *b, json_t *object, const char *key, const char *note)
{
	static const char ending[] = "_note";
	char note_key[KEY_TEXT];
	size_t length = strnlen(key, sizeof(note_key) - sizeof(ending));

	memcpy(note_key, key, length);
	memcpy(note_key + length, ending, sizeof(ending));
	put(b, object, key, json_null());
	put_text(b, object, note_key, note ? note : "not known");
}

void put_string(struct builder *b, json_t *object, const char *key,
		const struct report_string *string)
{
	if (string->value)
		put_text(b, object, key, string->value);
	else
		put_null(b, object, key, string->note);
}

void put_bool(struct builder *b, json_t *object, const char *key, bool value)
{
	put(b, object, key, json_boolean(value));
}

void put_count(struct builder *b, json_t *object, const char *key, uint64_t value)
{
	char note[NUMBER_TEXT];

	if (value <= INT64_MAX) {
		put(b, object, key, json_integer((json_int_t)value));
		return;
	}
	snprintf(note, sizeof(note), "%" PRIu64 " is more than a signed 64-bit integer holds",
		 value);
	put_null(b, object, key, note);
}

void put_signed(struct builder *b, json_t *object, const char *key, int64_t value)
{
	put(b, object, key, json_integer((json_int_t)value));
}

void put_number(struct builder *b, json_t *object, const char *key,
		const struct report_number *number)
{
	if (number->has_value)
		put_count(b, object, key, number->value);
	else
		put_null(b, object, key, number->note);
}

void put_address(struct builder *b, json_t *object, const char *key, uint64_t address)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%016" PRIx64, address);
	put_text(b, object, key, text);
}

void put_address_number(struct builder *b, json_t *object, const char *key,
			const struct report_number *number)
{
	if (number->has_value)
		put_address(b, object, key, number->value);
	else
		put_null(b, object, key, number->note);
}

void put_tag(struct builder *b, json_t *object, uint32_t tag)
{
	char text[TAG_TEXT], hex[TAG_HEX];

	put_text(b, object, "tag", tag_text(tag, text));
	put_text(b, object, "tag_hex", tag_hex(tag, hex));
}

void append_text(struct builder *b, json_t *array, const char *text)
{
	append(b, array, text_value(text));
}

void put_notes(struct builder *b, json_t *object, const char *key, const struct report_notes *notes)
{
	json_t *array = build_array(b);

	for (size_t i = 0; i < notes->count; i++)
		append(b, array, text_value(notes->items[i]));
	put(b, object, key, array);
}

/*
 * Values of the truth as JSON: numbers, addresses, times, tags.
 */
#include "corpus/truth_json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "corpus/util.h"

enum { ADDRESS_DIGITS = 16 };

void truth_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		die("cannot make the truth: out of memory");
}

void truth_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		die("cannot make the truth: out of memory");
}

json_t *truth_hex(uint64_t value, int digits)
{
	return json_sprintf("0x%0*llx", digits, (unsigned long long)value);
}

json_t *truth_address(uint64_t value)
{
	return truth_hex(value, ADDRESS_DIGITS);
}

json_t *truth_integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

json_t *truth_utc(int64_t time)
{
	struct tm tm;
	char text[32];
	time_t seconds = (time_t)time;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

json_t *truth_tag_digits(uint32_t key)
{
	char digits[9];
	for (unsigned i = 0; i < 4; i++)
		snprintf(digits + 2 * i, 3, "%02x", key >> (8 * i) & 0xFF);
	return json_string(digits);
}

void truth_set_tag(json_t *object, uint32_t key)
{
	char text[17] = "";
	for (unsigned i = 0; i < 4; i++) {
		unsigned byte = key >> (8 * i) & 0xFF;
		bool printable = byte >= 0x20 && byte <= 0x7E;
		snprintf(text + strlen(text), 5, printable ? "%c" : "\\x%02x", byte);
	}
	truth_set(object, "tag", json_string(text));
	truth_set(object, "tag_hex", truth_tag_digits(key));
}

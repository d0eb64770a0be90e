/*
 * See text.h. Layout of UNICODE_STRING: Windows SDK (Length, MaximumLength, Buffer).
 */
#include "analyzer/kernel/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"

enum { REPLACEMENT = 0xfffd, MOST_UTF8_PER_UNIT = 3 };

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

static size_t put_utf8(char *to, uint32_t c)
{
	size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const uint8_t lead[] = {0x00, 0xc0, 0xe0, 0xf0};

	to[0] = (char)(lead[more] | c >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (c >> 6 * (more - i) & 0x3f));
	return more + 1;
}

/* Decodes one character at *at and steps over it. */
static uint32_t next_character(struct bytes *text, size_t *at)
{
	uint32_t unit = bytes_u16(text, *at), low;

	*at += 2;
	if (is_high(unit) && bytes_has(text, *at, 2)) {
		low = bytes_u16(text, *at);
		if (is_low(low)) {
			*at += 2;
			return 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
		}
	}
	if (is_high(unit) || is_low(unit) || is_control(unit))
		return REPLACEMENT;
	return unit;
}

char *unicode_to_utf8(const uint8_t *text, size_t size)
{
	struct bytes bytes = bytes_of(text, size);
	char *utf8 = mem_array(size / 2 + 1, MOST_UTF8_PER_UNIT);
	size_t used = 0;

	if (!utf8)
		return NULL;
	for (size_t at = 0; bytes_has(&bytes, at, 2);)
		used += put_utf8(utf8 + used, next_character(&bytes, &at));
	utf8[used] = '\0';
	return utf8;
}

void unicode_to_utf8_cut(const uint8_t *text, size_t size, char *to, size_t room)
{
	struct bytes bytes = bytes_of(text, size);
	size_t used = 0, now;
	char character[4];

	for (size_t at = 0; bytes_has(&bytes, at, 2);) {
		now = put_utf8(character, next_character(&bytes, &at));
		if (now >= room - used)
			break;
		memcpy(to + used, character, now);
		used += now;
	}
	to[used] = '\0';
}

enum ps_status unicode_string_read(struct space *space, uint64_t va, char **ret,
				   struct ps_error *err)
{
	unsigned pointer = space_pointer_size(space);
	uint8_t head[16], text[UNICODE_STRING_LIMIT];
	struct bytes bytes = bytes_of(head, sizeof(head));
	uint64_t buffer;
	uint16_t length;
	char *utf8;

	if (space_read(space, va, head, 2 * pointer, err) != PS_OK)
		return err->status;
	length = bytes_u16(&bytes, 0);
	buffer = bytes_pointer(&bytes, pointer, pointer);
	if (length == 0)
		return ps_fail_at(err, PS_ABSENT, va, "the string at 0x%" PRIx64 " is empty", va);
	if (length % 2 != 0 || length > sizeof(text) || !space_is_kernel_address(space, buffer))
		return ps_fail_at(err, PS_CORRUPT, va, "no UNICODE_STRING at 0x%" PRIx64, va);
	if (space_read(space, buffer, text, length, err) != PS_OK)
		return err->status;
	utf8 = unicode_to_utf8(text, length);
	if (!utf8)
		return ps_fail_memory(err, "a name");
	*ret = utf8;
	return PS_OK;
}

bool text_read_c_string(struct space *space, uint64_t va, uint64_t room, char *to, size_t size)
{
	struct ps_error ignored = PS_ERROR_INIT;

	for (size_t i = 0; i < size && i < room; i++) {
		if (space_read(space, va + i, to + i, 1, &ignored) != PS_OK)
			return false;
		if (to[i] == '\0')
			return true;
	}
	return false;
}

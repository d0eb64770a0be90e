/*
 * The central directory of a zip archive, looked through for members packed with Deflate64.
 *
 * Supported: Zip64, an archive behind other bytes (self-extracting), a comment. Not supported:
 * an encrypted directory, parts of a split archive.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3.12 to 4.3.16 and 4.5.3 (Zip64 extra field).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "formats/pack/zip_deflate64.h"

enum {
	END_BYTES = 22, /* of the end record, without its comment */
	COMMENT_MOST = 0xffff,
	LOCATOR_BYTES = 20, /* of the record before it that says where Zip64's end record is */
	END64_BYTES = 56,
	ENTRY_BYTES = 46,
	VARIABLE_MOST = 3 * 0xffff, /* name, extra field and comment of an entry */
	FIELD_ZIP64 = 1,
	METHOD_DEFLATE64 = 9,
	FLAG_ENCRYPTED = 1,
	PLACES_MOST = 1 << 20,
};

static const uint32_t end_magic = 0x06054b50, locator_magic = 0x07064b50, end64_magic = 0x06064b50,
		      entry_magic = 0x02014b50;

struct directory {
	struct file *file;
	uint64_t at, size; /* in the file */
	uint64_t shift;    /* of all offsets: bytes before the archive */
	uint8_t entry[ENTRY_BYTES + VARIABLE_MOST];
};

/* The file offset of the end record: the last one whose comment reaches the end of the file. */
static enum ps_status find_end(struct file *file, uint64_t *ret, struct ps_error *err)
{
	size_t length = END_BYTES + COMMENT_MOST;
	uint8_t *tail;
	enum ps_status status;

	if (length > file->size)
		length = (size_t)file->size;
	tail = malloc(length);
	if (!tail)
		return ps_fail_memory(err, "the end of the archive");
	status = file_read(file, file->size - length, tail, length, err);
	for (size_t at = length - END_BYTES + 1;
	     status == PS_OK && length >= END_BYTES && at-- > 0;) {
		struct bytes b = bytes_of(tail + at, length - at);

		if (bytes_u32(&b, 0) == end_magic &&
		    (size_t)bytes_u16(&b, 20) + END_BYTES <= length - at) {
			*ret = file->size - length + at;
			free(tail);
			return PS_OK;
		}
	}
	free(tail);
	if (status != PS_OK)
		return status;
	return ps_fail(err, PS_ABSENT, "the list of its members, at its end, is not there");
}

/* Zip64: *ret_end becomes its end record's offset. False when the archive has none. */
static bool find_end64(struct file *file, uint64_t *ret_end)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[LOCATOR_BYTES];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (*ret_end < LOCATOR_BYTES ||
	    file_read(file, *ret_end - LOCATOR_BYTES, raw, sizeof(raw), &ignored) != PS_OK ||
	    bytes_u32(&b, 0) != locator_magic)
		return false;
	*ret_end = bytes_u64(&b, 8);
	return true;
}

static enum ps_status place_directory(struct directory *d, uint64_t end, uint64_t stated,
				      struct ps_error *err)
{
	if (d->size > end || stated > end - d->size)
		return ps_fail_at(err, PS_CORRUPT, end,
				  "the list of its members does not lie where its end says");
	d->at = end - d->size;
	d->shift = d->at - stated;
	return PS_OK;
}

static enum ps_status find_directory(struct directory *d, struct ps_error *err)
{
	uint64_t end = 0;
	uint8_t raw[END64_BYTES];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (find_end(d->file, &end, err) != PS_OK)
		return err->status;
	if (!find_end64(d->file, &end)) {
		if (file_read(d->file, end, raw, END_BYTES, err) != PS_OK)
			return err->status;
		d->size = bytes_u32(&b, 12);
		return place_directory(d, end, bytes_u32(&b, 16), err);
	}
	if (file_read(d->file, end, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	if (bytes_u32(&b, 0) != end64_magic)
		return ps_fail_at(err, PS_CORRUPT, end,
				  "the end of its list of members is damaged");
	d->size = bytes_u64(&b, 40);
	return place_directory(d, end, bytes_u64(&b, 48), err);
}

/* What is 0xffffffff in the entry stands in the Zip64 field, in this order. */
static bool read_zip64(struct bytes *b, size_t at, size_t length, struct zip_place *place)
{
	uint64_t *const values[] = {&place->size, &place->packed, &place->header};
	struct bytes field = bytes_of(b->data + at, length);
	size_t next = 0;

	for (unsigned i = 0; i < 3; i++) {
		if (*values[i] != UINT32_MAX)
			continue;
		*values[i] = bytes_u64(&field, next);
		next += 8;
	}
	return !field.overrun;
}

static bool read_extra(struct bytes *b, size_t at, size_t length, struct zip_place *place)
{
	size_t end = at + length;

	while (end - at >= 4) {
		size_t size = bytes_u16(b, at + 2);

		if (size > end - at - 4)
			return true; /* not in blocks, as old programs have it */
		if (bytes_u16(b, at) == FIELD_ZIP64)
			return read_zip64(b, at + 4, size, place);
		at += 4 + size;
	}
	return true;
}

static enum ps_status add_place(struct zip_places *places, const struct zip_place *place,
				struct ps_error *err)
{
	void *items = places->items;

	if (places->count == PLACES_MOST)
		return ps_fail(err, PS_UNSUPPORTED, "it has more than %d members", PLACES_MOST);
	if (!mem_grow(&items, places->count, &places->capacity, sizeof(*places->items)))
		return ps_fail_memory(err, "the members of an archive");
	places->items = items;
	places->items[places->count++] = *place;
	return PS_OK;
}

/* The entry at *at, which moves behind it. */
static enum ps_status read_entry(struct directory *d, uint64_t *at, struct zip_places *places,
				 struct ps_error *err)
{
	struct bytes b = bytes_of(d->entry, ENTRY_BYTES);
	size_t name, extra, whole;
	struct zip_place place;

	if (d->at + d->size - *at < ENTRY_BYTES)
		return ps_fail_at(err, PS_CORRUPT, *at, "the list of its members is cut");
	if (file_read(d->file, *at, d->entry, ENTRY_BYTES, err) != PS_OK)
		return err->status;
	name = bytes_u16(&b, 28);
	extra = bytes_u16(&b, 30);
	whole = ENTRY_BYTES + name + extra + bytes_u16(&b, 32);
	if (bytes_u32(&b, 0) != entry_magic || whole > d->at + d->size - *at)
		return ps_fail_at(err, PS_CORRUPT, *at,
				  "the list of its members is damaged at file offset 0x%" PRIx64,
				  *at);
	if (bytes_u16(&b, 10) != METHOD_DEFLATE64) {
		*at += whole;
		return PS_OK;
	}
	if (file_read(d->file, *at, d->entry, whole, err) != PS_OK)
		return err->status;
	b = bytes_of(d->entry, whole);
	place = (struct zip_place){.header = bytes_u32(&b, 42),
				   .packed = bytes_u32(&b, 20),
				   .size = bytes_u32(&b, 24),
				   .crc = bytes_u32(&b, 16),
				   .encrypted = (bytes_u16(&b, 8) & FLAG_ENCRYPTED) != 0};
	if (!read_extra(&b, ENTRY_BYTES + name, extra, &place) ||
	    place.header > d->file->size - d->shift)
		return ps_fail_at(err, PS_CORRUPT, *at,
				  "the list of its members is damaged at file offset 0x%" PRIx64,
				  *at);
	place.header += d->shift;
	*at += whole;
	return add_place(places, &place, err);
}

static int compare_places(const void *a, const void *b)
{
	const struct zip_place *x = a, *y = b;

	return (x->header > y->header) - (x->header < y->header);
}

enum ps_status zip_places_find(struct file *file, struct zip_places *ret, struct ps_error *err)
{
	struct directory *d = mem_array(1, sizeof(*d));
	struct zip_places places = {.items = NULL};
	enum ps_status status;

	if (!d)
		return ps_fail_memory(err, "the members of an archive");
	d->file = file;
	status = find_directory(d, err);
	for (uint64_t at = d->at; status == PS_OK && at < d->at + d->size;)
		status = read_entry(d, &at, &places, err);
	free(d);
	if (status != PS_OK) {
		free(places.items);
		return status;
	}
	qsort(places.items, places.count, sizeof(*places.items), compare_places);
	*ret = places;
	return PS_OK;
}

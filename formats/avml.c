/*
 * Ranges of memory packed as snappy streams, each followed by its length: an index of their chunks,
 * and a source of pages that unpacks a chunk when it is asked for. Unpacked chunks are kept for a
 * while. Every chunk is checked against its sum.
 *
 * Not supported: chunks of less than a page that are not the last of their range.
 *
 * Sources: AVML (image.rs, snappy.rs); the snappy framing format description.
 */
#include <inttypes.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/signals.h"
#include "formats/crc32c.h"
#include "formats/lime.h"
#include "formats/unpacked.h"

enum {
	CHUNK_HEADER = 4, /* type, and 24 bits of length */
	CHUNK_SUM = 4,
	CHUNK_MOST = 1 << 16, /* bytes, unpacked */
	CHUNK_PACKED_MOST = 1 << 17,
	LENGTH_MOST = 5, /* bytes of the number before packed data */
	TRAILER = 8,     /* length of the stream, behind it */

	TYPE_PACKED = 0x00,
	TYPE_PLAIN = 0x01,
	TYPE_SKIPPED = 0x80, /* and above: may be passed over */
	TYPE_IDENTIFIER = 0xff,

	KEPT = 256, /* chunks: 16 MiB */
};

struct chunk {
	uint64_t address; /* of its memory */
	uint64_t at;      /* file offset of its header */
	uint32_t size;    /* bytes of memory */
};

struct packed_memory {
	struct page_source base;
	struct file *file; /* borrowed */
	struct chunk *chunks;
	size_t count, capacity;
	uint64_t bytes; /* of memory */
	bool cut;
	struct crc32c crc;
	uint8_t packed[CHUNK_PACKED_MOST];
	struct unpacked unpacked; /* chunks, by their index */
};

/* ---- the index ---- */

struct packed_memory *avml_create(struct file *file)
{
	struct packed_memory *p = mem_array(1, sizeof(*p));

	if (!p)
		return NULL;
	p->file = file;
	crc32c_init(&p->crc);
	if (unpacked_init(&p->unpacked, KEPT, CHUNK_MOST))
		return p;
	avml_destroy(p);
	return NULL;
}

void avml_destroy(struct packed_memory *packed)
{
	if (!packed)
		return;
	unpacked_fini(&packed->unpacked);
	free(packed->chunks);
	free(packed);
}

uint64_t avml_bytes(const struct packed_memory *packed)
{
	return packed->bytes;
}

/* A chunk as its first bytes have it. */
struct chunk_head {
	uint8_t type;
	uint32_t length; /* of what follows the header */
	uint32_t size;   /* bytes of memory in it; 0: it holds none */
};

/* The length before packed data: 7 bits a byte, the lowest first. */
static bool read_length(struct bytes *b, size_t at, uint32_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < LENGTH_MOST; i++) {
		uint8_t byte = bytes_u8(b, at + i);

		value |= (uint64_t)(byte & 0x7f) << 7 * i;
		if (byte & 0x80)
			continue;
		*ret = value <= UINT32_MAX ? (uint32_t)value : UINT32_MAX;
		return !b->overrun;
	}
	return false;
}

static enum ps_status read_head(struct packed_memory *p, uint64_t at, struct chunk_head *ret,
				struct ps_error *err)
{
	uint8_t raw[CHUNK_HEADER + CHUNK_SUM + LENGTH_MOST + 1];
	uint64_t room = p->file->size - at;
	size_t size = room < sizeof(raw) ? (size_t)room : sizeof(raw);
	struct bytes b = bytes_of(raw, size);

	if (room < CHUNK_HEADER)
		return ps_fail_at(err, PS_ABSENT, at, "the file ends inside a chunk");
	if (file_read(p->file, at, raw, size, err) != PS_OK)
		return err->status;
	*ret = (struct chunk_head){.type = bytes_u8(&b, 0), .length = bytes_u32(&b, 0) >> 8};
	if (ret->length > room - CHUNK_HEADER)
		return ps_fail_at(err, PS_ABSENT, at, "the file ends inside a chunk");
	if (ret->type == TYPE_IDENTIFIER && !bytes_equal(&b, 0, "\xff\x06\0\0sNaPpY", 10))
		return ps_fail_at(err, PS_CORRUPT, at, "no snappy stream begins there");
	if (ret->type > TYPE_PLAIN && ret->type < TYPE_SKIPPED)
		return ps_fail_at(err, PS_CORRUPT, at, "a chunk has the unknown type %u",
				  ret->type);
	if (ret->type > TYPE_PLAIN)
		return PS_OK;
	if (ret->length <= CHUNK_SUM || ret->length > CHUNK_PACKED_MOST)
		return ps_fail_at(err, PS_CORRUPT, at, "a chunk has a length that cannot be");
	ret->size = ret->length - CHUNK_SUM;
	if (ret->type == TYPE_PACKED && !read_length(&b, CHUNK_HEADER + CHUNK_SUM, &ret->size))
		ret->size = 0;
	if (ret->size == 0 || ret->size > CHUNK_MOST)
		return ps_fail_at(err, PS_CORRUPT, at, "a chunk has a size that cannot be");
	return PS_OK;
}

static enum ps_status add_chunk(struct packed_memory *p, const struct chunk_head *head,
				uint64_t address, uint64_t end, uint64_t at, struct ps_error *err)
{
	if (head->size > end - address)
		return ps_fail_at(err, PS_CORRUPT, at, "a chunk is longer than its range");
	/* What bounds the index: it has at most one entry a page. */
	if (head->size < PAGE_SIZE && head->size < end - address)
		return ps_fail_at(err, PS_CORRUPT, at, "a chunk is smaller than a page");
	if (!mem_grow((void **)&p->chunks, p->count, &p->capacity, sizeof(*p->chunks)))
		return ps_fail_memory(err, "the index of the packed memory");
	p->chunks[p->count++] = (struct chunk){address, at, head->size};
	p->bytes += head->size;
	return PS_OK;
}

enum ps_status avml_add_range(struct packed_memory *packed, const struct lime_range *range,
			      uint64_t at, uint64_t *ret_next, struct ps_error *err)
{
	uint64_t address = range->start;

	while (address < range->end) {
		struct chunk_head head;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (read_head(packed, at, &head, err) != PS_OK)
			return err->status;
		if (head.size > 0 &&
		    add_chunk(packed, &head, address, range->end, at, err) != PS_OK)
			return err->status;
		address += head.size;
		at += CHUNK_HEADER + head.length;
	}
	if (packed->file->size - at < TRAILER)
		return ps_fail_at(err, PS_ABSENT, at, "the file ends inside the length of a range");
	*ret_next = at + TRAILER;
	return PS_OK;
}

/* ---- unpacking ---- */

/* The sum is stored rotated and with a constant added. */
static uint32_t masked(uint32_t sum)
{
	return (sum >> 15 | sum << 17) + 0xa282ead8;
}

static enum page_state state_of(enum ps_status status)
{
	return status == PS_ABSENT ? PAGE_BEYOND_EOF : PAGE_IO_ERROR;
}

static enum page_state unpack(void *container, uint64_t index, uint8_t *to)
{
	struct packed_memory *p = container;
	const struct chunk *chunk = &p->chunks[index];
	struct ps_error ignored = PS_ERROR_INIT;
	struct chunk_head head;
	struct bytes b = bytes_of(p->packed, CHUNK_SUM);
	size_t length, size = CHUNK_MOST;
	enum ps_status status = read_head(p, chunk->at, &head, &ignored);

	if (status == PS_OK)
		status = file_read(p->file, chunk->at + CHUNK_HEADER, p->packed, head.length,
				   &ignored);
	if (status != PS_OK)
		return state_of(status);
	length = head.length - CHUNK_SUM;
	if (head.type == TYPE_PLAIN) {
		size = length;
		memcpy(to, p->packed + CHUNK_SUM, length);
	} else if (snappy_uncompress((const char *)p->packed + CHUNK_SUM, length, (char *)to,
				     &size) != SNAPPY_OK) {
		return PAGE_DAMAGED;
	}
	if (size != chunk->size || masked(crc32c_of(&p->crc, to, size)) != bytes_u32(&b, 0))
		return PAGE_DAMAGED;
	return PAGE_PRESENT;
}

/* Index of the first chunk above an address. */
static size_t chunk_above(const struct packed_memory *p, uint64_t address)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (p->chunks[middle].address > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static struct packed_memory *of_source(const struct page_source *source)
{
	return (struct packed_memory *)(uintptr_t)source;
}

static enum page_state packed_read(struct page_source *source, const struct extent *page,
				   size_t skip, void *to, size_t length)
{
	struct packed_memory *p = of_source(source);
	uint64_t address = page->offset + skip;
	char *next = to;

	while (length > 0) {
		size_t above = chunk_above(p, address), part;
		const struct chunk *chunk = above > 0 ? &p->chunks[above - 1] : NULL;
		const uint8_t *data;
		enum page_state state;

		if (!chunk || address - chunk->address >= chunk->size)
			return p->cut ? PAGE_BEYOND_EOF : PAGE_DAMAGED;
		state = unpacked_get(&p->unpacked, above - 1, unpack, p, &data);
		if (state != PAGE_PRESENT)
			return state;
		part = chunk->size - (size_t)(address - chunk->address);
		if (part > length)
			part = length;
		memcpy(next, data + (address - chunk->address), part);
		next += part;
		length -= part;
		address += part;
	}
	return PAGE_PRESENT;
}

static void packed_prefetch(struct page_source *source, uint64_t pfn, uint64_t count)
{
	struct packed_memory *p = of_source(source);
	size_t first = chunk_above(p, pfn << PAGE_SHIFT);
	size_t behind = chunk_above(p, ((pfn + count) << PAGE_SHIFT) - 1);

	first -= first > 0;
	if (behind > first)
		file_prefetch(p->file, p->chunks[first].at,
			      p->chunks[behind - 1].at + CHUNK_PACKED_MOST - p->chunks[first].at);
}

static void packed_close(struct page_source *source)
{
	avml_destroy(of_source(source));
}

static int compare_chunks(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

enum ps_status avml_source(struct packed_memory *packed, bool cut, struct page_source **ret,
			   struct ps_error *err)
{
	static const struct page_source_ops ops = {
		.read = packed_read,
		.prefetch = packed_prefetch,
		.close = packed_close,
	};

	if (packed->count > 0)
		qsort(packed->chunks, packed->count, sizeof(*packed->chunks), compare_chunks);
	for (size_t i = 1; i < packed->count; i++) {
		const struct chunk *chunk = &packed->chunks[i];

		if (chunk->address - chunk[-1].address < chunk[-1].size)
			return ps_fail_at(err, PS_CORRUPT, chunk->at,
					  "ranges of its memory overlap");
	}
	packed->cut = cut;
	packed->base.ops = &ops;
	*ret = &packed->base;
	return PS_OK;
}

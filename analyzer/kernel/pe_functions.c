/*
 * See pe_exports.h: function bodies out of the exception directory.
 *
 * Source of the layouts: Microsoft's pages on x64 exception handling (RUNTIME_FUNCTION,
 * UNWIND_INFO) and on ARM64 exception handling (packed and full unwind records).
 */
#include "analyzer/kernel/pe_exports.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/bytes.h"
#include "base/memory.h"

enum {
	RECORD_LIMIT = 1 << 20, /* the largest kernels have some 50000 */

	X64_RECORD_BYTES = 12,
	X64_INDIRECT = 1, /* in the unwind field: RVA of another record */
	X64_CHAIN_LIMIT = 32,
	UNWIND_BYTES = 4,
	UNWIND_CODES = 2, /* count of 16-bit codes that follow */
	UNWIND_CHAINED = 4,

	ARM64_RECORD_BYTES = 8,
	ARM64_INSTRUCTION = 4,
	ARM64_END_C = 0xe5, /* unwind code: end of the codes of this scope */
};

struct function_read {
	struct pe_image *image;
	struct pe_function *items;
	size_t count;
	uint32_t absent, wrong, chains; /* records; chains that could not be followed */
};

static bool read_u32(const struct pe_image *image, uint32_t rva, uint32_t *ret)
{
	uint64_t value;

	if (!pe_uint(image, rva, 4, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

struct x64_record {
	uint32_t begin, end, unwind;
};

static bool read_x64(const struct pe_image *image, uint32_t rva, struct x64_record *ret)
{
	const uint8_t *at = pe_at(image, rva, X64_RECORD_BYTES);
	struct bytes raw = bytes_of(at, at ? X64_RECORD_BYTES : 0);

	if (!at)
		return false;
	ret->begin = bytes_u32(&raw, 0);
	ret->end = bytes_u32(&raw, 4);
	ret->unwind = bytes_u32(&raw, 8);
	return true;
}

/* The record that this one is chained to: 1 there is one, 0 this is the root, -1 not to be told. */
static int next_in_chain(const struct pe_image *image, struct x64_record *record)
{
	const uint8_t *at;
	struct bytes info;
	uint32_t after;

	if (record->unwind & X64_INDIRECT)
		return read_x64(image, record->unwind & ~(uint32_t)X64_INDIRECT, record) ? 1 : -1;
	at = pe_at(image, record->unwind, UNWIND_BYTES);
	if (!at)
		return -1;
	info = bytes_of(at, UNWIND_BYTES);
	if (!(bytes_u8(&info, 0) >> 3 & UNWIND_CHAINED))
		return 0;
	after = record->unwind + UNWIND_BYTES + (bytes_u8(&info, UNWIND_CODES) + 1u) / 2 * 4;
	return read_x64(image, after, record) ? 1 : -1;
}

static uint32_t x64_root(struct function_read *r, struct x64_record record)
{
	uint32_t begin = record.begin;

	for (unsigned i = 0; i < X64_CHAIN_LIMIT; i++) {
		int next = next_in_chain(r->image, &record);

		if (next < 0 || record.begin >= r->image->size)
			break;
		if (next == 0)
			return record.begin;
	}
	r->chains++;
	return begin;
}

static bool decode_x64(struct function_read *r, uint32_t rva, struct pe_function *ret)
{
	struct x64_record record;

	if (!read_x64(r->image, rva, &record)) {
		r->absent++;
		return false;
	}
	if (record.begin == 0 && record.end == 0)
		return false; /* padding */
	if (record.begin >= record.end || record.end > r->image->size) {
		r->wrong++;
		return false;
	}
	*ret = (struct pe_function){record.begin, record.end, x64_root(r, record)};
	return true;
}

/* Full record: bits 0-17 length, 21 E (one epilog, its place in 22-26), 22-26 epilogs, 27-31 words
 * of codes; with both counts 0 they are in a second word. A fragment begins with end_c: the prolog
 * is in another one. */
static bool read_full(const struct pe_image *image, uint32_t rva, uint32_t *ret_length,
		      bool *ret_fragment)
{
	uint32_t head, epilogs, words, more;
	uint64_t code;

	if (!read_u32(image, rva, &head))
		return false;
	*ret_length = (head & 0x3ffff) * ARM64_INSTRUCTION;
	epilogs = head >> 22 & 0x1f;
	words = head >> 27;
	rva += 4;
	if (epilogs == 0 && words == 0) {
		if (!read_u32(image, rva, &more))
			return false;
		epilogs = more & 0xffff;
		words = more >> 16 & 0xff;
		rva += 4;
	}
	if (!(head >> 21 & 1))
		rva += epilogs * 4;
	*ret_fragment = words > 0 && pe_uint(image, rva, 1, &code) && code == ARM64_END_C;
	return true;
}

/* Until the records are sorted, root 0 stands for a fragment. */
static bool decode_arm64(struct function_read *r, uint32_t rva, struct pe_function *ret)
{
	uint32_t begin, unwind, length = 0;
	bool fragment = false, known = true;

	if (!read_u32(r->image, rva, &begin) || !read_u32(r->image, rva + 4, &unwind)) {
		r->absent++;
		return false;
	}
	if (begin == 0 && unwind == 0)
		return false;
	switch (unwind & 3) {
	case 0: known = read_full(r->image, unwind, &length, &fragment); break;
	case 1:
	case 2:
		length = (unwind >> 2 & 0x7ff) * ARM64_INSTRUCTION;
		fragment = (unwind & 3) == 2;
		break;
	default: break; /* reserved */
	}
	if (!known) {
		r->absent++;
		return false;
	}
	if (length == 0 || begin == 0 || begin >= r->image->size ||
	    length > r->image->size - begin) {
		r->wrong++;
		return false;
	}
	*ret = (struct pe_function){begin, begin + length, fragment ? 0 : begin};
	return true;
}

static int compare_functions(const void *a, const void *b)
{
	const struct pe_function *x = a, *y = b;

	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

/* Sorts, drops those that begin inside another one, and gives fragments their root. */
static void arrange(struct function_read *r)
{
	size_t kept = 0;

	qsort(r->items, r->count, sizeof(*r->items), compare_functions);
	for (size_t i = 0; i < r->count; i++) {
		struct pe_function now = r->items[i];
		const struct pe_function *before = kept > 0 ? &r->items[kept - 1] : NULL;

		if (before && now.begin < before->end) {
			r->wrong++;
			continue;
		}
		if (now.root == 0)
			now.root = before && before->end == now.begin ? before->root : now.begin;
		r->items[kept++] = now;
	}
	r->count = kept;
}

static void read_records(struct function_read *r, struct pe_range table, uint32_t width,
			 uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct pe_function *item = &r->items[r->count];
		uint32_t rva = table.rva + i * width;

		r->count += width == X64_RECORD_BYTES ? decode_x64(r, rva, item)
						      : decode_arm64(r, rva, item);
	}
}

static void note_records(const struct function_read *r, uint32_t count, const char *what)
{
	if (count > 0)
		pe_note(r->image, "%" PRIu32 " function record%s: %s", count, count == 1 ? "" : "s",
			what);
}

static void note_functions(const struct function_read *r)
{
	note_records(r, r->absent, "not there");
	note_records(r, r->wrong, "cannot be right");
	note_records(r, r->chains, "whether they are parts of another one is not known");
}

enum ps_status pe_functions_read(struct pe_image *image, struct pe_functions *ret,
				 struct ps_error *err)
{
	struct pe_range table = image->directories[PE_EXCEPTION];
	uint32_t width = image->machine == PE_X64     ? X64_RECORD_BYTES
			 : image->machine == PE_ARM64 ? ARM64_RECORD_BYTES
						      : 0;
	struct function_read r = {.image = image};
	uint32_t count = width ? table.size / width : 0;

	if (count > RECORD_LIMIT) {
		pe_note(image, "of %" PRIu32 " function records the first %d are read", count,
			RECORD_LIMIT);
		count = RECORD_LIMIT;
	}
	*ret = (struct pe_functions){.count = 0};
	if (count == 0)
		return PS_OK;
	r.items = mem_array(count, sizeof(*r.items));
	if (!r.items)
		return ps_fail_memory(err, "the functions of a PE image");
	read_records(&r, table, width, count);
	arrange(&r);
	note_functions(&r);
	*ret = (struct pe_functions){.items = r.items, .count = r.count};
	return PS_OK;
}

void pe_functions_fini(struct pe_functions *functions)
{
	free(functions->items);
	*functions = (struct pe_functions){.count = 0};
}

const struct pe_function *pe_function_at(const struct pe_functions *functions, uint32_t rva)
{
	size_t low = 0, high = functions->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pe_function *function = &functions->items[middle];

		if (rva < function->begin)
			high = middle;
		else if (rva >= function->end)
			low = middle + 1;
		else
			return function;
	}
	return NULL;
}

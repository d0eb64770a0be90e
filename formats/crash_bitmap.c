/*
 * Crash dumps with a page bitmap (types 2, 5, 6, and 7). Two layouts of the body begin alike:
 *
 *   A  64-bit counts (Windows 8 and later; signature SDMP or FDMP)
 *   B  SUMMARY_DUMP with 32-bit counts and an RTL_BITMAP (older kernels; signature SDMP)
 *
 * DumpType does not tell them apart, so the bitmap decides: in the right layout its bits add up to
 * the number of pages that the body states. Exactly one must. Where none does, the layout whose
 * numbers can be right at all is used as it is, and said to be incomplete.
 *
 * Source: layout A as the public dump readers agree on it; layout B from the public headers with
 * SUMMARY_DUMP. Which 64-bit kernels wrote B is not known for sure.
 */
#include "formats/crash.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/formats.h"

enum { BODY_HEADER_SIZE = 0x38 };

/* One way to read the body, and what came of it. */
struct candidate {
	uint64_t first_page; /* file offset */
	uint64_t present;    /* pages, as stated */
	uint64_t bit_count;
	uint64_t bits_at; /* file offset */
	struct page_map map;
	bool exact; /* the bits add up to the stated pages */
	enum ps_status status;
	struct ps_error error;
};

static struct candidate candidate_a(struct bytes *body, uint64_t body_at)
{
	return (struct candidate){
		.first_page = bytes_u64(body, 0x20),
		.present = bytes_u64(body, 0x28),
		.bit_count = bytes_u64(body, 0x30),
		.bits_at = body_at + 0x38,
	};
}

static struct candidate candidate_b(struct bytes *body, uint64_t body_at, unsigned pointer)
{
	return (struct candidate){
		.first_page = bytes_u32(body, 0x0c),
		.present = bytes_u32(body, 0x14),
		.bit_count = bytes_u32(body, 0x10),
		.bits_at = body_at + (pointer == 8 ? 0x28 : 0x20),
	};
}

static uint64_t bitmap_bytes(const struct candidate *c)
{
	return c->bit_count / 8 + (c->bit_count % 8 != 0);
}

/* Whether the numbers can be right at all; otherwise the first reason why not. */
static enum ps_status check_shape(const struct candidate *c, uint64_t file_size,
				  struct ps_error *err)
{
	uint64_t length = bitmap_bytes(c);
	uint64_t room = file_size > c->bits_at ? file_size - c->bits_at : 0;

	if (c->bit_count == 0)
		return ps_fail(err, PS_CORRUPT, "the page bitmap has no bits");
	if (c->present > c->bit_count)
		return ps_fail(err, PS_CORRUPT,
			       "the body states %" PRIu64 " pages, but its bitmap has only %" PRIu64
			       " bits",
			       c->present, c->bit_count);
	if (c->first_page % PAGE_SIZE != 0 || c->first_page < c->bits_at ||
	    c->first_page - c->bits_at < length)
		return ps_fail_at(err, PS_CORRUPT, c->first_page,
				  "the first page cannot be at file offset 0x%" PRIx64
				  ", with a bitmap of %" PRIu64 " bytes at 0x%" PRIx64,
				  c->first_page, length, c->bits_at);
	if (length > room)
		return ps_fail_at(err, PS_ABSENT, file_size,
				  "the file ends inside its page bitmap (%" PRIu64 " of %" PRIu64
				  " bytes are there)",
				  room, length);
	return PS_OK;
}

static enum ps_status read_map(struct file *file, struct candidate *c, struct ps_error *err)
{
	uint64_t length = bitmap_bytes(c);
	uint8_t *bits = length <= SIZE_MAX ? mem_large((size_t)length) : NULL;

	if (!bits)
		return ps_fail_memory(err, "the page bitmap");
	if (file_read(file, c->bits_at, bits, (size_t)length, err) != PS_OK) {
		free(bits);
		return ps_wrap(err, "cannot read the page bitmap");
	}
	return page_map_set_bitmap(&c->map, bits, c->bit_count, c->first_page, err);
}

static void try_candidate(struct file *file, struct candidate *c)
{
	page_map_init(&c->map, file->size);
	c->status = check_shape(c, file->size, &c->error);
	if (c->status == PS_OK)
		c->status = read_map(file, c, &c->error);
	c->exact = c->status == PS_OK && c->map.pages == c->present;
}

static void note_inexact(struct dump *dump, const struct candidate *c)
{
	char stated[WORDS_SIZE], counted[WORDS_SIZE];

	dump->complete = false;
	dump_note(dump,
		  "the body states %s pages, but its bitmap has %s bits set; the bitmap is used",
		  count_words(c->present, stated), count_words(c->map.pages, counted));
}

/*
 * The layout to be used where neither is exact: the one that has a possible shape. Of two, A,
 * except that kernels of type 2 promise B.
 */
static struct candidate *choose_inexact(const struct dump *dump, struct candidate *a,
					struct candidate *b)
{
	bool summary = dump->facts.dump_type.value == 2;

	if (a->status == PS_OK && b->status == PS_OK)
		return summary ? b : a;
	if (a->status == PS_OK || b->status == PS_OK)
		return a->status == PS_OK ? a : b;
	return summary ? b : a; /* whose error is told */
}

/* Moves the map of the layout that is right into the dump. */
static enum ps_status choose(struct dump *dump, uint64_t body_at, struct candidate *a,
			     struct candidate *b, struct ps_error *err)
{
	struct candidate *chosen = b->exact ? b : a;

	if (a->exact && b->exact)
		return ps_fail_at(err, PS_CORRUPT, body_at,
				  "the page bitmap can be read in two ways, and both fit");
	if (!chosen->exact) {
		chosen = choose_inexact(dump, a, b);
		if (chosen->status != PS_OK) {
			*err = chosen->error;
			return err->status;
		}
		note_inexact(dump, chosen);
	}
	page_map_fini(&dump->map);
	dump->map = chosen->map;
	page_map_init(&chosen->map, 0);
	return PS_OK;
}

static enum ps_status read_body(struct dump *dump, uint64_t body_at, uint8_t *data,
				struct bytes *body, struct ps_error *err)
{
	if (dump->file.size - body_at < body->size)
		return ps_fail_at(err, PS_ABSENT, dump->file.size,
				  "the file ends before its page bitmap");
	if (file_read(&dump->file, body_at, data, body->size, err) != PS_OK)
		return ps_wrap(err, "cannot read the header of the page bitmap");
	if ((!bytes_equal(body, 0, "SDMP", 4) && !bytes_equal(body, 0, "FDMP", 4)) ||
	    !bytes_equal(body, 4, "DUMP", 4))
		return ps_fail_at(err, PS_CORRUPT, body_at,
				  "no page bitmap (SDMP or FDMP) at file offset 0x%" PRIx64,
				  body_at);
	return PS_OK;
}

enum ps_status crash_bitmap_open(struct dump *dump, const struct crash_header *header,
				 struct ps_error *err)
{
	uint64_t body_at = header->layout->size;
	uint8_t data[BODY_HEADER_SIZE];
	struct bytes body = bytes_of(data, sizeof(data));
	enum ps_status status = read_body(dump, body_at, data, &body, err);
	struct candidate a, b;

	if (status != PS_OK)
		return status;
	a = candidate_a(&body, body_at);
	b = candidate_b(&body, body_at, header->layout->pointer);
	if (bytes_equal(&body, 0, "FDMP", 4))
		b.bit_count = 0; /* only layout A has this signature */
	try_candidate(&dump->file, &a);
	try_candidate(&dump->file, &b);
	status = choose(dump, body_at, &a, &b, err);
	page_map_fini(&a.map);
	page_map_fini(&b.map);
	return status;
}

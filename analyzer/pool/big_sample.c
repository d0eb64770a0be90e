/*
 * A sample of what lies at a pointer that may be the big-page table. See big_sample.h.
 *
 * The length of the table is not known yet and most pages may be absent, so pages are taken from
 * each doubling of the length: a few hundred page reads whatever the size.
 */
#include "analyzer/pool/big_sample.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/memory.h"

enum { PAGES_PER_RANGE = 16, PROBES_PER_RANGE = 128, SPREAD = 8 };

enum big_va big_va_class(const struct space *space, uint64_t va)
{
	if (va == 1)
		return BIG_VA_NEVER;
	if (va == 0 || (va & (PAGE_SIZE - 2)) || !space_is_kernel_address(space, va))
		return BIG_VA_INVALID;
	return va & 1 ? BIG_VA_FREED : BIG_VA_LIVE;
}

/* The smallest n with index < 2^n. */
static unsigned shift_of(uint64_t index)
{
	unsigned shift = 0;

	while (shift < BIG_MAX_SHIFT && index >> shift)
		shift++;
	return shift;
}

struct run {
	uint32_t length;
	bool open;
};

/* What stands behind the key. */
static void read_rest(const struct big_sample *s, struct bytes *page, size_t offset,
		      struct sampled_entry *entry)
{
	const struct big_layout *l = s->layout;
	unsigned p = s->pointer_size;

	if (!l) {
		entry->key = bytes_u32(page, offset + p);
		entry->word = bytes_u32(page, offset + p + 4);
		entry->tail = s->stride > p + 8 ? bytes_pointer(page, offset + p + 8, p) : 0;
		return;
	}
	entry->key = bytes_u32(page, offset + l->key_offset);
	entry->word =
		bytes_u32(page, offset + (l->unit == BIG_PAGES ? l->size.offset : l->type_offset));
	entry->tail =
		l->unit == BIG_PAGES ? 0 : bytes_uint(page, offset + l->size.offset, l->size.width);
}

static bool sample_entry(struct big_sample *s, struct bytes *page, size_t offset, uint64_t index,
			 struct run *run)
{
	uint64_t va = bytes_pointer(page, offset, s->pointer_size);
	enum big_va class = big_va_class(s->space, va);

	if (class == BIG_VA_INVALID)
		s->invalid[shift_of(index)]++;
	else
		s->valid[shift_of(index)]++;
	if (class == BIG_VA_NEVER || class == BIG_VA_INVALID) {
		*run = (struct run){.open = class == BIG_VA_INVALID};
		return true;
	}
	if (!mem_grow((void **)&s->items, s->count, &s->capacity, sizeof(*s->items)))
		return false;
	s->items[s->count] = (struct sampled_entry){
		.index = index,
		.va = va & ~UINT64_C(1),
		.run = run->length++,
		.run_open = run->open,
		.live = class == BIG_VA_LIVE,
	};
	read_rest(s, page, offset, &s->items[s->count++]);
	return true;
}

/* Entries that lie wholly in the page; one that straddles two pages is left out of the sample. */
static bool sample_page(struct big_sample *s, uint64_t page_index, const uint8_t *data)
{
	struct bytes page = bytes_of(data, PAGE_SIZE);
	uint64_t start = page_index * PAGE_SIZE;
	uint64_t index = (start + s->stride - 1) / s->stride;
	struct run run = {.open = true};

	for (; (index + 1) * s->stride <= start + PAGE_SIZE; index++) {
		if (!sample_entry(s, &page, (size_t)(index * s->stride - start), index, &run))
			return false;
	}
	return true;
}

/* The table is in nonpaged pool: a page that is not mapped at all ends it. */
static void note_unmapped(struct big_sample *s, uint64_t page)
{
	struct translation at;
	struct hole hole;
	uint64_t first = page * PAGE_SIZE / s->stride;

	if (space_translate(s->space, s->table + page * PAGE_SIZE, &at, &hole) ||
	    (hole.reason != HOLE_NOT_PRESENT && hole.reason != HOLE_NOT_CANONICAL) ||
	    hole.entry != 0)
		return;
	if (first < s->mapped_entries)
		s->mapped_entries = first;
}

/* Pages [first, first + count): every one when there are few, else evenly spread. */
static enum ps_status sample_range(struct big_sample *s, uint64_t first, uint64_t count,
				   struct ps_error *err)
{
	uint64_t probes = count < PROBES_PER_RANGE ? count : PROBES_PER_RANGE;
	uint64_t rows = (probes + SPREAD - 1) / SPREAD;
	uint64_t taken = 0;
	uint8_t data[PAGE_SIZE];

	/* Every eighth probe first, then the ones between: spread even when all pages are there. */
	for (uint64_t n = 0; n < rows * SPREAD && taken < PAGES_PER_RANGE; n++) {
		uint64_t i = n % rows * SPREAD + n / rows;
		uint64_t page = first + i * count / probes;

		if (i >= probes)
			continue;
		if (space_read_partial(s->space, s->table + page * PAGE_SIZE, data, PAGE_SIZE,
				       NULL) != PAGE_SIZE) {
			note_unmapped(s, page);
			continue;
		}
		taken++;
		if (!sample_page(s, page, data))
			return ps_fail_memory(err, "a sample of the big-page table");
	}
	return PS_OK;
}

static uint64_t sum_of(const uint64_t counts[BIG_SHIFTS])
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < BIG_SHIFTS; i++)
		sum += counts[i];
	return sum;
}

/* Counts by size class become counts of all entries below each size. */
static void accumulate(uint64_t counts[BIG_SHIFTS])
{
	for (unsigned i = 1; i < BIG_SHIFTS; i++)
		counts[i] += counts[i - 1];
}

enum ps_status big_sample_take(struct space *space, uint64_t table, unsigned stride,
			       const struct big_layout *layout, struct big_sample *ret,
			       struct ps_error *err)
{
	struct big_sample s = {.space = space,
			       .layout = layout,
			       .table = table,
			       .stride = stride,
			       .pointer_size = space_pointer_size(space),
			       .mapped_entries = UINT64_MAX};
	uint64_t pages = ((UINT64_C(1) << BIG_MAX_SHIFT) * stride) >> PAGE_SHIFT;

	if (table + pages * PAGE_SIZE < table)
		pages = (UINT64_MAX - table) >> PAGE_SHIFT;
	for (uint64_t first = 0, count = 1; first < pages; first += count, count = first) {
		uint64_t valid = sum_of(s.valid), invalid = sum_of(s.invalid);
		enum ps_status status =
			sample_range(&s, first, count < pages - first ? count : pages - first, err);

		if (status != PS_OK) {
			big_sample_fini(&s);
			return status;
		}
		if (sum_of(s.invalid) - invalid > sum_of(s.valid) - valid)
			break;
	}
	accumulate(s.valid);
	accumulate(s.invalid);
	*ret = s;
	return PS_OK;
}

void big_sample_fini(struct big_sample *sample)
{
	free(sample->items);
	*sample = (struct big_sample){0};
}

bool big_sample_fits(const struct big_sample *sample, unsigned shift)
{
	uint64_t valid = sample->valid[shift], invalid = sample->invalid[shift];

	return valid && invalid * 50 <= valid + invalid;
}

bool big_sample_is_mapped(const struct big_sample *sample, unsigned shift)
{
	return sample->mapped_entries >= UINT64_C(1) << shift;
}

bool big_sample_goes_on(const struct big_sample *sample, unsigned shift)
{
	uint64_t valid, invalid;

	if (shift + 1 >= BIG_SHIFTS)
		return false;
	valid = sample->valid[shift + 1] - sample->valid[shift];
	invalid = sample->invalid[shift + 1] - sample->invalid[shift];
	return valid && invalid * 50 <= valid + invalid;
}

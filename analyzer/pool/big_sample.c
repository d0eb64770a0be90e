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
	if (va == 0)
		return BIG_VA_ZERO;
	if (va == 1)
		return BIG_VA_NEVER;
	if ((va & (PAGE_SIZE - 2)) || !space_is_kernel_address(space, va))
		return BIG_VA_INVALID;
	return va & 1 ? BIG_VA_FREED : BIG_VA_LIVE;
}

static bool sample_entry(struct big_sample *s, struct bytes *page, size_t offset, uint64_t index)
{
	unsigned p = s->pointer_size;
	uint64_t va = bytes_pointer(page, offset, p);
	enum big_va class = big_va_class(s->space, va);
	struct sampled_entry *entry;

	if (class == BIG_VA_INVALID)
		s->invalid++;
	else if (class != BIG_VA_ZERO)
		s->valid++;
	if (class != BIG_VA_LIVE && class != BIG_VA_FREED)
		return true;
	if (!mem_grow((void **)&s->items, s->count, &s->capacity, sizeof(*s->items)))
		return false;
	entry = &s->items[s->count++];
	*entry = (struct sampled_entry){
		.index = index,
		.va = va & ~UINT64_C(1),
		.key = bytes_u32(page, offset + p),
		.word = bytes_u32(page, offset + p + 4),
		.tail = s->stride > p + 8 ? bytes_pointer(page, offset + p + 8, p) : 0,
		.live = class == BIG_VA_LIVE,
	};
	return true;
}

/* Entries that lie wholly in the page; one that straddles two pages is left out of the sample. */
static bool sample_page(struct big_sample *s, uint64_t page_index, const uint8_t *data)
{
	struct bytes page = bytes_of(data, PAGE_SIZE);
	uint64_t start = page_index * PAGE_SIZE;
	uint64_t index = (start + s->stride - 1) / s->stride;

	for (; (index + 1) * s->stride <= start + PAGE_SIZE; index++) {
		if (!sample_entry(s, &page, (size_t)(index * s->stride - start), index))
			return false;
	}
	s->pages_sampled++;
	return true;
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
				       NULL) != PAGE_SIZE)
			continue;
		taken++;
		if (!sample_page(s, page, data))
			return ps_fail_memory(err, "a sample of the big-page table");
	}
	return PS_OK;
}

enum ps_status big_sample_take(struct space *space, uint64_t table, unsigned stride,
			       struct big_sample *ret, struct ps_error *err)
{
	struct big_sample s = {.space = space,
			       .table = table,
			       .stride = stride,
			       .pointer_size = space_pointer_size(space)};
	uint64_t pages = ((UINT64_C(1) << BIG_MAX_SHIFT) * stride) >> PAGE_SHIFT;

	if (table + pages * PAGE_SIZE < table)
		pages = (UINT64_MAX - table) >> PAGE_SHIFT;
	for (uint64_t first = 0, count = 1; first < pages; first += count, count = first) {
		uint64_t valid = s.valid, invalid = s.invalid;
		enum ps_status status = sample_range(&s, first, count, err);

		if (status != PS_OK) {
			big_sample_fini(&s);
			return status;
		}
		if (s.invalid - invalid > s.valid - valid)
			break;
	}
	*ret = s;
	return PS_OK;
}

void big_sample_fini(struct big_sample *sample)
{
	free(sample->items);
	*sample = (struct big_sample){0};
}

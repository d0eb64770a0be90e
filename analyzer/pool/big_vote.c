/*
 * Decides the size, hash and layout of a big-page table. See big_vote.h.
 *
 * Hashes by source: X (XP) and B (7, x86) from disassembly, W (2003) from the Windows Research
 * Kernel, A (10 and later, x64) from disassembly and from 340 of 340 entries of a real 17763
 * kernel. For Vista, 8 and 8.1 no hash is known: then the size is left unproved.
 */
#include "analyzer/pool/big_vote.h"

#include "analyzer/pool/tag_hash.h"

/*
 * How far behind its home an entry may lie and still count. On the real 17763 table all 340 entries
 * lie within 32 slots of 32768; a wrong hash or twice the size puts half of them or fewer there.
 */
enum { NEAR_SLOTS = 64 };

/* 2003's hash clusters: a well-filled table of it has one entry in eight farther from home. */
enum { PROVED_PERCENT = 75, MIN_VOTERS = 8 };

/* Big allocations are a page or more; x64 takes 4080 bytes and more as big. */
enum { SMALLEST_BIG = 2048 };

static uint64_t near_distance(unsigned shift)
{
	uint64_t slots = UINT64_C(1) << shift;

	return slots / 32 < NEAR_SLOTS ? slots / 32 : NEAR_SLOTS;
}

static void count_near(const struct big_sample *sample, struct big_size_vote *vote)
{
	uint64_t mask = (UINT64_C(1) << vote->shift) - 1, reach = near_distance(vote->shift);

	vote->votes = vote->voters = 0;
	for (size_t i = 0; i < sample->count && sample->items[i].index <= mask; i++) {
		uint64_t home = big_page_hash(vote->hash, sample->items[i].va);

		vote->voters++;
		vote->votes += ((sample->items[i].index - home) & mask) <= reach;
	}
}

void big_vote_size(const struct big_sample *sample, struct big_size_vote *ret)
{
	static const char hashes[] = {'A', 'B', 'X', 'W'};

	*ret = (struct big_size_vote){.hash = '?'};
	for (size_t h = 0; h < sizeof(hashes); h++) {
		struct big_size_vote vote = {.hash = hashes[h]};

		for (vote.shift = BIG_MIN_SHIFT; vote.shift <= BIG_MAX_SHIFT; vote.shift++) {
			count_near(sample, &vote);
			if (vote.voters < MIN_VOTERS ||
			    vote.votes * 100 < vote.voters * PROVED_PERCENT)
				continue;
			if (ret->hash == '?' || vote.votes > ret->votes ||
			    (vote.votes == ret->votes && vote.shift > ret->shift))
				*ret = vote;
		}
	}
}

static bool is_quota_object(const struct big_sample *sample, uint64_t value)
{
	return value == 0 || space_is_kernel_address(sample->space, value);
}

static bool is_big_size(const struct big_sample *sample, uint64_t bytes)
{
	return bytes >= SMALLEST_BIG && bytes < UINT64_C(1)
							<< (sample->pointer_size == 4 ? 31 : 44);
}

static bool fits_layout(const struct big_sample *sample, const struct sampled_entry *entry,
			const struct big_layout *layout)
{
	if (layout->unit == BIG_PAGES)
		return entry->word >= 1 && entry->word < 1u << 22 &&
		       is_quota_object(sample, entry->tail);
	if (!is_big_size(sample, entry->tail))
		return false;
	if (layout->type_kind == BIG_TYPE_WORD)
		return entry->word < 0x1000;
	/* A POOL_TYPE or POOL_FLAGS of a whole word below 0x100 would be nothing but pattern bits.
	 */
	return true;
}

const struct big_layout *big_vote_layout(const struct big_sample *sample, const struct fact *build,
					 unsigned *ret_share)
{
	const struct big_layout *best = NULL;
	uint64_t most = 0;
	bool best_is_prior = false;

	for (size_t l = 0; l < big_layout_count; l++) {
		const struct big_layout *layout = &big_layouts[l];
		bool prior = build->known && build->value >= layout->first_build &&
			     build->value <= layout->last_build;
		uint64_t fits = 0;

		if (layout->pointer_size != sample->pointer_size ||
		    layout->entry_size != sample->stride)
			continue;
		for (size_t i = 0; i < sample->count; i++)
			fits += fits_layout(sample, &sample->items[i], layout);
		/* The build tips the scale only between readings that fit nearly equally well. */
		if (fits && (!best || fits * 100 > most * 102 ||
			     (prior && !best_is_prior && fits * 102 >= most * 100))) {
			best = layout;
			most = fits;
			best_is_prior = prior;
		}
	}
	*ret_share = sample->count ? (unsigned)(most * 100 / sample->count) : 0;
	return best;
}

bool big_vote_flags(const struct big_sample *sample)
{
	uint64_t live = 0, flags = 0;

	for (size_t i = 0; i < sample->count; i++) {
		/* NON_PAGED, NON_PAGED_EXECUTE and PAGED: exactly one is set in POOL_FLAGS. */
		uint32_t pool = sample->items[i].word >> 8 & 0x1c0;

		if (!sample->items[i].live)
			continue;
		live++;
		flags += pool && (pool & (pool - 1)) == 0;
	}
	return live && flags * 10 > live * 9;
}

/*
 * Decides the size, hash, layout and type field of a big-page table. See big_vote.h.
 *
 * Hashes by source: X (XP) and B (7, x86) from disassembly, W (2003) from the Windows Research
 * Kernel, A (10 and later, x64) from disassembly and from 340 of 340 entries of a real 17763
 * kernel. For Vista, 8 and 8.1 no hash is known: then a variable alone names the size.
 */
#include "analyzer/pool/big_vote.h"

#include "analyzer/pool/tag_hash.h"

enum { MIN_VOTES = 8, PROVED_PERCENT = 95 };

/* Big allocations are a page or more; x64 takes 4080 bytes and more as big. */
enum { SMALLEST_BIG = 2048 };

/*
 * An entry is put into the first slot from home that is not in use, and a slot once used is never
 * marked unused again: every slot from home to the entry has been used. That holds for the right
 * hash and size however crowded the table is, and with twice the size half of the entries fail it.
 */
static void count_votes(const struct big_sample *sample, struct big_size_vote *vote,
			uint64_t *ret_looked_at)
{
	uint64_t mask = (UINT64_C(1) << vote->shift) - 1;

	vote->votes = vote->voters = *ret_looked_at = 0;
	for (size_t i = 0; i < sample->count; i++) {
		const struct sampled_entry *e = &sample->items[i];
		uint64_t way;

		if (e->index > mask)
			continue;
		++*ret_looked_at;
		way = (e->index - big_page_hash(vote->hash, e->va)) & mask;
		if (way <= e->run)
			vote->votes++;
		if (way <= e->run || !e->run_open)
			vote->voters++;
	}
}

static bool is_proved(const struct big_size_vote *vote, uint64_t looked_at)
{
	return vote->votes >= MIN_VOTES && vote->votes * 100 >= vote->voters * PROVED_PERCENT &&
	       vote->votes * 4 >= looked_at;
}

/* The best hash at one size; hash '?' when none is proved. */
static struct big_size_vote vote_at(const struct big_sample *sample, unsigned shift)
{
	static const char hashes[] = {'A', 'B', 'X', 'W'};
	struct big_size_vote best = {.hash = '?', .shift = shift};

	for (size_t h = 0; h < sizeof(hashes); h++) {
		struct big_size_vote vote = {.hash = hashes[h], .shift = shift};
		uint64_t looked_at;

		count_votes(sample, &vote, &looked_at);
		if (is_proved(&vote, looked_at) && (best.hash == '?' || vote.votes > best.votes))
			best = vote;
	}
	return best;
}

static bool has_bit(uint32_t set, unsigned bit)
{
	return set >> bit & 1;
}

/* Named before not named, then more votes, then mapped, then the pointer's neighbour, then larger.
 */
static bool size_is_better(const struct big_sample *sample, const struct big_size_vote *a,
			   const struct big_size_vote *b, const struct big_size_names *names)
{
	bool a_mapped = big_sample_is_mapped(sample, a->shift);

	if (b->hash == '?')
		return true;
	if (has_bit(names->named, a->shift) != has_bit(names->named, b->shift))
		return has_bit(names->named, a->shift);
	if (a->votes != b->votes)
		return a->votes > b->votes;
	if (a_mapped != big_sample_is_mapped(sample, b->shift))
		return a_mapped;
	if (has_bit(names->adjacent, a->shift) != has_bit(names->adjacent, b->shift))
		return has_bit(names->adjacent, a->shift);
	return a->shift > b->shift;
}

/* Sizes that a hash proves. */
static bool proved_size(const struct big_sample *sample, const struct big_size_names *names,
			struct big_size_vote *ret)
{
	struct big_size_vote best = {.hash = '?'};
	uint64_t most_unnamed = 0;

	for (unsigned shift = BIG_MIN_SHIFT; shift <= BIG_MAX_SHIFT; shift++) {
		struct big_size_vote vote;

		if (!big_sample_fits(sample, shift))
			continue;
		vote = vote_at(sample, shift);
		if (vote.hash == '?')
			continue;
		if (vote.votes > most_unnamed && !has_bit(names->named, shift))
			most_unnamed = vote.votes;
		if (best.hash != '?' && vote.votes == best.votes &&
		    has_bit(names->named, vote.shift) && has_bit(names->named, best.shift) &&
		    big_sample_is_mapped(sample, vote.shift) ==
			    big_sample_is_mapped(sample, best.shift))
			best.doubtful = vote.doubtful = true;
		if (size_is_better(sample, &vote, &best, names))
			best = vote;
	}
	/* More entries are at their place in a size that no variable names. */
	if (best.hash != '?' && has_bit(names->named, best.shift))
		best.doubtful = best.doubtful || most_unnamed > best.votes;
	else
		best.doubtful = best.doubtful || names->whole;
	*ret = best;
	return best.hash != '?';
}

/* No hash is known: a variable names the size, and nothing behind it looks like the table. */
static bool named_size(const struct big_sample *sample, const struct big_size_names *names,
		       struct big_size_vote *ret)
{
	struct big_size_vote best = {.hash = '?'};
	unsigned fitting = 0;

	for (unsigned shift = BIG_MIN_SHIFT; shift <= BIG_MAX_SHIFT; shift++) {
		if (!has_bit(names->named, shift) || !big_sample_fits(sample, shift) ||
		    !big_sample_is_mapped(sample, shift) || big_sample_goes_on(sample, shift))
			continue;
		if (!fitting++ || has_bit(names->adjacent, shift) ||
		    !has_bit(names->adjacent, best.shift))
			best.shift = shift;
	}
	best.doubtful = fitting > 1;
	*ret = best;
	return fitting > 0;
}

bool big_vote_size(const struct big_sample *sample, const struct big_size_names *names,
		   struct big_size_vote *ret)
{
	return proved_size(sample, names, ret) || named_size(sample, names, ret);
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

/*
 * POOL_TYPE bits that big allocations carry: paged, cache aligned, quota, raise, session, NX, zero.
 * MustSucceed (2) is long gone and cold (0x100) is rare.
 */
static bool is_pool_type(uint32_t type)
{
	return (type & ~0x63du) == 0;
}

/* NON_PAGED, NON_PAGED_EXECUTE and PAGED: exactly one is set in POOL_FLAGS. */
static bool is_pool_flags(uint32_t type)
{
	uint32_t pool = type & 0x1c0;

	return pool && (pool & (pool - 1)) == 0 && (type & ~0x1ffu) == 0;
}

static uint32_t type_field(uint32_t word)
{
	return word >> 8 & 0xfff;
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
		return is_pool_type(entry->word);
	return is_pool_type(type_field(entry->word)) || is_pool_flags(type_field(entry->word));
}

/* Whether the two readings of a word-or-field entry call it paged differently. */
static bool readings_differ(const struct big_sample *sample)
{
	for (size_t i = 0; i < sample->count; i++) {
		uint32_t word = sample->items[i].word;

		if ((word & 1) != (type_field(word) & 1))
			return true;
	}
	return false;
}

bool big_layout_is_prior(const struct big_layout *layout, const struct big_layout_prior *prior)
{
	return prior->build.known && prior->build.value >= layout->first_build &&
	       prior->build.value <= layout->last_build;
}

static bool is_possible(const struct big_sample *sample, const struct big_layout *layout,
			const struct big_layout_prior *prior)
{
	return layout->pointer_size == sample->pointer_size &&
	       layout->entry_size == sample->stride && layout->first_build <= prior->last_build &&
	       layout->last_build >= prior->first_build;
}

static uint64_t count_fits(const struct big_sample *sample, const struct big_layout *layout)
{
	uint64_t fits = 0;

	for (size_t i = 0; i < sample->count; i++)
		fits += fits_layout(sample, &sample->items[i], layout);
	return fits;
}

const struct big_layout *big_vote_layout(const struct big_sample *sample,
					 const struct big_layout_prior *prior, bool *ret_kind_known)
{
	const struct big_layout *best = NULL;
	uint64_t most = 0;
	bool tie = false;

	if (sample->layout) {
		*ret_kind_known = true;
		return count_fits(sample, sample->layout) * 100 >= sample->count * 80
			       ? sample->layout
			       : NULL;
	}
	for (size_t l = 0; l < big_layout_count; l++) {
		const struct big_layout *layout = &big_layouts[l];
		bool favoured = big_layout_is_prior(layout, prior);
		uint64_t fits;

		if (!is_possible(sample, layout, prior))
			continue;
		fits = count_fits(sample, layout);
		/* The build tips the scale only between readings that fit nearly equally well. */
		if (best && fits * 100 >= most * 98 && fits * 98 <= most * 100) {
			bool was_favoured = big_layout_is_prior(best, prior);

			tie = favoured == was_favoured;
			if (!favoured || was_favoured)
				continue;
		} else if (best && fits < most) {
			continue;
		} else {
			tie = false;
		}
		best = layout;
		most = fits;
	}
	*ret_kind_known = !tie || !readings_differ(sample);
	return best && most * 100 >= sample->count * 80 ? best : NULL;
}

void big_flags_count(struct big_flags_vote *vote, uint32_t type)
{
	vote->flags += is_pool_flags(type) && !is_pool_type(type);
	vote->types += is_pool_type(type) && !is_pool_flags(type);
}

bool big_flags_decided(const struct big_flags_vote *vote)
{
	return vote->flags + vote->types >= MIN_VOTES;
}

bool big_flags_result(const struct big_flags_vote *vote, const struct fact *build, bool *ret_known)
{
	enum { FIRST_BUILD_WITH_FLAGS = 26100 };
	uint64_t all = vote->flags + vote->types;
	bool by_votes = vote->flags * 2 > all;
	bool by_build = build->known && build->value >= FIRST_BUILD_WITH_FLAGS;

	if (all >= MIN_VOTES) {
		*ret_known = vote->flags * 10 > all * 9 || vote->types * 10 > all * 9;
		return by_votes;
	}
	*ret_known = all ? !build->known || by_votes == by_build : build->known;
	return all ? by_votes : by_build;
}

/*
 * PoolBigPageTable and its size, among everything in the cluster that could be a pointer.
 *
 * A candidate must decode as big-page entries; among several the one whose live entries carry tags
 * of the tracker table wins, because a session's own table and a stale table of before a growth
 * have fewer of them. The size is proved by where the entries hash, and named by a variable of the
 * cluster. Without a known hash the size is the variable's, and said to be unproved.
 */
#include "analyzer/pool/big_vote.h"
#include "analyzer/pool/locate_internal.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"

struct candidate {
	uint64_t variable, table;
	const struct big_layout *layout;
	struct big_size_vote size;
	bool is_flags;
	uint64_t known_tags; /* live sampled entries whose tag is in the tracker table */
	uint64_t live;
	uint64_t named_size; /* value of the size variable; 0 when there is none that fits */
	bool named_adjacent;
};

/* Tags that can be seen in table 0. */
static enum ps_status collect_tags(const struct search *s, struct hash *tags, struct ps_error *err)
{
	size_t entry = s->geometry.layout->entry_size;

	for (size_t offset = 0; offset + entry <= s->table.size; offset += entry) {
		uint32_t key, unused;

		if (!view_has(&s->table, offset, 4))
			continue;
		key = (uint32_t)view_uint(&s->table, offset, 4);
		if (key && !hash_find(tags, key, &unused) && !hash_add(tags, key, 0))
			return ps_fail_memory(err, "the tags of PoolTrackTable");
	}
	return PS_OK;
}

static void count_tags(const struct big_sample *sample, const struct hash *tags,
		       struct candidate *c)
{
	uint32_t unused;

	for (size_t i = 0; i < sample->count; i++) {
		if (!sample->items[i].live)
			continue;
		c->live++;
		c->known_tags += hash_find(tags, sample->items[i].key & 0x7fffffff, &unused);
	}
}

/* True when sampled entries between `from` and `to` entries still make sense as this table's. */
static uint64_t entries_between(const struct big_sample *sample, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (size_t i = 0; i < sample->count; i++)
		count += sample->items[i].index >= from && sample->items[i].index < to;
	return count;
}

/*
 * The size variable. With a hash-proved size it is the one of that value; without, the neighbour of
 * the pointer, else the largest whose upper half still holds entries.
 */
static void name_size(const struct search *s, const struct big_sample *sample, struct candidate *c)
{
	const struct window *w = &s->window;

	for (size_t i = 0; i < window_slots(w); i++) {
		uint64_t value, va = window_va(w, i);
		bool adjacent =
			va + w->pointer_size == c->variable || va == c->variable + w->pointer_size;

		if (!window_value(w, i, &value) || value < 1u << BIG_MIN_SHIFT ||
		    value > 1u << BIG_MAX_SHIFT || (value & (value - 1)))
			continue;
		if (c->size.hash != '?' && value != UINT64_C(1) << c->size.shift)
			continue;
		if (c->size.hash == '?' && !entries_between(sample, value / 2, value))
			continue;
		if (c->named_size && (c->named_adjacent > adjacent ||
				      (c->named_adjacent == adjacent && c->named_size >= value)))
			continue;
		c->named_size = value;
		c->named_adjacent = adjacent;
	}
}

static enum ps_status judge_stride(const struct search *s, unsigned stride, const struct hash *tags,
				   struct candidate *c, struct ps_error *err)
{
	struct big_sample sample;
	unsigned share;
	enum ps_status status = big_sample_take(s->space, c->table, stride, &sample, err);

	if (status != PS_OK)
		return status;
	/* Entries behind the table's end may be invalid; most of those sampled must not be. */
	if (sample.count && sample.valid * 10 >= (sample.valid + sample.invalid) * 6) {
		c->layout = big_vote_layout(&sample, &s->kernel->build, &share);
		if (share < 80)
			c->layout = NULL;
	}
	if (c->layout) {
		big_vote_size(&sample, &c->size);
		c->is_flags = c->layout->type_kind == BIG_TYPE_FIELD && big_vote_flags(&sample);
		count_tags(&sample, tags, c);
		name_size(s, &sample, c);
	}
	big_sample_fini(&sample);
	return PS_OK;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	bool a_sized = a->size.hash != '?' || a->named_size,
	     b_sized = b->size.hash != '?' || b->named_size;

	if (!b->layout || a_sized != b_sized)
		return !b->layout || a_sized;
	if (a->known_tags != b->known_tags)
		return a->known_tags > b->known_tags;
	if ((a->size.hash == '?') != (b->size.hash == '?'))
		return a->size.hash != '?';
	return a->live > b->live;
}

static enum ps_status judge_pointer(const struct search *s, uint64_t variable, uint64_t table,
				    const struct hash *tags, struct candidate *best,
				    struct ps_error *err)
{
	unsigned tried = 0;

	for (size_t l = 0; l < big_layout_count; l++) {
		struct candidate c = {.variable = variable, .table = table};
		unsigned stride = big_layouts[l].entry_size;
		enum ps_status status;

		if (big_layouts[l].pointer_size != s->kernel->pointer_size ||
		    tried >> (stride / 4) & 1)
			continue;
		tried |= 1u << (stride / 4);
		status = judge_stride(s, stride, tags, &c, err);
		if (status != PS_OK)
			return status;
		if (c.layout && is_better(&c, best))
			*best = c;
	}
	return PS_OK;
}

static bool is_other_table(const struct pool_globals *found, uint64_t value)
{
	for (size_t i = 0; i < found->processor_table_count; i++) {
		if (found->processor_tables[i] == value)
			return true;
	}
	return found->expansion.found && found->expansion.value == value;
}

static void read_range(const struct search *s, enum kdbg_field field, uint64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;

	if (kdbg_variable(s->space, &s->kernel->kdbg, field, ret, &ignored) != PS_OK)
		*ret = 0;
}

static void read_pool_ranges(const struct search *s, struct big_globals *big)
{
	read_range(s, KDBG_PAGED_POOL_START, &big->paged_start);
	read_range(s, KDBG_PAGED_POOL_END, &big->paged_end);
	read_range(s, KDBG_NONPAGED_POOL_START, &big->nonpaged_start);
	read_range(s, KDBG_NONPAGED_POOL_END, &big->nonpaged_end);
}

static void note_doubts(struct search *s, const struct candidate *c)
{
	struct big_globals *big = &s->found->big;
	const struct fact *build = &s->kernel->build;

	if (build->known &&
	    (build->value < c->layout->first_build || build->value > c->layout->last_build))
		locate_note(
			s->found, "build %llu is not known to use %u-byte big-page entries (%s)",
			(unsigned long long)build->value, c->layout->entry_size, c->layout->name);
	if (c->layout->type_kind == BIG_TYPE_FIELD && build->known &&
	    c->is_flags != (build->value >= 26100))
		locate_note(
			s->found,
			"the big-page table of build %llu holds %s, unlike other kernels of its age",
			(unsigned long long)build->value, c->is_flags ? "POOL_FLAGS" : "POOL_TYPE");
	if (c->size.hash == '?')
		snprintf(
			big->note, sizeof(big->note),
			"the size of the big-page table (%llu entries) is PoolBigPageTableSize's word "
			"alone: the hash of this build is not known",
			(unsigned long long)big->size.value);
	else if (!c->named_size)
		snprintf(
			big->note, sizeof(big->note),
			"PoolBigPageTableSize is not readable; %llu entries follow from where they hash",
			(unsigned long long)big->size.value);
}

static void take_candidate(struct search *s, const struct candidate *c)
{
	struct big_globals *big = &s->found->big;
	uint64_t size = c->size.hash != '?' ? UINT64_C(1) << c->size.shift : c->named_size;

	big->table = window_global(&s->window, c->table);
	big->size = window_global(&s->window, size);
	big->layout = c->layout;
	big->is_flags = c->is_flags;
	big->hash = c->size.hash;
	big->votes = c->size.votes;
	big->voters = c->size.voters;
	if (c->layout->type_kind == BIG_TYPE_NONE)
		read_pool_ranges(s, big);
	note_doubts(s, c);
}

enum ps_status locate_big_pages(struct search *s, struct ps_error *err)
{
	struct candidate best = {0};
	struct hash tags;
	enum ps_status status;

	hash_init(&tags);
	status = collect_tags(s, &tags, err);
	for (size_t i = 0; status == PS_OK && i < window_slots(&s->window); i++) {
		uint64_t value;

		if (!window_value(&s->window, i, &value) || !is_table_address(s->space, value) ||
		    is_other_table(s->found, value))
			continue;
		status = judge_pointer(s, window_va(&s->window, i), value, &tags, &best, err);
	}
	hash_fini(&tags);
	if (status != PS_OK)
		return status;
	if (best.layout && (best.size.hash != '?' || best.named_size)) {
		take_candidate(s, &best);
		return PS_OK;
	}
	ps_fail_at(&s->found->big_error, PS_NOT_FOUND, s->window.center,
		   "no pointer within 0x%x bytes of PoolTrackTable leads to a big-page table%s",
		   WINDOW_REACH,
		   window_is_whole(&s->window) ? "" : "; part of that memory is not in the dump");
	return PS_OK;
}

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
	uint64_t table;
	const struct big_layout *layout;
	struct big_size_vote size;
	struct big_flags_vote flags;
	bool kind_known;
	bool is_prior;       /* the layout is one of the build */
	uint64_t live;       /* sampled entries */
	uint64_t known_tags; /* of them, with a tag of the tracker table */
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

/* What the sampled entries of the table say beside its size. */
static void count_entries(const struct big_sample *sample, const struct hash *tags,
			  struct candidate *c)
{
	uint32_t unused;

	for (size_t i = 0; i < sample->count; i++) {
		const struct sampled_entry *e = &sample->items[i];

		big_flags_count(&c->flags, e->word >> 8 & 0xfff);
		if (!e->live)
			continue;
		c->live++;
		c->known_tags += hash_find(tags, e->key & 0x7fffffff, &unused);
	}
}

/* Variables of the cluster that hold a power of two. */
static struct big_size_names size_names(const struct search *s, uint64_t variable)
{
	const struct window *w = &s->window;
	struct big_size_names names = {.whole = window_is_whole(w)};

	for (size_t i = 0; i < window_slots(w); i++) {
		uint64_t value, va = window_va(w, i);

		if (!window_value(w, i, &value))
			continue;
		for (unsigned n = BIG_MIN_SHIFT; n <= BIG_MAX_SHIFT; n++) {
			if (value != UINT64_C(1) << n)
				continue;
			names.named |= 1u << n;
			if (va + w->pointer_size == variable || va == variable + w->pointer_size)
				names.adjacent |= 1u << n;
		}
	}
	return names;
}

/* What symbols name leaves no other size to choose. */
static void names_by_symbols(const struct search *s, struct big_size_names *names)
{
	struct global size;

	if (!search_symbol(s, SYMBOL_POOL_BIG_PAGE_TABLE_SIZE, &size))
		return;
	for (unsigned n = BIG_MIN_SHIFT; n <= BIG_MAX_SHIFT; n++)
		if (size.value == UINT64_C(1) << n)
			*names = (struct big_size_names){1u << n, 1u << n, true};
}

/* Leaves only the entries of a table of 2^shift: what lies behind it is something else. */
static void trim_sample(struct big_sample *sample, unsigned shift)
{
	size_t kept = 0;

	for (size_t i = 0; i < sample->count; i++) {
		if (sample->items[i].index >> shift == 0)
			sample->items[kept++] = sample->items[i];
	}
	sample->count = kept;
}

/* Builds that the proved layout of the tracker table leaves for this one. */
static struct big_layout_prior layout_prior(const struct search *s)
{
	const struct tracker_layout *tracker = s->geometry.layout;

	return (struct big_layout_prior){.build = search_build(s),
					 .first_build = tracker->first_build,
					 .last_build = tracker->last_build};
}

static enum ps_status judge_stride(const struct search *s, unsigned stride,
				   const struct big_layout *layout,
				   const struct big_size_names *names, const struct hash *tags,
				   struct candidate *c, struct ps_error *err)
{
	struct big_layout_prior prior = layout_prior(s);
	struct big_sample sample;
	enum ps_status status = big_sample_take(s->space, c->table, stride, layout, &sample, err);

	if (status != PS_OK)
		return status;
	if (big_vote_size(&sample, names, &c->size)) {
		trim_sample(&sample, c->size.shift);
		c->layout = big_vote_layout(&sample, &prior, &c->kind_known);
	}
	if (c->layout) {
		c->is_prior = big_layout_is_prior(c->layout, &prior);
		count_entries(&sample, tags, c);
	}
	big_sample_fini(&sample);
	return PS_OK;
}

/* True when `b` points into the table of `a`: with a smaller mask its entries hash as well. */
static bool contains(const struct candidate *a, const struct candidate *b)
{
	uint64_t bytes = (UINT64_C(1) << a->size.shift) * a->layout->entry_size;

	return b->table > a->table && b->table - a->table < bytes;
}

/* Size proved by a hash, then a layout of the build, then tags that the tracker table has. */
static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (!b->layout)
		return true;
	if ((a->size.hash == '?') != (b->size.hash == '?'))
		return a->size.hash != '?';
	if (a->is_prior != b->is_prior)
		return a->is_prior;
	if (contains(a, b) || contains(b, a))
		return contains(a, b);
	if (a->known_tags != b->known_tags)
		return a->known_tags > b->known_tags;
	return a->live > b->live;
}

/* By the layout that symbols have. */
static enum ps_status judge_own_layout(const struct search *s, uint64_t table,
				       const struct big_size_names *names, const struct hash *tags,
				       struct candidate *best, struct ps_error *err)
{
	const struct big_layout *layout = &s->found->by_symbols.big;
	struct candidate c = {.table = table};
	enum ps_status status = judge_stride(s, layout->entry_size, layout, names, tags, &c, err);

	if (status == PS_OK && c.layout && is_better(&c, best))
		*best = c;
	return status;
}

static enum ps_status judge_pointer(const struct search *s, uint64_t variable, uint64_t table,
				    const struct hash *tags, struct candidate *best,
				    struct ps_error *err)
{
	struct big_size_names names = size_names(s, variable);
	unsigned tried = 0;

	names_by_symbols(s, &names);
	if (s->big_by_symbols)
		return judge_own_layout(s, table, &names, tags, best, err);
	for (size_t l = 0; l < big_layout_count; l++) {
		struct candidate c = {.table = table};
		unsigned stride = big_layouts[l].entry_size;
		enum ps_status status;

		if (big_layouts[l].pointer_size != s->kernel->pointer_size ||
		    tried >> (stride / 4) & 1)
			continue;
		tried |= 1u << (stride / 4);
		status = judge_stride(s, stride, NULL, &names, tags, &c, err);
		if (status != PS_OK)
			return status;
		if (c.layout && is_better(&c, best))
			*best = c;
	}
	return PS_OK;
}

static bool is_other_table(const struct pool_globals *found, uint64_t value)
{
	return is_processor_table(found, value) ||
	       (found->expansion.found && found->expansion.value == value);
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

/* PoolBigPageTableSize by symbols is that size. */
static bool size_is_named(const struct search *s, const struct candidate *c)
{
	struct global size;

	return search_symbol(s, SYMBOL_POOL_BIG_PAGE_TABLE_SIZE, &size) &&
	       size.value == UINT64_C(1) << c->size.shift;
}

static void note_doubts(struct search *s, const struct candidate *c)
{
	struct big_globals *big = &s->found->big;
	const struct fact *build = &s->kernel->build;
	unsigned long long entries = (unsigned long long)big->size.value;

	if (build->known && !c->is_prior)
		locate_note(
			s->found, "build %llu is not known to use %u-byte big-page entries (%s)",
			(unsigned long long)build->value, c->layout->entry_size, c->layout->name);
	if (size_is_named(s, c))
		return;
	if (c->size.hash == '?' && c->size.doubtful)
		snprintf(
			big->note, sizeof(big->note),
			"the size of the big-page table, %llu entries, is not proved: too few entries "
			"or an unknown hash, and more than one variable could name it",
			entries);
	else if (c->size.hash == '?')
		snprintf(
			big->note, sizeof(big->note),
			"the size of the big-page table, %llu entries, is a variable's word: too few "
			"entries or an unknown hash to prove it",
			entries);
	else if (c->size.doubtful)
		snprintf(
			big->note, sizeof(big->note),
			"the size of the big-page table is in doubt: its entries hash as in a table of "
			"%llu, but the variables near it do not bear that out",
			entries);
	else if (!big->size.found)
		snprintf(
			big->note, sizeof(big->note),
			"PoolBigPageTableSize is not readable; %llu entries follow from where they hash",
			entries);
}

/* The variable of that value: the one that symbols name, else where in the cluster it is. */
static struct global global_of(const struct search *s, enum symbol_id symbol, uint64_t value)
{
	struct global named;

	if (search_symbol(s, symbol, &named) && named.value == value)
		return named;
	return window_global(&s->window, value);
}

static void take_candidate(struct search *s, const struct candidate *c)
{
	struct big_globals *big = &s->found->big;

	big->table = global_of(s, SYMBOL_POOL_BIG_PAGE_TABLE, c->table);
	big->size = global_of(s, SYMBOL_POOL_BIG_PAGE_TABLE_SIZE, UINT64_C(1) << c->size.shift);
	big->layout = c->layout;
	big->hash = c->size.hash;
	big->votes = c->size.votes;
	big->voters = c->size.voters;
	big->size_proved = !c->size.doubtful || size_is_named(s, c);
	big->kind_known = c->kind_known;
	big->build = search_build(s);
	big->flags_decided = big_flags_decided(&c->flags);
	if (big->flags_decided && c->layout->type_kind == BIG_TYPE_FIELD) {
		bool known;

		big->is_flags = big_flags_result(&c->flags, &big->build, &known);
		big->kind_known = big->kind_known && known;
	}
	if (c->layout->type_kind == BIG_TYPE_NONE)
		read_pool_ranges(s, big);
	note_doubts(s, c);
}

static enum ps_status try_pointers(struct search *s, const struct hash *tags,
				   struct candidate *best, struct ps_error *err)
{
	enum ps_status status = PS_OK;
	bool no_memory = false;
	struct hash seen;
	uint64_t value, va;
	size_t index = 0;

	hash_init(&seen);
	while (status == PS_OK &&
	       window_next_table(&s->window, &index, &seen, &value, &va, &no_memory)) {
		if (!is_other_table(s->found, value))
			status = judge_pointer(s, va, value, tags, best, err);
	}
	hash_fini(&seen);
	return no_memory ? ps_fail_memory(err, "the search for the big-page table") : status;
}

/* The table that symbols name, alone. */
static enum ps_status try_symbols(struct search *s, const struct hash *tags, struct candidate *best,
				  struct ps_error *err)
{
	struct global table;
	enum ps_status status;

	if (!search_symbol(s, SYMBOL_POOL_BIG_PAGE_TABLE, &table))
		return PS_OK;
	if (!is_table_address(s->space, table.value) || is_other_table(s->found, table.value))
		status = PS_OK;
	else
		status = judge_pointer(s, table.va, table.value, tags, best, err);
	if (status == PS_OK && !best->layout)
		locate_note(s->found,
			    "PoolBigPageTable by symbols holds 0x%016llx, where no big-page table "
			    "can be seen; it is searched for",
			    (unsigned long long)table.value);
	return status;
}

static enum ps_status try_both(struct search *s, const struct hash *tags, struct candidate *best,
			       struct ps_error *err)
{
	enum ps_status status = try_symbols(s, tags, best, err);

	if (status == PS_OK && !best->layout)
		status = try_pointers(s, tags, best, err);
	return status;
}

enum ps_status locate_big_pages(struct search *s, struct ps_error *err)
{
	struct candidate best = {0};
	struct hash tags;
	enum ps_status status;

	hash_init(&tags);
	status = collect_tags(s, &tags, err);
	s->big_by_symbols = s->found->by_symbols.has_big;
	if (status == PS_OK)
		status = try_both(s, &tags, &best, err);
	if (status == PS_OK && !best.layout && s->big_by_symbols) {
		s->big_by_symbols = false;
		status = try_both(s, &tags, &best, err);
		if (status == PS_OK && best.layout)
			symbol_structure_used(s->kernel, big_type_name,
					      "no big-page table follows it");
	} else if (status == PS_OK && s->big_by_symbols) {
		symbol_structure_used(s->kernel, big_type_name, NULL);
	}
	hash_fini(&tags);
	if (status != PS_OK)
		return status;
	if (best.layout) {
		take_candidate(s, &best);
		return PS_OK;
	}
	ps_fail_at(&s->found->big_error, PS_NOT_FOUND, s->window.center,
		   "no pointer within 0x%x bytes of PoolTrackTable leads to a big-page table%s",
		   WINDOW_REACH,
		   window_is_whole(&s->window) ? "" : "; part of that memory is not in the dump");
	return PS_OK;
}

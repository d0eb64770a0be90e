/*
 * Finds PoolTrackTable and proves its geometry; the other tables have files of their own
 * (locate_tables.c, locate_expansion.c, locate_big.c).
 *
 * Symbols or KDBG name the variable PoolTrackTable; where neither does, locate_hidden.c finds it.
 * Its table is accepted when its keys vote for one layout, hash and size; PoolTrackTableSize and
 * Mask must agree with the vote. The build number is a prior: when it disagrees with the vote the
 * vote wins and the disagreement is noted.
 */
#include "analyzer/pool/locate_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void locate_note(struct pool_globals *found, const char *format, ...)
{
	va_list args;

	if (found->note_count == sizeof(found->notes) / sizeof(found->notes[0]))
		return;
	va_start(args, format);
	vsnprintf(found->notes[found->note_count++], sizeof(found->notes[0]), format, args);
	va_end(args);
}

bool is_table_address(const struct space *space, uint64_t va)
{
	return va && (va & (PAGE_SIZE - 1)) == 0 && space_is_kernel_address(space, va);
}

bool is_processor_table(const struct pool_globals *found, uint64_t value)
{
	for (size_t i = 0; i < found->processor_table_count; i++) {
		if (found->processor_tables[i] == value)
			return true;
	}
	return false;
}

bool search_symbol(const struct search *s, enum symbol_id symbol, struct global *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct global global = {.found = true};

	if (!symbols_address(s->symbols, s->kernel->base, symbol, &global.va) ||
	    space_read_pointer(s->space, global.va, &global.value, &ignored) != PS_OK)
		return false;
	*ret = global;
	return true;
}

/* Where the variable PoolTrackTable lies; 0 when nothing names it. */
static uint64_t tracker_variable(const struct search *s)
{
	uint64_t variable = s->kernel->kdbg.fields[KDBG_POOL_TRACK_TABLE];

	symbols_address(s->symbols, s->kernel->base, SYMBOL_POOL_TRACK_TABLE, &variable);
	return variable;
}

static enum ps_status read_tracker_pointer(struct search *s, struct ps_error *err)
{
	struct pool_globals *found = s->found;
	const uint64_t variable = tracker_variable(s);
	enum ps_status status;

	if (!variable)
		return locate_hidden(s, err);
	found->found_by = s->symbols ? "symbols" : "structure around KDBG's PoolTrackTable";
	status = space_read_pointer(s->space, variable, &found->tracker.value, err);
	if (status != PS_OK)
		return ps_wrap(err, "cannot read the variable PoolTrackTable");
	if (!is_table_address(s->space, found->tracker.value))
		return ps_fail_at(err, PS_CORRUPT, variable,
				  "PoolTrackTable holds 0x%016llx, which cannot be a table",
				  (unsigned long long)found->tracker.value);
	found->tracker.va = s->center = variable;
	found->tracker.found = true;
	return PS_OK;
}

/*
 * Sizes of which the cluster holds 2^n + 1 and 2^n - 1; where part of the cluster is not in the
 * dump, one of the two is enough.
 */
void locate_name_sizes(const struct window *window, struct geometry_hints *hints)
{
	uint32_t sizes = 0, masks = 0;

	for (size_t i = 0; i < window_slots(window); i++) {
		uint64_t v;

		if (!window_value(window, i, &v) || v > UINT64_C(1) << (TRACKER_MAX_SHIFT + 1))
			continue;
		for (unsigned n = TRACKER_MIN_SHIFT; n <= TRACKER_MAX_SHIFT; n++) {
			sizes |= (uint32_t)(v == (UINT64_C(1) << n) + 1) << n;
			masks |= (uint32_t)(v == (UINT64_C(1) << n) - 1) << n;
		}
	}
	hints->pairs = sizes & masks;
	hints->sizes = window_is_whole(window) ? hints->pairs : sizes | masks;
}

/* The size as symbols name it leaves nothing to search for. False when the two variables disagree.
 */
static bool size_by_symbols(struct search *s, struct geometry_hints *hints)
{
	struct global size, mask;
	bool has_mask = search_symbol(s, SYMBOL_POOL_TRACK_TABLE_MASK, &mask);

	if (!search_symbol(s, SYMBOL_POOL_TRACK_TABLE_SIZE, &size))
		return true;
	if (has_mask && mask.value + 2 != size.value)
		return false;
	for (unsigned n = TRACKER_MIN_SHIFT; n <= TRACKER_MAX_SHIFT; n++) {
		if (size.value != (UINT64_C(1) << n) + 1)
			continue;
		hints->sizes = hints->pairs = 1u << n;
		return true;
	}
	return false;
}

static void check_prior(struct search *s)
{
	const struct tracker_layout *layout = s->geometry.layout;
	const struct fact *build = &s->kernel->build;

	if (!build->known ||
	    (build->value >= layout->first_build && build->value <= layout->last_build))
		return;
	locate_note(s->found,
		    "build %llu is not known to use %u-byte tracker entries (%s), but %llu of %llu "
		    "keys prove them",
		    (unsigned long long)build->value, layout->entry_size, layout->name,
		    (unsigned long long)s->geometry.reachable,
		    (unsigned long long)s->geometry.voters);
}

static enum ps_status table_absent(const struct view *table, struct ps_error *err)
{
	char text[256] = "";

	if (table->holes.count)
		hole_describe(&table->holes.items[0], text, sizeof(text));
	ps_fail_at(err, PS_ABSENT, table->va,
		   "no page of PoolTrackTable's table at 0x%016llx is there: %s",
		   (unsigned long long)table->va, text);
	ps_hint(err, "the dump was written without this memory; a complete or kernel memory dump "
		     "(CrashDumpEnabled 1, 2 or 7) holds it");
	return err->status;
}

/* True when no byte of the smallest table that can lie here is in the dump. */
static bool is_absent(const struct view *probe, const struct geometry_hints *hints)
{
	unsigned shift = TRACKER_MIN_SHIFT;
	size_t smallest;

	while (hints->sizes && !(hints->sizes >> shift & 1))
		shift++;
	smallest = ((size_t)1 << shift) * tracker_layouts[0].entry_size;
	for (size_t offset = 0; offset < smallest; offset += PAGE_SIZE) {
		if (view_has(probe, offset, 1))
			return false;
	}
	return true;
}

const struct tracker_layout *locate_only_layout(const struct search *s)
{
	return s->tracker_by_symbols ? &s->found->by_symbols.tracker : NULL;
}

static enum ps_status vote_geometry(struct search *s, struct ps_error *err)
{
	struct view probe;
	struct geometry_hints hints = {.pointer_size = s->kernel->pointer_size,
				       .build_known = s->kernel->build.known,
				       .build = s->kernel->build.value,
				       .only = locate_only_layout(s)};
	enum ps_status status;

	locate_name_sizes(&s->window, &hints);
	if (!size_by_symbols(s, &hints))
		return ps_fail_at(err, PS_CORRUPT, s->found->tracker.va,
				  "PoolTrackTableSize and Mask hold what cannot be a table's size");
	view_init(&probe, s->space, s->found->tracker.value);
	status = geometry_vote(&probe, &hints, &s->geometry, err);
	if (status == PS_NOT_FOUND && is_absent(&probe, &hints))
		status = table_absent(&probe, err);
	else if (status == PS_NOT_FOUND)
		status = ps_wrap(err, "PoolTrackTable leads to no tag table");
	view_fini(&probe);
	return status;
}

static enum ps_status prove_geometry(struct search *s, struct ps_error *err)
{
	struct pool_globals *found = s->found;
	uint64_t slots = UINT64_C(1) << s->geometry.shift;
	bool named;

	found->layout = s->geometry.layout;
	found->votes = s->geometry.reachable;
	found->voters = s->geometry.voters;
	found->tracker_size = window_global(&s->window, slots + 1);
	found->tracker_mask = window_global(&s->window, slots - 1);
	search_symbol(s, SYMBOL_POOL_TRACK_TABLE_SIZE, &found->tracker_size);
	search_symbol(s, SYMBOL_POOL_TRACK_TABLE_MASK, &found->tracker_mask);
	named = found->tracker_size.found && found->tracker_mask.found;
	found->hash = geometry_proved(&s->geometry, named) ? s->geometry.hash : '?';
	if (found->hash == '?' && !named)
		return ps_fail_at(
			err, PS_CORRUPT, found->tracker.value,
			"PoolTrackTable leads to no tag table: of %llu keys at 0x%016llx "
			"%llu sit where a tag hash puts them, %llu of those at once",
			(unsigned long long)found->voters, (unsigned long long)found->tracker.value,
			(unsigned long long)found->votes, (unsigned long long)s->geometry.homed);
	if (found->hash == '?')
		locate_note(found,
			    "the tag hash is not proved: of %llu keys %llu sit where it puts them, "
			    "%llu of those at once",
			    (unsigned long long)found->voters, (unsigned long long)found->votes,
			    (unsigned long long)s->geometry.homed);
	if (!named)
		locate_note(
			found,
			"PoolTrackTableSize or Mask is not readable near PoolTrackTable; %llu entries "
			"follow from where the keys hash",
			(unsigned long long)(slots + 1));
	check_prior(s);
	return PS_OK;
}

struct fact search_build(const struct search *s)
{
	struct fact build = s->kernel->build;

	if (build.value < s->geometry.layout->first_build ||
	    build.value > s->geometry.layout->last_build)
		build.known = false;
	return build;
}

enum ps_status locate_open_window(struct search *s, struct ps_error *err)
{
	const struct kernel *k = s->kernel;

	return window_init(&s->window, s->space, s->center, k->base,
			   k->size ? k->base + k->size : 0, err);
}

enum ps_status locate_open_table(struct search *s, struct ps_error *err)
{
	size_t slots = ((size_t)1 << s->geometry.shift) + 1;

	view_init(&s->table, s->space, s->found->tracker.value);
	return view_extend(&s->table, slots * s->geometry.layout->entry_size, err);
}

static enum ps_status search_run(struct search *s, struct ps_error *err)
{
	enum ps_status status = read_tracker_pointer(s, err);

	if (status == PS_OK)
		status = locate_open_window(s, err);
	if (status == PS_OK)
		status = vote_geometry(s, err);
	if (status == PS_OK)
		status = prove_geometry(s, err);
	if (status == PS_OK)
		status = locate_open_table(s, err);
	if (status == PS_OK)
		status = locate_processor_tables(s, err);
	if (status == PS_OK)
		status = locate_expansion(s, err);
	if (status == PS_OK)
		status = locate_big_pages(s, err);
	return status;
}

static enum ps_status locate_once(struct kernel *kernel, const struct symbols *symbols,
				  bool tracker_by_symbols, struct pool_globals *ret,
				  struct ps_error *err)
{
	struct search search = {.kernel = kernel,
				.space = kernel->space,
				.symbols = symbols,
				.tracker_by_symbols = tracker_by_symbols,
				.found = ret};
	enum ps_status status = search_run(&search, err);

	view_fini(&search.table);
	window_fini(&search.window);
	return status;
}

/* Symbols' layout first, where there is one that makes sense; the built-in ones where it fits no
 * table. */
static enum ps_status locate_with(struct kernel *kernel, const struct symbols *symbols,
				  struct pool_globals *ret, struct ps_error *err)
{
	struct symbol_layouts layouts;
	struct ps_error first = PS_ERROR_INIT;
	enum ps_status status;

	symbol_layouts_read(kernel, &layouts);
	*ret = (struct pool_globals){.by_symbols = layouts};
	status = locate_once(kernel, symbols, layouts.has_tracker, ret, err);
	if (layouts.has_tracker && (status == PS_NOT_FOUND || status == PS_CORRUPT)) {
		first = *err;
		ps_error_clear(err);
		pool_globals_fini(ret);
		*ret = (struct pool_globals){.by_symbols = layouts};
		status = locate_once(kernel, symbols, false, ret, err);
		if (status == PS_OK)
			symbol_structure_used(kernel, tracker_type_name, "no tag table follows it");
		else
			*err = first;
	} else if (status == PS_OK && layouts.has_tracker) {
		symbol_structure_used(kernel, tracker_type_name, NULL);
	}
	if (status != PS_OK)
		pool_globals_fini(ret);
	else
		ret->header = symbol_header_layout(kernel);
	return status == PS_OK ? PS_OK : err->status;
}

bool pool_globals_tracker_by_symbols(const struct pool_globals *g)
{
	return g->layout == &g->by_symbols.tracker;
}

bool pool_globals_big_by_symbols(const struct pool_globals *g)
{
	return g->big.layout == &g->by_symbols.big;
}

/* Nothing was refuted: the memory that would prove the symbols right or wrong is not there. */
static bool decides_nothing(enum ps_status status)
{
	return status == PS_ABSENT || status == PS_NO_MEMORY || status == PS_INTERRUPTED;
}

/* The symbols' table was proved, so its variable is right whatever KDBG says. */
static void took_symbols(const struct kernel *kernel, struct pool_globals *found)
{
	const struct symbol_set *set = &kernel->symbols->set;
	uint64_t own = kernel->kdbg.fields[KDBG_POOL_TRACK_TABLE];

	snprintf(found->symbols, sizeof(found->symbols), "%s %.140s",
		 symbol_source_word(set->source), set->origin);
	if (own && own != found->tracker.va)
		locate_note(found,
			    "KDBG says that PoolTrackTable is 0x%016llx, symbols say 0x%016llx, "
			    "which leads to a tag table and is used",
			    (unsigned long long)own, (unsigned long long)found->tracker.va);
}

/* By the sources in order. PS_NOT_FOUND: none of them, or none that is right. */
static enum ps_status locate_by_symbols(struct kernel *kernel, struct pool_globals *ret,
					struct ps_error *err)
{
	struct symbols *symbols = kernel->symbols;
	struct ps_error why = PS_ERROR_INIT, none = PS_ERROR_INIT;
	enum ps_status status = PS_NOT_FOUND;
	uint64_t variable;

	while (symbols_address(symbols, kernel->base, SYMBOL_POOL_TRACK_TABLE, &variable)) {
		ps_error_clear(&why);
		status = locate_with(kernel, symbols, ret, &why);
		if (status == PS_OK) {
			took_symbols(kernel, ret);
			return PS_OK;
		}
		if (decides_nothing(status)) {
			*err = why;
			return status;
		}
		status = kernel_reject_symbols(kernel, why.text, &none);
		if (status != PS_OK && status != PS_NOT_FOUND) {
			*err = none;
			return status;
		}
	}
	return PS_NOT_FOUND;
}

enum ps_status pool_locate(struct kernel *kernel, struct pool_globals *ret, struct ps_error *err)
{
	enum ps_status status = locate_by_symbols(kernel, ret, err);

	if (status != PS_NOT_FOUND && status != PS_ABSENT)
		return status;
	/* KDBG's own word may lead to memory that is there where the symbols' does not. */
	if (status == PS_ABSENT && kernel->kdbg.from_symbols >> KDBG_POOL_TRACK_TABLE & 1)
		return status;
	ps_error_clear(err);
	return locate_with(kernel, NULL, ret, err);
}

void pool_globals_fini(struct pool_globals *globals)
{
	free(globals->processor_tables);
	free(globals->processor_numbers);
	*globals = (struct pool_globals){0};
}

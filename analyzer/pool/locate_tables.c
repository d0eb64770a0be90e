/*
 * ExPoolTagTables: one tracker table per processor.
 *
 * Without symbols, the array is the one place beside PoolTrackTable itself that starts with the
 * same pointer (section 3.4). Its length is never trusted: slot by slot, a pointer counts when the
 * keys at it agree with table 0 slot for slot, because a processor copies a key from table 0 into
 * the same slot before it uses it. Kernels without the array (XP, uniprocessor) have one table.
 */
#include "analyzer/pool/locate_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* Pages with keys that are compared with table 0; a page without keys tells nothing. */
enum { SAMPLE_PAGES = 4 };

enum { FIRST_BUILD_WITH_ARRAY = 3790 };

enum { ARRAY_PLACES = 16 };

enum table_kind {
	TABLE_PROVED, /* its keys agree with table 0 */
	TABLE_EMPTY,  /* readable, no key that could be compared */
	TABLE_ABSENT, /* no page of it is in the dump */
	TABLE_WRONG,
};

struct agreement {
	uint64_t same, different;
};

/* Compares the keys whose slots begin in [from, from + length) of the candidate with table 0's. */
static void compare_keys(const struct search *s, const struct view *part, size_t part_offset,
			 struct agreement *a)
{
	size_t entry = s->geometry.layout->entry_size;
	size_t slot = (part_offset + entry - 1) / entry;

	for (; (slot + 1) * entry <= part_offset + part->size; slot++) {
		size_t offset = slot * entry;
		uint64_t own, first;

		if (!view_has(part, offset - part_offset, 4) || !view_has(&s->table, offset, 4))
			continue;
		own = view_uint(part, offset - part_offset, 4);
		first = view_uint(&s->table, offset, 4);
		if (own && own == first)
			a->same++;
		else if (own)
			a->different++;
	}
}

/* Looks at a few present pages of the table at `va`. */
static enum ps_status judge_table(const struct search *s, uint64_t va, enum table_kind *ret,
				  struct ps_error *err)
{
	struct agreement a = {0};
	unsigned sampled = 0, with_keys = 0;

	for (size_t offset = 0; offset < s->table.size && with_keys < SAMPLE_PAGES;
	     offset += PAGE_SIZE) {
		struct view part;
		size_t length = s->table.size - offset;
		uint64_t keys = a.same + a.different;
		enum ps_status status;

		view_init(&part, s->space, va + offset);
		status = view_extend(&part, length < PAGE_SIZE ? length : PAGE_SIZE, err);
		if (status == PS_OK && part.pages_present) {
			sampled++;
			compare_keys(s, &part, offset, &a);
			with_keys += a.same + a.different > keys;
		}
		view_fini(&part);
		if (status == PS_NO_MEMORY)
			return status;
	}
	if (!sampled)
		*ret = TABLE_ABSENT;
	else if (!a.same && !a.different)
		*ret = TABLE_EMPTY;
	else
		*ret = a.different * 50 > a.same + a.different ? TABLE_WRONG : TABLE_PROVED;
	return PS_OK;
}

/* What the array at `va` holds, as far as it can be proved. */
struct array {
	uint64_t va;
	uint64_t tables[POOL_TABLES_MAX];
	int numbers[POOL_TABLES_MAX];
	size_t proved;     /* items of tables[] */
	size_t absent;     /* of them, not in the dump at all */
	size_t duplicates; /* pointers seen twice */
	size_t missing;    /* NULL slots below the processor count */
	bool goes_on;      /* behind the last processor stands what could be one more table */
	size_t dead;       /* values below the processor count that are no table */
	size_t unread;     /* slots below the processor count that are not in the dump */
	size_t zeros;      /* NULL slots before the first value that is no table */
};

static bool array_holds(const struct array *array, uint64_t va)
{
	for (size_t i = 0; i < array->proved; i++) {
		if (array->tables[i] == va)
			return true;
	}
	return false;
}

/*
 * A pointer behind the last processor that could be a table, as far as can be seen: then the count
 * is too small, or something else lies there. Session tables are not mapped in this address space.
 */
static bool could_be_one_more(const struct search *s, const struct array *array, uint64_t value,
			      enum table_kind kind)
{
	struct translation at;
	struct hole hole;

	if (array->zeros || (kind != TABLE_EMPTY && kind != TABLE_ABSENT))
		return false;
	return space_translate(s->space, value, &at, &hole) || hole.reason == HOLE_TABLE_MISSING;
}

/* `likely`: processor numbers are dense and this one is below the count, or before the first NULL.
 */
static enum ps_status array_take(const struct search *s, struct array *array, uint64_t value,
				 int number, bool likely, bool *ret_is_table, struct ps_error *err)
{
	enum table_kind kind = TABLE_WRONG;
	enum ps_status status = PS_OK;

	*ret_is_table = true;
	if (array_holds(array, value)) {
		array->duplicates++;
		return PS_OK;
	}
	if (value == s->found->tracker.value)
		kind = TABLE_PROVED;
	else if (is_table_address(s->space, value))
		status = judge_table(s, value, &kind, err);
	if (status != PS_OK)
		return status;
	*ret_is_table = kind == TABLE_PROVED || (likely && kind != TABLE_WRONG);
	if (!*ret_is_table) {
		array->goes_on = !likely && could_be_one_more(s, array, value, kind);
		return PS_OK;
	}
	array->tables[array->proved] = value;
	array->numbers[array->proved++] = number;
	array->absent += kind == TABLE_ABSENT;
	return PS_OK;
}

/*
 * Reads the array at `va`. Slots below the processor count must be tables or NULL; behind them, or
 * when the count is not known, the array ends at the first value that is no table.
 */
static enum ps_status array_read(const struct search *s, uint64_t va, struct array *array,
				 struct ps_error *err)
{
	const struct fact *processors = &s->kernel->processors;

	*array = (struct array){.va = va};
	for (int i = 0; i < POOL_TABLES_MAX; i++) {
		struct ps_error ignored = PS_ERROR_INIT;
		bool counted = processors->known && (uint64_t)i < processors->value;
		bool likely = processors->known ? counted : !array->zeros, is_table;
		uint64_t value;
		enum ps_status status;

		if (space_read_pointer(s->space, va + (uint64_t)i * s->kernel->pointer_size, &value,
				       &ignored) != PS_OK) {
			array->unread += likely;
			continue;
		}
		if (!value) {
			array->zeros++;
			array->missing += counted;
			continue;
		}
		status = array_take(s, array, value, i, likely, &is_table, err);
		if (status != PS_OK)
			return status;
		if (!is_table && !counted)
			break;
		array->dead += !is_table;
	}
	return PS_OK;
}

static size_t array_doubts(const struct array *array)
{
	return array->dead + array->unread + array->missing + array->goes_on;
}

static bool array_is_better(const struct array *a, const struct array *b)
{
	size_t a_seen = a->proved - a->absent, b_seen = b->proved - b->absent;

	if (a_seen != b_seen)
		return a_seen > b_seen;
	if (array_doubts(a) != array_doubts(b))
		return array_doubts(a) < array_doubts(b);
	/* The linker aligned the array to 32 bytes in every build looked at. */
	if ((a->va % 32 == 0) != (b->va % 32 == 0))
		return a->va % 32 == 0;
	return a->zeros > b->zeros;
}

/* Places that hold PoolTrackTable's pointer; a real cluster has two or three. */
static enum ps_status find_array(struct search *s, struct array *scratch, struct array *best,
				 struct ps_error *err)
{
	unsigned places = 0;

	for (size_t i = 0; i < window_slots(&s->window) && places < ARRAY_PLACES; i++) {
		uint64_t value, va = window_va(&s->window, i);
		enum ps_status status;

		if (!window_value(&s->window, i, &value) || value != s->found->tracker.value ||
		    va == s->found->tracker.va)
			continue;
		places++;
		status = array_read(s, va, scratch, err);
		if (status != PS_OK)
			return status;
		if (!best->va || array_is_better(scratch, best))
			*best = *scratch;
	}
	return PS_OK;
}

/* The array that symbols name; not taken when it does not begin with PoolTrackTable's table. */
static enum ps_status array_by_symbols(struct search *s, struct array *scratch, struct array *best,
				       struct ps_error *err)
{
	uint64_t va;
	enum ps_status status;

	if (!symbols_address(s->symbols, s->kernel->base, SYMBOL_EX_POOL_TAG_TABLES, &va))
		return PS_OK;
	status = array_read(s, va, scratch, err);
	if (status != PS_OK)
		return status;
	if (array_holds(scratch, s->found->tracker.value))
		*best = *scratch;
	else
		locate_note(s->found,
			    "ExPoolTagTables by symbols, 0x%016llx, does not hold PoolTrackTable's "
			    "table; it is searched for",
			    (unsigned long long)va);
	return PS_OK;
}

static enum ps_status keep_tables(struct pool_globals *found, const struct array *array,
				  struct ps_error *err)
{
	size_t count = array->va ? array->proved : 1;

	found->processor_tables = mem_array(count, sizeof(*found->processor_tables));
	found->processor_numbers = mem_array(count, sizeof(*found->processor_numbers));
	if (!found->processor_tables || !found->processor_numbers)
		return ps_fail_memory(err, "the list of tracker tables");
	found->processor_tables[0] = found->tracker.value;
	found->processor_table_count = 1;
	for (size_t i = 0; i < array->proved; i++) {
		size_t to = found->processor_table_count;

		if (array->tables[i] == found->tracker.value) {
			found->processor_numbers[0] = array->numbers[i];
			continue;
		}
		found->processor_tables[to] = array->tables[i];
		found->processor_numbers[to] = array->numbers[i];
		found->processor_table_count++;
	}
	return PS_OK;
}

/* Without the array: is one table all there is? */
static void judge_single_table(struct search *s)
{
	struct pool_globals *found = s->found;
	const struct kernel *k = s->kernel;
	struct fact build = search_build(s);

	found->processors_known = true;
	if (k->processors.known && k->processors.value <= 1)
		return;
	if (build.known && build.value < FIRST_BUILD_WITH_ARRAY)
		return;
	found->processors_known = false;
	snprintf(found->processors_note, sizeof(found->processors_note),
		 "ExPoolTagTables was not found near PoolTrackTable%s; only processor 0 is counted",
		 window_is_whole(&s->window) ? "" : " (part of that memory is not in the dump)");
}

static void judge_array(struct search *s, const struct array *array)
{
	struct pool_globals *found = s->found;
	const struct fact *processors = &s->kernel->processors;

	found->tables =
		(struct global){.found = true, .va = array->va, .value = found->tracker.value};
	found->processors_known = true;
	if (array->duplicates)
		locate_note(found, "ExPoolTagTables names %zu tables twice; each is counted once",
			    array->duplicates);
	if (!array_doubts(array))
		return;
	found->processors_known = false;
	if (array->goes_on)
		snprintf(
			found->processors_note, sizeof(found->processors_note),
			"behind the %zu tables of ExPoolTagTables stands a pointer to what could be "
			"one more",
			array->proved);
	else if (!processors->known)
		snprintf(found->processors_note, sizeof(found->processors_note),
			 "the number of processors is not known and part of ExPoolTagTables is not "
			 "in the dump");
	else
		snprintf(
			found->processors_note, sizeof(found->processors_note),
			"of %llu processors in ExPoolTagTables, %zu have a pointer that leads to no "
			"tag table, %zu none at all, and of %zu it is not in the dump",
			(unsigned long long)processors->value, array->dead, array->missing,
			array->unread);
}

enum ps_status locate_count_tables(struct search *s, size_t *ret_tables, uint64_t *ret_array,
				   struct ps_error *err)
{
	struct array *arrays = mem_array(2, sizeof(*arrays));
	enum ps_status status;

	if (!arrays)
		return ps_fail_memory(err, "the search for ExPoolTagTables");
	status = find_array(s, &arrays[0], &arrays[1], err);
	*ret_tables = arrays[1].proved - arrays[1].absent;
	*ret_array = arrays[1].va;
	free(arrays);
	return status;
}

enum ps_status locate_processor_tables(struct search *s, struct ps_error *err)
{
	struct array *arrays = mem_array(2, sizeof(*arrays));
	enum ps_status status;

	if (!arrays)
		return ps_fail_memory(err, "the search for ExPoolTagTables");
	status = array_by_symbols(s, &arrays[0], &arrays[1], err);
	if (status == PS_OK && !arrays[1].va)
		status = find_array(s, &arrays[0], &arrays[1], err);
	if (status == PS_OK)
		status = keep_tables(s->found, &arrays[1], err);
	if (status == PS_OK && arrays[1].va)
		judge_array(s, &arrays[1]);
	else if (status == PS_OK)
		judge_single_table(s);
	free(arrays);
	return status;
}

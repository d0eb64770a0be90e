/*
 * The pools of one kernel, put together. See pools.h.
 */
#include "analyzer/pool/pools.h"
#include "analyzer/pool/totals.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

static void pools_note(struct pools *pools, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void pools_note(struct pools *pools, const char *format, ...)
{
	va_list args;

	if (pools->note_count == sizeof(pools->notes) / sizeof(pools->notes[0]))
		return;
	va_start(args, format);
	vsnprintf(pools->notes[pools->note_count++], sizeof(pools->notes[0]), format, args);
	va_end(args);
}

static enum ps_status add_violation(struct pools *pools, uint32_t tag, bool paged, int64_t tracker,
				    uint64_t big, struct ps_error *err)
{
	if (!mem_grow((void **)&pools->violations, pools->violation_count,
		      &pools->violation_capacity, sizeof(*pools->violations)))
		return ps_fail_memory(err, "the list of contradictions");
	pools->violations[pools->violation_count++] = (struct pool_violation){
		.tag = tag, .paged = paged, .tracker_bytes = tracker, .big_bytes = big};
	return PS_OK;
}

static bool is_less(int64_t tracker, uint64_t big)
{
	return tracker < 0 ? big > 0 : (uint64_t)tracker < big;
}

/*
 * A tag's tracker bytes are at least those of its live big allocations. Big-page sums are lower
 * bounds, so the test holds on a partial big table too; the tracker row must be exact.
 */
static enum ps_status cross_check(struct pools *pools, struct ps_error *err)
{
	for (size_t i = 0; i < pools->big.sum_count; i++) {
		const struct big_sum *sum = &pools->big.sums[i];
		const struct tag_row *row = pools_row(pools, sum->tag);
		enum ps_status status = PS_OK;

		if (row && !row->complete)
			continue;
		if (!row && !pools->tracker.complete)
			continue;
		if (is_less(row ? row->nonpaged.bytes : 0, sum->nonpaged_bytes))
			status =
				add_violation(pools, sum->tag, false, row ? row->nonpaged.bytes : 0,
					      sum->nonpaged_bytes, err);
		if (status == PS_OK && is_less(row ? row->paged.bytes : 0, sum->paged_bytes))
			status = add_violation(pools, sum->tag, true, row ? row->paged.bytes : 0,
					       sum->paged_bytes, err);
		if (status != PS_OK)
			return status;
	}
	return PS_OK;
}

static enum ps_status read_big(struct pools *pools, struct progress *progress, struct ps_error *err)
{
	const struct big_globals *globals = &pools->globals.big;
	enum ps_status status;

	if (!globals->table.found) {
		pools->big_error = pools->globals.big_error;
		return PS_OK;
	}
	status = big_pages_read(pools->kernel->space, globals, progress, &pools->big, err);
	if (status == PS_NO_MEMORY || status == PS_INTERRUPTED)
		return status;
	if (status != PS_OK) {
		pools->big_error = *err;
		ps_error_clear(err);
		return PS_OK;
	}
	if (!pools->big.in_use && !pools->big.freed) {
		ps_fail_at(
			&pools->big_error, PS_NOT_FOUND, globals->table.value,
			"the table at 0x%016llx, which could be the big-page table, has no entry",
			(unsigned long long)globals->table.value);
		return PS_OK;
	}
	pools->big_available = true;
	if (globals->note[0])
		pools_note(pools, "%s", globals->note);
	return cross_check(pools, err);
}

static enum ps_status no_pools(struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED,
		"no minidump can hold the pool tables: Windows copies stacks, lists and small pieces "
		"of memory into it, never the tag tables, which are several hundred kilobytes");
	ps_hint(err,
		"look whether C:\\Windows\\MEMORY.DMP of the same crash still exists; for the next "
		"crash set \"Kernel memory dump\", \"Automatic memory dump\" or \"Complete memory "
		"dump\" in System Properties, Advanced, Startup and Recovery "
		"(HKLM\\SYSTEM\\CurrentControlSet\\Control\\CrashControl, CrashDumpEnabled 2, 7 "
		"or 1; a minidump is 3)");
	return err->status;
}

/*
 * What is true of a tag's sums in every Windows, but for a few that were caught between two
 * writes: blocks and bytes left are not negative, and there are bytes where there are blocks.
 */
static bool is_plausible(const struct tag_side *side)
{
	return side->diff >= 0 && side->bytes >= 0 && (side->diff == 0) == (side->bytes == 0);
}

/* Exchanged members give figures as well: the sums tell. */
static bool tracker_makes_sense(const struct tracker *tracker)
{
	uint64_t sides = 0, odd = 0;

	for (size_t i = 0; i < tracker->row_count; i++) {
		const struct tag_row *row = &tracker->rows[i];

		if (!row->complete || row->overflow)
			continue;
		sides += 2;
		odd += !is_plausible(&row->nonpaged);
		odd += !is_plausible(&row->paged);
	}
	return odd * 20 <= sides;
}

static enum ps_status read_tracker(struct pools *pools, struct ps_error *err)
{
	struct kernel *kernel = pools->kernel;
	enum ps_status status = pool_locate(kernel, &pools->globals, err);

	if (status == PS_OK)
		status = tracker_read(kernel->space, &pools->globals, &pools->tracker, err);
	if (status != PS_OK || !pool_globals_tracker_by_symbols(&pools->globals) ||
	    tracker_makes_sense(&pools->tracker))
		return status;
	symbol_structure_used(kernel, tracker_type_name, "the sums that it gives are impossible");
	tracker_fini(&pools->tracker);
	pool_globals_fini(&pools->globals);
	status = pool_locate(kernel, &pools->globals, err);
	return status == PS_OK ? tracker_read(kernel->space, &pools->globals, &pools->tracker, err)
			       : status;
}

enum ps_status pools_open(struct kernel *kernel, struct progress *progress, struct pools **ret,
			  struct ps_error *err)
{
	struct pools *pools;
	enum ps_status status;

	if (kernel->dump->holds == HOLDS_RANGES)
		return no_pools(err);
	pools = mem_array(1, sizeof(*pools));
	if (!pools)
		return ps_fail_memory(err, "the pools");
	pools->kernel = kernel;
	status = read_tracker(pools, err);
	if (status == PS_OK)
		pool_totals_layouts(kernel);
	for (unsigned i = 0; status == PS_OK && i < pools->globals.note_count; i++)
		pools_note(pools, "%s", pools->globals.notes[i]);
	if (status == PS_OK)
		status = read_big(pools, progress, err);
	if (status != PS_OK) {
		pools_close(pools);
		return status;
	}
	*ret = pools;
	return PS_OK;
}

void pools_close(struct pools *pools)
{
	if (!pools)
		return;
	big_pages_fini(&pools->big);
	tracker_fini(&pools->tracker);
	pool_globals_fini(&pools->globals);
	free(pools->violations);
	free(pools);
}

const struct tag_row *pools_row(const struct pools *pools, uint32_t tag)
{
	uint32_t index;

	return hash_find(&pools->tracker.index, tag, &index) ? &pools->tracker.rows[index] : NULL;
}

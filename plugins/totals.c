/*
 * Totals of either pool: the sums over tags, and what the kernel itself keeps in the variables that
 * KDBG names; of a minidump, what Windows put into its DUMP_MM_STORAGE. A variable that is zero is
 * not in use on that build and counts as unknown. Not supported yet: the totals in MiState of
 * Windows 10 and later.
 */
#include "plugins/plugin.h"

#include <string.h>

/* "read from the kernel: MmSizeOfPagedPoolInBytes (KDBG)" */
static const char *source(const struct plugin_input *input, struct report *report,
			  enum kdbg_field field)
{
	bool symbols = input->kernel->kdbg.from_symbols >> field & 1;
	const char *text = report_text(report, "read from the kernel: %s (%s)",
				       kdbg_field_name(field), symbols ? "symbols" : "KDBG");

	report->totals.by_symbols |= symbols;
	return text ? text : "out of memory";
}

static struct report_number variable(const struct plugin_input *input, struct report *report,
				     enum kdbg_field field, uint64_t unit)
{
	struct kernel *k = input->kernel;
	struct ps_error error = PS_ERROR_INIT;
	uint64_t value, bytes;

	if (k->kdbg.fields[field] == 0 && k->kdbg.size == 0)
		return (struct report_number){false, 0,
					      "there is no KDBG, and no symbols name the variable"};
	if (k->kdbg.fields[field] == 0)
		return (struct report_number){false, 0, "KDBG does not name the variable"};
	if (kdbg_variable(k->space, &k->kdbg, field, &value, &error) != PS_OK)
		return (struct report_number){false, 0, error_text(report, &error)};
	if (value == 0)
		return (struct report_number){false, 0,
					      "the variable is zero: not kept by this build"};
	if (__builtin_mul_overflow(value, unit, &bytes))
		return (struct report_number){false, 0, "the variable holds no possible size"};
	return (struct report_number){true, bytes, NULL};
}

static void used(struct report_pool_total *total)
{
	uint64_t bytes = total->allocated.has_value ? total->allocated.value
			 : total->tag_bytes > 0     ? (uint64_t)total->tag_bytes
						    : 0;
	double share;

	if (!total->maximum.has_value || bytes == 0)
		return;
	share = 1000.0 * (double)bytes / (double)total->maximum.value;
	/* Far more than the maximum: one of the two is not what it seems. */
	total->has_used = share < 10000.0;
	total->used_permille = total->has_used ? (unsigned)(share + 0.5) : 0;
}

static const char mm_storage[] =
	"read from the minidump: DUMP_MM_STORAGE, which the kernel filled in pages";
static const char mm_empty[] =
	"the memory manager's totals in the minidump (DUMP_MM_STORAGE) are all zero: it was cut from "
	"MEMORY.DMP when Windows started again, and they were not filled in";
static const char mm_absent[] = "the minidump has no totals of the memory manager";

/* Some Windows write 0 where they do not know a maximum. */
static struct report_number pages(uint64_t count)
{
	uint64_t bytes;

	if (count == 0)
		return (struct report_number){false, 0, "the minidump says 0"};
	if (__builtin_mul_overflow(count, (uint64_t)PAGE_SIZE, &bytes))
		return (struct report_number){false, 0, "the minidump states no possible size"};
	return (struct report_number){true, bytes, NULL};
}

static void from_minidump(const struct triage_mm *mm, struct report_totals *t)
{
	if (!mm->filled) {
		t->note = mm->present ? mm_empty : mm_absent;
		return;
	}
	t->available = true;
	t->sums_note = "a minidump holds no tag tables to sum over";
	t->nonpaged.allocated = pages(mm->nonpaged_allocated);
	t->nonpaged.maximum = pages(mm->nonpaged_maximum);
	t->paged.allocated = pages(mm->paged_allocated);
	t->paged.maximum = pages(mm->paged_maximum);
	t->committed = pages(mm->committed);
	t->committed_peak = pages(mm->committed_peak);
	t->commit_limit = pages(mm->commit_limit);
	t->nonpaged.allocated_source = t->nonpaged.maximum_source = mm_storage;
	t->paged.allocated_source = t->paged.maximum_source = mm_storage;
	t->commit_source = mm_storage;
	used(&t->nonpaged);
	used(&t->paged);
}

enum ps_status plugin_totals(const struct plugin_input *input, struct report *report,
			     struct ps_error *err)
{
	struct report_totals *t = &report->totals;
	const struct tracker *tracker;

	(void)err;
	if (input->dump->triage) {
		from_minidump(&input->dump->triage->mm, t);
		return PS_OK;
	}
	if (!input->pools) {
		t->note = report->tracker.note;
		return PS_OK;
	}
	tracker = &input->pools->tracker;
	t->available = true;
	t->committed.note = t->committed_peak.note = t->commit_limit.note =
		"this version reads it of minidumps only";
	t->trust = tracker->complete ? FIGURE_EXACT : FIGURE_ABOUT;
	t->nonpaged.tag_bytes = tracker->nonpaged_bytes;
	t->paged.tag_bytes = tracker->paged_bytes;
	t->nonpaged.maximum = variable(input, report, KDBG_MM_MAXIMUM_NONPAGED_POOL, 1);
	t->nonpaged.allocated = variable(input, report, KDBG_MM_ALLOCATED_NONPAGED_POOL, PAGE_SIZE);
	t->paged.maximum = variable(input, report, KDBG_MM_SIZE_OF_PAGED_POOL, 1);
	t->paged.allocated = (struct report_number){
		false, 0, "KDBG names no variable that counts allocated paged pool"};
	t->nonpaged.maximum_source = source(input, report, KDBG_MM_MAXIMUM_NONPAGED_POOL);
	t->nonpaged.allocated_source = source(input, report, KDBG_MM_ALLOCATED_NONPAGED_POOL);
	t->paged.maximum_source = source(input, report, KDBG_MM_SIZE_OF_PAGED_POOL);
	used(&t->nonpaged);
	used(&t->paged);
	if (!tracker->complete)
		report->incomplete = true;
	return PS_OK;
}

/*
 * Reads the kernel's own totals and judges each by the sums over the tags. Sources stand in tables,
 * best first; a new kind of source (symbols) is one more row.
 */
#include "analyzer/pool/totals.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/kernel/symbol_structure.h"
#include "analyzer/pool/descriptor.h"
#include "analyzer/pool/mm_state.h"
#include "base/bytes.h"

enum { PAGED_POOLS_MOST = 64 };

typedef enum ps_status (*total_reader)(struct kernel *kernel, uint64_t *ret, struct ps_error *err);

/* A variable that is zero is not kept by the build. */
static enum ps_status read_variable(struct kernel *k, enum kdbg_field field, uint64_t unit,
				    uint64_t *ret, struct ps_error *err)
{
	uint64_t value;

	if (kdbg_variable(k->space, &k->kdbg, field, &value, err) != PS_OK)
		return err->status;
	if (value == 0)
		return ps_fail(err, PS_NOT_FOUND, "the variable is zero: not kept by this build");
	if (__builtin_mul_overflow(value, unit, ret))
		return ps_fail(err, PS_CORRUPT, "the variable holds no possible size");
	return PS_OK;
}

static enum ps_status allocated_nonpaged(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_ALLOCATED_NONPAGED_POOL, PAGE_SIZE, ret, err);
}

static enum ps_status maximum_nonpaged(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_MAXIMUM_NONPAGED_POOL, 1, ret, err);
}

static enum ps_status size_of_paged(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_SIZE_OF_PAGED_POOL, 1, ret, err);
}

static enum ps_status paged_commit(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_PAGED_POOL_COMMIT, PAGE_SIZE, ret, err);
}

static enum ps_status committed(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_TOTAL_COMMITTED_PAGES, PAGE_SIZE, ret, err);
}

static enum ps_status commit_limit(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_TOTAL_COMMIT_LIMIT, PAGE_SIZE, ret, err);
}

/* KDBG names the structure itself, not a pointer to it. */
static enum ps_status nonpaged_descriptor(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	uint64_t va = k->kdbg.fields[KDBG_NONPAGED_POOL_DESCRIPTOR];

	if (va == 0)
		return ps_fail(err, PS_NOT_FOUND, "KDBG names no NonPagedPoolDescriptor");
	return descriptor_bytes(k, va, ret, err);
}

static enum ps_status commit_peak(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	return read_variable(k, KDBG_MM_PEAK_COMMITMENT, PAGE_SIZE, ret, err);
}

/* An array of pointers, one more than ExpNumberOfPagedPools says (the first is for large ones). */
static enum ps_status paged_descriptors(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	uint64_t array = k->kdbg.fields[KDBG_PAGED_POOL_DESCRIPTOR], sum = 0;
	uint64_t at = k->kdbg.fields[KDBG_NUMBER_OF_PAGED_POOLS];
	uint32_t count;

	if (array == 0 || at == 0)
		return ps_fail(err, PS_NOT_FOUND, "KDBG names no ExpPagedPoolDescriptor");
	if (space_read_u32(k->space, at, &count, err) != PS_OK)
		return err->status;
	if (count == 0 || count > PAGED_POOLS_MOST)
		return ps_fail(err, PS_CORRUPT, "ExpNumberOfPagedPools is %" PRIu32, count);
	for (uint32_t i = 0; i <= count; i++) {
		uint64_t va, bytes;

		if (space_read_pointer(k->space, array + (uint64_t)i * k->pointer_size, &va, err) !=
			    PS_OK ||
		    descriptor_bytes(k, va, &bytes, err) != PS_OK)
			return err->status;
		sum += bytes;
	}
	*ret = sum;
	return PS_OK;
}

static enum ps_status pages_at(struct kernel *k, uint64_t va, uint64_t *ret, struct ps_error *err)
{
	uint64_t pages;

	if (space_read_pointer(k->space, va, &pages, err) != PS_OK)
		return err->status;
	if (pages == 0 || __builtin_mul_overflow(pages, (uint64_t)PAGE_SIZE, ret))
		return ps_fail(err, PS_CORRUPT, "AllocatedPagedPool holds no possible size");
	return PS_OK;
}

static bool paged_info_by_symbols(struct kernel *k, uint32_t *ret)
{
	static const char type[] = "_MM_PAGED_POOL_INFO";
	struct symbol_member member = {.name = "AllocatedPagedPool", .widths = WIDTH_POINTER};
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result = symbol_structure(k, type, &member, 1, PAGE_SIZE, &size, why);

	if (result == STRUCTURE_UNKNOWN)
		return false;
	symbol_structure_used(k, type, result == STRUCTURE_KNOWN ? NULL : why);
	*ret = member.offset;
	return result == STRUCTURE_KNOWN;
}

/* MM_PAGED_POOL_INFO.AllocatedPagedPool, in pages: PDB types by build. */
static enum ps_status paged_info(struct kernel *k, uint64_t *ret, struct ps_error *err)
{
	static const struct {
		uint32_t first_build, last_build;
		uint8_t x86, x64;
	} offsets[] = {
		{2600, 2600, 0x20, 0},        {3790, 3790, 0x1c, 0x38}, {6000, 7601, 0x34, 0x60},
		{9200, 9200, 0x30, 0x58},     {9600, 9600, 0x34, 0x60}, {10240, 17763, 0x18, 0x30},
		{18362, UINT32_MAX, 8, 0x10},
	};
	uint64_t va = k->kdbg.fields[KDBG_MM_PAGED_POOL_INFO];
	uint32_t own;

	if (va == 0)
		return ps_fail(err, PS_NOT_FOUND, "KDBG names no MmPagedPoolInformation");
	if (paged_info_by_symbols(k, &own))
		return pages_at(k, va + own, ret, err);
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		uint8_t offset = k->pointer_size == 4 ? offsets[i].x86 : offsets[i].x64;

		if (k->build.value < offsets[i].first_build ||
		    k->build.value > offsets[i].last_build || offset == 0)
			continue;
		return pages_at(k, va + offset, ret, err);
	}
	return ps_fail(err, PS_UNSUPPORTED, "no layout of MM_PAGED_POOL_INFO is known for it");
}

/* `name` is a string literal. */
#define BY(name)                                                                                   \
	{                                                                                          \
		name " (KDBG)", name " (symbols)"                                                  \
	}

void pool_totals_layouts(struct kernel *kernel)
{
	uint32_t unused;

	descriptor_by_symbols(kernel);
	paged_info_by_symbols(kernel, &unused);
}

struct total_source {
	const char *words[2]; /* by KDBG, by symbols */
	enum kdbg_field field;
	total_reader read;   /* NULL: of MiState */
	enum mm_count count; /* in MiState */
};

#define OF_STATE(count)                                                                            \
	{                                                                                          \
		{NULL, NULL}, KDBG_FIELDS, NULL, count                                             \
	}

static const struct total_source nonpaged_used[] = {
	{BY("MmAllocatedNonPagedPool"), KDBG_MM_ALLOCATED_NONPAGED_POOL, allocated_nonpaged, 0},
	OF_STATE(MM_NONPAGED_ALLOCATED),
	{BY("NonPagedPoolDescriptor"), KDBG_NONPAGED_POOL_DESCRIPTOR, nonpaged_descriptor, 0},
};

static const struct total_source paged_used[] = {
	{BY("AllocatedPagedPool of MmPagedPoolInformation"), KDBG_MM_PAGED_POOL_INFO, paged_info,
	 0},
	OF_STATE(MM_PAGED_ALLOCATED),
	{BY("ExpPagedPoolDescriptor"), KDBG_PAGED_POOL_DESCRIPTOR, paged_descriptors, 0},
	{BY("MmPagedPoolCommit"), KDBG_MM_PAGED_POOL_COMMIT, paged_commit, 0},
};

static const struct total_source nonpaged_maximum[] = {
	{BY("MmMaximumNonPagedPoolInBytes"), KDBG_MM_MAXIMUM_NONPAGED_POOL, maximum_nonpaged, 0},
};
static const struct total_source paged_maximum[] = {
	{BY("MmSizeOfPagedPoolInBytes"), KDBG_MM_SIZE_OF_PAGED_POOL, size_of_paged, 0},
};
static const struct total_source nonpaged_space[] = {OF_STATE(MM_NONPAGED_MAXIMUM)};
static const struct total_source paged_space[] = {OF_STATE(MM_PAGED_MAXIMUM)};
static const struct total_source committed_sources[] = {
	{BY("MmTotalCommittedPages"), KDBG_MM_TOTAL_COMMITTED_PAGES, committed, 0},
	OF_STATE(MM_COMMITTED),
};
static const struct total_source limit_sources[] = {
	{BY("MmTotalCommitLimit"), KDBG_MM_TOTAL_COMMIT_LIMIT, commit_limit, 0},
	OF_STATE(MM_COMMIT_LIMIT),
};
static const struct total_source peak_sources[] = {
	{BY("MmPeakCommitment"), KDBG_MM_PEAK_COMMITMENT, commit_peak, 0},
	OF_STATE(MM_COMMIT_PEAK),
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *source_words(const struct kernel *kernel, const char *const words[2],
				enum kdbg_field field)
{
	return words[kernel->kdbg.from_symbols >> field & 1];
}

static void read_total(struct kernel *kernel, const struct total_source *source, struct total *ret)
{
	struct ps_error err = PS_ERROR_INIT;
	enum ps_status status;

	*ret = (struct total){.grade = TOTAL_UNKNOWN, .of_state = !source->read};
	if (source->read) {
		ret->source = source_words(kernel, source->words, source->field);
		status = source->read(kernel, &ret->bytes, &err);
	} else {
		ret->source = mm_state_source(kernel, source->count);
		status = mm_state_read(kernel, source->count, &ret->bytes, &err);
	}
	if (status == PS_OK)
		ret->grade = TOTAL_READ;
	else
		snprintf(ret->words, sizeof(ret->words), "%.*s", TOTAL_WORDS - 1, err.text);
	/* that nothing names MiState is said of every kernel without symbols, and helps nobody */
	if (status == PS_NOT_FOUND && !source->read)
		ret->words[0] = '\0';
}

/* The reason why a figure is not known is that of the last source that has one to tell. */
static void note_unknown(const struct total *tried, struct total *ret)
{
	if (tried->words[0] != '\0' && (ret->words[0] == '\0' || tried->of_state))
		*ret = *tried;
}

/* The first that is there. */
static void read_first(struct kernel *kernel, const struct total_source *sources, size_t count,
		       struct total *ret)
{
	*ret = (struct total){.grade = TOTAL_UNKNOWN};
	for (size_t i = 0; i < count; i++) {
		struct total total;

		read_total(kernel, &sources[i], &total);
		if (total.grade != TOTAL_UNKNOWN) {
			*ret = total;
			return;
		}
		note_unknown(&total, ret);
	}
}

static void read_used(struct kernel *kernel, const struct tracker *tracker,
		      const struct total_source *sources, size_t count, int64_t tags,
		      struct pool_side_totals *side)
{
	side->used = (struct total){.grade = TOTAL_UNKNOWN};
	for (size_t i = 0; i < count && i < TOTAL_SOURCES; i++) {
		struct total total;

		read_total(kernel, &sources[i], &total);
		if (tracker && total.grade == TOTAL_READ)
			total_judge_used(&total, tags, tracker->complete);
		if (total.grade == TOTAL_READ) {
			side->used = total;
			break;
		}
		if (total.grade == TOTAL_DOUBTFUL)
			side->rejected[side->rejected_count++] = total;
		if (total.grade == TOTAL_UNKNOWN)
			note_unknown(&total, &side->used);
	}
	/* the best of the doubtful ones is shown, but as that */
	if (side->used.grade == TOTAL_UNKNOWN && side->rejected_count > 0)
		side->used = side->rejected[0];
	if (tracker && tracker->complete && side->used.grade == TOTAL_READ) {
		side->has_untracked = true;
		side->untracked = (int64_t)side->used.bytes - tags;
	}
}

/* /3GB moves the system range to 0xC0000000; the user range then ends just below it. */
static void read_user_space(struct kernel *k, struct pool_totals *t)
{
	static const struct {
		enum kdbg_field field;
		const char *words[2], *exported;
	} bounds[] = {
		{KDBG_MM_HIGHEST_USER_ADDRESS, BY("MmHighestUserAddress"),
		 "MmHighestUserAddress (exported)"},
		{KDBG_MM_SYSTEM_RANGE_START, BY("MmSystemRangeStart"),
		 "MmSystemRangeStart (exported)"},
	};
	uint64_t value;

	if (k->pointer_size != 4)
		return;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		struct ps_error err = PS_ERROR_INIT;
		bool symbols = k->kdbg.from_symbols >> bounds[i].field & 1;

		if (kdbg_variable(k->space, &k->kdbg, bounds[i].field, &value, &err) != PS_OK ||
		    value == 0)
			continue;
		t->user_space = value > 0x80000000 ? USER_SPACE_3GB : USER_SPACE_2GB;
		t->user_space_source = k->kdbg.size == 0 && !symbols ? bounds[i].exported
								     : bounds[i].words[symbols];
		return;
	}
	if (k->base < 0xc0000000) {
		/* nothing of the system lies there with /3GB */
		t->user_space = USER_SPACE_2GB;
		t->user_space_source = "where the kernel is loaded";
	}
}

static void read_physical(struct kernel *k, struct pool_totals *t)
{
	struct ps_error err = PS_ERROR_INIT;
	uint64_t pages = 0;

	if (k->dump->facts.physical_pages.known)
		pages = k->dump->facts.physical_pages.value;
	else if (kdbg_variable(k->space, &k->kdbg, KDBG_MM_NUMBER_OF_PHYSICAL_PAGES, &pages,
			       &err) != PS_OK)
		pages = 0;
	if (pages <= UINT64_MAX / PAGE_SIZE)
		t->physical_bytes = pages * PAGE_SIZE;
}

/* Settings that make pool usage look other than it is. All ones: never set. */
static uint32_t read_setting(struct kernel *k, enum kdbg_field field)
{
	struct ps_error err = PS_ERROR_INIT;
	uint64_t va = k->kdbg.fields[field];
	uint32_t value;

	if (va == 0 || space_read_u32(k->space, va, &value, &err) != PS_OK || value == UINT32_MAX)
		return 0;
	return value;
}

static void note_space(struct total *space)
{
	if (space->grade == TOTAL_UNKNOWN && space->words[0] == '\0')
		snprintf(space->words, sizeof(space->words),
			 "only MiState of Windows 10 and later has it, and no symbols name that");
}

static void read_limits(struct kernel *k, struct pool_totals *t)
{
	read_first(k, nonpaged_maximum, COUNT(nonpaged_maximum), &t->nonpaged.maximum);
	read_first(k, paged_maximum, COUNT(paged_maximum), &t->paged.maximum);
	read_first(k, nonpaged_space, COUNT(nonpaged_space), &t->nonpaged.space);
	read_first(k, paged_space, COUNT(paged_space), &t->paged.space);
	note_space(&t->nonpaged.space);
	note_space(&t->paged.space);
	read_first(k, committed_sources, COUNT(committed_sources), &t->committed);
	read_first(k, limit_sources, COUNT(limit_sources), &t->commit_limit);
	read_first(k, peak_sources, COUNT(peak_sources), &t->committed_peak);
}

static void take_space(struct pool_side_totals *side)
{
	if (side->maximum.grade == TOTAL_UNKNOWN && side->space.grade == TOTAL_READ)
		side->maximum = side->space;
}

void pool_totals_read(struct kernel *kernel, const struct pools *pools, struct pool_totals *ret)
{
	const struct tracker *tracker = pools ? &pools->tracker : NULL;
	int64_t nonpaged = tracker ? tracker->nonpaged_bytes : 0;
	int64_t paged = tracker ? tracker->paged_bytes : 0;

	*ret = (struct pool_totals){.user_space = USER_SPACE_UNKNOWN};
	read_physical(kernel, ret);
	read_user_space(kernel, ret);
	read_used(kernel, tracker, nonpaged_used, COUNT(nonpaged_used), nonpaged, &ret->nonpaged);
	read_used(kernel, tracker, paged_used, COUNT(paged_used), paged, &ret->paged);
	read_limits(kernel, ret);
	totals_judge_read(tracker, ret);
	take_space(&ret->nonpaged);
	take_space(&ret->paged);
	pool_limits_derive(kernel, ret);
	totals_judge_limits(kernel, tracker, ret);
	ret->special_pool_tag = read_setting(kernel, KDBG_MM_SPECIAL_POOL_TAG);
	ret->verifier_flags = read_setting(kernel, KDBG_MM_VERIFIER_DATA);
}

/*
 * See mm_state.h. Offsets are data; the code only adds them up.
 */
#include "analyzer/pool/mm_state.h"

#include <inttypes.h>
#include <string.h>

enum member {
	POOLS, /* MI_SYSTEM_INFORMATION */
	VISIBLE,
	ALLOCATED, /* MI_POOL_STATE */
	MAXIMUM,   /* MI_VISIBLE_STATE */
	PAGED_SIZE,
	PAGED_INFO,
	PAGED_ALLOCATED,   /* MM_PAGED_POOL_INFO */
	PARTITION_VISIBLE, /* MI_PARTITION */
	PARTITION_COMMIT,
	COMMITTED, /* MI_VISIBLE_PARTITION */
	LIMIT,
	PEAK, /* MI_PARTITION_COMMIT */
	MEMBERS
};

static const struct {
	const char *type, *name;
} members[MEMBERS] = {
	[POOLS] = {"_MI_SYSTEM_INFORMATION", "Pools"},
	[VISIBLE] = {"_MI_SYSTEM_INFORMATION", "Vs"},
	[ALLOCATED] = {"_MI_POOL_STATE", "AllocatedNonPagedPool"},
	[MAXIMUM] = {"_MI_VISIBLE_STATE", "MaximumNonPagedPoolInPages"},
	[PAGED_SIZE] = {"_MI_VISIBLE_STATE", "SizeOfPagedPoolInPages"},
	[PAGED_INFO] = {"_MI_VISIBLE_STATE", "PagedPoolInfo"},
	[PAGED_ALLOCATED] = {"_MM_PAGED_POOL_INFO", "AllocatedPagedPool"},
	[PARTITION_VISIBLE] = {"_MI_PARTITION", "Vp"},
	[PARTITION_COMMIT] = {"_MI_PARTITION", "Commit"},
	[COMMITTED] = {"_MI_VISIBLE_PARTITION", "TotalCommittedPages"},
	[LIMIT] = {"_MI_VISIBLE_PARTITION", "TotalCommitLimit"},
	[PEAK] = {"_MI_PARTITION_COMMIT", "PeakCommitment"},
};

enum {
	UNKNOWN = UINT16_MAX,
	STATE_MEMBERS = PARTITION_VISIBLE,
	PARTITION_MEMBERS = MEMBERS - STATE_MEMBERS
};

/* By build, in the order of enum member. MiState's visible part also has a pointer to it, which
 * counts for more: within one branch of builds the part moves. */
static const struct state_layout {
	uint32_t first_build, last_build;
	uint8_t pointer_size;
	uint16_t offsets[STATE_MEMBERS];
} state_layouts[] = {
	{10240, 10586, 8, {0, 0x1580, 0x18, 0xa0, 0xa8, 0x68, 0x30}},
	{14393, 14393, 8, {0, 0x1380, 0x18, 0xa0, 0xa8, 0x68, 0x30}},
	{15063, 15063, 8, {0, 0x1240, 0x18, 0x90, 0x98, 0x58, 0x30}},
	{16299, 16299, 8, {0, 0x1200, 0x18, 0x90, 0x98, 0x58, 0x30}},
	{17134, 17134, 8, {0, 0x1440, 0x18, 0x90, 0x98, 0x58, 0x30}},
	{17763, 17763, 8, {0, 0x24c0, 0x18, 0x90, 0x98, 0x58, 0x30}},
	{18362, 18363, 8, {0, 0x2480, 0x8, 0x30, 0x38, 0x18, 0x10}},
	{19041, 19045, 8, {0, 0x2600, 0x8, 0x30, 0x38, 0x18, 0x10}},
	{20348, 20348, 8, {0, 0x4200, 0x8, 0x30, 0x38, 0x18, 0x10}},
	{22000, 22000, 8, {0, 0x4400, 0x8, 0x30, 0x38, 0x18, 0x10}},
	{26100, 26200, 8, {0, 0xab00, 0x8, 0x18, 0x20, 0, 0x10}},
	{10240, 14393, 4, {0, UNKNOWN, 0x10, 0x70, 0x74, 0x54, 0x18}},
	{15063, 15063, 4, {0, 0x3280, 0x10, 0x68, 0x6c, 0x4c, 0x18}},
	{16299, 16299, 4, {0, 0x3300, 0x10, 0x68, 0x6c, 0x4c, 0x18}},
	{17134, 17134, 4, {0, 0x4540, 0x10, 0x68, 0x6c, 0x4c, 0x18}},
	{17763, 17763, 4, {0, 0x4640, 0x10, 0x68, 0x6c, 0x4c, 0x18}},
	{18362, 18363, 4, {0, 0x4180, 0x4, 0x18, 0x1c, 0xc, 0x8}},
	{19041, 19045, 4, {0, 0x41c0, 0x4, 0x18, 0x1c, 0xc, 0x8}},
};

/* Of MiSystemPartition, 64 bits only. */
static const struct partition_layout {
	uint32_t first_build, last_build;
	uint16_t offsets[PARTITION_MEMBERS];
} partition_layouts[] = {
	{14393, 14393, {0x1880, 0x1600, 0x3a8, 0x428, 0}},
	{17763, 17763, {0x1bc0, 0x1900, 0x228, 0x2a8, 0}},
	{18362, 18363, {0x1ec0, 0x1c00, 0x228, 0x2a8, 0}},
	{19041, 19045, {0x1b00, 0x1840, 0x228, 0x2a8, 0}},
	{20348, 22000, {0x4140, 0x3e80, 0x228, 0x318, 0}},
	{26100, 26200, {0x4840, UNKNOWN, 0x300, 0x458, UNKNOWN}},
};

/* What leads to each count, and what it is called. */
static const struct {
	const char *symbol;
	enum member outer, inner, innermost; /* innermost: MEMBERS when there is none */
	const char *words[2];                /* by symbols, by a known build */
} counts[MM_COUNTS] = {
#define OF(symbol, name, outer, inner, innermost)                                                  \
	{                                                                                          \
		symbol, outer, inner, innermost,                                                   \
		{                                                                                  \
			name " of " symbol " (symbols)", name " of " symbol " (known build)"       \
		}                                                                                  \
	}
	[MM_NONPAGED_ALLOCATED] = OF("MiState", "AllocatedNonPagedPool", POOLS, ALLOCATED, MEMBERS),
	[MM_NONPAGED_MAXIMUM] =
		OF("MiState", "MaximumNonPagedPoolInPages", VISIBLE, MAXIMUM, MEMBERS),
	[MM_PAGED_ALLOCATED] =
		OF("MiState", "AllocatedPagedPool", VISIBLE, PAGED_INFO, PAGED_ALLOCATED),
	[MM_PAGED_MAXIMUM] = OF("MiState", "SizeOfPagedPoolInPages", VISIBLE, PAGED_SIZE, MEMBERS),
	[MM_COMMITTED] = OF("MiSystemPartition", "TotalCommittedPages", PARTITION_VISIBLE,
			    COMMITTED, MEMBERS),
	[MM_COMMIT_LIMIT] =
		OF("MiSystemPartition", "TotalCommitLimit", PARTITION_VISIBLE, LIMIT, MEMBERS),
	[MM_COMMIT_PEAK] =
		OF("MiSystemPartition", "PeakCommitment", PARTITION_COMMIT, PEAK, MEMBERS),
#undef OF
};

enum { STATE_MOST = 0x20000 }; /* bytes of MiState, far more than any has */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *mm_state_source(const struct kernel *kernel, enum mm_count count)
{
	const struct symbols *symbols = kernel->symbols;
	bool known = symbols && symbols->has_set && symbols->set.source == SOURCE_KNOWN_BUILD;

	return counts[count].words[known];
}

/* UNKNOWN where there is none. */
static uint16_t known_offset(const struct kernel *k, enum member member)
{
	const uint64_t build = k->build.known ? k->build.value : 0;

	if (strcmp(k->arch, "arm64") == 0)
		return UNKNOWN;
	for (size_t i = 0; member < PARTITION_VISIBLE && i < COUNT(state_layouts); i++) {
		const struct state_layout *l = &state_layouts[i];

		if (build >= l->first_build && build <= l->last_build &&
		    l->pointer_size == k->pointer_size)
			return l->offsets[member];
	}
	for (size_t i = 0; member >= PARTITION_VISIBLE && i < COUNT(partition_layouts); i++) {
		const struct partition_layout *l = &partition_layouts[i];

		if (build >= l->first_build && build <= l->last_build && k->pointer_size == 8)
			return l->offsets[member - STATE_MEMBERS];
	}
	return UNKNOWN;
}

static enum ps_status member_offset(const struct kernel *k, enum member member, uint32_t *ret,
				    struct ps_error *err)
{
	const uint16_t known = known_offset(k, member);
	struct symbol_offset offset;

	if (symbols_type_offset(k->symbols, members[member].type, members[member].name, &offset)) {
		*ret = offset.offset;
		return PS_OK;
	}
	if (known == UNKNOWN)
		return ps_fail(err, PS_UNSUPPORTED,
			       "the symbols have no type %s, and where %s lies in it is not known "
			       "of build %" PRIu64,
			       members[member].type + 1, members[member].name, k->build.value);
	*ret = known;
	return PS_OK;
}

/* MiVisibleState counts for more than the place in MiState; without it that place will do. */
static enum ps_status visible_state(const struct kernel *k, uint64_t state, uint64_t *ret,
				    struct ps_error *err)
{
	uint64_t variable, va;
	uint32_t offset;

	if (symbols_address_of(k->symbols, k->base, "MiVisibleState", &variable) &&
	    space_read_pointer(k->space, variable, &va, err) == PS_OK) {
		*ret = va;
		if (va >= state && va - state < STATE_MOST)
			return PS_OK;
		return ps_fail(err, PS_CORRUPT,
			       "MiVisibleState is 0x%" PRIx64 ", which is not in MiState", va);
	}
	ps_error_clear(err);
	if (member_offset(k, VISIBLE, &offset, err) != PS_OK)
		return err->status;
	*ret = state + offset;
	return PS_OK;
}

static enum ps_status count_address(const struct kernel *k, enum mm_count count, uint64_t *ret,
				    struct ps_error *err)
{
	const char *symbol = counts[count].symbol;
	uint32_t outer = 0, inner, innermost = 0;
	enum ps_status status;
	uint64_t va;

	if (!symbols_address_of(k->symbols, k->base, symbol, &va))
		return ps_fail(err, PS_NOT_FOUND, "no symbols name %s", symbol);
	status = counts[count].outer == VISIBLE
			 ? visible_state(k, va, &va, err)
			 : member_offset(k, counts[count].outer, &outer, err);
	if (status == PS_OK)
		status = member_offset(k, counts[count].inner, &inner, err);
	if (status == PS_OK && counts[count].innermost != MEMBERS)
		status = member_offset(k, counts[count].innermost, &innermost, err);
	if (status == PS_OK)
		*ret = va + outer + inner + innermost;
	return status;
}

/* No more pages than the machine has addresses for. */
static bool is_possible(const struct kernel *k, uint64_t pages)
{
	const unsigned address_bits = k->pointer_size == 4 ? 36 : 52;

	return pages != 0 && pages <= UINT64_C(1) << (address_bits - 12);
}

enum ps_status mm_state_read(const struct kernel *kernel, enum mm_count count, uint64_t *ret,
			     struct ps_error *err)
{
	uint64_t va = 0, pages;
	enum ps_status status = count_address(kernel, count, &va, err);

	if (status == PS_OK && space_read_pointer(kernel->space, va, &pages, err) != PS_OK)
		status = ps_wrap(err, "cannot read %s", mm_state_source(kernel, count));
	if (status != PS_OK)
		return status;
	if (!is_possible(kernel, pages))
		return ps_fail(err, PS_CORRUPT, "it holds no possible size, 0x%" PRIx64 " pages",
			       pages);
	*ret = pages * PAGE_SIZE;
	return PS_OK;
}

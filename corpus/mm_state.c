/*
 * See mm_state.h.
 */
#include "corpus/mm_state.h"

#include <string.h>

#include "corpus/globals.h"

enum {
	VISIBLE_SIZE = 0xCC0, /* of MI_VISIBLE_STATE, at most */
	PARTITION_REST = 0x480,
};

static const char *const names[MM_STATE_COUNTS] = {
	"nonpaged-allocated", "nonpaged-maximum", "paged-allocated", "paged-maximum",
	"committed",          "commit-limit",     "commit-peak",
};

/* Offsets; 0 where a build has no such member, or nobody published where it lies. */
struct state_layout {
	uint32_t from;      /* this build and later ones, to the next row */
	uint32_t allocated; /* MI_SYSTEM_INFORMATION.Pools is at its start */
	uint32_t visible;   /* MI_SYSTEM_INFORMATION.Vs */
	/* in MI_VISIBLE_STATE; the third includes the place of PagedPoolInfo */
	uint32_t maximum, paged_size, paged_allocated;
	/* in MI_PARTITION: Vp and Commit are added */
	uint32_t committed, limit, peak;
};

static const struct state_layout layouts_x64[] = {
	{10240, 0x18, 0x1580, 0xA0, 0xA8, 0x98, 0, 0, 0},
	{14393, 0x18, 0x1380, 0xA0, 0xA8, 0x98, 0x1C28, 0x1CA8, 0x1600},
	{15063, 0x18, 0x1240, 0x90, 0x98, 0x88, 0, 0, 0},
	{16299, 0x18, 0x1200, 0x90, 0x98, 0x88, 0, 0, 0},
	{17134, 0x18, 0x1440, 0x90, 0x98, 0x88, 0, 0, 0},
	{17763, 0x18, 0x24C0, 0x90, 0x98, 0x88, 0x1DE8, 0x1E68, 0x1900},
	{18362, 0x08, 0x2480, 0x30, 0x38, 0x28, 0x20E8, 0x2168, 0x1C00},
	{19041, 0x08, 0x2600, 0x30, 0x38, 0x28, 0x1D28, 0x1DA8, 0x1840},
	{20348, 0x08, 0x4200, 0x30, 0x38, 0x28, 0x4368, 0x4458, 0x3E80},
	{22000, 0x08, 0x4400, 0x30, 0x38, 0x28, 0x4368, 0x4458, 0x3E80},
	{26100, 0x08, 0xAB00, 0x18, 0x20, 0x10, 0x4B40, 0x4C98, 0},
};

static const struct state_layout layouts_x86[] = {
	{10240, 0x10, 0x3480, 0x70, 0x74, 0x6C, 0, 0, 0},
	{15063, 0x10, 0x3280, 0x68, 0x6C, 0x64, 0, 0, 0},
	{16299, 0x10, 0x3300, 0x68, 0x6C, 0x64, 0, 0, 0},
	{17134, 0x10, 0x4540, 0x68, 0x6C, 0x64, 0, 0, 0},
	{17763, 0x10, 0x4640, 0x68, 0x6C, 0x64, 0, 0, 0},
	{18362, 0x04, 0x4180, 0x18, 0x1C, 0x14, 0, 0, 0},
	{19041, 0x04, 0x41C0, 0x18, 0x1C, 0x14, 0, 0, 0},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct line *asked_for(const struct config *c)
{
	const struct lines *lines = &c->lists[LINES_MM_STATE];
	const struct line *last = lines->count ? lines->line[lines->count - 1] : NULL;

	return last && !line_has(last, "off") ? last : NULL;
}

static const struct state_layout *find_layout(const struct config *c)
{
	const struct line *line = asked_for(c);
	const bool is_64 = config_is_64(c);
	const struct state_layout *rows = is_64 ? layouts_x64 : layouts_x86;
	size_t i = is_64 ? COUNT(layouts_x64) : COUNT(layouts_x86);

	if (!line)
		return NULL;
	if (c->build < rows[0].from)
		line_fail(line, "build %u has no MiState", c->build);
	while (rows[--i].from > c->build)
		;
	return &rows[i];
}

/* visible=OFFSET: builds of one branch differ in it. */
static uint32_t visible_offset(const struct config *c)
{
	const struct line *line = asked_for(c);
	const char *word = line_option(line, "visible");
	uint64_t offset = word ? parse_number(line, word) : find_layout(c)->visible;

	if (offset < 0x200 || offset > 0x20000 || offset % 0x10)
		line_fail(line, "visible= is a multiple of 16 from 0x200 to 0x20000");
	return (uint32_t)offset;
}

uint32_t mm_state_size(const struct config *c)
{
	return find_layout(c) ? visible_offset(c) + VISIBLE_SIZE : 0;
}

uint32_t mm_partition_size(const struct config *c)
{
	const struct state_layout *l = find_layout(c);

	return l && l->limit ? l->limit + PARTITION_REST : 0;
}

/* Where a count lies: address, or 0. */
static uint64_t count_address(const struct world *w, enum mm_count count)
{
	const struct state_layout *l = find_layout(w->config);
	uint64_t state = global_address(w, "MiState");
	uint64_t visible = state + visible_offset(w->config);
	uint64_t partition = global_address(w, "MiSystemPartition");

	switch (count) {
	case MM_NONPAGED_ALLOCATED: return state + l->allocated;
	case MM_NONPAGED_MAXIMUM: return visible + l->maximum;
	case MM_PAGED_ALLOCATED: return visible + l->paged_allocated;
	case MM_PAGED_MAXIMUM: return visible + l->paged_size;
	case MM_COMMITTED: return l->committed ? partition + l->committed : 0;
	case MM_COMMIT_LIMIT: return l->limit ? partition + l->limit : 0;
	case MM_COMMIT_PEAK: return l->peak ? partition + l->peak : 0;
	case MM_STATE_COUNTS: break;
	}
	return 0;
}

const char *mm_state_name(enum mm_count count)
{
	return names[count];
}

static uint64_t tag_bytes(const struct world *w, unsigned side)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->tag_count; i++)
		sum += w->tags[i].in_tracker ? w->tags[i].side[side].bytes : 0;
	return sum;
}

/* What tags do not account for is two percent. The maximum of nonpaged pool is its address range on
 * x64, and what RAM leaves on x86. */
static void usual_counts(const struct world *w, uint64_t counts[MM_STATE_COUNTS])
{
	const struct config *c = w->config;
	uint64_t nonpaged = tag_bytes(w, SIDE_NONPAGED), paged = tag_bytes(w, SIDE_PAGED);
	uint64_t ram = w->memory.total_pages, two_gib = UINT64_C(1) << 19;
	uint64_t part = ram / 4 * 3;

	counts[MM_NONPAGED_ALLOCATED] = pages_of(nonpaged + nonpaged / 50);
	counts[MM_NONPAGED_MAXIMUM] =
		config_is_64(c) ? UINT64_C(1) << 32 : (part < two_gib ? part : two_gib);
	counts[MM_PAGED_ALLOCATED] = pages_of(paged + paged / 50);
	counts[MM_PAGED_MAXIMUM] = (c->paged.end - c->paged.start) >> PAGE_SHIFT;
	counts[MM_COMMITTED] = counts[MM_NONPAGED_ALLOCATED] + counts[MM_PAGED_ALLOCATED] + ram / 3;
	counts[MM_COMMIT_LIMIT] = ram * 5 / 2;
	if (counts[MM_COMMIT_LIMIT] < 2 * counts[MM_COMMITTED])
		counts[MM_COMMIT_LIMIT] = 2 * counts[MM_COMMITTED];
	counts[MM_COMMIT_PEAK] =
		counts[MM_COMMITTED] + (counts[MM_COMMIT_LIMIT] - counts[MM_COMMITTED]) / 4;
}

void mm_state_counts(const struct world *w, uint64_t counts[MM_STATE_COUNTS])
{
	const struct line *line = asked_for(w->config);

	memset(counts, 0xFF, MM_STATE_COUNTS * sizeof(*counts));
	if (!line)
		return;
	usual_counts(w, counts);
	for (unsigned i = 0; i < MM_STATE_COUNTS; i++) {
		const char *word = line_option(line, names[i]);
		bool has = count_address(w, i) != 0;

		if (word && !has)
			line_fail(line, "build %u: nobody published where %s lies",
				  w->config->build, names[i]);
		counts[i] = !has ? UINT64_MAX : word ? parse_number(line, word) : counts[i];
	}
}

void mm_state_write(struct world *w)
{
	const struct line *line = asked_for(w->config);
	uint64_t counts[MM_STATE_COUNTS], state = global_address(w, "MiState");
	const char *pointer;

	if (!line)
		return;
	mm_state_counts(w, counts);
	for (unsigned i = 0; i < MM_STATE_COUNTS; i++) {
		if (counts[i] != UINT64_MAX)
			memory_put(&w->memory, count_address(w, i), counts[i], world_pointer(w));
	}
	pointer = line_option(line, "pointer");
	global_set(w, "MiVisibleState",
		   pointer ? parse_number(line, pointer) : state + visible_offset(w->config));
	world_add_region(w, "mi-state", -1, NULL, state, mm_state_size(w->config));
	if (mm_partition_size(w->config))
		world_add_region(w, "mi-partition", -1, NULL,
				 global_address(w, "MiSystemPartition"),
				 mm_partition_size(w->config));
}

/*
 * Pool limits by Windows' rules, for kernels that do not say theirs: by build, pointer size, RAM
 * and, on x86, the /3GB switch. Rows are data; the sizes of XP and 2003 follow the start-up code of
 * the Windows Research Kernel. Registry values that change a limit (NonPagedPoolSize,
 * PagedPoolLimit and the like) are not in the dump: figures are "at most" and labelled derived.
 */
#include <inttypes.h>
#include <stdio.h>

#include "analyzer/pool/totals.h"

static const uint64_t MIB = 1 << 20;

/* What to take of RAM, and where it ends. */
struct limit_rule {
	uint32_t first_build, last_build;
	uint8_t pointer_size;
	bool paged;
	uint8_t percent;       /* of RAM; 0: the figure does not depend on it */
	uint8_t other_percent; /* a second public source says this; 0: none */
	uint64_t most;         /* bytes */
	const char *words;
};

static const struct limit_rule rules[] = {
	{2600, 3790, 8, false, 0, 0, UINT64_C(128) << 30,
	 "at most 128 GB on 64-bit XP and Server 2003, less on smaller machines"},
	{2600, 2600, 4, true, 0, 0, UINT64_C(490) << 20, "about 490 MB on XP, by address space"},
	{3790, 3790, 4, true, 0, 0, UINT64_C(530) << 20,
	 "about 530 MB on Server 2003, by address space"},
	{2600, 7601, 8, true, 0, 0, UINT64_C(128) << 30, "128 GB, or what can be committed"},
	{6000, 6003, 8, false, 75, 40, UINT64_C(128) << 30,
	 "75 % of RAM, at most 128 GB (Vista, Server 2008)"},
	{7600, 7601, 8, false, 75, 0, UINT64_C(128) << 30,
	 "75 % of RAM, at most 128 GB (Windows 7, Server 2008 R2)"},
	{7600, UINT32_MAX, 4, false, 75, 0, UINT64_C(2) << 30, "75 % of RAM, at most 2 GB"},
	{9200, 9200, 8, false, 100, 0, UINT64_C(128) << 30,
	 "RAM, at most 128 GB (Windows 8, Server 2012)"},
	{9600, UINT32_MAX, 8, false, 100, 0, UINT64_C(16) << 40,
	 "RAM, at most 16 TB (Windows 8.1, Server 2012 R2 and later)"},
	{9200, 9200, 8, true, 0, 0, UINT64_C(384) << 30, "384 GB, or what can be committed"},
	{9600, UINT32_MAX, 8, true, 0, 0, UINT64_C(15872) << 30,
	 "15.5 TB, or what can be committed"},
};

static void derived(struct total *total, uint64_t bytes, const char *words)
{
	total->grade = TOTAL_DERIVED;
	total->bytes = bytes;
	total->source = "derived from Windows' rules";
	snprintf(total->words, sizeof(total->words), "%s", words);
}

static void unknown(struct total *total, const char *words)
{
	if (total->grade == TOTAL_UNKNOWN && total->words[0] == '\0')
		snprintf(total->words, sizeof(total->words), "%s", words);
}

static uint64_t capped(uint64_t bytes, uint64_t most)
{
	return bytes < most ? bytes : most;
}

/*
 * XP and 2003 on x86: 1 MB and 400 KB for each MB of RAM above 4 MB (200 KB from 0x1f000 pages on,
 * where it is never below 128 MB); 256 MB at most, 128 MB with /3GB, whose system space has no room
 * for the expansion.
 */
static void derive_2003_x86(struct pool_totals *t)
{
	const uint64_t large_machine = 0x1f000ULL * PAGE_SIZE;
	const bool is_large = t->physical_bytes >= large_machine;
	const uint64_t most = t->user_space == USER_SPACE_3GB ? 128 * MIB : 256 * MIB;
	uint64_t above = t->physical_bytes > 4 * MIB ? t->physical_bytes / MIB - 4 : 0;
	uint64_t bytes = MIB + above * (is_large ? 200 : 400) * 1024;

	if (is_large && bytes < 128 * MIB)
		bytes = 128 * MIB;
	derived(&t->nonpaged.maximum, capped(bytes, most),
		t->user_space == USER_SPACE_3GB
			? "XP and Server 2003 x86: 128 MB at most when started with /3GB"
		: t->user_space == USER_SPACE_UNKNOWN
			? "XP and Server 2003 x86: by RAM, 256 MB at most; 128 MB if it was "
			  "started with /3GB, which the dump does not show"
			: "XP and Server 2003 x86: by RAM, 256 MB at most without /3GB");
}

static void apply(const struct limit_rule *rule, struct pool_totals *t)
{
	struct pool_side_totals *side = rule->paged ? &t->paged : &t->nonpaged;

	if (rule->percent == 0) {
		derived(&side->maximum, rule->most, rule->words);
		return;
	}
	derived(&side->maximum, capped(t->physical_bytes / 100 * rule->percent, rule->most),
		rule->words);
	if (rule->other_percent != 0)
		derived(&side->other_maximum,
			capped(t->physical_bytes / 100 * rule->other_percent, rule->most),
			"40 % of RAM by another public source");
}

static bool needs_rule(const struct total *total)
{
	return total->grade == TOTAL_UNKNOWN;
}

void pool_limits_derive(const struct kernel *kernel, struct pool_totals *t)
{
	const uint64_t build = kernel->build.value;

	if (!kernel->build.known) {
		unknown(&t->nonpaged.maximum, "not read, and no build to derive it from");
		unknown(&t->paged.maximum, "not read, and no build to derive it from");
		return;
	}
	if (needs_rule(&t->nonpaged.maximum) && kernel->pointer_size == 4 && build < 6000 &&
	    t->physical_bytes != 0)
		derive_2003_x86(t);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct limit_rule *rule = &rules[i];
		const struct total *total = rule->paged ? &t->paged.maximum : &t->nonpaged.maximum;

		if (build >= rule->first_build && build <= rule->last_build &&
		    rule->pointer_size == kernel->pointer_size && needs_rule(total) &&
		    (rule->percent == 0 || t->physical_bytes != 0))
			apply(rule, t);
	}
	unknown(&t->nonpaged.maximum, "not read; the rules of this Windows depend on its address "
				      "space and on RAM that is not known");
	unknown(&t->paged.maximum, "not read; on this Windows it is what the address space leaves");
}

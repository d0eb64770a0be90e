/*
 * What differs by build: layouts of the pool structures, sizes, lengths, names.
 *
 * Source of the layouts: PDB types as published for each build; Windows Research Kernel for 5.2.
 * ARM64 has the layouts of x64 of the same build. Does not: cover checked builds.
 */
#include "corpus/layout.h"

static const struct tracker_layout tracker_x86_old = {
	0x1C, 4, 4, {0x4, 0x8, 0xC}, {0x10, 0x14, 0x18}, 0};
static const struct tracker_layout tracker_x64_old = {
	0x28, 4, 8, {0x4, 0x8, 0x10}, {0x18, 0x1C, 0x20}, 0};
static const struct tracker_layout tracker_x86_1709 = {
	0x30, 8, 4, {0x8, 0x10, 0x4}, {0x20, 0x28, 0x18}, 0};
static const struct tracker_layout tracker_x64_1709 = {
	0x38, 8, 8, {0x10, 0x18, 0x8}, {0x28, 0x30, 0x20}, 0};
static const struct tracker_layout tracker_x64_2022 = {
	0x50, 8, 8, {0x10, 0x18, 0x8}, {0x28, 0x30, 0x20}, 0x38};

/* No Windows has these: what only symbols can tell. */
static const struct tracker_layout tracker_rearranged = {
	0x48, 8, 8, {0x8, 0x10, 0x18}, {0x28, 0x30, 0x38}, 0};

const struct tracker_layout *layout_tracker(const struct config *c)
{
	bool is_64 = config_is_64(c);
	if (c->rearranged)
		return &tracker_rearranged;
	if (c->build < 16299)
		return is_64 ? &tracker_x64_old : &tracker_x86_old;
	if (!is_64)
		return &tracker_x86_1709;
	return c->build < 20348 ? &tracker_x64_1709 : &tracker_x64_2022;
}

static const struct big_layout big_xp = {0xC, 4, 4, BIG_TYPE_NONE, 0, 8, 4, true, 0};
static const struct big_layout big_2003_x86 = {0x10, 4, 4, BIG_TYPE_NONE, 0, 8, 4, true, 0xC};
static const struct big_layout big_2003_x64 = {0x18, 8, 8, BIG_TYPE_NONE, 0, 0xC, 4, true, 0x10};
static const struct big_layout big_vista_x86 = {0x10, 4, 4, BIG_TYPE_WORD, 8, 0xC, 4, false, 0};
static const struct big_layout big_vista_x64 = {0x18, 8, 8, BIG_TYPE_WORD, 0xC, 0x10, 8, false, 0};
static const struct big_layout big_10_x86 = {0x10, 4, 4, BIG_TYPE_BITS, 8, 0xC, 4, false, 0};
static const struct big_layout big_10_x64 = {0x18, 8, 8, BIG_TYPE_BITS, 0xC, 0x10, 8, false, 0};
static const struct big_layout big_2022 = {0x20, 8, 8, BIG_TYPE_BITS, 0xC, 0x10, 8, false, 0x18};
static const struct big_layout big_2025 = {0x20, 8, 8, BIG_TYPE_FLAGS, 0xC, 0x10, 8, false, 0x18};

static const struct big_layout big_rearranged = {0x28, 8, 0x10,  BIG_TYPE_BITS, 0x14,
						 0x18, 8, false, 0x20};

const struct big_layout *layout_big(const struct config *c)
{
	bool is_64 = config_is_64(c);
	if (c->rearranged)
		return &big_rearranged;
	if (c->build < 3790)
		return &big_xp;
	if (c->build < 6000)
		return is_64 ? &big_2003_x64 : &big_2003_x86;
	if (c->build < 10240)
		return is_64 ? &big_vista_x64 : &big_vista_x86;
	if (!is_64)
		return &big_10_x86;
	if (c->build < 20348)
		return &big_10_x64;
	return c->build < 26100 ? &big_2022 : &big_2025;
}

/* KLDR_DATA_TABLE_ENTRY */
static const struct ldr_layout ldr_x86 = {.size = 0x60,
					  .base = 0x18,
					  .entry_point = 0x1C,
					  .image_size = 0x20,
					  .full_name = 0x24,
					  .base_name = 0x2C,
					  .flags = 0x34,
					  .checksum = 0x40};
static const struct ldr_layout ldr_x86_10 = {.size = 0x60,
					     .base = 0x18,
					     .entry_point = 0x1C,
					     .image_size = 0x20,
					     .full_name = 0x24,
					     .base_name = 0x2C,
					     .flags = 0x34,
					     .checksum = 0x40,
					     .exact_size = 0x54,
					     .timestamp = 0x58};
static const struct ldr_layout ldr_x64 = {.size = 0xA0,
					  .base = 0x30,
					  .entry_point = 0x38,
					  .image_size = 0x40,
					  .full_name = 0x48,
					  .base_name = 0x58,
					  .flags = 0x68,
					  .checksum = 0x78,
					  .imports = 0x80};
static const struct ldr_layout ldr_x64_10 = {.size = 0xA0,
					     .base = 0x30,
					     .entry_point = 0x38,
					     .image_size = 0x40,
					     .full_name = 0x48,
					     .base_name = 0x58,
					     .flags = 0x68,
					     .checksum = 0x78,
					     .imports = 0x88,
					     .exact_size = 0x98,
					     .timestamp = 0x9C};

static const struct ldr_layout ldr_rearranged = {.size = 0xB0,
						 .base = 0x30,
						 .entry_point = 0x38,
						 .image_size = 0x40,
						 .full_name = 0x60,
						 .base_name = 0x50,
						 .flags = 0x78,
						 .checksum = 0x80,
						 .imports = 0x88,
						 .exact_size = 0x98,
						 .timestamp = 0xA4};

const struct ldr_layout *layout_ldr(const struct config *c)
{
	if (c->rearranged)
		return &ldr_rearranged;
	if (config_is_64(c))
		return c->build < 10240 ? &ldr_x64 : &ldr_x64_10;
	return c->build < 10240 ? &ldr_x86 : &ldr_x86_10;
}

/* Byte hash seen in x86 5.1 and 6.1 kernels; multiply-fold in 5.2 and in x64 10. Where no kernel
 * was looked at, x86 up to 6.1 gets B and the rest A. */
char layout_hash(const struct config *c)
{
	if (c->hash)
		return c->hash;
	bool old_x86 = !config_is_64(c) && c->build < 9200 && c->build != 3790;
	return old_x86 ? 'B' : 'A';
}

uint32_t layout_hash_slot(char hash, uint32_t key, uint32_t mask)
{
	if (hash == 'A') {
		uint64_t h = (uint64_t)key * 40543;
		h ^= h >> 32;
		return (uint32_t)h & mask;
	}
	uint32_t x = key & 0xFF;
	x = x << 2 ^ (key >> 8 & 0xFF);
	x = x << 2 ^ (key >> 16 & 0xFF);
	x = x << 2 ^ key >> 24;
	return (x * 40543) >> 2 & mask;
}

uint32_t layout_big_slot(const struct config *c, uint64_t va, uint32_t mask)
{
	uint64_t v = va >> PAGE_SHIFT;
	if (c->build < 3790)
		return (uint32_t)v & mask;
	if (c->build < 6000) {
		/* On x64 the shifted address is folded as its low 32 bits. */
		uint32_t low = (uint32_t)v;
		return (low >> 24 ^ low >> 16 ^ low >> 8 ^ low) & mask;
	}
	char hash = !config_is_64(c) && c->build < 9200 ? 'B' : 'A';
	return layout_hash_slot(hash, (uint32_t)v, mask);
}

uint64_t layout_tag_tables(const struct config *c)
{
	if (c->tag_tables >= 0)
		return (uint64_t)c->tag_tables;
	if (c->build < 3790 || (c->build < 6000 && c->processors == 1))
		return 0;
	if (!config_is_64(c))
		return 32;
	if (c->build < 7600)
		return 64;
	if (c->build < 9200)
		return 256;
	if (c->build < 15063)
		return 640;
	return c->build < 20348 ? 1280 : 2048;
}

struct by_build {
	uint32_t from; /* this build and later ones, to the next row */
	uint64_t x86, x64;
};

static uint64_t pick(const struct by_build *rows, size_t count, const struct config *c)
{
	size_t i = count - 1;
	while (i && rows[i].from > c->build)
		i--;
	return config_is_64(c) ? rows[i].x64 : rows[i].x86;
}

uint64_t layout_kdbg_size(const struct config *c)
{
	static const struct by_build rows[] = {
		{0, 0x290, 0x290},     {3790, 0x318, 0x318},  {6000, 0x328, 0x328},
		{6001, 0x330, 0x330},  {7600, 0x340, 0x340},  {9200, 0x360, 0x360},
		{14393, 0x368, 0x368}, {17763, 0x380, 0x380}, {20348, 0x388, 0x388},
		{22621, 0x3A0, 0x3A0},
	};
	/* As in a real minidump of 22000 on ARM64. */
	if (!c->kdbg_size && c->arch == ARCH_ARM64 && c->build < 22621)
		return 0x380;
	return c->kdbg_size ? c->kdbg_size : pick(rows, sizeof(rows) / sizeof(*rows), c);
}

uint64_t layout_kernel_size(const struct config *c)
{
	static const struct by_build rows[] = {
		{0, 0x1F7000, 0x3A0000},      {3790, 0x279000, 0x45A000},
		{6000, 0x3B9000, 0x518000},   {7600, 0x412000, 0x5E7000},
		{9200, 0x56F000, 0x74C000},   {9600, 0x5E3000, 0x78E000},
		{10240, 0x60B000, 0x825000},  {14393, 0x618000, 0x820000},
		{15063, 0x62A000, 0x88D000},  {16299, 0x644000, 0x96B000},
		{17763, 0x671000, 0xA71000},  {18362, 0x6E8000, 0xAB7000},
		{19041, 0x759000, 0x1046000}, {20348, 0x759000, 0xF4F000},
		{22000, 0x759000, 0x1047000}, {26100, 0x759000, 0x1450000},
	};
	return c->kernel_size ? c->kernel_size : pick(rows, sizeof(rows) / sizeof(*rows), c);
}

const char *layout_lab(const struct config *c)
{
	static const struct {
		uint32_t build;
		const char *branch;
	} rows[] = {
		{2600, "xpsp_sp3_gdr.100427-1636"}, {3790, "srv03_sp2_gdr.100216-1301"},
		{6000, "vista_rtm.061101-2205"},    {6001, "longhorn_rtm.080118-1840"},
		{6002, "vistasp2_gdr.100218-0019"}, {7600, "win7_rtm.090713-1255"},
		{7601, "win7sp1_gdr.130318-1533"},  {9200, "win8_gdr.130531-1504"},
		{9600, "winblue_ltsb.170613-0600"}, {10240, "th1.160802-1852"},
		{14393, "rs1_release.161220-1747"}, {15063, "rs2_release.170317-1834"},
		{16299, "rs3_release.170928-1534"}, {17134, "rs4_release.180410-1804"},
		{17763, "rs5_release.180914-1434"}, {18362, "19h1_release.190318-1202"},
		{19041, "vb_release.191206-1406"},  {20348, "fe_release.210507-1500"},
		{22000, "co_release.210604-1628"},  {22621, "ni_release.220506-1250"},
		{26100, "ge_release.240331-1435"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].build == c->build)
			return rows[i].branch;
	}
	return "private_branch.000000-0000";
}

const char *layout_kernel_pdb(const struct config *c)
{
	if (config_is_64(c))
		return "ntkrnlmp.pdb";
	bool many = c->processors > 1 || c->build >= 9200;
	if (c->arch == ARCH_PAE)
		return many ? "ntkrpamp.pdb" : "ntkrnlpa.pdb";
	return many ? "ntkrnlmp.pdb" : "ntoskrnl.pdb";
}

uint32_t layout_major(const struct config *c)
{
	return c->build < 6000 ? 5 : c->build < 10000 ? 6 : 10;
}

uint32_t layout_minor(const struct config *c)
{
	static const struct by_build rows[] = {
		{0, 1, 1},    {3790, 2, 2}, {6000, 0, 0},  {7600, 1, 1},
		{9200, 2, 2}, {9600, 3, 3}, {10000, 0, 0},
	};
	return (uint32_t)pick(rows, sizeof(rows) / sizeof(*rows), c);
}

static void set_range(struct va_range *range, uint64_t start, uint64_t size)
{
	if (!range->start)
		range->start = start;
	if (!range->end)
		range->end = range->start + size;
}

static void addresses_x86(struct config *c, struct rng *rng)
{
	if (c->user_3gb) {
		set_range(&c->kernel, 0xE0800000, 0x800000);
		set_range(&c->nonpaged, 0xE2000000, 0x8000000);
		set_range(&c->paged, 0xEA000000, 0xB000000);
		set_range(&c->drivers, 0xF5800000, 0x8000000);
	} else if (c->build < 6000) {
		set_range(&c->kernel, c->build < 3790 ? 0x804D7000 : 0x80800000, 0x800000);
		set_range(&c->nonpaged, 0x81400000, 0x8000000);
		set_range(&c->paged, 0xE1000000, 0xF400000);
		set_range(&c->drivers, 0xF7000000, 0x6000000);
	} else {
		uint64_t slide = rng_below(rng, 0x40) << PAGE_SHIFT;
		set_range(&c->kernel, 0x82810000 + slide, 0x800000);
		set_range(&c->nonpaged, 0x84000000, 0x4000000);
		set_range(&c->drivers, 0x8B000000 + slide, 0x4000000);
		set_range(&c->paged, 0x90000000, 0x20000000);
	}
}

static void addresses_x64(struct config *c, struct rng *rng)
{
	const uint64_t half_tera = UINT64_C(1) << 39;
	uint64_t slide = rng_below(rng, 0x400) << PAGE_SHIFT;
	if (c->build < 6000) {
		set_range(&c->kernel, UINT64_C(0xFFFFF80001000000), 0x1000000);
		set_range(&c->nonpaged, UINT64_C(0xFFFFFADFC0000000), 0x30000000);
		set_range(&c->drivers, UINT64_C(0xFFFFFADFF0000000), 0x0F000000);
		set_range(&c->paged, UINT64_C(0xFFFFFA8000000000), UINT64_C(1) << 37);
	} else if (c->build < 9200) {
		set_range(&c->kernel, UINT64_C(0xFFFFF80002800000) + slide, 0x1000000);
		set_range(&c->nonpaged, UINT64_C(0xFFFFFA8003000000), half_tera / 4);
		set_range(&c->drivers, UINT64_C(0xFFFFF88000E00000) + slide, 0x20000000);
		set_range(&c->paged, UINT64_C(0xFFFFF8A000000000), half_tera / 4);
	} else if (c->build < 14393) {
		uint64_t high = rng_below(rng, 0x200) << 30;
		set_range(&c->kernel, (UINT64_C(0xFFFFF80000000000) | high) + 0x2000000 + slide,
			  0x1000000);
		set_range(&c->nonpaged, UINT64_C(0xFFFFE00000000000) | high, half_tera);
		set_range(&c->drivers, UINT64_C(0xFFFFF88000000000) + slide, 0x20000000);
		set_range(&c->paged, UINT64_C(0xFFFFC00000000000) | high, half_tera);
	} else {
		/* From 1607 on the regions lie at random top-level slots. */
		uint64_t high = rng_below(rng, 0x40) << 30;
		uint64_t base = UINT64_C(0xFFFFF80000000000);
		uint64_t nonpaged = 0x1A0 + rng_below(rng, 0x20),
			 paged = 0x180 + rng_below(rng, 0x20);
		set_range(&c->kernel, base + high + 0x2000000 + slide, 0x2000000);
		set_range(&c->nonpaged, UINT64_C(0xFFFF000000000000) | nonpaged << 39, half_tera);
		set_range(&c->drivers, base + high + 0x8000000 + slide, 0x20000000);
		set_range(&c->paged, UINT64_C(0xFFFF000000000000) | paged << 39, half_tera);
	}
}

/* Windows' own choice for LA57 is not published: the image stays where four levels have it, and the
 * pools get slots of the fifth level to themselves. */
static void addresses_la57(struct config *c, struct rng *rng)
{
	const uint64_t half_tera = UINT64_C(1) << 39;
	uint64_t nonpaged = 0x1A0 + rng_below(rng, 0x20), paged = 0x180 + rng_below(rng, 0x20);
	uint64_t high = rng_below(rng, 0x100) << 39;
	set_range(&c->nonpaged, (UINT64_C(0xFE00000000000000) | nonpaged << 48) + high, half_tera);
	set_range(&c->paged, (UINT64_C(0xFE00000000000000) | paged << 48) + high, half_tera);
}

static unsigned self_index(const struct config *c, struct rng *rng)
{
	if (c->build < 14393)
		return 0x1ED;
	/* 0x151 in a real minidump of 22000 on ARM64. */
	unsigned first = c->arch == ARCH_ARM64 ? 0x140 : 0x1C0;
	return first + (unsigned)rng_below(rng, 0x2D);
}

void layout_addresses(struct config *c)
{
	struct rng rng = rng_fork(c->seed, "addresses");
	if (!c->self_index)
		c->self_index = self_index(c, &rng);
	if (c->la57)
		addresses_la57(c, &rng);
	if (config_is_64(c))
		addresses_x64(c, &rng);
	else
		addresses_x86(c, &rng);
}

/*
 * What a recipe asks for: the single values, with defaults by build and architecture, and the
 * lines that other files of mkdump read for themselves (tags, drivers, faults, ...).
 *
 * Does not: build anything.
 */
#include "corpus/config.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/layout.h"

enum { MAX_PROCESSORS = 64 };

struct choice {
	const char *word;
	int value;
};

static int choose(const struct line *line, const struct choice *choices)
{
	const char *word = line_word(line, 1, "a value");
	for (const struct choice *c = choices; c->word; c++) {
		if (strcmp(c->word, word) == 0)
			return c->value;
	}
	char *list = xstrdup("");
	for (const struct choice *c = choices; c->word; c++) {
		char *longer = xprintf("%s%s%s", list, *list ? ", " : "", c->word);
		free(list);
		list = longer;
	}
	line_fail(line, "'%s' is none of: %s", word, list);
}

static uint64_t number(const struct line *line, size_t index, uint64_t low, uint64_t high)
{
	const char *word = line_word(line, index, "a number");
	uint64_t value = parse_number(line, word);
	if (value < low || value > high)
		line_fail(line, "%s is outside %llu..%llu", word, (unsigned long long)low,
			  (unsigned long long)high);
	return value;
}

static bool on_off(const struct line *line)
{
	return parse_switch(line, line_word(line, 1, "on or off"));
}

static void set_text(char **text, const struct line *line)
{
	free(*text);
	*text = xstrdup(line_word(line, 1, "a text"));
}

static void read_arch(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"x86", ARCH_X86},
						{"x86-pae", ARCH_PAE},
						{"x64", ARCH_X64},
						{"arm64", ARCH_ARM64},
						{0}};
	c->arch = (enum arch)choose(line, choices);
}

static void read_build(struct config *c, const struct line *line)
{
	c->build = (uint32_t)number(line, 1, 2600, 99999);
}

static void read_seed(struct config *c, const struct line *line)
{
	c->seed = number(line, 1, 0, UINT64_MAX);
}

static void read_lab(struct config *c, const struct line *line)
{
	set_text(&c->lab, line);
}

static void read_system_root(struct config *c, const struct line *line)
{
	set_text(&c->system_root, line);
}

static void read_service_pack(struct config *c, const struct line *line)
{
	c->service_pack = (uint32_t)number(line, 1, 0, 9);
}

static void read_product(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"workstation", 1}, {"dc", 2}, {"server", 3}, {0}};
	c->product = (uint32_t)choose(line, choices);
}

static void read_processors(struct config *c, const struct line *line)
{
	c->processors = (uint32_t)number(line, 1, 1, MAX_PROCESSORS);
}

static void read_time(struct config *c, const struct line *line)
{
	c->time = parse_time(line, line_word(line, 1, "a time"));
}

static void read_uptime(struct config *c, const struct line *line)
{
	c->uptime = parse_duration(line, line_word(line, 1, "a duration"));
}

static void read_bugcheck(struct config *c, const struct line *line)
{
	c->bugcheck = (uint32_t)number(line, 1, 0, UINT32_MAX);
	for (size_t i = 0; i < 4; i++) {
		c->bugcheck_parameter[i] =
			2 + i < line->count ? parse_number(line, line->words[2 + i]) : 0;
	}
}

static void read_physical(struct config *c, const struct line *line)
{
	c->physical = number(line, 1, 1 << 20, UINT64_C(1) << 46);
}

static void read_run(struct config *c, const struct line *line)
{
	struct run run = {number(line, 1, 1, UINT64_C(1) << 36),
			  number(line, 2, 1, UINT64_C(1) << 36)};
	c->runs = grow(c->runs, c->run_count, &c->run_capacity, sizeof(run));
	c->runs[c->run_count++] = run;
}

static void read_gap(struct config *c, const struct line *line)
{
	struct run gap = {number(line, 1, 0, UINT64_C(1) << 48) >> PAGE_SHIFT,
			  number(line, 2, PAGE_SIZE, UINT64_C(1) << 48) >> PAGE_SHIFT};
	c->gaps = grow(c->gaps, c->gap_count, &c->gap_capacity, sizeof(gap));
	c->gaps[c->gap_count++] = gap;
}

static void read_body(struct config *c, const struct line *line)
{
	const char *layout = line_option(line, "layout"), *body = line_option(line, "body");
	static const char *const bodies[] = {"bitmap", "ranges", "counted"};
	c->layout = 'B';
	c->body = BODY_BITMAP;
	if (layout && strcmp(layout, "A") != 0 && strcmp(layout, "B") != 0)
		line_fail(line, "a layout is A or B");
	if (layout)
		c->layout = layout[0];
	for (unsigned i = 0; body && i < 3; i++) {
		if (strcmp(bodies[i], body) == 0)
			c->body = (enum body)i;
	}
	if (body && strcmp(bodies[c->body], body) != 0)
		line_fail(line, "a body is bitmap, ranges or counted");
}

static void read_elf(struct config *c, const struct line *line)
{
	const char *writer = line_option(line, "writer"), *longest = line_option(line, "longest");
	c->elf_writer = ELF_QEMU;
	if (writer && strcmp(writer, "virtualbox") == 0)
		c->elf_writer = ELF_VIRTUALBOX;
	else if (writer && strcmp(writer, "plain") == 0)
		c->elf_writer = ELF_PLAIN;
	else if (writer && strcmp(writer, "qemu") != 0)
		line_fail(line, "the writer is qemu, virtualbox or plain");
	c->elf_32 = line_has(line, "32-bit");
	c->elf_header = line_has(line, "header");
	c->elf_longest = longest ? parse_number(line, longest) : 0;
}

static unsigned option_of(const struct line *line, const char *name, const char *const *values)
{
	const char *value = line_option(line, name);
	unsigned i = 0;
	while (value && values[i] && strcmp(values[i], value) != 0)
		i++;
	if (!values[i])
		line_fail(line, "%s cannot be '%s'", name, value);
	return i;
}

static void read_vmware(struct config *c, const struct line *line)
{
	static const char *const states[] = {"vmss", "vmsn", "none", NULL};
	static const char *const registers[] = {"each", "block", "none", NULL};
	const char *magic = line_option(line, "magic");
	c->vmware_state = (enum vmware_state)option_of(line, "state", states);
	c->vmware_registers = (enum vmware_registers)option_of(line, "registers", registers);
	c->vmware_magic = magic ? (uint32_t)parse_number(line, magic) : 0xBED2BED2;
	c->vmware_sparse = line_has(line, "sparse");
	c->vmware_packed = line_has(line, "packed");
	c->vmware_disks_only = line_has(line, "disks-only");
}

static void read_container(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"type1", CONTAINER_FULL},       {"type2", CONTAINER_SUMMARY},
		{"type5", CONTAINER_BITMAP_ALL}, {"type6", CONTAINER_BITMAP},
		{"type3", CONTAINER_HEADER},     {"type4", CONTAINER_MINIDUMP},
		{"type7", CONTAINER_AUTOMATIC},  {"type8", CONTAINER_RDMP_KERNEL},
		{"type9", CONTAINER_RDMP_USER},  {"type10", CONTAINER_RDMP_FULL},
		{"raw", CONTAINER_RAW},          {"raw-sparse", CONTAINER_RAW_SPARSE},
		{"elf", CONTAINER_ELF},          {"hiberfil", CONTAINER_HIBER},
		{"vmware", CONTAINER_VMWARE},    {"vmem", CONTAINER_VMEM},
		{"lime", CONTAINER_LIME},        {"avml", CONTAINER_AVML},
		{"vmrs", CONTAINER_VMRS},        {0}};
	c->container = (enum container)choose(line, choices);
	c->container_line = line;
	c->user_mode = line_has(line, "user-mode");
	c->lime_avml = line_has(line, "blocks");
	c->vmrs_stored = line_has(line, "stored");
	c->vmrs_no_ranges = line_has(line, "no-ranges");
	c->vmrs_no_memory = line_has(line, "no-memory");
	if (c->container == CONTAINER_ELF)
		read_elf(c, line);
	if (c->container == CONTAINER_VMWARE || c->container == CONTAINER_VMEM)
		read_vmware(c, line);
	const char *signature = line_option(line, "signature");
	c->signature[0] = '\0';
	if (signature && strlen(signature) != 4)
		line_fail(line, "a signature has four characters");
	if (signature)
		memcpy(c->signature, signature, 5);
	read_body(c, line);
}

static void read_minidump(struct config *c, const struct line *line)
{
	const char *secondary = line_option(line, "secondary");
	c->minidump_mm = line_has(line, "totals");
	c->minidump_overlap = line_has(line, "overlap");
	c->minidump_no_kdbg = line_has(line, "no-kdbg");
	if (secondary)
		c->minidump_secondary = (uint32_t)parse_number(line, secondary);
	if (c->minidump_secondary > 1000)
		line_fail(line, "at most 1000 items of secondary data");
}

static void read_present(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"touched", 0}, {"all", 1}, {0}};
	c->present_all = choose(line, choices);
}

static void read_bitmap_count(struct config *c, const struct line *line)
{
	const char *word = line_word(line, 1, "+N or -N");
	if (*word != '+' && *word != '-')
		line_fail(line, "wants +N or -N");
	int64_t value = (int64_t)(parse_number(line, word + 1) & INT32_MAX);
	c->bitmap_count_error = *word == '-' ? -value : value;
}

static void read_truncate(struct config *c, const struct line *line)
{
	const char *word = line_word(line, 1, "a size or a percentage");
	c->truncate_bytes = c->truncate_parts = UINT64_MAX;
	if (strchr(word, '%'))
		c->truncate_parts = parse_percent(line, word);
	else if (strcmp(word, "off") != 0)
		c->truncate_bytes = parse_number(line, word);
}

static void read_pcid(struct config *c, const struct line *line)
{
	c->pcid = number(line, 1, 0, 0xFFF);
}

static void read_la57(struct config *c, const struct line *line)
{
	c->la57 = on_off(line);
}

static void read_low_stub(struct config *c, const struct line *line)
{
	c->low_stub = on_off(line);
}

static void read_kuser(struct config *c, const struct line *line)
{
	c->kuser = on_off(line);
}

static void read_kvas(struct config *c, const struct line *line)
{
	c->kvas = on_off(line);
}

static void read_self_map(struct config *c, const struct line *line)
{
	c->self_index = (unsigned)number(line, 1, 0x100, 0x1FF);
}

static void read_self_ref(struct config *c, const struct line *line)
{
	c->self_ref = (unsigned)number(line, 1, 0, 64);
}

static void read_swizzle(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"off", SWIZZLE_OFF}, {"mask", SWIZZLE_MASK}, {"bit", SWIZZLE_BIT}, {0}};
	c->swizzle = (enum swizzle)choose(line, choices);
	c->swizzle_set = true;
}

static void read_kernel_size(struct config *c, const struct line *line)
{
	c->kernel_size = number(line, 1, 0x40000, 0x4000000);
}

static void read_kernel_pages(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"small", 0}, {"large", 1}, {0}};
	c->kernel_large = choose(line, choices);
}

static void read_kernel_image(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"touched", IMAGE_TOUCHED}, {"data", IMAGE_DATA}, {"all", IMAGE_ALL}, {0}};
	c->kernel_extent = (enum image_extent)choose(line, choices);
}

static void read_kernel_pdb(struct config *c, const struct line *line)
{
	set_text(&c->kernel_pdb, line);
	if (line->count == 2)
		return;
	const char *guid = line->words[2];
	static const unsigned char order[16] = {3, 2, 1,  0,  5,  4,  7,  6,
						8, 9, 10, 11, 12, 13, 14, 15};
	if (strlen(guid) != 32 || strspn(guid, "0123456789abcdefABCDEF") != 32)
		line_fail(line, "a GUID is written as 32 hex digits");
	for (unsigned i = 0; i < 16; i++) {
		char digits[3] = {guid[2 * i], guid[2 * i + 1], '\0'};
		c->kernel_guid[order[i]] = (uint8_t)strtoul(digits, NULL, 16);
	}
	c->kernel_guid_set = true;
	if (line->count > 3)
		c->kernel_age = (uint32_t)number(line, 3, 1, UINT32_MAX);
}

static void read_kdbg(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"plain", KDBG_PLAIN}, {"encoded", KDBG_ENCODED}, {"none", KDBG_NONE}, {0}};
	c->kdbg = (enum kdbg_form)choose(line, choices);
	const char *size = line_option(line, "size");
	if (size)
		c->kdbg_size = parse_number(line, size) & 0xFFFF;
}

static void read_kernel_code(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"stubs", CODE_STUBS}, {"built", CODE_BUILT}, {"none", CODE_NONE}, {0}};
	c->kernel_code = (enum kernel_code)choose(line, choices);
}

static void read_structures(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"by-build", 0}, {"rearranged", 1}, {0}};
	c->rearranged = choose(line, choices);
}

static void read_cluster(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"random", CLUSTER_RANDOM},
						{"win7-x86", CLUSTER_WIN7_X86},
						{"xp-x86", CLUSTER_XP_X86},
						{0}};
	c->cluster = (enum cluster_order)choose(line, choices);
}

static void read_process_list(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"proper", PROCESSES_PROPER},
						{"loop", PROCESSES_LOOP},
						{"nowhere", PROCESSES_NOWHERE},
						{"backlink", PROCESSES_BACKLINK},
						{0}};
	c->process_list = (enum process_list)choose(line, choices);
}

static void read_modules(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"proper", MODULES_PROPER},
						{"loop", MODULES_LOOP},
						{"nowhere", MODULES_NOWHERE},
						{0}};
	c->modules = (enum module_end)choose(line, choices);
}

static void read_pool_pages(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"small", 0}, {"large", 1}, {0}};
	c->pool_large = choose(line, choices);
}

static void read_user_3gb(struct config *c, const struct line *line)
{
	c->user_3gb = on_off(line);
}

static void read_va(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {
		{"kernel", 0}, {"drivers", 1}, {"nonpaged", 2}, {"paged", 3}, {0}};
	struct va_range *ranges[] = {&c->kernel, &c->drivers, &c->nonpaged, &c->paged};
	struct va_range *range = ranges[choose(line, choices)];
	range->start = number(line, 2, 0x80000000, UINT64_MAX);
	range->end = line->count > 3 ? number(line, 3, range->start, UINT64_MAX) : 0;
}

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static void read_tracker_entries(struct config *c, const struct line *line)
{
	c->tracker_entries = number(line, 1, 64, 1 << 20);
	if (!is_power_of_two(c->tracker_entries))
		line_fail(line, "must be a power of two (the overflow slot is added)");
}

static void read_hash(struct config *c, const struct line *line)
{
	static const struct choice choices[] = {{"A", 'A'}, {"B", 'B'}, {0}};
	c->hash = (char)choose(line, choices);
}

static void read_seeded(struct config *c, const struct line *line)
{
	c->seeded = on_off(line);
	c->seeded_set = true;
}

static void read_tag_tables(struct config *c, const struct line *line)
{
	bool none = strcmp(line_word(line, 1, "a length or none"), "none") == 0;
	c->tag_tables = none ? 0 : (int64_t)number(line, 1, 1, 2048);
}

static void read_tag_tables_dead(struct config *c, const struct line *line)
{
	c->tag_tables_dead = (uint32_t)number(line, 1, 0, 64);
}

static void read_tag_tables_duplicate(struct config *c, const struct line *line)
{
	c->tag_tables_duplicate = (uint32_t)number(line, 1, 0, 64);
}

static void read_expansion(struct config *c, const struct line *line)
{
	c->expansion_entries = number(line, 1, 2, 1 << 20);
}

static void read_bigpages(struct config *c, const struct line *line)
{
	const char *size = line_option(line, "size");
	const char *fill = line_option(line, "fill");
	const char *live = line_option(line, "live");
	const char *freed = line_option(line, "freed");
	if (!size && !fill && !live && !freed)
		line_fail(line, "wants size=N, live=P%% or freed=P%%");
	if (size || fill) {
		c->big_entries = parse_number(line, size ? size : fill);
		if (!is_power_of_two(c->big_entries) || c->big_entries < 64 ||
		    c->big_entries > 1 << 24)
			line_fail(line, "the size must be a power of two from 64 to 16M");
	}
	if (live)
		c->big_live = parse_percent(line, live);
	if (freed)
		c->big_freed = parse_percent(line, freed);
	if (c->big_live + c->big_freed > 990000)
		line_fail(line, "live and freed entries together must leave 1%% of the slots");
}

static const struct {
	const char *key;
	void (*read)(struct config *, const struct line *);
} scalars[] = {
	{"arch", read_arch},
	{"build", read_build},
	{"seed", read_seed},
	{"lab", read_lab},
	{"system-root", read_system_root},
	{"service-pack", read_service_pack},
	{"product", read_product},
	{"processors", read_processors},
	{"time", read_time},
	{"uptime", read_uptime},
	{"bugcheck", read_bugcheck},
	{"physical", read_physical},
	{"run", read_run},
	{"gap", read_gap},
	{"container", read_container},
	{"minidump", read_minidump},
	{"present", read_present},
	{"bitmap-count", read_bitmap_count},
	{"truncate", read_truncate},
	{"pcid", read_pcid},
	{"la57", read_la57},
	{"low-stub", read_low_stub},
	{"kuser", read_kuser},
	{"kvas", read_kvas},
	{"self-map", read_self_map},
	{"self-ref", read_self_ref},
	{"swizzle", read_swizzle},
	{"kernel-size", read_kernel_size},
	{"kernel-pages", read_kernel_pages},
	{"kernel-image", read_kernel_image},
	{"kernel-pdb", read_kernel_pdb},
	{"kdbg", read_kdbg},
	{"kernel-code", read_kernel_code},
	{"structures", read_structures},
	{"cluster", read_cluster},
	{"modules", read_modules},
	{"process-list", read_process_list},
	{"pool-pages", read_pool_pages},
	{"user-3gb", read_user_3gb},
	{"va", read_va},
	{"tracker-entries", read_tracker_entries},
	{"hash", read_hash},
	{"seeded", read_seeded},
	{"tag-tables", read_tag_tables},
	{"tag-tables-dead", read_tag_tables_dead},
	{"tag-tables-duplicate", read_tag_tables_duplicate},
	{"expansion", read_expansion},
	{"bigpages", read_bigpages},
};

static const struct {
	const char *key;
	enum line_list list;
} kept[] = {
	{"tag", LINES_TAG},
	{"tags", LINES_TAGS},
	{"overflow", LINES_OVERFLOW},
	{"big", LINES_BIG},
	{"blocks", LINES_BLOCKS},
	{"protected", LINES_PROTECTED},
	{"violate", LINES_VIOLATE},
	{"driver", LINES_DRIVER},
	{"process", LINES_PROCESS},
	{"unloaded", LINES_UNLOADED},
	{"kernel-tags", LINES_KERNEL_TAGS},
	{"global", LINES_GLOBAL},
	{"value", LINES_VALUE},
	{"write", LINES_WRITE},
	{"window", LINES_WINDOW},
	{"decoys", LINES_DECOYS},
	{"missing", LINES_FAULT},
	{"transition", LINES_FAULT},
	{"pagefile", LINES_FAULT},
	{"demand-zero", LINES_FAULT},
	{"header", LINES_HEADER},
	{"mm-state", LINES_MM_STATE},
	{"session-pool", LINES_SESSION_POOL},
	{"session-tag", LINES_SESSION_TAG},
	{"session-tags", LINES_SESSION_TAGS},
};

static void keep_line(struct lines *lines, const struct line *line)
{
	lines->line = grow(lines->line, lines->count, &lines->capacity, sizeof(*lines->line));
	lines->line[lines->count++] = line;
}

static void read_line(struct config *c, const struct line *line)
{
	for (size_t i = 0; i < sizeof(scalars) / sizeof(*scalars); i++) {
		if (strcmp(scalars[i].key, line->words[0]) == 0) {
			scalars[i].read(c, line);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		if (strcmp(kept[i].key, line->words[0]) == 0) {
			keep_line(&c->lists[kept[i].list], line);
			return;
		}
	}
	line_fail(line, "no such key");
}

static void add_run(struct config *c, uint64_t base, uint64_t end)
{
	if (base >= end)
		return;
	c->runs = grow(c->runs, c->run_count, &c->run_capacity, sizeof(*c->runs));
	c->runs[c->run_count++] = (struct run){base, end - base};
}

static int compare_runs(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	return (x->base > y->base) - (x->base < y->base);
}

/* RAM as a PC has it: page 0 and the last part of the first MiB taken away, a hole for devices
 * from 3 to 4 GiB on x64 and PAE, and the gaps that the recipe asks for. */
static void make_runs(struct config *c)
{
	if (c->run_count) {
		qsort(c->runs, c->run_count, sizeof(*c->runs), compare_runs);
		return;
	}
	struct run fixed[] = {{0x9F, 0x100 - 0x9F}, {0xC0000, 0x40000}};
	size_t fixed_count = c->arch != ARCH_X86 && c->physical > UINT64_C(3) << 30 ? 2 : 1;
	for (size_t i = 0; i < fixed_count; i++) {
		c->gaps = grow(c->gaps, c->gap_count, &c->gap_capacity, sizeof(*c->gaps));
		c->gaps[c->gap_count++] = fixed[i];
	}
	qsort(c->gaps, c->gap_count, sizeof(*c->gaps), compare_runs);
	uint64_t left = (c->physical >> PAGE_SHIFT) - 1;
	uint64_t at = 1;
	for (size_t i = 0; i < c->gap_count && left; i++) {
		uint64_t base = c->gaps[i].base > at ? c->gaps[i].base : at;
		uint64_t part = base - at < left ? base - at : left;
		add_run(c, at, at + part);
		left -= part;
		uint64_t end = c->gaps[i].base + c->gaps[i].count;
		if (end > at)
			at = end;
	}
	add_run(c, at, at + left);
}

/* What no Windows is: the first for ARM64 is 10 version 1709, and LA57 is x64's. */
static void check_machine(const struct config *c)
{
	if (c->arch == ARCH_ARM64 && c->build < 16299)
		die("no build before 16299 runs on ARM64");
	if (c->arch == ARCH_ARM64 && c->swizzle_set && c->swizzle != SWIZZLE_OFF)
		die("ARM64 has no swizzled page table entries");
	if (c->la57 && c->arch != ARCH_X64)
		die("la57 is for x64 only");
}

void config_read(struct config *c, const struct recipe *recipe)
{
	*c = (struct config){.seed = 1,
			     .arch = ARCH_X64,
			     .build = 17763,
			     .processors = 2,
			     .product = 3,
			     .time = 1560504067,
			     .uptime = 1234567,
			     .bugcheck = 0xE2,
			     .physical = 64 << 20,
			     .container = CONTAINER_BITMAP,
			     .low_stub = true,
			     .kuser = true,
			     .kernel_age = 1,
			     .tag_tables = -1,
			     .truncate_bytes = UINT64_MAX,
			     .truncate_parts = UINT64_MAX};
	for (size_t i = 0; i < recipe->count; i++)
		read_line(c, &recipe->lines[i]);
	check_machine(c);
	make_runs(c);
	layout_addresses(c);
	if (!c->lab)
		c->lab = xprintf("%u.%s%s", c->build,
				 c->build < 6000         ? ""
				 : c->arch == ARCH_ARM64 ? "1.arm64fre."
				 : config_is_64(c)       ? "0.amd64fre."
							 : "0.x86fre.",
				 layout_lab(c));
	if (!c->system_root)
		c->system_root = xstrdup(c->build < 6000 ? "C:\\WINDOWS" : "C:\\Windows");
	if (!c->kernel_pdb)
		c->kernel_pdb = xstrdup(layout_kernel_pdb(c));
	if (!c->tracker_entries)
		c->tracker_entries = c->build >= 7600 && config_is_64(c) ? 0x1000 : 0x800;
	if (!c->big_entries)
		c->big_entries = 4096;
	if (!c->seeded_set)
		c->seeded = c->build >= 3790 && c->build < 9200;
	if (!c->swizzle_set && c->arch == ARCH_X64 && c->build >= 17134)
		c->swizzle = SWIZZLE_MASK;
}

void config_fini(struct config *c)
{
	for (size_t i = 0; i < LINES_LISTS; i++)
		free(c->lists[i].line);
	free(c->lab);
	free(c->system_root);
	free(c->kernel_pdb);
	free(c->runs);
	free(c->gaps);
	*c = (struct config){0};
}

bool config_is_64(const struct config *c)
{
	return c->arch == ARCH_X64 || c->arch == ARCH_ARM64;
}

uint32_t config_machine(const struct config *c)
{
	switch (c->arch) {
	case ARCH_ARM64: return 0xAA64;
	case ARCH_X64: return 0x8664;
	default: return 0x14C;
	}
}

unsigned config_pointer_width(const struct config *c)
{
	return config_is_64(c) ? 8 : 4;
}

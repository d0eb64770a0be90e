/*
 * The keys of a recipe that say what the machine is: its processors, its memory and page tables,
 * its Windows, and when and why it stopped.
 *
 * Does not: know what a build has; defaults are config.c's.
 */
#include "corpus/config_keys.h"

enum { MAX_PROCESSORS = 64 };

static void read_arch(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"x86", ARCH_X86},
						    {"x86-pae", ARCH_PAE},
						    {"x64", ARCH_X64},
						    {"arm64", ARCH_ARM64},
						    {0}};
	c->arch = (enum arch)line_choice(line, choices);
}

static void read_build(struct config *c, const struct line *line)
{
	c->build = (uint32_t)line_number(line, 1, 2600, 99999);
}

static void read_seed(struct config *c, const struct line *line)
{
	c->seed = line_number(line, 1, 0, UINT64_MAX);
}

static void read_lab(struct config *c, const struct line *line)
{
	line_text(line, &c->lab);
}

static void read_system_root(struct config *c, const struct line *line)
{
	line_text(line, &c->system_root);
}

static void read_service_pack(struct config *c, const struct line *line)
{
	c->service_pack = (uint32_t)line_number(line, 1, 0, 9);
}

static void read_product(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"workstation", 1}, {"dc", 2}, {"server", 3}, {0}};
	c->product = (uint32_t)line_choice(line, choices);
}

static void read_processors(struct config *c, const struct line *line)
{
	c->processors = (uint32_t)line_number(line, 1, 1, MAX_PROCESSORS);
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
	c->bugcheck = (uint32_t)line_number(line, 1, 0, UINT32_MAX);
	for (size_t i = 0; i < 4; i++) {
		c->bugcheck_parameter[i] =
			2 + i < line->count ? parse_number(line, line->words[2 + i]) : 0;
	}
}

static void read_physical(struct config *c, const struct line *line)
{
	c->physical = line_number(line, 1, 1 << 20, UINT64_C(1) << 46);
}

static void read_run(struct config *c, const struct line *line)
{
	struct run run = {line_number(line, 1, 1, UINT64_C(1) << 36),
			  line_number(line, 2, 1, UINT64_C(1) << 36)};
	c->runs = grow(c->runs, c->run_count, &c->run_capacity, sizeof(run));
	c->runs[c->run_count++] = run;
}

static void read_gap(struct config *c, const struct line *line)
{
	struct run gap = {line_number(line, 1, 0, UINT64_C(1) << 48) >> PAGE_SHIFT,
			  line_number(line, 2, PAGE_SIZE, UINT64_C(1) << 48) >> PAGE_SHIFT};
	c->gaps = grow(c->gaps, c->gap_count, &c->gap_capacity, sizeof(gap));
	c->gaps[c->gap_count++] = gap;
}

static void read_pcid(struct config *c, const struct line *line)
{
	c->pcid = line_number(line, 1, 0, 0xFFF);
}

static void read_la57(struct config *c, const struct line *line)
{
	c->la57 = line_switch(line);
}

static void read_low_stub(struct config *c, const struct line *line)
{
	c->low_stub = line_switch(line);
}

static void read_kuser(struct config *c, const struct line *line)
{
	c->kuser = line_switch(line);
}

static void read_kvas(struct config *c, const struct line *line)
{
	c->kvas = line_switch(line);
}

static void read_self_map(struct config *c, const struct line *line)
{
	c->self_index = (unsigned)line_number(line, 1, 0x100, 0x1FF);
}

static void read_self_ref(struct config *c, const struct line *line)
{
	c->self_ref = (unsigned)line_number(line, 1, 0, 64);
}

static void read_swizzle(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"off", SWIZZLE_OFF}, {"mask", SWIZZLE_MASK}, {"bit", SWIZZLE_BIT}, {0}};
	c->swizzle = (enum swizzle)line_choice(line, choices);
	c->swizzle_set = true;
}

const struct config_key machine_keys[] = {
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
	{"pcid", read_pcid},
	{"la57", read_la57},
	{"low-stub", read_low_stub},
	{"kuser", read_kuser},
	{"kvas", read_kvas},
	{"self-map", read_self_map},
	{"self-ref", read_self_ref},
	{"swizzle", read_swizzle},
	{0},
};

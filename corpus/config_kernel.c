/*
 * The keys of a recipe that say what the kernel's image, its debugger data and its lists of
 * modules and processes are like, and where things lie.
 */
#include "corpus/config_keys.h"

#include <stdlib.h>
#include <string.h>

static void read_kernel_size(struct config *c, const struct line *line)
{
	c->kernel_size = line_number(line, 1, 0x40000, 0x4000000);
}

static void read_kernel_pages(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"small", 0}, {"large", 1}, {0}};
	c->kernel_large = line_choice(line, choices);
}

static void read_kernel_image(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"touched", IMAGE_TOUCHED}, {"data", IMAGE_DATA}, {"all", IMAGE_ALL}, {0}};
	c->kernel_extent = (enum image_extent)line_choice(line, choices);
}

static void read_kernel_pdb(struct config *c, const struct line *line)
{
	line_text(line, &c->kernel_pdb);
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
		c->kernel_age = (uint32_t)line_number(line, 3, 1, UINT32_MAX);
}

static void read_kdbg(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"plain", KDBG_PLAIN}, {"encoded", KDBG_ENCODED}, {"none", KDBG_NONE}, {0}};
	c->kdbg = (enum kdbg_form)line_choice(line, choices);
	const char *size = line_option(line, "size");
	if (size)
		c->kdbg_size = parse_number(line, size) & 0xFFFF;
}

static void read_kernel_code(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"stubs", CODE_STUBS}, {"built", CODE_BUILT}, {"none", CODE_NONE}, {0}};
	c->kernel_code = (enum kernel_code)line_choice(line, choices);
}

static void read_structures(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"by-build", 0}, {"rearranged", 1}, {0}};
	c->rearranged = line_choice(line, choices);
}

static void read_cluster(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"random", CLUSTER_RANDOM},
						    {"win7-x86", CLUSTER_WIN7_X86},
						    {"xp-x86", CLUSTER_XP_X86},
						    {0}};
	c->cluster = (enum cluster_order)line_choice(line, choices);
}

static void read_modules(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"proper", MODULES_PROPER},
						    {"loop", MODULES_LOOP},
						    {"nowhere", MODULES_NOWHERE},
						    {0}};
	c->modules = (enum module_end)line_choice(line, choices);
}

static void read_process_list(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"proper", PROCESSES_PROPER},
						    {"loop", PROCESSES_LOOP},
						    {"nowhere", PROCESSES_NOWHERE},
						    {"backlink", PROCESSES_BACKLINK},
						    {0}};
	c->process_list = (enum process_list)line_choice(line, choices);
}

static void read_user_3gb(struct config *c, const struct line *line)
{
	c->user_3gb = line_switch(line);
}

static void read_va(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {
		{"kernel", 0}, {"drivers", 1}, {"nonpaged", 2}, {"paged", 3}, {0}};
	struct va_range *ranges[] = {&c->kernel, &c->drivers, &c->nonpaged, &c->paged};
	struct va_range *range = ranges[line_choice(line, choices)];
	range->start = line_number(line, 2, 0x80000000, UINT64_MAX);
	range->end = line->count > 3 ? line_number(line, 3, range->start, UINT64_MAX) : 0;
}

const struct config_key kernel_keys[] = {
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
	{"user-3gb", read_user_3gb},
	{"va", read_va},
	{0},
};

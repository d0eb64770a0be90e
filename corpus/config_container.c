/*
 * The keys of a recipe that say what file the dump becomes, which pages it holds, and where it is
 * cut.
 */
#include "corpus/config_keys.h"

#include <string.h>

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
	static const struct word_value choices[] = {
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
	c->container = (enum container)line_choice(line, choices);
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
	static const struct word_value choices[] = {{"touched", 0}, {"all", 1}, {0}};
	c->present_all = line_choice(line, choices);
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

const struct config_key container_keys[] = {
	{"container", read_container},       {"minidump", read_minidump}, {"present", read_present},
	{"bitmap-count", read_bitmap_count}, {"truncate", read_truncate}, {0},
};

/*
 * Windows crash dumps: the header of 32-bit (PAGEDUMP) and 64-bit (PAGEDU64) dumps, what it says of
 * the machine, and the choice of the body by DumpType.
 *
 * A header-only dump (type 3) is opened for what its header says. Recognised and refused: encrypted
 * dumps, IA64 machines.
 *
 * Source of the layouts: the public DUMP_HEADER32 / DUMP_HEADER64 of Microsoft's headers.
 */
#include "formats/crash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "formats/formats.h"

static const struct crash_layout layout32 = {
	.width = "32-bit",
	.magic = "PAGEDUMP",
	.size = CRASH_HEADER32_SIZE,
	.pointer = 4,
	.most_runs = 86, /* (700 - 8) / 8 */
	.dtb = 0x10,
	.pfn_database = 0x14,
	.module_list = 0x18,
	.process_list = 0x1c,
	.machine = 0x20,
	.processors = 0x24,
	.bugcheck_code = 0x28,
	.bugcheck_parameters = 0x2c,
	.pae = 0x5c,
	.kdbg = 0x60,
	.run_count = 0x64,
	.page_count = 0x68,
	.runs = 0x6c,
	.dump_type = 0xf88,
	.system_time = 0xfc0,
	.uptime = 0xfb8,
	.product_type = 0xf94,
	.suite_mask = 0xf98,
	.attributes = 0x8a0,
	.version_user = 0x3c,
	.block = 0x64,
	.block_size = 700,
	.context = 0x320,
	.context_size = 1200,
	.exception = 0x7d0,
	.exception_size = 0x50,
	.exception_address = 0x7dc,
	.comment = 0x820,
	.required_space = 0xfa0,
	.minidump_fields = 0xf8c,
	.secondary_state = 0xf90,
};

static const struct crash_layout layout64 = {
	.width = "64-bit",
	.magic = "PAGEDU64",
	.size = CRASH_HEADER64_SIZE,
	.pointer = 8,
	.most_runs = 42, /* (700 - 16) / 16 */
	.dtb = 0x10,
	.pfn_database = 0x18,
	.module_list = 0x20,
	.process_list = 0x28,
	.machine = 0x30,
	.processors = 0x34,
	.bugcheck_code = 0x38,
	.bugcheck_parameters = 0x40,
	.kdbg = 0x80,
	.run_count = 0x88,
	.page_count = 0x90,
	.runs = 0x98,
	.dump_type = 0xf98,
	.system_time = 0xfa8,
	.uptime = 0x1030,
	.product_type = 0x1040,
	.suite_mask = 0x1044,
	.attributes = 0x1050,
	.version_user = 0x60,
	.block = 0x88,
	.block_size = 700,
	.context = 0x348,
	.context_size = 3000,
	.exception = 0xf00,
	.exception_size = 0x98,
	.exception_address = 0xf10,
	.comment = 0xfb0,
	.required_space = 0xfa0,
	.minidump_fields = 0x1038,
	.secondary_state = 0x103c,
};

const struct crash_layout *crash_layout(unsigned pointer)
{
	return pointer == 8 ? &layout64 : &layout32;
}

static enum ps_status header_only_open(struct dump *dump, const struct crash_header *header,
				       struct ps_error *err)
{
	(void)header;
	(void)err;
	dump->holds = HOLDS_NOTHING;
	return PS_OK;
}

/* What is done with each DumpType. */
struct crash_type {
	uint32_t type;
	const char *name;
	const char *kind; /* JSON name; type 7 gets that of its body */
	enum ps_status (*open)(struct dump *, const struct crash_header *, struct ps_error *);
};

static const struct crash_type crash_types[] = {
	{1, "full", "windows-full", crash_full_open},
	{2, "kernel summary", "windows-summary", crash_bitmap_open},
	{3, "header only", "windows-header", header_only_open},
	{4, "minidump", "windows-triage", crash_triage_open},
	{5, "bitmap", "windows-bitmap", crash_bitmap_open},
	{6, "kernel bitmap", "windows-bitmap", crash_bitmap_open},
	{7, "automatic", "windows-bitmap", crash_any_open},
	{8, "kernel, by a debugger", "windows-rdmp", crash_rdmp_open},
	{9, "kernel and user, by a debugger", "windows-rdmp", crash_rdmp_open},
	{10, "complete, by a debugger", "windows-rdmp", crash_rdmp_open},
};

static const struct {
	uint32_t bit;
	const char *note;
} attribute_notes[] = {
	{1u << 0, "Windows says: the crash came while it hibernated or resumed"},
	{1u << 1, "Windows says: the dump device lost its power while the dump was written"},
	{CRASH_INSUFFICIENT_SIZE,
	 "the header says that pages are missing: the dump file was too small for all, or what it was "
	 "converted from was cut or damaged"},
	{1u << 3, "Windows says: the kernel itself wrote this as a minidump"},
	{1u << 4, "a live dump: taken from the running system, with the pages that the kernel "
		  "chose; absent pages are normal"},
	{1u << 5, "Windows says: the dump was generated offline"},
	{1u << 6, "Windows says: a filter left pages out of the dump"},
	{1u << 7, "Windows says: the crash came early in boot"},
	{1u << 9, "the dump was encrypted and has been decrypted"},
};

struct fact crash_field(const struct crash_header *header, size_t offset, size_t width)
{
	static const uint64_t filler = (uint64_t)CRASH_FILLER << 32 | CRASH_FILLER;
	struct bytes bytes = bytes_of(header->data, header->layout->size);
	struct fact fact = {.value = bytes_uint(&bytes, offset, width)};
	uint64_t mask = width < 8 ? (UINT64_C(1) << 8 * width) - 1 : UINT64_MAX;

	fact.known = !bytes.overrun && fact.value != (filler & mask);
	if (!fact.known)
		fact.value = 0;
	return fact;
}

/* A field in which 0 says nothing either. */
static struct fact nonzero_field(const struct crash_header *header, size_t offset, size_t width)
{
	struct fact fact = crash_field(header, offset, width);

	fact.known = fact.value != 0;
	return fact;
}

static struct fact pointer_field(const struct crash_header *header, size_t offset)
{
	return nonzero_field(header, offset, header->layout->pointer);
}

static uint32_t attributes_of(const struct crash_header *header)
{
	return (uint32_t)crash_field(header, header->layout->attributes, 4).value;
}

enum ps_status crash_runs(const struct crash_header *header, uint64_t offset, struct page_run *runs,
			  size_t *ret_count, struct ps_error *err)
{
	const struct crash_layout *layout = header->layout;
	struct fact count = crash_field(header, layout->run_count, 4);

	if (!count.known)
		return ps_fail_at(err, PS_CORRUPT, layout->run_count,
				  "the header lists no memory runs (NumberOfRuns was never "
				  "written)");
	if (count.value == 0)
		return ps_fail_at(err, PS_CORRUPT, layout->run_count,
				  "the header lists no memory runs (NumberOfRuns is 0)");
	if (count.value > layout->most_runs)
		return ps_fail_at(err, PS_CORRUPT, layout->run_count,
				  "NumberOfRuns is %" PRIu64 ", but a %s header has room for %u",
				  count.value, layout->width, layout->most_runs);
	for (size_t i = 0; i < count.value; i++) {
		size_t at = layout->runs + i * 2 * layout->pointer;
		struct fact pfn = crash_field(header, at, layout->pointer);
		struct fact pages = crash_field(header, at + layout->pointer, layout->pointer);

		if (!pfn.known || !pages.known)
			return ps_fail_at(err, PS_CORRUPT, at,
					  "memory run %zu of %" PRIu64 " was never written", i + 1,
					  count.value);
		runs[i] = (struct page_run){pfn.value, pages.value, offset};
		if (pages.value > (UINT64_MAX - offset) >> PAGE_SHIFT)
			return ps_fail_at(err, PS_CORRUPT, at,
					  "memory run %zu of %" PRIu64 " has 0x%" PRIx64
					  " pages, more than a file can hold",
					  i + 1, count.value, pages.value);
		offset += pages.value << PAGE_SHIFT;
	}
	*ret_count = (size_t)count.value;
	return PS_OK;
}

/* Pages that the runs list: unknown when the runs cannot be right, which only type 1 minds. */
static struct fact listed_pages(const struct crash_header *header)
{
	struct page_run runs[UINT8_MAX];
	struct ps_error ignored = PS_ERROR_INIT;
	struct fact fact = {.known = false};
	struct page_map map;
	size_t count;

	if (crash_runs(header, 0, runs, &count, &ignored) != PS_OK)
		return fact;
	page_map_init(&map, 0);
	if (page_map_set_runs(&map, runs, count, &ignored) == PS_OK)
		fact = (struct fact){.known = map.pages != 0, .value = map.pages};
	page_map_fini(&map);
	return fact;
}

static enum machine machine_of(const struct crash_header *header)
{
	switch (crash_field(header, header->layout->machine, 4).value) {
	case CRASH_MACHINE_X86: return MACHINE_X86;
	case CRASH_MACHINE_X64: return MACHINE_X64;
	case CRASH_MACHINE_ARM64: return MACHINE_ARM64;
	case CRASH_MACHINE_IA64: return MACHINE_IA64;
	default: return MACHINE_UNKNOWN;
	}
}

static enum tristate pae_of(const struct crash_header *header)
{
	struct bytes bytes = bytes_of(header->data, header->layout->size);

	if (header->layout->pae == 0)
		return TRI_UNKNOWN;
	switch (bytes_u8(&bytes, header->layout->pae)) {
	case 0: return TRI_NO;
	case 1: return TRI_YES;
	default: return TRI_UNKNOWN;
	}
}

static void read_bugcheck(struct dump *dump, const struct crash_header *header)
{
	const struct crash_layout *layout = header->layout;

	dump->facts.bugcheck_code = nonzero_field(header, layout->bugcheck_code, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct fact parameter = crash_field(
			header, layout->bugcheck_parameters + (size_t)i * layout->pointer,
			layout->pointer);

		dump->facts.bugcheck_parameters[i] = parameter.value;
		if (dump->facts.bugcheck_code.known && !parameter.known)
			dump_note(dump, "bug check parameter %u was never written; shown as 0",
				  i + 1);
	}
}

static void read_facts(struct dump *dump, const struct crash_header *header)
{
	const struct crash_layout *layout = header->layout;
	struct machine_facts *facts = &dump->facts;

	facts->machine = machine_of(header);
	facts->pae = pae_of(header);
	facts->dtb = pointer_field(header, layout->dtb);
	facts->kdbg = pointer_field(header, layout->kdbg);
	facts->module_list = pointer_field(header, layout->module_list);
	facts->process_list = pointer_field(header, layout->process_list);
	facts->pfn_database = pointer_field(header, layout->pfn_database);
	facts->build = nonzero_field(header, CRASH_MINOR_VERSION, 4);
	facts->free_build = nonzero_field(header, CRASH_MAJOR_VERSION, 4);
	facts->processors = nonzero_field(header, layout->processors, 4);
	facts->system_time = nonzero_field(header, layout->system_time, 8);
	facts->uptime = nonzero_field(header, layout->uptime, 8);
	facts->product_type = nonzero_field(header, layout->product_type, 4);
	facts->suite_mask = crash_field(header, layout->suite_mask, 4);
	facts->physical_pages = listed_pages(header);
	facts->dump_type = crash_field(header, layout->dump_type, 4);
	facts->attributes = crash_field(header, layout->attributes, 4);
	read_bugcheck(dump, header);
}

static void note_attributes(struct dump *dump, const struct crash_type *type, uint32_t attributes)
{
	/* Where the dump that was asked for had no room, the kernel writes a minidump instead. */
	if (type->type == 4 && attributes & CRASH_INSUFFICIENT_SIZE) {
		dump_note(dump,
			  "Windows says: the page file had no room for the dump that is set, so "
			  "this minidump was written instead");
		attributes &= ~(uint32_t)CRASH_INSUFFICIENT_SIZE;
	}
	for (size_t i = 0; i < sizeof(attribute_notes) / sizeof(attribute_notes[0]); i++) {
		if (attributes & attribute_notes[i].bit)
			dump_note(dump, "%s", attribute_notes[i].note);
	}
	if (attributes & CRASH_INSUFFICIENT_SIZE)
		dump->complete = false;
}

static enum ps_status read_header(struct dump *dump, struct crash_header *header,
				  struct ps_error *err)
{
	char size[WORDS_SIZE], wanted[WORDS_SIZE];

	if (dump->file.size < header->layout->size) {
		ps_fail_at(err, PS_ABSENT, dump->file.size,
			   "%s ends inside its crash dump header: %s of %s",
			   file_words(&dump->file), size_words(dump->file.size, size),
			   size_words(header->layout->size, wanted));
		ps_hint(err, "the copy was cut short: copy the dump again");
		return err->status;
	}
	if (file_read(&dump->file, 0, header->data, header->layout->size, err) != PS_OK)
		return ps_wrap(err, "cannot read the crash dump header");
	return PS_OK;
}

static enum ps_status find_type(const struct dump *dump, const struct crash_header *header,
				const struct crash_type **ret, struct ps_error *err)
{
	struct fact type = crash_field(header, header->layout->dump_type, 4);

	if (!type.known)
		return ps_fail_at(err, PS_CORRUPT, header->layout->dump_type,
				  "%s does not say which type of crash dump it is (DumpType was "
				  "never written)",
				  file_words(&dump->file));
	for (size_t i = 0; i < sizeof(crash_types) / sizeof(crash_types[0]); i++) {
		if (crash_types[i].type == type.value) {
			*ret = &crash_types[i];
			return PS_OK;
		}
	}
	ps_fail_at(err, PS_UNSUPPORTED, header->layout->dump_type,
		   "%s is a Windows crash dump of the unknown type %" PRIu64,
		   file_words(&dump->file), type.value);
	ps_hint(err, "types 1 to 10 are known; if the header is damaged, copy the dump again");
	return err->status;
}

static enum ps_status check_usable(const struct dump *dump, const struct crash_header *header,
				   struct ps_error *err)
{
	struct fact machine = crash_field(header, header->layout->machine, 4);

	if (attributes_of(header) & CRASH_ENCRYPTED) {
		ps_fail(err, PS_UNSUPPORTED, "%s is an encrypted crash dump and cannot be read",
			file_words(&dump->file));
		ps_hint(err, "decrypt it on Windows with KernelDumpDecrypt.exe of the Debugging "
			     "Tools and the private key, then open the result");
		return err->status;
	}
	switch (machine_of(header)) {
	case MACHINE_IA64:
		return ps_fail(err, PS_UNSUPPORTED,
			       "%s comes from an Itanium (IA64) machine; poolscope reads x86, x64 "
			       "and ARM64 dumps",
			       file_words(&dump->file));
	case MACHINE_UNKNOWN:
		if (machine.value == 0) /* not stated: the kernel in it will tell */
			return PS_OK;
		return ps_fail_at(err, PS_UNSUPPORTED, header->layout->machine,
				  "%s comes from a machine of the unknown type 0x%" PRIx64
				  "; poolscope reads x86, x64 and ARM64 dumps",
				  file_words(&dump->file), machine.value);
	default: return PS_OK;
	}
}

/* For who writes the memory out again: what is not known better stays as it was. */
static bool keep_header(struct dump *dump, const struct crash_header *header)
{
	struct crash_header *copy = mem_array(1, sizeof(*copy));

	if (!copy)
		return false;
	*copy = *header;
	free(dump->header);
	dump->header = copy;
	return true;
}

static enum ps_status open_body(struct dump *dump, const struct crash_header *header,
				struct ps_error *err)
{
	const struct crash_type *type = NULL;

	if (find_type(dump, header, &type, err) != PS_OK)
		return err->status;
	if (check_usable(dump, header, err) != PS_OK)
		return err->status;
	if (!keep_header(dump, header))
		return ps_fail_memory(err, "the crash dump header");
	read_facts(dump, header);
	note_attributes(dump, type, attributes_of(header));
	if (type->open(dump, header, err) != PS_OK)
		return ps_wrap(err, "%s", file_words(&dump->file));
	dump_note_truncation(dump);
	if (!dump->kind)
		dump->kind = type->kind;
	snprintf(dump->title_text, sizeof(dump->title_text), "Windows crash dump, type %u (%s), %s",
		 type->type, type->name, header->layout->width);
	dump->title = dump->title_text;
	return PS_OK;
}

static const struct crash_layout *layout_of(const uint8_t *magic)
{
	if (memcmp(magic, layout32.magic, 8) == 0)
		return &layout32;
	if (memcmp(magic, layout64.magic, 8) == 0)
		return &layout64;
	return NULL;
}

bool crash_embedded_header(struct dump *dump, const uint8_t *data, size_t length)
{
	struct crash_header header = {.layout = length >= 8 ? layout_of(data) : NULL};

	if (!header.layout || length < header.layout->size)
		return false;
	memcpy(header.data, data, header.layout->size);
	if (!keep_header(dump, &header))
		return false;
	read_facts(dump, &header);
	dump->facts.dump_type = dump->facts.attributes = (struct fact){.known = false};
	return true;
}

enum probe crash_open(struct dump *dump, struct ps_error *err)
{
	struct crash_header header = {.layout = NULL};
	uint8_t magic[8];

	if (dump->file.size < sizeof(magic))
		return PROBE_NOT_MINE;
	if (file_read(&dump->file, 0, magic, sizeof(magic), err) != PS_OK)
		return PROBE_ERROR;
	header.layout = layout_of(magic);
	if (!header.layout)
		return PROBE_NOT_MINE;
	if (read_header(dump, &header, err) != PS_OK || open_body(dump, &header, err) != PS_OK)
		return PROBE_ERROR;
	return PROBE_MINE;
}

/*
 * Makes the header of a crash dump that is written: the container's own header where it has one of
 * the right width, else one in Windows' manner, filled with "PAGE" where nothing is known; and over
 * it what the plan knows.
 *
 * Does not write: the secondary data of a dump (SecondaryDataState becomes 0), ARM64 registers.
 * Layouts: DUMP_HEADER32 and DUMP_HEADER64 (see crash.c), CONTEXT of x86 and x64 (winnt.h of the
 * Windows SDK).
 */
#include <string.h>

#include "formats/crash_write.h"

enum {
	MAGIC_BYTES = 8,
	CONTEXT64_SIZE = 0x4d0,
	CONTEXT64_FLAGS = 0x100007, /* AMD64: control, integer, segments */
	CONTEXT32_SIZE = 0x2cc,
	CONTEXT32_FLAGS = 0x10007, /* i386: the same */
	INITIAL_MXCSR = 0x1f80,
};

static const uint32_t exception_breakpoint = 0x80000003;

struct filler {
	const struct crash_layout *layout;
	uint8_t *data;
};

static void put(struct filler *f, size_t offset, uint64_t value, size_t width)
{
	if (offset != 0)
		bytes_put(f->data + offset, value, width);
}

/* What is unknown leaves alone what stands there. */
static void put_fact(struct filler *f, size_t offset, const struct fact *fact, size_t width)
{
	if (fact->known)
		put(f, offset, fact->value, width);
}

static void put_pointer(struct filler *f, size_t offset, const struct fact *fact)
{
	put_fact(f, offset, fact, f->layout->pointer);
}

/* Offsets in CONTEXT; the registers in the order of enum CPU_AX... and CPU_ES... */
struct context_layout {
	uint32_t flags_value;
	uint16_t size, flags, ip, eflags, mxcsr[2];
	uint8_t width, segment_width, general_count;
	uint16_t general[CPU_GENERAL], segments[CPU_SEGMENTS];
};

static const struct context_layout context64 = {
	.flags_value = CONTEXT64_FLAGS,
	.size = CONTEXT64_SIZE,
	.flags = 0x30,
	.ip = 0xf8,
	.eflags = 0x44,
	.mxcsr = {0x34, 0x118},
	.width = 8,
	.segment_width = 2,
	.general_count = 16,
	.general = {0x78, 0x80, 0x88, 0x90, 0x98, 0xa0, 0xa8, 0xb0, 0xb8, 0xc0, 0xc8, 0xd0, 0xd8,
		    0xe0, 0xe8, 0xf0},
	.segments = {0x3c, 0x38, 0x42, 0x3a, 0x3e, 0x40},
};

static const struct context_layout context32 = {
	.flags_value = CONTEXT32_FLAGS,
	.size = CONTEXT32_SIZE,
	.flags = 0,
	.ip = 0xb8,
	.eflags = 0xc0,
	.width = 4,
	.segment_width = 4,
	.general_count = 8,
	.general = {0xb0, 0xac, 0xa8, 0xa4, 0xc4, 0xb4, 0xa0, 0x9c},
	.segments = {0x94, 0xbc, 0xc8, 0x98, 0x90, 0x8c},
};

static void put_context(struct filler *f, const struct cpu_registers *cpu)
{
	const struct context_layout *c = f->layout->pointer == 8 ? &context64 : &context32;
	size_t at = f->layout->context;

	memset(f->data + at, 0, c->size);
	put(f, at + c->flags, c->flags_value, 4);
	put(f, at + c->ip, cpu->ip, c->width);
	put(f, at + c->eflags, cpu->flags, 4);
	for (unsigned i = 0; i < c->general_count; i++)
		put(f, at + c->general[i], cpu->general[i], c->width);
	for (unsigned i = 0; i < CPU_SEGMENTS; i++)
		put(f, at + c->segments[i], cpu->segments[i], c->segment_width);
	for (unsigned i = 0; i < 2 && c->mxcsr[i] != 0; i++)
		put(f, at + c->mxcsr[i], INITIAL_MXCSR, 4);
}

/* A header of our own. Where a debugger would take the filler for a value there are zeros. */
static void begin(struct filler *f, const struct crash_plan *plan)
{
	const struct crash_layout *l = f->layout;
	const struct cpu_registers *cpu = &plan->facts.cpu;
	bool x86 = plan->facts.machine == MACHINE_X86 || plan->facts.machine == MACHINE_X64;

	for (size_t at = 0; at < l->size; at += 4)
		bytes_put(f->data + at, CRASH_FILLER, 4);
	memset(f->data + CRASH_MAJOR_VERSION, 0, l->version_user - CRASH_MAJOR_VERSION);
	put(f, l->kdbg, 0, l->pointer);
	memset(f->data + l->context, 0, l->context_size);
	memset(f->data + l->exception, 0, l->exception_size);
	put(f, l->exception, exception_breakpoint, 4);
	if (cpu->known && x86) {
		put_context(f, cpu);
		put(f, l->exception_address, cpu->ip, l->pointer);
	}
	memset(f->data + l->comment, 0, CRASH_COMMENT);
	put(f, l->minidump_fields, 0, 4);
	put(f, l->product_type, 0, 4);
	put(f, l->suite_mask, 0, 4);
	put(f, l->attributes, 0, 4);
	put(f, l->system_time, 0, 8);
	put(f, l->uptime, 0, 8);
}

static uint32_t machine_type(enum machine machine)
{
	switch (machine) {
	case MACHINE_X86: return CRASH_MACHINE_X86;
	case MACHINE_X64: return CRASH_MACHINE_X64;
	case MACHINE_ARM64: return CRASH_MACHINE_ARM64;
	default: return 0;
	}
}

static void put_facts(struct filler *f, const struct machine_facts *facts)
{
	const struct crash_layout *l = f->layout;

	put_fact(f, CRASH_MAJOR_VERSION, &facts->free_build, 4);
	put_fact(f, CRASH_MINOR_VERSION, &facts->build, 4);
	put_pointer(f, l->dtb, &facts->dtb);
	put_pointer(f, l->pfn_database, &facts->pfn_database);
	put_pointer(f, l->module_list, &facts->module_list);
	put_pointer(f, l->process_list, &facts->process_list);
	put_pointer(f, l->kdbg, &facts->kdbg);
	put(f, l->machine, machine_type(facts->machine), 4);
	put_fact(f, l->processors, &facts->processors, 4);
	put_fact(f, l->system_time, &facts->system_time, 8);
	put_fact(f, l->uptime, &facts->uptime, 8);
	put_fact(f, l->product_type, &facts->product_type, 4);
	put_fact(f, l->suite_mask, &facts->suite_mask, 4);
	put_fact(f, l->attributes, &facts->attributes, 4);
	if (facts->pae != TRI_UNKNOWN)
		put(f, l->pae, facts->pae == TRI_YES, 1);
	put_fact(f, l->bugcheck_code, &facts->bugcheck_code, 4);
	for (unsigned i = 0; i < 4 && facts->bugcheck_code.known; i++)
		put(f, l->bugcheck_parameters + (size_t)i * l->pointer,
		    facts->bugcheck_parameters[i], l->pointer);
}

static void put_runs(struct filler *f, const struct page_runs *runs)
{
	const struct crash_layout *l = f->layout;
	uint64_t pages = 0;

	for (size_t at = 0; at < l->block_size; at += 4)
		bytes_put(f->data + l->block + at, CRASH_FILLER, 4);
	if (runs->count == 0)
		return;
	for (size_t i = 0; i < runs->count; i++) {
		size_t at = l->runs + i * 2 * l->pointer;

		put(f, at, runs->items[i].pfn, l->pointer);
		put(f, at + l->pointer, runs->items[i].count, l->pointer);
		pages += runs->items[i].count;
	}
	put(f, l->run_count, runs->count, 4);
	put(f, l->page_count, pages, l->pointer);
}

/* The words of whoever wrote the container's header stay. */
static void put_comment(struct filler *f, const char *comment)
{
	uint8_t *at = f->data + f->layout->comment;
	size_t length = strlen(comment);

	if (at[0] != '\0' && memcmp(at, "PAGE", 4) != 0)
		return;
	memset(at, 0, CRASH_COMMENT);
	memcpy(at, comment, length < CRASH_COMMENT ? length : CRASH_COMMENT - 1);
}

/* Without it, a dump of a file that was cut would look whole. */
static void put_attributes(struct filler *f, uint64_t lost)
{
	struct bytes bytes = bytes_of(f->data, f->layout->size);
	uint32_t attributes = bytes_u32(&bytes, f->layout->attributes);

	if (attributes == CRASH_FILLER)
		attributes = 0;
	if (lost > 0)
		put(f, f->layout->attributes, attributes | CRASH_INSUFFICIENT_SIZE, 4);
}

void crash_header_fill(const struct dump *dump, const struct crash_plan *plan,
		       const struct page_runs *runs, const struct crash_written *written,
		       struct crash_header *header)
{
	struct filler f = {.layout = crash_layout(plan->pointer), .data = header->data};

	header->layout = f.layout;
	if (dump->header && dump->header->layout == f.layout)
		memcpy(f.data, dump->header->data, f.layout->size);
	else
		begin(&f, plan);
	memcpy(f.data, f.layout->magic, MAGIC_BYTES);
	put_facts(&f, &plan->facts);
	put_attributes(&f, written->lost);
	put_runs(&f, runs);
	put(&f, f.layout->dump_type, written->body, 4);
	put(&f, f.layout->required_space, written->bytes, 8);
	put(&f, f.layout->secondary_state, 0, 4);
	put_comment(&f, plan->comment);
}

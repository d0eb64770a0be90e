/*
 * The notes of machine cores: states of the processors (QEMU, VirtualBox), a Windows crash dump
 * header (QEMU, from a guest with the virtio drivers), and what tells a Linux kernel's core or a
 * process's core apart.
 *
 * Used of a processor's state: CR0, CR3, CR4, and of the first one the general registers. Not read:
 * the notes of ARM64, which hold no page-table root.
 *
 * Sources: QEMU's QEMUCPUState (version 1), VirtualBox's DBGFCORECPU, the ELF specification.
 */
#include "formats/elf.h"

#include <string.h>

#include "base/bytes.h"
#include "formats/crash.h"

enum {
	NOTE_HEADER = 12,
	NOTE_NAME_MOST = 32,  /* longer names are of no note that is known here */
	NOTES_MOST = 1 << 16, /* of a core; QEMU writes two a processor */

	/* Types */
	NT_PRPSINFO = 3,
	NT_AUXV = 6,
	NT_VBOXCORE = 0xb00,
	NT_VBOXCPU = 0xb01,
	NT_SIGINFO = 0x53494749,
	NT_FILE = 0x46494c45,

	/* QEMUCPUState: version, size, 18 registers, 10 segments of 24 bytes, CR0 to CR4 */
	QEMU_STATE_SIZE = 432,
	QEMU_REGISTERS = 8,
	QEMU_SEGMENTS = 152,
	QEMU_SELECTOR = 0, /* in a segment */
	QEMU_CR0 = 392,
	QEMU_CR3 = 416,
	QEMU_CR4 = 424,

	/* DBGFCORECPU: 18 registers, 6 segments of 24 bytes, CR0, CR2, CR3, CR4 */
	VBOX_STATE_SIZE = 320,
	VBOX_REGISTERS = 0,
	VBOX_SEGMENTS = 144,
	VBOX_SELECTOR = 16, /* in a segment: behind base, limit and attributes */
	SEGMENT_BYTES = 24,
	VBOX_CR0 = 288,
	VBOX_CR3 = 304,
	VBOX_CR4 = 312,

	CR4_PAE = 1 << 5,
};

static const uint64_t cr0_pg = UINT64_C(1) << 31;

struct note {
	uint32_t type;
	char name[NOTE_NAME_MOST + 1];
	uint64_t at, size; /* of the descriptor, in the file */
};

struct note_reader {
	struct dump *dump;
	struct file *file;
	struct core_notes *notes;
};

void core_add_cr3(struct machine_facts *facts, uint64_t cr3)
{
	for (unsigned i = 0; i < facts->cr3_count; i++)
		if (facts->cr3[i] == cr3)
			return;
	if (cr3 != 0 && facts->cr3_count < CR3_MOST)
		facts->cr3[facts->cr3_count++] = cr3;
}

static bool read_descriptor(struct note_reader *r, const struct note *note, uint8_t *to,
			    size_t length)
{
	struct ps_error ignored = PS_ERROR_INIT;

	return note->size >= length && file_read(r->file, note->at, to, length, &ignored) == PS_OK;
}

static void take_state(struct note_reader *r, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	struct core_notes *notes = r->notes;

	if (notes->processors++ == 0) {
		notes->paging = (cr0 & cr0_pg) != 0;
		notes->pae = (cr4 & CR4_PAE) != 0;
	}
	if (cr0 & cr0_pg)
		core_add_cr3(&r->dump->facts, cr3);
}

/* Where a state has the registers: indices of 64-bit words, in the order of enum CPU_AX... */
struct state_layout {
	uint8_t general[CPU_GENERAL];
	uint8_t ip, flags;
	uint16_t registers, segments, selector; /* bytes */
};

static const struct state_layout qemu_layout = {
	.general = {0, 2, 3, 1, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15},
	.ip = 16,
	.flags = 17,
	.registers = QEMU_REGISTERS,
	.segments = QEMU_SEGMENTS,
	.selector = QEMU_SELECTOR,
};

static const struct state_layout vbox_layout = {
	.general = {0, 2, 3, 1, 15, 16, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
	.ip = 14,
	.flags = 17,
	.registers = VBOX_REGISTERS,
	.segments = VBOX_SEGMENTS,
	.selector = VBOX_SELECTOR,
};

/* Both have CS, DS, ES, FS, GS, SS in this order. A program counter of 0 says that nothing is
 * known.
 */
static void take_registers(struct note_reader *r, struct bytes *bytes,
			   const struct state_layout *layout)
{
	static const uint8_t segments[] = {CPU_CS, CPU_DS, CPU_ES, CPU_FS, CPU_GS, CPU_SS};
	struct cpu_registers *cpu = &r->dump->facts.cpu;

	if (r->notes->processors != 0)
		return;
	for (unsigned i = 0; i < CPU_GENERAL; i++)
		cpu->general[i] = bytes_u64(bytes, layout->registers + 8U * layout->general[i]);
	cpu->ip = bytes_u64(bytes, layout->registers + 8U * layout->ip);
	cpu->flags = bytes_u64(bytes, layout->registers + 8U * layout->flags);
	for (unsigned i = 0; i < sizeof(segments); i++)
		cpu->segments[segments[i]] =
			bytes_u16(bytes, layout->segments + i * SEGMENT_BYTES + layout->selector);
	cpu->known = cpu->ip != 0;
}

static void read_qemu(struct note_reader *r, const struct note *note)
{
	uint8_t state[QEMU_STATE_SIZE];
	struct bytes bytes = bytes_of(state, sizeof(state));

	r->notes->writer = CORE_WRITER_QEMU;
	if (!read_descriptor(r, note, state, sizeof(state)) || bytes_u32(&bytes, 0) != 1)
		return;
	take_registers(r, &bytes, &qemu_layout);
	take_state(r, bytes_u64(&bytes, QEMU_CR0), bytes_u64(&bytes, QEMU_CR3),
		   bytes_u64(&bytes, QEMU_CR4));
}

static void read_virtualbox(struct note_reader *r, const struct note *note)
{
	uint8_t state[VBOX_STATE_SIZE];
	struct bytes bytes = bytes_of(state, sizeof(state));

	if (!read_descriptor(r, note, state, sizeof(state)))
		return;
	take_registers(r, &bytes, &vbox_layout);
	take_state(r, bytes_u64(&bytes, VBOX_CR0), bytes_u64(&bytes, VBOX_CR3),
		   bytes_u64(&bytes, VBOX_CR4));
}

/* A text of lines NAME=VALUE, the first of which is the release; or a Windows crash dump header. */
static void read_vmcoreinfo(struct note_reader *r, const struct note *note)
{
	static const char release[] = "OSRELEASE=";
	uint8_t data[CRASH_HEADER64_SIZE];
	size_t size = note->size < sizeof(data) ? (size_t)note->size : sizeof(data);
	size_t used = 0, at = sizeof(release) - 1;

	if (!read_descriptor(r, note, data, size))
		return;
	if (crash_embedded_header(r->dump, data, size)) {
		r->notes->windows_header = true;
		return;
	}
	if (size < at || memcmp(data, release, at) != 0)
		return;
	r->notes->writer = CORE_WRITER_LINUX;
	while (at < size && data[at] > ' ' && data[at] < 0x7f &&
	       used + 1 < sizeof(r->notes->release))
		r->notes->release[used++] = (char)data[at++];
	r->notes->release[used] = '\0';
}

static void read_process(struct note_reader *r, const struct note *note)
{
	bool tells = note->type == NT_PRPSINFO || note->type == NT_AUXV ||
		     note->type == NT_SIGINFO || note->type == NT_FILE;

	if (tells && r->notes->writer == CORE_WRITER_UNKNOWN)
		r->notes->writer = CORE_WRITER_PROCESS;
}

static void read_note(struct note_reader *r, const struct note *note)
{
	if (strcmp(note->name, "QEMU") == 0 && note->type == 0)
		read_qemu(r, note);
	else if (strcmp(note->name, "VBCORE") == 0 && note->type == NT_VBOXCORE)
		r->notes->writer = CORE_WRITER_VIRTUALBOX;
	else if (strcmp(note->name, "VBCPU") == 0 && note->type == NT_VBOXCPU)
		read_virtualbox(r, note);
	else if (strcmp(note->name, "VMCOREINFO") == 0)
		read_vmcoreinfo(r, note);
	else if (strcmp(note->name, "CORE") == 0)
		read_process(r, note);
}

static uint64_t rounded(uint64_t size)
{
	return (size + 3) & ~UINT64_C(3);
}

/* The note at `at`; false when it does not end before `end`. */
static bool next_note(struct note_reader *r, uint64_t at, uint64_t end, struct note *ret,
		      uint64_t *ret_next)
{
	uint8_t raw[NOTE_HEADER];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t name_size, room = end - at - NOTE_HEADER;

	if (file_read(r->file, at, raw, sizeof(raw), &ignored) != PS_OK)
		return false;
	name_size = bytes_u32(&bytes, 0);
	*ret = (struct note){.type = bytes_u32(&bytes, 8), .size = bytes_u32(&bytes, 4)};
	ret->at = at + NOTE_HEADER + rounded(name_size);
	if (rounded(name_size) > room || ret->size > room - rounded(name_size))
		return false;
	if (name_size <= NOTE_NAME_MOST &&
	    file_read(r->file, at + NOTE_HEADER, ret->name, (size_t)name_size, &ignored) != PS_OK)
		return false;
	*ret_next = ret->at + rounded(ret->size);
	return true;
}

void core_notes_read(struct dump *dump, struct file *file, uint64_t offset, uint64_t size,
		     struct core_notes *notes)
{
	struct note_reader reader = {.dump = dump, .file = file, .notes = notes};
	uint64_t room = file->size > offset ? file->size - offset : 0;
	uint64_t end = offset + (size < room ? size : room);
	struct note note;

	notes->damaged |= size > room;
	while (offset < end && end - offset >= NOTE_HEADER) {
		if (notes->looked_at == NOTES_MOST ||
		    !next_note(&reader, offset, end, &note, &offset)) {
			notes->damaged = true;
			break;
		}
		notes->looked_at++;
		read_note(&reader, &note);
	}
}

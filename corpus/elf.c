/*
 * The headers and notes of ELF cores as QEMU and VirtualBox write them: 64 and 32 bit, with the
 * state of each processor, and with a Windows header in a VMCOREINFO note.
 *
 * Does not: sections but the one that counts many program headers.
 * Layouts: the ELF specification; QEMU's QEMUCPUState; VirtualBox's DBGFCORECPU.
 */
#include "corpus/elf.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/header.h"
#include "corpus/kernel.h"
#include "corpus/machine.h"

enum {
	NOTE_ROOM = 1 << 17,
	QEMU_STATE = 440,
	VBOX_STATE = 704,
	STATUS_64 = 336,
	STATUS_ARM64 = 392,
	STATUS_32 = 144,
	MANY_SEGMENTS = 0xFFFF,
};

struct notes {
	uint8_t *bytes;
	size_t length;
};

static void add_note(struct notes *n, const char *name, uint32_t type, const void *bytes,
		     uint32_t length)
{
	size_t name_length = strlen(name) + 1;
	uint8_t *at = n->bytes + n->length;
	size_t size = 12 + round_up(name_length, 4) + round_up(length, 4);
	if (size > NOTE_ROOM - n->length)
		die("the notes do not fit: fewer processors");
	put32(at, name_length);
	put32(at + 4, length);
	put32(at + 8, type);
	memcpy(at + 12, name, name_length);
	memcpy(at + 12 + round_up(name_length, 4), bytes, length);
	n->length += size;
}

/*
 * General registers that tell their place: 0x0F0F... in the first of the state, 0x1E1E... in the
 * next. Program counter and stack are the kernel's, at the indices given; flags are the last.
 */
static void put_registers(const struct world *w, uint8_t *at, unsigned ip, unsigned sp)
{
	uint64_t mask = config_is_64(w->config) ? UINT64_MAX : UINT32_MAX;
	for (unsigned i = 0; i < 17; i++)
		put64(at + 8 * i, UINT64_C(0x0F0F0F0F0F0F0F0F) * (i + 1) & mask);
	put64(at + 8 * ip, kernel_export(w, "KeBugCheckEx") + 4);
	put64(at + 8 * sp, w->nonpaged_next & mask);
	put64(at + 8 * 17, 0x246);
}

/* CS, DS, ES, FS, GS, SS, each in 24 bytes. */
static void put_selectors(const struct world *w, uint8_t *at, unsigned offset)
{
	static const uint16_t wide[] = {0x10, 0x2B, 0x2B, 0x53, 0x2B, 0x18},
			      narrow[] = {0x08, 0x23, 0x23, 0x30, 0x00, 0x10};
	for (unsigned i = 0; i < 6; i++)
		put16(at + 24 * i + offset, config_is_64(w->config) ? wide[i] : narrow[i]);
}

static void add_qemu_states(const struct world *w, struct notes *n)
{
	uint32_t length = w->config->arch == ARCH_ARM64 ? STATUS_ARM64
			  : w->config->elf_32           ? STATUS_32
							: STATUS_64;
	uint8_t status[STATUS_ARM64] = {0}, state[QEMU_STATE] = {0};
	for (unsigned i = 0; i < w->config->processors; i++) {
		put32(status + 32, i + 1); /* pr_pid */
		add_note(n, "CORE", 1, status, length);
	}
	/* Of ARM64 processors QEMU writes no state but these. */
	for (unsigned i = 0; i < w->config->processors && w->config->arch != ARCH_ARM64; i++) {
		uint8_t *control = state + 8 + 18 * 8 + 10 * 24;
		put32(state, 1);
		put32(state + 4, QEMU_STATE);
		put_registers(w, state + 8, 16, 6);
		put_selectors(w, state + 8 + 18 * 8, 0);
		put64(control, 0x80050033);
		put64(control + 24, machine_processor_cr3(w, i));
		put64(control + 32, machine_cr4(w));
		add_note(n, "QEMU", 0, state, QEMU_STATE);
	}
}

static void add_vbox_states(const struct world *w, struct notes *n)
{
	uint8_t core[24] = {0}, state[VBOX_STATE] = {0};
	put32(core, 0xC01AC0DE);
	put32(core + 4, 0x10006);
	put32(core + 8, sizeof(core));
	put32(core + 20, w->config->processors);
	add_note(n, "VBCORE", 0xB00, core, sizeof(core));
	for (unsigned i = 0; i < w->config->processors; i++) {
		uint8_t *control = state + 18 * 8 + 6 * 24;
		put_registers(w, state, 14, 15);
		put_selectors(w, state + 18 * 8, 16);
		put64(control, 0x80050033);
		put64(control + 16, machine_processor_cr3(w, i));
		put64(control + 24, machine_cr4(w));
		add_note(n, "VBCPU", 0xB01, state, VBOX_STATE);
	}
}

static struct notes make_notes(struct world *w)
{
	struct notes notes = {.bytes = xcalloc(1, NOTE_ROOM)};
	if (w->config->elf_writer == ELF_QEMU)
		add_qemu_states(w, &notes);
	if (w->config->elf_writer == ELF_VIRTUALBOX)
		add_vbox_states(w, &notes);
	if (w->config->elf_header) {
		uint8_t header[HEADER_ROOM];
		uint32_t length = header_build(w, header, w->memory.runs, w->memory.run_count,
					       w->memory.total_pages);
		add_note(&notes, "VMCOREINFO", 0, header, length);
	}
	return notes;
}

struct run *elf_segments(const struct world *w, const struct run *runs, size_t run_count,
			 size_t *count)
{
	uint64_t longest = w->config->elf_longest ? w->config->elf_longest : UINT64_MAX;
	struct run *segments = NULL;
	size_t capacity = 0;
	*count = 0;
	for (size_t i = 0; i < run_count; i++) {
		for (uint64_t done = 0; done < runs[i].count;) {
			uint64_t left = runs[i].count - done;
			uint64_t pages = left < longest ? left : longest;
			segments = grow(segments, *count, &capacity, sizeof(*segments));
			segments[(*count)++] = (struct run){runs[i].base + done, pages};
			done += pages;
		}
	}
	return segments;
}

static void put_segment(const struct world *w, uint8_t *at, uint32_t type, uint64_t offset,
			uint64_t address, uint64_t length)
{
	if (w->config->elf_32 && (address + length > UINT64_C(1) << 32 || offset > UINT32_MAX))
		die("a 32-bit ELF core ends at 4 GiB");
	if (w->config->elf_32) {
		put32(at, type);
		put32(at + 4, offset);
		put32(at + 12, address);
		put32(at + 16, length);
		put32(at + 20, length);
	} else {
		put32(at, type);
		put64(at + 8, offset);
		put64(at + 24, address);
		put64(at + 32, length);
		put64(at + 40, length);
	}
}

static unsigned machine_of(const struct config *c)
{
	if (c->arch == ARCH_ARM64)
		return 183;
	return c->arch == ARCH_X64 || c->elf_writer == ELF_VIRTUALBOX ? 62 : 3;
}

static void put_file_header(const struct world *w, uint8_t *at, size_t programs, uint64_t sections)
{
	bool wide = !w->config->elf_32, many = programs >= MANY_SEGMENTS;
	unsigned size = wide ? 64 : 52, tail = wide ? 52 : 40;
	memcpy(at,
	       "\x7F"
	       "ELF",
	       4);
	at[4] = wide ? 2 : 1;
	at[5] = 1;
	at[6] = 1;
	put16(at + 16, 4); /* core */
	put16(at + 18, machine_of(w->config));
	put32(at + 20, 1);
	put_width(at + (wide ? 32 : 28), size, wide ? 8 : 4);
	put_width(at + (wide ? 40 : 32), many ? sections : 0, wide ? 8 : 4);
	put16(at + tail, size);
	put16(at + tail + 2, wide ? 56 : 32);
	put16(at + tail + 4, many ? MANY_SEGMENTS : programs);
	put16(at + tail + 6, wide ? 64 : 40);
	put16(at + tail + 8, many);
}

uint64_t elf_head(struct world *w, const struct run *segments, size_t count, uint8_t **head)
{
	bool wide = !w->config->elf_32;
	struct notes notes = make_notes(w);
	uint64_t programs_at = wide ? 64 : 52, program = wide ? 56 : 32, section = wide ? 64 : 40;
	uint64_t sections_at = programs_at + (count + 1) * program;
	uint64_t notes_at = sections_at + section, length = notes_at + notes.length;
	uint64_t offset = length;
	uint8_t *at = xcalloc(1, length);
	put_file_header(w, at, count + 1, sections_at);
	put32(at + sections_at + (wide ? 44 : 28), count + 1);
	put_segment(w, at + programs_at, 4, notes_at, 0, notes.length);
	for (size_t i = 0; i < count; i++) {
		put_segment(w, at + programs_at + (i + 1) * program, 1, offset,
			    segments[i].base << PAGE_SHIFT, segments[i].count << PAGE_SHIFT);
		offset += segments[i].count << PAGE_SHIFT;
	}
	memcpy(at + notes_at, notes.bytes, notes.length);
	free(notes.bytes);
	*head = at;
	return length;
}

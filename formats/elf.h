/*
 * ELF cores of whole machines, shared by the files that read their headers, notes and Xen sections.
 * Private to this room.
 */
#ifndef PS_FORMATS_ELF_H
#define PS_FORMATS_ELF_H

#include "formats/dump.h"

/** What wrote a core, as far as its notes and sections tell. */
enum core_writer {
	CORE_WRITER_UNKNOWN,
	CORE_WRITER_QEMU,
	CORE_WRITER_VIRTUALBOX,
	CORE_WRITER_XEN,
	CORE_WRITER_LINUX,   /* kdump of a Linux kernel */
	CORE_WRITER_PROCESS, /* a user process */
};

/** What notes tell. Begins as zeros; several stretches of notes add up. */
struct core_notes {
	enum core_writer writer;
	char release[64];    /* of a Linux kernel */
	bool windows_header; /* a crash dump header was there; its facts are the dump's */
	unsigned processors; /* with a state of their own */
	bool paging;         /* the first of them has paging on: its mode is the kernel's */
	bool pae;            /* likewise CR4.PAE */
	unsigned looked_at;  /* notes, of all stretches: a file may name one stretch very often */
	bool damaged;        /* the notes end inside one, or are too many */
};

/** ELF header, checked: the tables that it names lie in the file as far as said. */
struct elf {
	bool is_64;
	uint16_t type, machine;
	uint64_t program_at, section_at; /* file offsets */
	uint64_t programs, sections;     /* counts; within the file */
	uint64_t programs_stated;        /* as the header says */
	uint16_t program_size, section_size;
	uint32_t names; /* section of the names of sections */
};

/** A program header. */
struct elf_segment {
	uint32_t type;
	uint64_t offset, paddr, filesz, memsz;
};

/** A section header. */
struct elf_section {
	uint32_t name; /* in the section of names */
	uint64_t offset, size;
};

enum { ELF_LOAD = 1, ELF_NOTE = 4 };

/** e_machine. */
enum { MACHINE_ELF_386 = 3, MACHINE_ELF_X64 = 62, MACHINE_ELF_ARM64 = 183 };

/** Fails with "FILE is WHAT" and the hint: PS_UNSUPPORTED. */
enum ps_status elf_refuse(struct dump *dump, const char *what, const char *hint,
			  struct ps_error *err);

/** Reads and checks the file header of a file that has the magic. */
enum ps_status elf_header_read(struct dump *dump, struct elf *elf, struct ps_error *err);

/** Header `index` of the table; the caller checks index. */
enum ps_status elf_segment_read(struct file *file, const struct elf *elf, uint64_t index,
				struct elf_segment *ret, struct ps_error *err);
enum ps_status elf_section_read(struct file *file, const struct elf *elf, uint64_t index,
				struct elf_section *ret, struct ps_error *err);

/**
 * Reads the notes in [offset, offset+size) of `file`, which may be the dump's or one unpacked from
 * it. Adds to *notes and to the dump's facts. Damaged notes are no error.
 */
void core_notes_read(struct dump *dump, struct file *file, uint64_t offset, uint64_t size,
		     struct core_notes *notes);

/** Adds a page-table root of a processor, unless it is there. */
void core_add_cr3(struct machine_facts *facts, uint64_t cr3);

/**
 * The pages of a core of a Xen guest, which has sections and no segments: fills dump->map.
 * PS_NOT_FOUND (without words) when it has no such sections.
 */
enum ps_status elf_xen_open(struct dump *dump, const struct elf *elf, struct ps_error *err);

#endif

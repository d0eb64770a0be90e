/*
 * The headers of ELF cores, checked: the file header, program headers and section headers.
 * Programs, libraries, big-endian files and machines that run no Windows are refused here.
 *
 * Source: the ELF specification (gABI), with its rule for 65,535 and more program headers.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/bytes.h"
#include "formats/elf.h"
#include "formats/formats.h"

enum {
	CLASS_32 = 1,
	CLASS_64 = 2,
	DATA_LITTLE = 1,

	TYPE_RELOCATABLE = 1,
	TYPE_PROGRAM = 2,
	TYPE_LIBRARY = 3,
	TYPE_CORE = 4,

	HEADER_32 = 52,
	HEADER_64 = 64,
	PROGRAM_32 = 32,
	PROGRAM_64 = 56,
	SECTION_32 = 40,
	SECTION_64 = 64,

	MANY_PROGRAMS = 0xffff, /* the count stands in section header 0 */
	PROGRAMS_MOST = 1 << 20,
	SECTIONS_MOST = 1 << 16,
};

enum ps_status elf_refuse(struct dump *dump, const char *what, const char *hint,
			  struct ps_error *err)
{
	ps_fail(err, PS_UNSUPPORTED, "%s is %s", file_words(&dump->file), what);
	ps_hint(err, "%s", hint);
	return err->status;
}

static enum ps_status check_type(struct dump *dump, uint16_t type, struct ps_error *err)
{
	char words[64];

	switch (type) {
	case TYPE_CORE: return PS_OK;
	case TYPE_RELOCATABLE:
		return elf_refuse(dump, "an ELF object file, not a memory image", HINT_KERNEL, err);
	case TYPE_PROGRAM:
		return elf_refuse(dump, "an ELF program, not a memory image", HINT_KERNEL, err);
	case TYPE_LIBRARY:
		return elf_refuse(dump, "an ELF program or shared library, not a memory image",
				  HINT_KERNEL, err);
	default:
		snprintf(words, sizeof(words), "an ELF file of the unknown type %u", type);
		return elf_refuse(dump, words, HINT_KERNEL, err);
	}
}

static enum ps_status check_machine(struct dump *dump, uint16_t machine, struct ps_error *err)
{
	char words[96];

	switch (machine) {
	case MACHINE_ELF_386:
	case MACHINE_ELF_X64:
	case MACHINE_ELF_ARM64: return PS_OK;
	default:
		snprintf(words, sizeof(words),
			 "an ELF core of a machine that runs no Windows (e_machine %u)", machine);
		return elf_refuse(dump, words, HINT_WINDOWS, err);
	}
}

/* e_ident: class and byte order. */
static enum ps_status check_ident(struct dump *dump, const uint8_t *ident, struct ps_error *err)
{
	if (ident[4] != CLASS_32 && ident[4] != CLASS_64)
		return ps_fail_at(
			err, PS_CORRUPT, 4,
			"%s is a damaged ELF file: its class is %u, neither 32 nor 64 bit",
			file_words(&dump->file), ident[4]);
	if (ident[5] != DATA_LITTLE)
		return elf_refuse(dump, "an ELF file of a big-endian machine, which ran no Windows",
				  HINT_WINDOWS, err);
	return PS_OK;
}

/* How many of `stated` entries of a table the file has. */
static uint64_t entries_in_file(const struct dump *dump, uint64_t at, uint64_t stated,
				uint16_t entry)
{
	uint64_t room = dump->file.size > at ? (dump->file.size - at) / entry : 0;

	return stated < room ? stated : room;
}

/* 65,535 program headers mean: as many as sh_info of section header 0 says. */
static enum ps_status count_programs(struct dump *dump, struct elf *elf, struct ps_error *err)
{
	uint8_t raw[SECTION_64];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	if (elf->programs_stated != MANY_PROGRAMS)
		return PS_OK;
	if (elf->section_at == 0 || elf->section_size != (elf->is_64 ? SECTION_64 : SECTION_32))
		return ps_fail_at(err, PS_CORRUPT, elf->section_at,
				  "it has too many program headers for its header, and no section "
				  "header that counts them");
	if (file_read(&dump->file, elf->section_at, raw, elf->section_size, err) != PS_OK)
		return ps_wrap(err, "cannot read the section header that counts its program "
				    "headers");
	elf->programs_stated = bytes_u32(&bytes, elf->is_64 ? 44 : 28);
	return PS_OK;
}

static enum ps_status check_tables(struct dump *dump, struct elf *elf, struct ps_error *err)
{
	if (count_programs(dump, elf, err) != PS_OK)
		return err->status;
	if (elf->programs_stated > 0 && elf->program_size != (elf->is_64 ? PROGRAM_64 : PROGRAM_32))
		return ps_fail_at(err, PS_CORRUPT, elf->program_at,
				  "its program headers have %u bytes, which is no size of theirs",
				  elf->program_size);
	if (elf->programs_stated > PROGRAMS_MOST)
		return ps_fail_at(err, PS_CORRUPT, elf->program_at,
				  "it states %" PRIu64 " program headers, which is beyond reason",
				  elf->programs_stated);
	if (elf->programs_stated > 0)
		elf->programs = entries_in_file(dump, elf->program_at, elf->programs_stated,
						elf->program_size);
	if (elf->programs_stated > 0 && elf->programs == 0)
		return ps_fail_at(err, PS_ABSENT, elf->program_at,
				  "the file ends before its program headers");
	if (elf->section_size == (elf->is_64 ? SECTION_64 : SECTION_32))
		elf->sections = entries_in_file(dump, elf->section_at,
						elf->sections < SECTIONS_MOST ? elf->sections : 0,
						elf->section_size);
	else
		elf->sections = 0;
	return PS_OK;
}

enum ps_status elf_header_read(struct dump *dump, struct elf *elf, struct ps_error *err)
{
	uint8_t raw[HEADER_64];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	size_t size, at;

	if (dump->file.size < HEADER_32 || file_read(&dump->file, 0, raw, HEADER_32, err) != PS_OK)
		return ps_fail(err, PS_ABSENT, "%s ends inside its ELF header",
			       file_words(&dump->file));
	if (check_ident(dump, raw, err) != PS_OK)
		return err->status;
	elf->is_64 = raw[4] == CLASS_64;
	size = elf->is_64 ? HEADER_64 : HEADER_32;
	if (dump->file.size < size || file_read(&dump->file, 0, raw, size, err) != PS_OK)
		return ps_fail(err, PS_ABSENT, "%s ends inside its ELF header",
			       file_words(&dump->file));
	elf->type = bytes_u16(&bytes, 16);
	elf->machine = bytes_u16(&bytes, 18);
	elf->program_at = elf->is_64 ? bytes_u64(&bytes, 32) : bytes_u32(&bytes, 28);
	elf->section_at = elf->is_64 ? bytes_u64(&bytes, 40) : bytes_u32(&bytes, 32);
	at = elf->is_64 ? 54 : 42; /* of e_phentsize; five more follow */
	elf->program_size = bytes_u16(&bytes, at);
	elf->programs_stated = bytes_u16(&bytes, at + 2);
	elf->section_size = bytes_u16(&bytes, at + 4);
	elf->sections = bytes_u16(&bytes, at + 6);
	elf->names = bytes_u16(&bytes, at + 8);
	if (check_type(dump, elf->type, err) != PS_OK ||
	    check_machine(dump, elf->machine, err) != PS_OK)
		return err->status;
	if (check_tables(dump, elf, err) != PS_OK)
		return ps_wrap(err, "%s is a damaged ELF core", file_words(&dump->file));
	return PS_OK;
}

enum ps_status elf_segment_read(struct file *file, const struct elf *elf, uint64_t index,
				struct elf_segment *ret, struct ps_error *err)
{
	uint8_t raw[PROGRAM_64];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t at = elf->program_at + index * elf->program_size;

	if (file_read(file, at, raw, elf->program_size, err) != PS_OK)
		return ps_wrap(err, "cannot read program header %" PRIu64, index);
	ret->type = bytes_u32(&b, 0);
	ret->offset = elf->is_64 ? bytes_u64(&b, 8) : bytes_u32(&b, 4);
	ret->paddr = elf->is_64 ? bytes_u64(&b, 24) : bytes_u32(&b, 12);
	ret->filesz = elf->is_64 ? bytes_u64(&b, 32) : bytes_u32(&b, 16);
	ret->memsz = elf->is_64 ? bytes_u64(&b, 40) : bytes_u32(&b, 20);
	return PS_OK;
}

enum ps_status elf_section_read(struct file *file, const struct elf *elf, uint64_t index,
				struct elf_section *ret, struct ps_error *err)
{
	uint8_t raw[SECTION_64];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t at = elf->section_at + index * elf->section_size;

	if (file_read(file, at, raw, elf->section_size, err) != PS_OK)
		return ps_wrap(err, "cannot read section header %" PRIu64, index);
	ret->name = bytes_u32(&b, 0);
	ret->offset = elf->is_64 ? bytes_u64(&b, 24) : bytes_u32(&b, 16);
	ret->size = elf->is_64 ? bytes_u64(&b, 32) : bytes_u32(&b, 20);
	return PS_OK;
}

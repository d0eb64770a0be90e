/*
 * The header of a Windows crash dump, shared by the files that read one body kind each.
 */
#ifndef PS_FORMATS_CRASH_H
#define PS_FORMATS_CRASH_H

#include "base/bytes.h"
#include "formats/dump.h"

enum { CRASH_HEADER32_SIZE = 0x1000, CRASH_HEADER64_SIZE = 0x2000 };

/** Windows fills a header with this before it writes: a field that still holds it is absent. */
enum { CRASH_FILLER = 0x45474150 }; /* "PAGE" */

/** Where the fields of a header are; one for each width. Offsets in bytes; 0: no such field. */
struct crash_layout {
	const char *width;
	const char *magic; /* eight bytes */
	uint32_t size;     /* of the header; the body follows */
	uint8_t pointer;   /* size of a pointer, and of the counts of PHYSICAL_MEMORY_DESCRIPTOR */
	uint8_t most_runs; /* runs that fit into PhysicalMemoryBlock */
	uint16_t dtb, pfn_database, module_list, process_list, machine, processors;
	uint16_t bugcheck_code, bugcheck_parameters, pae, kdbg;
	uint16_t run_count, page_count, runs;
	uint16_t dump_type, system_time, uptime, product_type, suite_mask, attributes;
	/* what is written, and of no use to a reader of pools */
	uint16_t version_user, block, block_size, context, context_size, exception, exception_size;
	uint16_t exception_address, comment, required_space, minidump_fields, secondary_state;
};

enum { CRASH_COMMENT = 128, CRASH_MAJOR_VERSION = 0x08, CRASH_MINOR_VERSION = 0x0c };

struct crash_header {
	const struct crash_layout *layout;
	uint8_t data[CRASH_HEADER64_SIZE];
};

/** Values of MachineImageType (PE machine numbers). */
enum {
	CRASH_MACHINE_X86 = 0x14c,
	CRASH_MACHINE_IA64 = 0x200,
	CRASH_MACHINE_X64 = 0x8664,
	CRASH_MACHINE_ARM64 = 0xaa64,
};

/** Bits of Attributes (DUMP_FILE_ATTRIBUTES). */
enum { CRASH_INSUFFICIENT_SIZE = 1 << 2, CRASH_ENCRYPTED = 1 << 8 };

/** The layout of the header for pointers of 4 or of 8 bytes. Static. */
const struct crash_layout *crash_layout(unsigned pointer);

/** The field of `width` bytes at `offset`; unknown when it holds the filler. */
struct fact crash_field(const struct crash_header *header, size_t offset, size_t width);

/**
 * The runs of PhysicalMemoryBlock in the order of the header, pages back to back from `offset` on.
 * `runs` has room for layout->most_runs. PS_CORRUPT when the header has none or too many of them.
 */
enum ps_status crash_runs(const struct crash_header *header, uint64_t offset, struct page_run *runs,
			  size_t *ret_count, struct ps_error *err);

/**
 * Takes the facts of a crash dump header that another container carries, as QEMU does in a note.
 * False when the bytes are none, or are cut, or memory is out. The fields about the body of a dump
 * are left out.
 */
bool crash_embedded_header(struct dump *dump, const uint8_t *data, size_t length);

/** Body of type 1: the pages of the header's runs. Fills dump->map. */
enum ps_status crash_full_open(struct dump *dump, const struct crash_header *header,
			       struct ps_error *err);

/** Body of types 2, 5, 6: SUMMARY_DUMP with a page bitmap. Fills dump->map. */
enum ps_status crash_bitmap_open(struct dump *dump, const struct crash_header *header,
				 struct ps_error *err);

/** Body of types 8, 9, 10: a list of page ranges (RDMP). Fills dump->map and dump->kind. */
enum ps_status crash_rdmp_open(struct dump *dump, const struct crash_header *header,
			       struct ps_error *err);

/** Body of type 7: whichever of the two that its first bytes say. */
enum ps_status crash_any_open(struct dump *dump, const struct crash_header *header,
			      struct ps_error *err);

/** Body of type 4: a minidump. Fills dump->ranges, dump->triage and dump->holds. */
enum ps_status crash_triage_open(struct dump *dump, const struct crash_header *header,
				 struct ps_error *err);

#endif

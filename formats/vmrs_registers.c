/*
 * The page-table roots in the state of a Hyper-V partition: a stream of blocks, each with its kind
 * and length, among them one with the control registers for each x86 processor.
 *
 * Not read: the other registers, the mode of the processors, ARM64. What is found is a candidate
 * that who searches for a kernel must prove.
 *
 * Source: the parser of saved states in Pascal Beyer's snapshot fuzzer (vmrs.c).
 */
#include "base/bytes.h"
#include "formats/elf.h"
#include "formats/vmrs.h"

enum {
	HEADER = 16, /* of the state and of each block */
	AT_FIRST = 8,
	AT_LENGTH = 4,
	KIND_CONTROL = 0x30007000,
	CONTROL_SIZE = 48, /* CR0, CR2, CR3, CR4, CR8, EFER */
	BLOCKS_MOST = 1 << 16,
};

static const uint32_t kind_end = 0xf0000000;

static void take_control(struct dump *dump, uint64_t at)
{
	const uint64_t paging = UINT64_C(1) << 31;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[CONTROL_SIZE];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (file_read(&dump->file, at, raw, sizeof(raw), &ignored) == PS_OK &&
	    bytes_u64(&b, 0) & paging)
		core_add_cr3(&dump->facts, bytes_u64(&b, 16));
}

void vmrs_registers_read(struct dump *dump, uint64_t at, uint64_t size)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t offset;

	if (size < HEADER || file_read(&dump->file, at, raw, sizeof(raw), &ignored) != PS_OK)
		return;
	offset = bytes_u64(&b, AT_FIRST);
	if (offset > size)
		return;
	offset += HEADER;
	for (unsigned i = 0; i < BLOCKS_MOST && offset < size && size - offset >= HEADER; i++) {
		uint32_t kind, length;

		if (file_read(&dump->file, at + offset, raw, sizeof(raw), &ignored) != PS_OK)
			return;
		kind = bytes_u32(&b, 0);
		length = bytes_u32(&b, AT_LENGTH);
		if (kind == kind_end || length > size - offset - HEADER)
			return;
		if (kind == KIND_CONTROL && length >= CONTROL_SIZE)
			take_control(dump, at + offset + HEADER);
		offset += HEADER + length;
	}
}

/*
 * How many bytes a type of a PDB takes: numbers, pointers, enums, structures. See pdb.h.
 *
 * Source: microsoft/microsoft-pdb, cvinfo.h (the numbers of built-in types). Not supported: arrays,
 * floating point of more than eight bytes; their width is not known.
 */
#include "analyzer/kernel/pdb_internal.h"

enum {
	LF_MODIFIER = 0x1001,
	LF_POINTER = 0x1002,
	LF_BITFIELD = 0x1205,
	LF_ENUM = 0x1507,

	FIRST_RECORD = 0x1000, /* smaller numbers are built-in types */
	CHAIN_MOST = 8,        /* types that lead to another one, in a row */
};

/* Bits 8 to 11 of a built-in type's number: a pointer to it, and of what kind. */
static unsigned width_of_pointer(uint32_t mode)
{
	switch (mode) {
	case 4:
	case 5: return 4; /* 32 bits, flat or far */
	case 6: return 8;
	default: return 0;
	}
}

static unsigned width_of_number(uint32_t number)
{
	static const struct {
		uint8_t number, width;
	} widths[] = {
		{0x10, 1}, {0x20, 1}, {0x30, 1}, {0x68, 1}, {0x69, 1}, {0x70, 1}, {0x7c, 1},
		{0x11, 2}, {0x21, 2}, {0x31, 2}, {0x71, 2}, {0x72, 2}, {0x73, 2}, {0x7a, 2},
		{0x08, 4}, {0x12, 4}, {0x22, 4}, {0x32, 4}, {0x40, 4}, {0x74, 4}, {0x75, 4},
		{0x7b, 4}, {0x13, 8}, {0x23, 8}, {0x33, 8}, {0x41, 8}, {0x76, 8}, {0x77, 8},
	};

	if (number >> 8 != 0)
		return width_of_pointer(number >> 8 & 0xf);
	for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++)
		if (widths[i].number == number)
			return widths[i].width;
	return 0;
}

enum ps_status pdb_types_width(struct pdb_types *types, uint32_t type, uint64_t *ret,
			       struct ps_error *err)
{
	*ret = 0;
	for (unsigned step = 0; step < CHAIN_MOST; step++) {
		struct pdb_struct structure;
		struct bytes b;
		bool forward;

		if (type < FIRST_RECORD) {
			*ret = width_of_number(type);
			return PS_OK;
		}
		if (pdb_types_record(types, &types->aside, type, &b, err) != PS_OK)
			return err->status;
		switch (bytes_u16(&b, 0)) {
		case LF_MODIFIER:
		case LF_BITFIELD: type = bytes_u32(&b, 2); break;
		case LF_ENUM: type = bytes_u32(&b, 6); break;
		case LF_POINTER: *ret = bytes_u32(&b, 6) >> 13 & 0x3f; return PS_OK;
		default:
			if (pdb_types_read_struct(&b, &structure, &forward) && !forward)
				*ret = structure.size;
			return PS_OK;
		}
	}
	return PS_OK;
}

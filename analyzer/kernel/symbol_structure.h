/*
 * A structure's layout as the present symbol source has it, checked before anybody reads memory by
 * it: every member is there, of a width that it can have, aligned, inside the structure, and none
 * lies on another. What its values must be is for the user to check.
 *
 * Ownership: plain memory of the caller. Not supported: members of members.
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOL_STRUCTURE_H
#define PS_ANALYZER_KERNEL_SYMBOL_STRUCTURE_H

#include "analyzer/kernel/kernel.h"

/** Bits of symbol_member.widths: what a number or pointer may take. */
enum {
	WIDTH_2 = 1 << 2,
	WIDTH_4 = 1 << 4,
	WIDTH_8 = 1 << 8,
	WIDTH_ANY = 0,            /* a structure: its width is not looked at */
	WIDTH_POINTER = 1u << 30, /* the kernel's pointer size */
	WIDTH_BITS = 1u << 31,    /* a bit field */
};

struct symbol_member {
	const char *name;
	unsigned widths; /* which are possible */
	uint32_t offset; /* filled: bytes; of a bit field, of its first byte */
	uint8_t width;   /* filled: bytes; 0 of WIDTH_ANY and bit fields */
	uint8_t bit;     /* filled: first bit of a bit field, counted from the byte at `offset` */
	uint8_t bits;    /* filled: bits of a bit field */
};

/** Initialiser of a member that is asked for. */
#define SYMBOL_MEMBER(member, possible)                                                            \
	{                                                                                          \
		.name = (member), .widths = (possible)                                             \
	}

enum structure_result {
	STRUCTURE_UNKNOWN, /* the source does not know the structure, or not how wide a member is */
	STRUCTURE_KNOWN,   /* `members` are filled */
	STRUCTURE_NONSENSE, /* `why` says what is wrong */
};

enum { STRUCTURE_WHY = 120 };

/** `type` and the names are of symbol_fields[]; *ret_size: bytes of the whole, at most `most`. */
enum structure_result symbol_structure(const struct kernel *kernel, const char *type,
				       struct symbol_member *members, size_t count, uint32_t most,
				       uint32_t *ret_size, char why[STRUCTURE_WHY]);

/** True when the source of symbols knows the member. */
bool symbol_structure_has(const struct kernel *kernel, const char *type, const char *member);

/**
 * Records that the layout of `type` is the present source's (`why` NULL), or why it is not used,
 * which is also said in a note. The second time nothing is done.
 */
void symbol_structure_used(struct kernel *kernel, const char *type, const char *why);

#endif

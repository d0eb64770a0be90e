/*
 * Which common form an x86 or x64 opcode has, and names of registers; for flow_x86_decode.c alone.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_X86_FORMS_H
#define PS_ANALYZER_OWNERS_FLOW_X86_FORMS_H

#include <stdbool.h>
#include <stdint.h>

enum x86_form {
	CAPSTONE, /* not one of ours */
	PLAIN,    /* no operand */
	RM_R,     /* r/m, r */
	R_RM,     /* r, r/m */
	A_IMM,    /* al or eax, a number */
	R_IMM,    /* r of the opcode, a full number */
	R,        /* r of the opcode, 64 bits in x64 */
	OLD_INC,  /* r of the opcode; a REX prefix in x64 */
	BRANCH8,  /* displacement */
	BRANCH32,
	PUSH8, /* a number */
	PUSH32,
	POPPED, /* ret n */
	MUL8,   /* r, r/m, a number */
	MUL32,
	LEA,    /* r, address */
	EXTEND, /* r, narrower r/m */
	MOVSXD,
	CONVERT,    /* cdqe, cwde */
	CONVERT_D,  /* cqo, cdq */
	RM,         /* r/m */
	MOV_IMM,    /* r/m, a number: C6, C7 */
	ARITHMETIC, /* group 1: a full number */
	ARITHMETIC8,
	SHIFT,    /* group 2: a number, */
	SHIFT1,   /* 1, */
	SHIFT_CL, /* cl */
	UNARY,    /* group 3: F6, F7 */
	STEP,     /* group 4: FE */
	INDIRECT, /* group 5: FF */
	LONG_NOP,
};

enum { BYTE = 1, WORD = 2 }; /* width of an operand */

struct x86_row {
	uint8_t form, width;
	uint16_t id;
};

/** The instruction of an opcode, or of one behind 0F; NULL when it is none of these forms. */
const struct x86_row *x86_row_of(uint8_t opcode, bool behind_0f);

/** Capstone's id of the instruction that the reg field of ModRM chooses; 0: left to capstone. */
uint16_t x86_group_member(enum x86_form form, unsigned which);

/** Capstone's register of `width` bytes, 1 to 8; without REX four of the bytes are upper ones. */
uint8_t x86_register_name(unsigned width, unsigned number, bool with_rex);

#endif

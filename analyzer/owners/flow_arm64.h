/*
 * Between the parts of the ARM64 back end: flow_arm64.c (registers, dispatch, control),
 * flow_arm64_data.c (moves and arithmetic), flow_arm64_memory.c (loads and stores).
 *
 * Registers: x0 to x30 are 0 to 30, the stack pointer is 31. Each of a few vector registers that
 * compilers move structures with is two more, its low and its high eight bytes.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_ARM64_H
#define PS_ANALYZER_OWNERS_FLOW_ARM64_H

#include <capstone/capstone.h>

#include "analyzer/owners/flow_arch.h"

enum {
	A64_SP = 31,
	A64_VECTORS = 32, /* v0 to v3, v16 to v19: low half, high half */
	A64_REGISTERS = 48,
	A64_INDEX = A64_REGISTERS, /* temporaries: an extended index or shifted operand */
	A64_OTHER,                 /* an operand made ready */
	A64_ZERO,                  /* the zero register, when read */
	A64_SINK,                  /* the zero register, when written */
};

/** One instruction being lifted. */
struct a64 {
	const cs_insn *insn;
	const cs_arm64 *detail;
	uint32_t word;
	uint64_t va;
	struct flow_insn *out;
	struct flow_op spare; /* what does not fit goes here; then the instruction is given up */
	bool full;
};

/** Lifts one group of instructions; `how` tells them apart. */
typedef void (*a64_lifter)(struct a64 *a64, int how);

/** A new operation with no registers; never NULL. */
struct flow_op *a64_emit(struct a64 *a64, enum flow_op_kind kind, unsigned width, uint8_t dst);
void a64_alu(struct a64 *a64, enum flow_alu alu, unsigned width, uint8_t dst, uint8_t a, uint8_t b);
void a64_alu_imm(struct a64 *a64, enum flow_alu alu, unsigned width, uint8_t dst, uint8_t a,
		 int64_t imm);
void a64_set(struct a64 *a64, unsigned width, uint8_t dst, int64_t imm);
void a64_move(struct a64 *a64, unsigned width, uint8_t dst, uint8_t a);
void a64_forget(struct a64 *a64, uint8_t reg);

/** Bytes of a general register, 0 for anything else. */
unsigned a64_width(arm64_reg reg);
/** The number of a general register to write; the zero register is A64_SINK. */
uint8_t a64_written(arm64_reg reg);
/** The number to read it by; the zero register becomes a temporary that holds 0. */
uint8_t a64_read(struct a64 *a64, arm64_reg reg);

/** Bytes of a vector register as the instruction names it (q, v 16, d 8, s 4, less), else 0. */
unsigned a64_vector_width(arm64_reg reg);
/** The number of its low half, FLOW_NO_REG when it is not followed; the high half is next. */
uint8_t a64_vector(arm64_reg reg);
void a64_forget_vector(struct a64 *a64, arm64_reg reg);

/** Operand `index` as a register to read, with its shift or extension, in A64_INDEX if need be. */
uint8_t a64_operand(struct a64 *a64, unsigned index, unsigned width);

/** `reg` extended as `ext` says, in A64_INDEX if need be. */
uint8_t a64_extended(struct a64 *a64, uint8_t reg, arm64_extender ext);

/** What an instruction that is not modelled may change. */
void a64_unknown(struct a64 *a64);
/** The same of a word that capstone cannot decode. False: no instruction. */
bool a64_undecoded(struct a64 *a64);

void a64_move_wide(struct a64 *a64, int how);
void a64_move_register(struct a64 *a64, int how);
void a64_address(struct a64 *a64, int how);
void a64_arithmetic(struct a64 *a64, int alu);
void a64_inverted(struct a64 *a64, int alu);
void a64_negate(struct a64 *a64, int how);
void a64_shift(struct a64 *a64, int alu);
void a64_bit_field(struct a64 *a64, int how);
void a64_swap_bytes(struct a64 *a64, int how);
void a64_multiply(struct a64 *a64, int how);
void a64_select(struct a64 *a64, int how);
void a64_choose(struct a64 *a64, int other);
void a64_vector_zero(struct a64 *a64, int how);

void a64_load(struct a64 *a64, int bytes);
void a64_store(struct a64 *a64, int bytes);
void a64_load_pair(struct a64 *a64, int how);
void a64_store_pair(struct a64 *a64, int how);
void a64_store_exclusive(struct a64 *a64, int bytes);
void a64_store_structures(struct a64 *a64, int how);

#endif

/*
 * Between the parts of the x86 and x64 back end: flow_x86.c (dispatch, control),
 * flow_x86_operands.c, flow_x86_data.c (moves and the stack), flow_x86_arith.c.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_X86_LIFT_H
#define PS_ANALYZER_OWNERS_FLOW_X86_LIFT_H

#include <capstone/capstone.h>

#include "analyzer/owners/flow_arch.h"
#include "analyzer/owners/flow_x86.h"

/** One instruction being lifted. */
struct x86_lift {
	const cs_insn *insn;
	const cs_x86 *x86;
	struct flow_insn *ret;
	unsigned pointer;
};

enum { X86_T0 = X86_REGISTERS, X86_T1, X86_T2, X86_T3 };

/** Where a capstone register lives: number, width in bytes, and whether it is ah, bh, ch, dh. */
struct x86_place {
	uint8_t number, width;
	bool high;
};

/** The number is FLOW_NO_REG for a register that is not followed. */
struct x86_place x86_place_of(unsigned reg);

/** A new operation with no registers; NULL when the instruction has too many. */
struct flow_op *x86_emit(struct x86_lift *l, enum flow_op_kind kind, unsigned width, uint8_t dst);
void x86_set(struct x86_lift *l, unsigned width, uint8_t dst, int64_t imm);
void x86_move(struct x86_lift *l, unsigned width, uint8_t dst, uint8_t a);
void x86_alu(struct x86_lift *l, enum flow_alu kind, unsigned width, uint8_t dst, uint8_t a,
	     uint8_t b, int64_t imm);
void x86_forget(struct x86_lift *l, unsigned reg);

/** The address that is `plus` bytes behind the operand; false when it cannot be said. */
bool x86_address(const struct x86_lift *l, const cs_x86_op *operand, int64_t plus,
		 struct flow_op *op);
void x86_load(struct x86_lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
	      uint8_t dst);
void x86_store(struct x86_lift *l, const cs_x86_op *operand, int64_t plus, unsigned width,
	       uint8_t a);
void x86_store_unknown(struct x86_lift *l, const cs_x86_op *operand);

/** Puts operand `index` into a register: its own when that can be used, else `temporary`. */
uint8_t x86_operand(struct x86_lift *l, unsigned index, uint8_t temporary);

/** Writes `value` to operand `index`; registers narrower than 32 bits keep their upper part. */
void x86_assign(struct x86_lift *l, unsigned index, uint8_t value);

/** Width of arithmetic on operand 0; narrow ones are done in 32 bits and cut by x86_assign(). */
unsigned x86_width(const struct x86_lift *l);

/** What an instruction that is not modelled may change. */
void x86_generic(struct x86_lift *l);

/** Lifts the instruction; `ret` comes with its length, as FLOW_NEXT. In flow_x86.c. */
void x86_lift_insn(struct x86_lift *l);

/** Each lifts the instructions of its group, and is false for others. */
bool x86_lift_data(struct x86_lift *l);
bool x86_lift_stack(struct x86_lift *l);
bool x86_lift_arithmetic(struct x86_lift *l);
bool x86_lift_choice(struct x86_lift *l); /* setcc, cmov */
bool x86_lift_two_results(struct x86_lift *l);

#endif

/*
 * The seam between the data-flow engine (flow.c) and what knows a machine (flow_x86.c for x86 and
 * x64, flow_arm64.c).
 *
 * A back end holds no state and follows no flow. It says what its registers are for, and lifts one
 * instruction at a time into a few micro-operations; the engine lifts each instruction of a
 * function once, keeps the result and runs it on abstract states until they come to rest. So a
 * back end never sees values, blocks or slots.
 *
 * Rules for lift():
 * - A register that the instruction writes must be written by some operation: FLOW_OP_FORGET when
 *   its new value cannot be said. Leaving one out makes results wrong; forgetting one too many only
 *   leaves a value open.
 * - Memory that is written needs FLOW_OP_STORE, with FLOW_NO_REG as `a` for an unknown value.
 * - Flags do not exist. What depends on them is a choice: FLOW_OP_EITHER (cmov, csel), or
 *   FLOW_OP_CHOICE (setcc, cset).
 * - The operations of one instruction run in order and see each other's results. Temporaries (the
 *   registers from `registers` on) hold what lies between, and are unknown at its start.
 * - Program-counter-relative operands become absolute addresses: no base, no index, `imm` the VA.
 *   The engine turns addresses inside the image into FLOW_RVA.
 * - call through memory: LOAD into a temporary, then FLOW_CALL with `target` = the temporary.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_ARCH_H
#define PS_ANALYZER_OWNERS_FLOW_ARCH_H

#include <stddef.h>
#include <string.h>

#include "analyzer/owners/flow.h"

enum {
	FLOW_NO_REG = 0xff,
	FLOW_REGISTERS = 48,   /* of a machine, at most */
	FLOW_TEMPORARIES = 4,  /* numbers arch->registers .. + 3 */
	FLOW_OPS = 12,         /* operations of one instruction, at most */
	FLOW_STACK_WORDS = 32, /* parameters on the stack that are told apart */
};

enum flow_op_kind {
	FLOW_OP_SET,     /* dst = imm, a number; on x86 it may be an address as well */
	FLOW_OP_ADDRESS, /* dst = imm, the VA of something (lea rip, adrp, adr) */
	FLOW_OP_MOVE,    /* dst = a */
	FLOW_OP_ALU,     /* dst = a `alu` b; b FLOW_NO_REG: imm */
	FLOW_OP_EITHER,  /* dst = a or b */
	FLOW_OP_CHOICE,  /* dst = imm or imm2 */
	FLOW_OP_LEA,     /* dst = base + index * scale + imm */
	FLOW_OP_LOAD,    /* dst = the `width` bytes at base + index * scale + imm, zero-extended */
	FLOW_OP_STORE,   /* the `width` (1 to 8) bytes there = a; FLOW_NO_REG: unknown */
	FLOW_OP_FORGET,  /* dst = unknown */
};

/*
 * `width` is that of the operation: 4 or 8 (1, 2 for LOAD, STORE, ZEXT, SEXT, INSERT). What a
 * 4-byte operation makes is cut to 32 bits and zero-extended into the register, as x64 and ARM64
 * (W registers) do. Where `a` and `b` are the same register both stand for the same value.
 */
enum flow_alu {
	FLOW_ADD,
	FLOW_SUB,
	FLOW_AND,
	FLOW_OR,
	FLOW_XOR,
	FLOW_SHL,
	FLOW_SHR,
	FLOW_SAR,
	FLOW_ROR,
	FLOW_MUL,
	FLOW_ZEXT,   /* a cut to imm bytes */
	FLOW_SEXT,   /* a sign-extended from imm bytes to `width` */
	FLOW_INSERT, /* a with its lowest `width` bytes (1, 2) replaced by those of b */
	FLOW_BSWAP,  /* a, `width` bytes */
};

struct flow_op {
	uint8_t kind;  /* enum flow_op_kind */
	uint8_t alu;   /* enum flow_alu */
	uint8_t width; /* bytes */
	uint8_t dst, a, b;
	uint8_t base, index, scale; /* memory: FLOW_NO_REG where there is none; scale 1, 2, 4, 8 */
	uint8_t is_signed;          /* LOAD: sign-extends to 8 bytes (movsxd, ldrsw) */
	int64_t imm;                /* number, or displacement of memory */
	int64_t imm2;
};

/** One that names no register but `dst`. */
static inline struct flow_op flow_op_of(enum flow_op_kind kind, unsigned width, uint8_t dst)
{
	return (struct flow_op){
		.kind = (uint8_t)kind,
		.width = (uint8_t)width,
		.dst = dst,
		.a = FLOW_NO_REG,
		.b = FLOW_NO_REG,
		.base = FLOW_NO_REG,
		.index = FLOW_NO_REG,
		.scale = 1,
	};
}

enum flow_control {
	FLOW_NEXT,   /* goes on behind itself */
	FLOW_JUMP,   /* to `target` or `va` only */
	FLOW_BRANCH, /* there or on; always direct */
	FLOW_CALL,   /* and on behind itself */
	FLOW_RETURN, /* `popped` bytes of arguments */
	FLOW_STOP,   /* does not go on: int3, ud2, fail-fast, brk */
};

struct flow_insn {
	uint8_t length;  /* bytes, never 0 */
	uint8_t control; /* enum flow_control */
	uint8_t target;  /* JUMP, CALL: register with the address; FLOW_NO_REG: direct, to `va` */
	uint8_t op_count;
	uint16_t popped;
	bool compares;     /* a register with the number `compared`: how a table is bounded */
	uint32_t compared; /* UINT32_MAX when it is larger or negative */
	uint64_t va;       /* JUMP, BRANCH, CALL with a direct target */
	struct flow_op ops[FLOW_OPS];
};

/** Zeroes all but the operations, which are written whole where they are added: there are many. */
static inline void flow_insn_init(struct flow_insn *insn)
{
	memset(insn, 0, offsetof(struct flow_insn, ops));
	insn->target = FLOW_NO_REG;
}

/** What a function that is called by its address in the image does, seen from its bytes. */
enum flow_callee_kind {
	FLOW_CALLEE_PLAIN,    /* as the calling convention says */
	FLOW_CALLEE_DISPATCH, /* goes on to the address in `reg`: CFG dispatch, retpoline stub */
	FLOW_CALLEE_KEEPS,    /* keeps all registers: CFG check, stack probe */
	FLOW_CALLEE_ALLOCA,   /* lowers the stack pointer by what `reg` holds: x86 _chkstk */
};

struct flow_callee {
	uint8_t kind; /* enum flow_callee_kind */
	uint8_t reg;
	int16_t popped; /* bytes that it removes from the stack, negative: leaves there; -1 unknown
			   (x86, and helpers of KEEPS) */
	uint16_t looked_at; /* instructions */
	uint32_t slot; /* only jumps through the pointer that stands at this RVA; 0: it does not */
};

struct flow_arch {
	unsigned pointer;          /* bytes: 4 or 8 */
	unsigned registers;        /* numbers 0 .. registers - 1 */
	uint8_t sp, result;        /* stack pointer; where a call leaves its result */
	const uint8_t *parameters; /* registers of the first `parameter_count` parameters */
	unsigned parameter_count;
	unsigned stack_index;  /* the first parameter on the stack */
	unsigned stack_offset; /* where it is: bytes above the stack pointer at entry */
	unsigned return_bytes; /* pushed by a call (8, 4); 0 on ARM64 */
	uint64_t kept;         /* registers, a bit each, that a callee keeps */
	unsigned lift_work;    /* cost of lift() in the units of flow_work() */
	bool callee_pops;      /* who removes stack arguments depends on the callee (x86) */
	uint8_t dispatch;      /* register with the real target at a call through the image's
				  GuardCFDispatchFunctionPointer; FLOW_NO_REG: none */
	uint64_t retpolines;   /* registers, a bit each: loaded by the instruction before a call
				  out of the image, they hold the real target */

	/** Per-thread state such as a capstone handle. NULL when that fails. */
	void *(*create)(void);
	void (*destroy)(void *machine);

	/**
	 * The instruction at `code`, of which `size` bytes are there (at least 1); `va` is where it
	 * runs. `ret` comes from flow_insn_init(). False when it is no instruction or is cut off.
	 */
	bool (*lift)(void *machine, const uint8_t *code, size_t size, uint64_t va,
		     struct flow_insn *ret);

	/** `ret` comes as PLAIN, popped -1. The engine remembers the answer. */
	void (*callee)(void *machine, const struct pe_image *image, uint32_t rva,
		       struct flow_callee *ret);
};

extern const struct flow_arch flow_arch_x86, flow_arch_x64, flow_arch_arm64;

#endif

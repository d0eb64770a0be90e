/*
 * Where a value comes from: definitions and uses inside one function, followed forward over its
 * control flow with capstone, so that at every call the target and each argument are known as a set
 * of possible values.
 *
 * The lattice is small: a value is a set of atoms (a constant, an address in the image, what stands
 * at an address, a parameter of the function, ...) and may be `open`, that is, something else as
 * well. Joins unite the sets; a set that grows beyond FLOW_ATOMS becomes open. Registers and the
 * slots of the function's own frame are followed; other memory is not, except constants read from
 * the image. Supported: x86, x64, ARM64 (flow_x86.c, flow_arm64.c behind flow_arch.h). Not
 * supported: self-modifying code, aliasing of the frame through pointers that escaped (a call may
 * change any slot whose address it was given).
 *
 * Ownership: flow_create()/flow_destroy(); one flow a thread, reused for any number of functions of
 * one machine type. Values handed to the visitor live until it returns.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_H
#define PS_ANALYZER_OWNERS_FLOW_H

#include "analyzer/kernel/pe_exports.h"

enum flow_kind {
	FLOW_CONST,  /* `value`, zero-extended; what a 32-bit operation made has 32 bits */
	FLOW_RVA,    /* an address inside the image: RVA `value` */
	FLOW_LOAD,   /* the pointer-sized or 32-bit word that stands at RVA `value` of the image */
	FLOW_FIELD,  /* what stands at `offset` behind the pointer that stands at RVA `value`:
			tables of functions (KMDF) */
	FLOW_PARAM,  /* parameter `value` of the function, unchanged: 0 is the first; see
			FLOW_REGISTER */
	FLOW_FRAME,  /* an address in the function's frame: stack pointer at entry + (int64_t)value
		      */
	FLOW_RESULT, /* what the call at RVA `value` returned */
	FLOW_BEHIND, /* what stands at `offset` behind parameter `value`, a pointer */
};

enum {
	FLOW_ATOMS = 16,
	/* A "parameter" with this bit is a register of the machine as it was at entry, for calling
	 * conventions of the compiler's own making (x86 with whole-program optimisation): the low
	 * byte is the number as in flow_arch.h. */
	FLOW_REGISTER = 0x100,
};

struct flow_atom {
	enum flow_kind kind;
	uint32_t offset; /* FLOW_FIELD, FLOW_BEHIND */
	uint64_t value;
	uint32_t from; /* RVA of the instruction that put it together, for the listing */
};

struct flow_value {
	unsigned count;
	bool open; /* may be something else than the atoms */
	const struct flow_atom *atoms;
};

struct flow_state; /* opaque */

struct flow_call {
	uint32_t rva;             /* of the call or jump instruction */
	uint32_t function;        /* RVA of the function's entry */
	bool tail;                /* a jump out of the function */
	struct flow_value target; /* CONST is an absolute VA outside the image, RVA inside */
	const struct flow_state *state;
};

typedef void (*flow_visitor)(void *context, const struct flow_call *call);

struct flow;

/** `machine` as in pe_image. PS_NO_MEMORY, PS_UNSUPPORTED. */
enum ps_status flow_create(uint16_t machine, struct flow **ret, struct ps_error *err);
void flow_destroy(struct flow *flow);

/**
 * Bytes of stack arguments that the callee removes, or -1 when that is not known. Asked on x86
 * only, about targets that are not code of the image itself: FLOW_LOAD, FLOW_FIELD, FLOW_CONST.
 */
typedef int (*flow_popped)(void *context, const struct flow_atom *target);

/** Makes x86 stacks exact. Without it, they are derived from the code around calls. */
void flow_set_popped(struct flow *flow, flow_popped popped, void *context);

/** The same of a function of an image, read from its `ret`; -1 unknown. x86 only. */
int flow_popped_by(struct flow *flow, const struct pe_image *image, uint32_t rva);

/** Whether a function is known to begin at an RVA that no record covers. */
typedef bool (*flow_begins)(void *context, uint32_t rva);

/**
 * Without records, functions that lie side by side are told apart by this: a jump to a beginning
 * leaves the function. NULL: none is known.
 */
void flow_set_begins(struct flow *flow, flow_begins begins, void *context);

enum { FLOW_NEEDS = 16 };

/** Indices for flow_argument() that the visitor will ask for at a call. */
struct flow_needs {
	unsigned arguments[FLOW_NEEDS];
	unsigned count;
	bool all; /* or more than that */
};

/**
 * Whether the visitor has a use for a call with this target; adds to `needs`. `context` is the
 * visitor's.
 */
typedef bool (*flow_interest)(void *context, const struct flow_atom *target,
			      struct flow_needs *needs);

/**
 * With it, calls of no interest need not be visited, and of others only the arguments that are
 * needed must be right: most functions need not be analysed as a whole then. NULL: all calls.
 */
void flow_set_interest(struct flow *flow, flow_interest interest);

/**
 * Work since flow_create(), for bounds over a whole image: 1 for an instruction stepped, and for
 * the rest (decoding, joins, jump tables) as many as take about as long.
 */
uint64_t flow_work(const struct flow *flow);

/**
 * Analyses the function that starts at `entry` and visits each of its reachable calls and jumps out
 * once, with the state after the analysis came to rest. `functions` (may be empty) bounds the body
 * and brings its split-off parts; without a record the code is followed from the entry by its
 * jumps. Code in absent pages ends a path. Returns false when the function was too big for the
 * budget of instructions: calls visited until then are right but not all.
 */
bool flow_function(struct flow *flow, const struct pe_image *image,
		   const struct pe_functions *functions, uint32_t entry, flow_visitor visit,
		   void *context);

/**
 * Argument `index` at the call, as the callee's parameter: registers, then the stack; on x86 the
 * index counts 32-bit words. With FLOW_REGISTER in it, that register. Unknown is open and empty.
 */
struct flow_value flow_argument(const struct flow_call *call, unsigned index);

/**
 * The `width` bytes (2, 4, 8) at `offset` behind the pointers in `pointer`: from the frame where
 * the function stored them, or from the image. For structures handed to a call.
 */
struct flow_value flow_pointed(const struct flow_call *call, const struct flow_value *pointer,
			       int64_t offset, unsigned width);

#endif

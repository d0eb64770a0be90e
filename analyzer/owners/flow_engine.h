/*
 * Inside of the data-flow engine: what flow*.c of the engine share. Not
 * for anyone else; flow.h is the face, flow_arch.h the seam to the machines.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_ENGINE_H
#define PS_ANALYZER_OWNERS_FLOW_ENGINE_H

#include "analyzer/owners/flow_state.h"
#include "base/hash.h"

enum {
	CODE_INSNS = 1 << 15,   /* instructions of one function, at most */
	CODE_OPS = 1 << 17,     /* their operations */
	CODE_LEADERS = 1 << 13, /* places that jumps lead to */
	CODE_EDGES = 1 << 14,   /* targets of jump tables */
	CODE_TABLES = 256,
	CODE_TABLE_ENTRIES = 1024,
	CODE_PIECES = 1 << 10, /* calls that are decided where they stand */
	FLOW_STEPS = 100000,   /* instructions stepped in one function: some milliseconds */
	FLOW_VISITS = 12,      /* of one leader, before changing values are given up */
	FLOW_NONE = UINT32_MAX,

	/* Costs in flow->work, where an instruction stepped is 1; arch->lift_work is another. */
	WORK_SLOTS = 3,  /* slots of a state that are copied or joined for 1 */
	WORK_TABLE = 32, /* operations looked through for the end of a jump table, for 1 */
};

/** A lifted instruction. */
struct code_insn {
	uint32_t rva;
	uint32_t ops;               /* index of the first one */
	uint32_t leader;            /* or FLOW_NONE */
	uint32_t run;               /* leader whose run stepped it last */
	uint32_t edges, edge_count; /* targets read from a jump table */
	uint64_t va;
	uint32_t entries; /* of a table bounded by this comparison; 0: it is none */
	uint16_t popped;
	uint8_t length, control, target, op_count;
};

/** Where jumps lead to: the state on arrival. */
struct code_leader {
	uint32_t insn;
	uint16_t visits;
	bool reached, queued;
	bool joined;              /* from a second place, or by code that was known */
	struct flow_state *state; /* owned, kept for the next function */
};

/** A piece of straight code that ends with a call or jump. */
struct code_piece {
	uint32_t first, last; /* instructions, one behind the other */
	bool entry;           /* begins where the function does, and nothing leads there */
};

struct code_table {
	uint32_t begin, end; /* RVAs */
};

struct flow {
	const struct flow_arch *arch;
	void *machine;
	struct values values;
	flow_popped popped;
	void *popped_context;
	flow_begins begins;
	void *begins_context;
	flow_interest interest;
	uint64_t work;

	/* the image, and what is remembered of it */
	const struct pe_image *image;
	const struct pe_functions *functions;
	uint64_t image_key, functions_key;
	uint32_t check_slots[2], dispatch_slots[2];
	struct pe_function *fragments; /* owned; split-off parts, by root */
	size_t fragment_count, fragment_capacity;
	struct hash callees;
	struct flow_callee *callee_items;
	size_t callee_capacity;

	/* the function */
	uint32_t entry, root;           /* root: begin of its record; FLOW_NONE without one */
	const struct pe_function *body; /* the record that holds the entry, or NULL */
	bool complete;                  /* nothing ran into a limit */
	struct code_insn *insns;
	uint32_t insn_count;
	uint32_t *places; /* open-addressing map of RVAs to instructions; index + 1 */
	struct flow_op *ops;
	uint32_t op_count;
	struct code_leader *leaders;
	uint32_t leader_count;
	uint32_t *edges;
	uint32_t edge_count;
	uint32_t padding; /* instructions between parts of the body that were skipped */
	struct code_table tables[CODE_TABLES];
	unsigned table_count;
	uint32_t *queue; /* leaders to run, a ring of CODE_LEADERS */
	uint32_t queue_first, queue_count;
	uint32_t *pending; /* RVAs to decode */
	uint32_t pending_count;
	struct code_piece *pieces;
	uint32_t piece_count;
	uint32_t steps;
	struct flow_state state; /* at work */

	/* x86: how far calls of unknown functions move the stack pointer */
	bool guessed, mismatch, proven; /* a guess was made; contradicted; confirmed */
	bool distrust;                  /* guess no more */
	int64_t baseline;               /* stack pointer between calls; 1 unknown */

	flow_visitor visit;
	void *context;
};

/* ---- flow.c ---- */

/** flow->state becomes what holds where the function is called. */
void flow_enter(struct flow *flow);

/* ---- flow_image.c ---- */

/** From now on this image; what is remembered of the same one stays. */
void image_use(struct flow *flow, const struct pe_image *image,
	       const struct pe_functions *functions);

/* ---- flow_straight.c ---- */

/**
 * Decides and visits the calls that are of interest from the code right before them; false when
 * that is not enough for one of them: then nothing was visited.
 */
bool straight_function(struct flow *flow);

/* ---- flow_code.c ---- */

/** Forgets the last function. */
void code_reset(struct flow *flow);

/** Whether a jump to `rva` stays inside the function. */
bool code_inside(const struct flow *flow, uint32_t rva);

/** The lifted instruction at `rva`, or FLOW_NONE. */
uint32_t code_find(const struct flow *flow, uint32_t rva);

/** Decodes from `rva` on by direct jumps; FLOW_NONE when there is no code. Returns its leader. */
uint32_t code_leader_at(struct flow *flow, uint32_t rva);

/** RVA of a direct target, or FLOW_NONE when it is outside the image. */
uint32_t code_target(const struct flow *flow, uint64_t va);

/** What is known of the function at `rva`; remembered for the image. */
const struct flow_callee *code_callee(struct flow *flow, uint32_t rva);

/** The first bytes of a body that were not reached, behind `*rva`; false when there are none. */
bool code_next_gap(struct flow *flow, uint32_t end, uint32_t *rva);

/* ---- flow_tables.c ---- */

/** Entries of the table that the instruction uses, as compared shortly before; 0 unknown. */
uint32_t code_table_bound(const struct flow *flow, uint32_t insn);

/** Reads the jump table that `value` is an entry of, once, into the instruction's edges. */
void code_read_table(struct flow *flow, uint32_t insn, value_id value);

/* ---- flow_gaps.c ---- */

/** Index of the split-off parts by the function they belong to: an image has tens of thousands. */
void gaps_index(struct flow *flow, const struct pe_functions *functions);

/** Takes up the code at `rva`; false when the budget is gone. */
typedef bool (*gap_visitor)(struct flow *flow, uint32_t rva);

/** The code of the body that nothing known leads to, piece by piece. False when `enter` says so. */
bool gaps_fill(struct flow *flow, gap_visitor enter);

/* ---- flow_step.c ---- */

/** Runs all operations of an instruction on flow->state. */
void step_ops(struct flow *flow, uint32_t insn);

/** The values at an address that `base` + `offset` gives, read from the frame or the image. */
value_id step_load(struct flow *flow, const struct flow_state *state, value_id address,
		   unsigned width, uint32_t from);

/* ---- flow_call.c ---- */

/**
 * The register that may hold the real target of the call, where what flow->state has for its target
 * only dispatches; FLOW_NO_REG when the target is what it seems.
 */
uint8_t call_dispatch(struct flow *flow, uint32_t insn);

/** The value of the call's or jump's target as the visitor shall see it. */
value_id call_target(struct flow *flow, uint32_t insn);

/** What the call does to flow->state. */
void call_effect(struct flow *flow, uint32_t insn, value_id target);

/** Tells the visitor, when there is one. */
void call_visit(struct flow *flow, uint32_t insn, value_id target, bool tail);

#endif

/*
 * ARM64 loads and stores as micro-operations: single registers, pairs, exclusive and ordered ones,
 * every way to write the address, literals, and the vector registers that carry structures. A
 * vector register that is not followed stores an unknown value. Not modelled: loads of vector
 * structures (forgotten), LSE atomics (a64_undecoded). Source: Arm Architecture Reference Manual.
 */
#include "analyzer/owners/flow_arm64.h"

struct place {
	uint8_t base, index, scale;
	int64_t imm;
	int64_t after; /* added to the base afterwards */
};

static const cs_arm64_op *operand(const struct a64 *a64, unsigned index)
{
	return &a64->detail->operands[index];
}

/* The index register of an address and its scale; a quadword's 16 needs a shift of its own. */
static void indexed(struct a64 *a64, const cs_arm64_op *memory, struct place *place)
{
	unsigned shift = memory->shift.type == ARM64_SFT_LSL ? memory->shift.value : 0;

	place->index = a64_read(a64, memory->mem.index);
	if (memory->ext != ARM64_EXT_INVALID)
		place->index = a64_extended(a64, place->index, memory->ext);
	if (shift <= 3) {
		place->scale = (uint8_t)(1U << shift);
		return;
	}
	a64_alu_imm(a64, FLOW_SHL, 8, A64_INDEX, place->index, shift & 63);
	place->index = A64_INDEX;
}

/*
 * The address in operand `at`, with what comes before the access done; false when it has none.
 * finish() does what comes after.
 */
static bool begin(struct a64 *a64, unsigned at, struct place *place)
{
	const cs_arm64_op *memory = operand(a64, at);

	*place = (struct place){FLOW_NO_REG, FLOW_NO_REG, 1, 0, 0};
	if (at >= a64->detail->op_count)
		return false;
	if (memory->type == ARM64_OP_IMM) {
		place->imm = memory->imm; /* a literal: capstone has added the program counter */
		return true;
	}
	if (memory->type != ARM64_OP_MEM || a64_width(memory->mem.base) != 8)
		return false;
	place->base = a64_written(memory->mem.base);
	place->imm = memory->mem.disp;
	if (memory->mem.index != ARM64_REG_INVALID)
		indexed(a64, memory, place);
	if (!a64->detail->writeback)
		return true;
	if (at + 1U < a64->detail->op_count) {
		if (operand(a64, at + 1U)->type != ARM64_OP_IMM)
			return false;
		place->after = operand(a64, at + 1U)->imm;
		place->imm = 0;
	} else {
		a64_alu_imm(a64, FLOW_ADD, 8, place->base, place->base, place->imm);
		place->imm = 0;
	}
	return true;
}

static void finish(struct a64 *a64, const struct place *place)
{
	if (place->after != 0)
		a64_alu_imm(a64, FLOW_ADD, 8, place->base, place->base, place->after);
}

static struct flow_op *access_at(struct a64 *a64, enum flow_op_kind kind, unsigned width,
				 uint8_t dst, const struct place *place, unsigned offset)
{
	struct flow_op *op = a64_emit(a64, kind, width, dst);

	op->base = place->base;
	op->index = place->index;
	op->scale = place->scale;
	op->imm = place->imm + (int64_t)offset;
	return op;
}

static void load_vector(struct a64 *a64, arm64_reg reg, const struct place *place, unsigned offset)
{
	unsigned width = a64_vector_width(reg);
	uint8_t low = a64_vector(reg);

	if (low == FLOW_NO_REG)
		return;
	access_at(a64, FLOW_OP_LOAD, width > 8 ? 8 : width, low, place, offset);
	if (width == 16)
		access_at(a64, FLOW_OP_LOAD, 8, (uint8_t)(low + 1), place, offset + 8);
	else
		a64_set(a64, 8, (uint8_t)(low + 1), 0);
}

static void store_vector(struct a64 *a64, arm64_reg reg, const struct place *place, unsigned offset)
{
	unsigned width = a64_vector_width(reg);
	uint8_t low = a64_vector(reg);
	uint8_t high = low == FLOW_NO_REG ? FLOW_NO_REG : (uint8_t)(low + 1);

	access_at(a64, FLOW_OP_STORE, width > 8 ? 8 : width, FLOW_NO_REG, place, offset)->a = low;
	if (width == 16)
		access_at(a64, FLOW_OP_STORE, 8, FLOW_NO_REG, place, offset + 8)->a = high;
}

/* Negative `bytes`: sign-extended to the register; 0: as wide as the register. */
static void load_register(struct a64 *a64, arm64_reg reg, int bytes, const struct place *place,
			  unsigned offset)
{
	unsigned whole = a64_width(reg), width = (unsigned)(bytes < 0 ? -bytes : bytes);
	uint8_t dst = a64_written(reg);

	access_at(a64, FLOW_OP_LOAD, width == 0 ? whole : width, dst, place, offset)->is_signed =
		bytes < 0;
	if (bytes < 0 && whole == 4)
		a64_move(a64, 4, dst, dst);
}

/* `bytes` 0: as wide as the register. */
static void store_register(struct a64 *a64, arm64_reg reg, int bytes, const struct place *place,
			   unsigned offset)
{
	unsigned width = bytes == 0 ? a64_width(reg) : (unsigned)bytes;
	uint8_t value = a64_read(a64, reg);

	access_at(a64, FLOW_OP_STORE, width, FLOW_NO_REG, place, offset)->a = value;
}

/* A register of either kind; `bytes` is for those that are no vector. */
static void load(struct a64 *a64, arm64_reg reg, int bytes, const struct place *place,
		 unsigned offset)
{
	if (a64_width(reg) != 0)
		load_register(a64, reg, bytes, place, offset);
	else
		load_vector(a64, reg, place, offset);
}

static void store(struct a64 *a64, arm64_reg reg, int bytes, const struct place *place,
		  unsigned offset)
{
	if (a64_width(reg) != 0)
		store_register(a64, reg, bytes, place, offset);
	else
		store_vector(a64, reg, place, offset);
}

static bool begin_single(struct a64 *a64, struct place *place)
{
	arm64_reg reg = operand(a64, 0)->reg;

	return a64->detail->op_count >= 2 && operand(a64, 0)->type == ARM64_OP_REG &&
	       (a64_width(reg) != 0 || a64_vector_width(reg) != 0) && begin(a64, 1, place);
}

/* LDR and its kin: LDUR, LDTR, LDXR, LDAR, literals. */
void a64_load(struct a64 *a64, int bytes)
{
	struct place place;

	if (!begin_single(a64, &place)) {
		a64_unknown(a64);
		return;
	}
	load(a64, operand(a64, 0)->reg, bytes, &place, 0);
	finish(a64, &place);
}

void a64_store(struct a64 *a64, int bytes)
{
	struct place place;

	if (!begin_single(a64, &place)) {
		a64_unknown(a64);
		return;
	}
	store(a64, operand(a64, 0)->reg, bytes, &place, 0);
	finish(a64, &place);
}

static bool begin_pair(struct a64 *a64, struct place *place, unsigned *size)
{
	arm64_reg reg = operand(a64, 0)->reg;

	if (a64->detail->op_count < 3 || operand(a64, 0)->type != ARM64_OP_REG ||
	    operand(a64, 1)->type != ARM64_OP_REG)
		return false;
	*size = a64_width(reg) != 0 ? a64_width(reg) : a64_vector_width(reg);
	return *size >= 4 && begin(a64, 2, place);
}

/* LDP, LDNP; LDPSW with `how` -4. The half that overwrites the base goes last. */
void a64_load_pair(struct a64 *a64, int how)
{
	arm64_reg reg[2] = {operand(a64, 0)->reg, operand(a64, 1)->reg};
	unsigned size;
	struct place place;

	if (!begin_pair(a64, &place, &size)) {
		a64_unknown(a64);
		return;
	}
	if (how < 0)
		size = 4;
	unsigned first = a64_width(reg[0]) != 0 && a64_written(reg[0]) == place.base ? 1 : 0;

	for (unsigned i = 0; i < 2; i++) {
		unsigned half = i ^ first;

		load(a64, reg[half], how, &place, half * size);
	}
	finish(a64, &place);
}

/* STP, STNP. */
void a64_store_pair(struct a64 *a64, int how)
{
	unsigned size;
	struct place place;

	(void)how;
	if (!begin_pair(a64, &place, &size)) {
		a64_unknown(a64);
		return;
	}
	for (unsigned half = 0; half < 2; half++)
		store(a64, operand(a64, half)->reg, 0, &place, half * size);
	finish(a64, &place);
}

/* STXR, STLXR: register 0 says whether the store was made. */
void a64_store_exclusive(struct a64 *a64, int bytes)
{
	struct place place;

	if (a64->detail->op_count < 3 || a64_width(operand(a64, 0)->reg) == 0 ||
	    a64_width(operand(a64, 1)->reg) == 0 || !begin(a64, 2, &place)) {
		a64_unknown(a64);
		return;
	}
	store_register(a64, operand(a64, 1)->reg, bytes, &place, 0);
	a64_emit(a64, FLOW_OP_CHOICE, 4, a64_written(operand(a64, 0)->reg))->imm2 = 1;
}

/* ST1 to ST4: so many bytes that are not followed. */
void a64_store_structures(struct a64 *a64, int how)
{
	unsigned registers = 0;

	(void)how;
	for (unsigned i = 0; i < a64->detail->op_count; i++) {
		const cs_arm64_op *op = operand(a64, i);

		if (op->type == ARM64_OP_REG && a64_vector_width(op->reg) != 0)
			registers++;
		if (op->type != ARM64_OP_MEM || a64_width(op->mem.base) != 8)
			continue;
		struct place place = {a64_written(op->mem.base), FLOW_NO_REG, 1, 0, 0};

		for (unsigned part = 0; part < registers * 2 && part < 8; part++)
			access_at(a64, FLOW_OP_STORE, 8, FLOW_NO_REG, &place, part * 8);
		if (a64->detail->writeback)
			a64_forget(a64, place.base);
	}
}

/*
 * One instruction's operations on the abstract state: arithmetic through flow_arith.c, memory
 * through the frame slots and the image. Stores through pointers that are not known to point into
 * the frame are taken not to change it (flow.h).
 */
#include "analyzer/owners/flow_engine.h"

/* Memory operand, resolved as far as it goes. */
enum place_kind { PLACE_VALUES, PLACE_TABLE, PLACE_NEAR, PLACE_FIELD, PLACE_NOWHERE };

struct place {
	enum place_kind kind;
	value_id address; /* VALUES: set of addresses */
	int64_t at;       /* TABLE: RVA; NEAR: frame offset, an unknown distance above it;
			     FIELD: offset behind the pointer */
	uint32_t slot;    /* FIELD: RVA of the pointer */
};

static value_id number(struct flow *flow, int64_t value, uint32_t from)
{
	return values_number(&flow->values, (uint64_t)value, true, from);
}

static value_id alu(struct flow *flow, enum flow_alu kind, value_id a, value_id b, uint32_t from)
{
	return values_alu(&flow->values, kind, flow->arch->pointer, a, b, false, from);
}

/* Displacements are signed and no addresses when there is a base. */
static value_id displacement(struct flow *flow, int64_t value, uint32_t from)
{
	uint64_t mask = flow->arch->pointer == 4 ? UINT32_MAX : UINT64_MAX;

	return values_atom(&flow->values, FLOW_CONST, (uint64_t)value & mask, from);
}

static value_id index_value(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	value_id scale = displacement(flow, op->scale, from);

	if (op->scale <= 1)
		return flow->state.registers[op->index];
	return alu(flow, FLOW_MUL, flow->state.registers[op->index], scale, from);
}

/* base + index * scale + imm as a value. */
static value_id address_value(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	value_id sum;

	if (op->base == FLOW_NO_REG && op->index == FLOW_NO_REG)
		return number(flow, op->imm, from);
	if (op->base == FLOW_NO_REG) {
		value_id start = op->imm ? number(flow, op->imm, from) : VALUE_UNKNOWN;

		sum = index_value(flow, op, from);
		return op->imm ? alu(flow, FLOW_ADD, start, sum, from) : sum;
	}
	sum = flow->state.registers[op->base];
	if (op->index == op->base) {
		sum = alu(flow, FLOW_MUL, sum, displacement(flow, op->scale + 1, from), from);
	} else if (op->index != FLOW_NO_REG) {
		sum = alu(flow, FLOW_ADD, sum, index_value(flow, op, from), from);
	}
	if (!op->imm)
		return sum;
	/* On x86 the displacement can be the address: [eax + table]. */
	if (flow->arch->pointer == 4 && !values_get(&flow->values, sum).open) {
		value_id start = number(flow, (int64_t)(uint32_t)op->imm, from);
		value_id total = alu(flow, FLOW_ADD, sum, start, from);

		if (total != VALUE_UNKNOWN)
			return total;
	}
	return alu(flow, FLOW_ADD, sum, displacement(flow, op->imm, from), from);
}

static const struct flow_atom *register_atom(const struct flow *flow, uint8_t reg)
{
	return reg == FLOW_NO_REG ? NULL : values_single(&flow->values, flow->state.registers[reg]);
}

/* A pointer read from the image, and a known distance: an entry of a table of functions. */
static bool field_place(const struct flow *flow, const struct flow_op *op, struct place *ret)
{
	const struct flow_atom *base = register_atom(flow, op->base);
	const struct flow_atom *index = register_atom(flow, op->index);
	uint64_t by = 0;

	if (index && index->kind == FLOW_LOAD && op->scale <= 1) {
		const struct flow_atom *swap = base;

		base = index;
		index = swap;
		if (op->base != FLOW_NO_REG && (!index || index->kind != FLOW_CONST))
			return false;
		by = index ? index->value : 0;
	} else if (op->index != FLOW_NO_REG) {
		if (!index || index->kind != FLOW_CONST)
			return false;
		by = index->value * op->scale;
	}
	if (!base || base->kind != FLOW_LOAD)
		return false;
	*ret = (struct place){
		.kind = PLACE_FIELD, .slot = (uint32_t)base->value, .at = op->imm + (int64_t)by};
	return ret->at >= 0 && ret->at <= UINT32_MAX;
}

/* An unknown index behind a known address: a table in the image, or an array in the frame. */
static bool indexed_place(const struct flow *flow, const struct flow_op *op, struct place *ret)
{
	const struct flow_atom *base = register_atom(flow, op->base);
	const struct flow_atom *index = register_atom(flow, op->index);
	uint64_t mask = flow->arch->pointer == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t rva;

	if (!base && index && op->scale <= 1)
		base = index;
	if (base && base->kind == FLOW_FRAME) {
		*ret = (struct place){.kind = PLACE_NEAR, .at = (int64_t)base->value + op->imm};
		return true;
	}
	if (base && base->kind == FLOW_RVA)
		rva = base->value + (uint64_t)op->imm;
	else
		rva = ((uint64_t)op->imm - flow->image->base) & mask;
	if (rva >= flow->image->size || (base && base->kind != FLOW_RVA))
		return false;
	*ret = (struct place){.kind = PLACE_TABLE, .at = (int64_t)rva};
	return true;
}

static void resolve(struct flow *flow, const struct flow_op *op, uint32_t from, struct place *ret)
{
	value_id address = address_value(flow, op, from);

	*ret = (struct place){.kind = PLACE_VALUES, .address = address};
	if (values_get(&flow->values, address).count)
		return;
	if (field_place(flow, op, ret))
		return;
	*ret = (struct place){.kind = PLACE_NOWHERE, .address = VALUE_UNKNOWN};
	indexed_place(flow, op, ret);
}

static bool is_constant(const struct flow *flow, uint32_t rva)
{
	const struct pe_section *section = pe_section_at(flow->image, rva);

	return section && !pe_section_is_writable(section);
}

/* Pointer-sized words stay what they are, a place: they may be import slots. */
static value_id image_load(struct flow *flow, uint64_t rva, unsigned width, uint32_t from)
{
	uint64_t value;

	if (rva >= flow->image->size)
		return VALUE_UNKNOWN;
	if (width < flow->arch->pointer && is_constant(flow, (uint32_t)rva) &&
	    pe_uint(flow->image, (uint32_t)rva, width, &value))
		return values_atom(&flow->values, FLOW_CONST, value, from);
	if (width < 4)
		return VALUE_UNKNOWN;
	return values_atom(&flow->values, FLOW_LOAD, rva, from);
}

value_id step_load(struct flow *flow, const struct flow_state *state, value_id address,
		   unsigned width, uint32_t from)
{
	struct flow_value places = values_get(&flow->values, address);
	value_id sum = VALUE_UNKNOWN;
	bool open = places.open;

	for (unsigned i = 0; i < places.count; i++) {
		const struct flow_atom *atom = &places.atoms[i];
		value_id one = VALUE_UNKNOWN;

		if (atom->kind == FLOW_FRAME)
			one = state_load(state, &flow->values, flow->arch, (int64_t)atom->value,
					 width);
		else if (atom->kind == FLOW_RVA)
			one = image_load(flow, atom->value, width, from);
		sum = i ? values_join(&flow->values, sum, one) : one;
	}
	return open ? values_join(&flow->values, sum, VALUE_UNKNOWN) : sum;
}

/*
 * An entry of a table in constant data. Compilers turn a switch that only chooses a number into a
 * table of numbers, so where a comparison bounds a small one its numbers are possible values, too.
 */
static value_id table_entry(struct flow *flow, const struct flow_op *op, int64_t rva, uint32_t from)
{
	struct flow_atom atoms[FLOW_ATOMS] = {{.kind = (enum flow_kind)VALUE_TABLE,
					       .value = (uint64_t)rva,
					       .offset = op->width,
					       .from = from}};
	uint32_t insn = code_find(flow, from);
	uint32_t bound = insn == FLOW_NONE ? 0 : code_table_bound(flow, insn);
	unsigned count = 1;
	uint64_t number;

	if (!is_constant(flow, (uint32_t)rva))
		return VALUE_UNKNOWN;
	if (op->is_signed)
		atoms[0].offset |= TABLE_SIGNED;
	if (op->width != 4 || op->is_signed || bound >= FLOW_ATOMS)
		bound = 0;
	for (uint32_t i = 0; i < bound; i++) {
		if (!pe_uint(flow->image, (uint32_t)rva + i * 4, 4, &number))
			break;
		atoms[count++] =
			(struct flow_atom){.kind = FLOW_CONST, .value = number, .from = from};
	}
	return values_make(&flow->values, atoms, count, false);
}

/* A word of a structure that the caller handed in. */
static bool behind_parameter(const struct flow *flow, const struct flow_op *op)
{
	enum { STRUCTURE = 0x1000 }; /* bytes; more is no structure of parameters */
	const struct flow_atom *base = register_atom(flow, op->base);

	return base && base->kind == FLOW_PARAM && !(base->value & FLOW_REGISTER) &&
	       op->index == FLOW_NO_REG && op->width >= 4 && !op->is_signed && op->imm >= 0 &&
	       op->imm < STRUCTURE;
}

static value_id load(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	struct place place;
	struct flow_atom field;
	value_id value = VALUE_UNKNOWN, bytes;

	if (behind_parameter(flow, op)) {
		field = (struct flow_atom){.kind = FLOW_BEHIND,
					   .offset = (uint32_t)op->imm,
					   .value = register_atom(flow, op->base)->value,
					   .from = from};
		return values_make(&flow->values, &field, 1, false);
	}
	resolve(flow, op, from, &place);
	switch (place.kind) {
	case PLACE_VALUES:
		value = step_load(flow, &flow->state, place.address, op->width, from);
		if (op->index != FLOW_NO_REG && values_get(&flow->values, place.address).open &&
		    indexed_place(flow, op, &place) && place.kind == PLACE_TABLE)
			return values_join(&flow->values, value,
					   table_entry(flow, op, place.at, from));
		break;
	case PLACE_TABLE: return table_entry(flow, op, place.at, from);
	case PLACE_FIELD:
		if (op->width < 4)
			return VALUE_UNKNOWN;
		field = (struct flow_atom){.kind = FLOW_FIELD,
					   .offset = (uint32_t)place.at,
					   .value = place.slot,
					   .from = from};
		return values_make(&flow->values, &field, 1, false);
	default: return VALUE_UNKNOWN;
	}
	if (!op->is_signed)
		return value;
	bytes = values_atom(&flow->values, FLOW_CONST, op->width, from);
	return values_alu(&flow->values, FLOW_SEXT, 8, value, bytes, false, from);
}

/* A frame address that leaves the frame may be written through from now on. */
static void note_escape(struct flow *flow, value_id value)
{
	struct flow_value set = values_get(&flow->values, value);

	for (unsigned i = 0; i < set.count; i++)
		if (set.atoms[i].kind == FLOW_FRAME)
			state_escape(&flow->state, (int64_t)set.atoms[i].value);
}

static void store_one(struct flow *flow, int64_t offset, unsigned width, value_id value, bool sure)
{
	struct flow_state *state = &flow->state;
	value_id old;

	value = values_cut(&flow->values, value, width);
	if (!sure) {
		old = state_load(state, &flow->values, flow->arch, offset, width);
		value = values_join(&flow->values, old, value);
	}
	state_store(state, offset, width, value);
}

/* x86: where the stack pointer stands after the prologue saved what it saves. */
static void note_saved(struct flow *flow, const struct flow_op *op, int64_t offset)
{
	const struct flow_atom *value = register_atom(flow, op->a);

	if (!flow->arch->callee_pops || op->base != flow->arch->sp || op->imm || !value)
		return;
	if (value->kind == FLOW_PARAM && value->value & FLOW_REGISTER &&
	    (flow->baseline > 0 || offset < flow->baseline))
		flow->baseline = offset;
}

static void store(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	value_id value = op->a == FLOW_NO_REG ? VALUE_UNKNOWN : flow->state.registers[op->a];
	struct place place;
	struct flow_value places;
	bool outside = false;

	resolve(flow, op, from, &place);
	if (place.kind == PLACE_NEAR) {
		int64_t length = STATE_OBJECT;

		if (place.at < 0 && place.at + length > 0)
			length = -place.at;
		state_open(&flow->state, flow->arch, place.at, length);
		return;
	}
	if (place.kind != PLACE_VALUES) {
		note_escape(flow, value);
		return;
	}
	places = values_get(&flow->values, place.address);
	for (unsigned i = 0; i < places.count; i++) {
		int64_t offset = (int64_t)places.atoms[i].value;

		if (places.atoms[i].kind != FLOW_FRAME) {
			outside = true;
			continue;
		}
		store_one(flow, offset, op->width, value, places.count == 1 && !places.open);
		note_saved(flow, op, offset);
	}
	if (outside || places.open)
		note_escape(flow, value);
}

static value_id choice(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	struct flow_atom atoms[2] = {
		{.kind = FLOW_CONST, .value = (uint64_t)op->imm, .from = from},
		{.kind = FLOW_CONST, .value = (uint64_t)op->imm2, .from = from}};

	if (op->width == 4) {
		atoms[0].value &= UINT32_MAX;
		atoms[1].value &= UINT32_MAX;
	}
	return values_make(&flow->values, atoms, 2, false);
}

static value_id arithmetic(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	value_id a = flow->state.registers[op->a], b;

	if (op->b != FLOW_NO_REG)
		b = flow->state.registers[op->b];
	else if (op->alu == FLOW_ADD && flow->arch->pointer == 4 && op->width == 4)
		b = values_number(&flow->values, (uint32_t)op->imm, true, from);
	else
		b = values_atom(&flow->values, FLOW_CONST,
				op->width == 4 ? (uint64_t)op->imm & UINT32_MAX : (uint64_t)op->imm,
				from);
	return values_alu(&flow->values, (enum flow_alu)op->alu, op->width, a, b, op->a == op->b,
			  from);
}

static value_id evaluate(struct flow *flow, const struct flow_op *op, uint32_t from)
{
	struct values *values = &flow->values;
	uint64_t imm = op->width == 4 ? (uint64_t)op->imm & UINT32_MAX : (uint64_t)op->imm;

	switch ((enum flow_op_kind)op->kind) {
	case FLOW_OP_SET: return values_number(values, imm, op->width == flow->arch->pointer, from);
	case FLOW_OP_ADDRESS: return values_number(values, imm, true, from);
	case FLOW_OP_MOVE: return values_cut(values, flow->state.registers[op->a], op->width);
	case FLOW_OP_ALU: return arithmetic(flow, op, from);
	case FLOW_OP_EITHER:
		return values_join(values,
				   values_cut(values, flow->state.registers[op->a], op->width),
				   values_cut(values, flow->state.registers[op->b], op->width));
	case FLOW_OP_CHOICE: return choice(flow, op, from);
	case FLOW_OP_LEA: return values_cut(values, address_value(flow, op, from), op->width);
	case FLOW_OP_LOAD: return load(flow, op, from);
	case FLOW_OP_STORE:
	case FLOW_OP_FORGET: break;
	}
	return VALUE_UNKNOWN;
}

/* An unknown stack pointer gets a region of its own, so that what is pushed next is still known. */
static void move_sp(struct flow *flow, value_id value, uint32_t insn)
{
	const struct flow_atom *sp = values_single(&flow->values, value);
	int64_t fresh = -(int64_t)(STATE_FRAME_LIMIT / 4) - (int64_t)(insn % 8192) * 0x8000;

	if (!sp || sp->kind != FLOW_FRAME) {
		state_drop_below(&flow->state, STATE_FRESH);
		value = values_atom(&flow->values, FLOW_FRAME, (uint64_t)fresh,
				    flow->insns[insn].rva);
	}
	flow->state.registers[flow->arch->sp] = value;
}

/* `sub esp, n` makes room for locals: between calls the stack pointer comes back to there. */
static void note_room(struct flow *flow, const struct flow_op *op)
{
	const struct flow_atom *sp = register_atom(flow, flow->arch->sp);

	if (!flow->arch->callee_pops || op->kind != FLOW_OP_ALU || op->alu != FLOW_SUB ||
	    op->b != FLOW_NO_REG || op->imm <= 4 || !sp)
		return;
	if (flow->baseline > 0 || (int64_t)sp->value < flow->baseline)
		flow->baseline = (int64_t)sp->value;
}

/* x86: a register that callees keep comes back from where it was saved. Proves or refutes what was
 * guessed of the stack pointer. */
static void check_restored(struct flow *flow, const struct flow_op *op)
{
	const struct flow_atom *value = register_atom(flow, op->dst);

	if (!flow->guessed || op->kind != FLOW_OP_MOVE || op->a < flow->arch->registers ||
	    op->dst == flow->arch->sp || !(flow->arch->kept >> op->dst & 1))
		return;
	if (value && value->kind == FLOW_PARAM && value->value == (FLOW_REGISTER | op->dst))
		flow->proven = true;
	else
		flow->mismatch = true;
}

void step_ops(struct flow *flow, uint32_t insn)
{
	const struct code_insn *at = &flow->insns[insn];
	const struct flow_op *ops = flow->ops + at->ops;

	for (unsigned i = 0; i < FLOW_TEMPORARIES; i++)
		flow->state.registers[flow->arch->registers + i] = VALUE_UNKNOWN;
	for (unsigned i = 0; i < at->op_count; i++) {
		const struct flow_op *op = &ops[i];

		if (op->kind == FLOW_OP_STORE) {
			store(flow, op, at->rva);
			continue;
		}
		if (op->dst == flow->arch->sp) {
			move_sp(flow, evaluate(flow, op, at->rva), insn);
			note_room(flow, op);
			continue;
		}
		flow->state.registers[op->dst] = evaluate(flow, op, at->rva);
		check_restored(flow, op);
	}
}

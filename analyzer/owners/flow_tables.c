/*
 * Jump tables: where they end, and where their entries lead.
 */
#include "analyzer/owners/flow_engine.h"

enum {
	BOUND_REACH = 16, /* instructions between a comparison and the table that it bounds */
};

/* The target of one table entry, or FLOW_NONE when it cannot be one. */
static uint32_t table_target(const struct flow *flow, const struct flow_atom *table, uint64_t entry)
{
	unsigned width = table->offset & TABLE_WIDTH;
	uint32_t base = (uint32_t)(table->value >> 32);
	int64_t value = (int64_t)entry;
	uint32_t rva;

	if (!(table->offset & TABLE_BASED)) {
		if (width != flow->arch->pointer)
			return FLOW_NONE;
		rva = code_target(flow, entry);
		return rva != FLOW_NONE && code_inside(flow, rva) ? rva : FLOW_NONE;
	}
	if ((table->offset & TABLE_SIGNED) || width == 4)
		value = (int64_t)(entry << (64 - width * 8)) >> (64 - width * 8);
	value = base + value * (1 << (table->offset >> TABLE_SHIFT & 3));
	if (value < 0 || value >= flow->image->size || !code_inside(flow, (uint32_t)value))
		return FLOW_NONE;
	return (uint32_t)value;
}

uint32_t code_table_bound(const struct flow *flow, uint32_t insn)
{
	for (unsigned i = 0; i < BOUND_REACH; i++, insn--) {
		const struct code_insn *at = &flow->insns[insn];

		if (at->entries)
			return at->entries;
		if (insn == 0 || at[-1].rva + at[-1].length != at->rva)
			break;
	}
	return 0;
}

/*
 * Where something else begins behind a table: another table, or whatever the function takes the
 * address of (most likely a table that is not reached yet).
 */
static uint32_t table_limit(const struct flow *flow, uint32_t begin)
{
	uint32_t limit = flow->image->size;

	for (unsigned i = 0; i < flow->table_count; i++)
		if (flow->tables[i].begin > begin && flow->tables[i].begin < limit)
			limit = flow->tables[i].begin;
	for (uint32_t i = 0; i < flow->op_count; i++) {
		uint32_t rva;

		if (flow->ops[i].kind != FLOW_OP_ADDRESS)
			continue;
		rva = code_target(flow, (uint64_t)flow->ops[i].imm);
		if (rva != FLOW_NONE && rva > begin && rva < limit)
			limit = rva;
	}
	return limit;
}

/* A table ends at the next one, at code, or at an entry that leads nowhere. */
static bool table_goes_on(const struct flow *flow, uint32_t at)
{
	const struct pe_function *body =
		flow->functions->count ? pe_function_at(flow->functions, at) : NULL;

	return code_find(flow, at) == FLOW_NONE && (!body || body->root == flow->root);
}

static void read_entries(struct flow *flow, uint32_t insn, const struct flow_atom *table)
{
	uint32_t begin = (uint32_t)table->value, at = begin;
	unsigned width = table->offset & TABLE_WIDTH;
	uint32_t limit = table_limit(flow, begin), bound = code_table_bound(flow, insn);
	uint64_t entry;

	flow->work += flow->table_count + flow->op_count / WORK_TABLE;
	for (unsigned i = 0;
	     i < (bound ? bound : CODE_TABLE_ENTRIES) && flow->edge_count < CODE_EDGES; i++) {
		uint32_t target;

		if (limit - at < width || !table_goes_on(flow, at) ||
		    !pe_uint(flow->image, at, width, &entry))
			break;
		target = table_target(flow, table, entry);
		if (target == FLOW_NONE || (target >= begin && target < at + width))
			break;
		flow->edges[flow->edge_count++] = target;
		at += width;
	}
	if (flow->table_count < CODE_TABLES)
		flow->tables[flow->table_count++] = (struct code_table){begin, at};
	flow->insns[insn].edge_count = flow->edge_count - flow->insns[insn].edges;
}

void code_read_table(struct flow *flow, uint32_t insn, value_id value)
{
	struct flow_value set = values_get(&flow->values, value);

	if (flow->insns[insn].edges != FLOW_NONE)
		return;
	for (unsigned i = 0; i < set.count; i++) {
		if ((int)set.atoms[i].kind != VALUE_TABLE)
			continue;
		flow->insns[insn].edges = flow->edge_count;
		read_entries(flow, insn, &set.atoms[i]);
		return;
	}
}

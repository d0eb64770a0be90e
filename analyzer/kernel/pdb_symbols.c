/*
 * The symbols of a PDB: the records of its symbol stream, and functions in their modules' streams.
 * See pdb.h. Names of the older records (_ST) carry their length in front.
 */
#include "analyzer/kernel/pdb_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/signals.h"

enum {
	S_LDATA32_ST = 0x1006,
	S_GDATA32_ST = 0x1007,
	S_PUB32_ST = 0x1009,
	S_LDATA32 = 0x110c,
	S_GDATA32 = 0x110d,
	S_PUB32 = 0x110e,
	S_LPROC32 = 0x110f,
	S_GPROC32 = 0x1110,
	S_PROCREF = 0x1125,
	S_LPROCREF = 0x1127,
	S_LPROC32_ID = 0x1146,
	S_GPROC32_ID = 0x1147,

	/* Offsets from the record's kind on. */
	RECORD_FLAGS = 0x02, /* of S_PUB32 */
	RECORD_OFFSET = 0x06,
	RECORD_SECTION = 0x0a,
	RECORD_NAME = 0x0c,
	REFERENCE_OFFSET = 0x06,
	REFERENCE_MODULE = 0x0a,
	REFERENCE_NAME = 0x0c,
	FUNCTION_LENGTH = 0x0e,
	FUNCTION_OFFSET = 0x1e,
	FUNCTION_SECTION = 0x22,
	FUNCTION_BYTES = 0x24,

	MODULE_STREAM = 0x22,
	MODULE_SYMBOLS_SIZE = 0x24,
	MODULE_NAMES = 0x40,
	PUBLIC_FUNCTION = 2, /* in the flags */
	MODULES_MOST = 0xffff,

	FUNCTIONS_AHEAD = 4096,
	RECORDS_BETWEEN_LOOKS = 0xfff, /* at Ctrl-C */
};

struct walk {
	struct pdb *pdb;
	unsigned kinds;
	pdb_symbol_visit visit;
	void *context;
	struct msf_window functions; /* of the module that the last function was in */
	bool has_functions;
};

/* Where the linker's address is in the image; false: removed. */
static bool move(const struct pdb *pdb, uint32_t *rva)
{
	uint32_t low = 0, high = pdb->moved_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (pdb->moved[middle].from <= *rva)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || pdb->moved[low - 1].to == 0)
		return false;
	*rva = pdb->moved[low - 1].to + (*rva - pdb->moved[low - 1].from);
	return true;
}

static void set_rva(const struct pdb *pdb, struct pdb_symbol *symbol)
{
	const struct pdb_section *section;

	if (symbol->section == 0 || symbol->section > pdb->section_count)
		return;
	section = &pdb->sections[symbol->section - 1];
	if (symbol->offset > UINT32_MAX - section->rva)
		return;
	symbol->rva = section->rva + symbol->offset;
	symbol->has_rva = !pdb->moved || move(pdb, &symbol->rva);
}

uint32_t pdb_section_end(const struct pdb *pdb, uint16_t section)
{
	const struct pdb_section *s;

	if (section == 0 || section > pdb->section_count || pdb->moved)
		return UINT32_MAX;
	s = &pdb->sections[section - 1];
	return s->size < UINT32_MAX - s->rva ? s->rva + s->size : UINT32_MAX;
}

static bool set_name(struct bytes *b, size_t offset, bool counted, struct pdb_symbol *symbol)
{
	if (!counted) {
		if (!pdb_string(b, offset, &symbol->name_length))
			return false;
	} else {
		symbol->name_length = bytes_u8(b, offset++);
		if (!bytes_has(b, offset, symbol->name_length))
			return false;
	}
	symbol->name = (const char *)b->data + offset;
	return true;
}

static enum pdb_symbol_kind kind_of(uint16_t kind)
{
	switch (kind) {
	case S_PUB32:
	case S_PUB32_ST: return PDB_PUBLIC;
	case S_GDATA32:
	case S_GDATA32_ST: return PDB_GLOBAL;
	case S_LDATA32:
	case S_LDATA32_ST: return PDB_STATIC;
	case S_PROCREF:
	case S_LPROCREF: return PDB_FUNCTION;
	default: return 0;
	}
}

static enum ps_status read_modules(struct pdb *pdb, struct ps_error *err)
{
	uint32_t end = PDB_DBI_HEADER + pdb->dbi_modules_size, at = PDB_DBI_HEADER;
	struct msf_window window;
	size_t capacity = 0;
	enum ps_status status;

	if (pdb->dbi_modules_size > msf_size(&pdb->msf, PDB_DBI_STREAM) - PDB_DBI_HEADER)
		return pdb_corrupt(pdb, "its list of modules does not fit into its stream", err);
	pdb->modules_read = true;
	status = msf_window_init(&window, &pdb->msf, PDB_DBI_STREAM, err);
	while (status == PS_OK && end - at > MODULE_NAMES && pdb->module_count < MODULES_MOST) {
		uint32_t room = end - at < MSF_WINDOW / 2 ? end - at : MSF_WINDOW / 2;
		size_t name = 0, object = 0;
		const uint8_t *raw;
		struct bytes b;

		status = msf_window_get(&window, at, room, &raw, err);
		if (status != PS_OK)
			break;
		b = bytes_of(raw, room);
		if (!pdb_string(&b, MODULE_NAMES, &name) ||
		    !pdb_string(&b, MODULE_NAMES + name + 1, &object)) {
			status = pdb_corrupt(pdb, "a module of it has no name", err);
		} else if (!mem_grow((void **)&pdb->modules, pdb->module_count, &capacity,
				     sizeof(*pdb->modules))) {
			status = ps_fail_memory(err, "the modules of a PDB");
		} else {
			pdb->modules[pdb->module_count++] = (struct pdb_module){
				bytes_u16(&b, MODULE_STREAM), bytes_u32(&b, MODULE_SYMBOLS_SIZE)};
			name = (MODULE_NAMES + name + object + 2 + 3) & ~(size_t)3;
			at = name < end - at ? at + (uint32_t)name : end;
		}
	}
	msf_window_fini(&window);
	return status;
}

/* A window over the module's symbols. */
static enum ps_status open_module(struct walk *walk, uint32_t number, bool *ret_there,
				  struct ps_error *err)
{
	struct pdb *pdb = walk->pdb;
	uint32_t stream;

	*ret_there = false;
	if (!pdb->modules_read && read_modules(pdb, err) != PS_OK)
		return err->status;
	if (number == 0 || number > pdb->module_count)
		return PS_OK;
	stream = pdb->modules[number - 1].stream;
	if (msf_size(&pdb->msf, stream) == 0)
		return PS_OK;
	*ret_there = true;
	if (walk->has_functions) {
		if (walk->functions.stream == stream)
			return PS_OK;
		walk->functions.stream = stream;
		walk->functions.size = 0;
		return PS_OK;
	}
	walk->has_functions = true;
	if (msf_window_init(&walk->functions, &pdb->msf, stream, err) != PS_OK)
		return err->status;
	walk->functions.ahead = FUNCTIONS_AHEAD;
	return PS_OK;
}

/* A reference that leads to no function is left without an address. */
static enum ps_status follow(struct walk *walk, struct bytes *reference, struct pdb_symbol *symbol,
			     struct ps_error *err)
{
	uint32_t at = bytes_u32(reference, REFERENCE_OFFSET);
	struct ps_error ignored = PS_ERROR_INIT;
	const uint8_t *raw;
	struct bytes b;
	bool there;
	uint16_t kind;

	if (open_module(walk, bytes_u16(reference, REFERENCE_MODULE), &there, err) != PS_OK)
		return err->status;
	if (!there || at > UINT32_MAX - 2 ||
	    msf_window_get(&walk->functions, at + 2, FUNCTION_BYTES, &raw, &ignored) != PS_OK)
		return PS_OK;
	b = bytes_of(raw, FUNCTION_BYTES);
	kind = bytes_u16(&b, 0);
	if (kind != S_LPROC32 && kind != S_GPROC32 && kind != S_LPROC32_ID && kind != S_GPROC32_ID)
		return PS_OK;
	symbol->offset = bytes_u32(&b, FUNCTION_OFFSET);
	symbol->length = bytes_u32(&b, FUNCTION_LENGTH);
	symbol->section = bytes_u16(&b, FUNCTION_SECTION);
	return PS_OK;
}

/* `b` begins with the record's kind. */
static enum ps_status take(struct walk *walk, struct bytes *b, bool *go_on, struct ps_error *err)
{
	uint16_t kind = bytes_u16(b, 0);
	struct pdb_symbol symbol = {.kind = kind_of(kind)};
	bool is_function = symbol.kind == PDB_FUNCTION;

	if (!(symbol.kind & walk->kinds))
		return PS_OK;
	if (!set_name(b, is_function ? REFERENCE_NAME : RECORD_NAME, kind < 0x1100, &symbol) ||
	    b->overrun)
		return pdb_corrupt(walk->pdb, "a symbol of it has no name", err);
	if (is_function) {
		if (follow(walk, b, &symbol, err) != PS_OK)
			return err->status;
	} else {
		symbol.offset = bytes_u32(b, RECORD_OFFSET);
		symbol.section = bytes_u16(b, RECORD_SECTION);
	}
	symbol.is_function =
		is_function || (kind == S_PUB32 && bytes_u32(b, RECORD_FLAGS) & PUBLIC_FUNCTION);
	set_rva(walk->pdb, &symbol);
	*go_on = walk->visit(walk->context, &symbol);
	return PS_OK;
}

static enum ps_status walk_records(struct walk *walk, struct msf_window *window,
				   struct ps_error *err)
{
	uint32_t size = msf_size(&walk->pdb->msf, walk->pdb->symbol_stream), at = 0, count = 0;
	enum ps_status status = PS_OK;
	bool go_on = true;

	while (status == PS_OK && go_on && size - at >= 4) {
		const uint8_t *raw;
		struct bytes b;
		uint16_t length;

		if ((count++ & RECORDS_BETWEEN_LOOKS) == 0 && signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		status = msf_window_get(window, at, 4, &raw, err);
		if (status != PS_OK)
			break;
		b = bytes_of(raw, 4);
		length = bytes_u16(&b, 0);
		if (length < 2 || length > size - at - 2)
			return pdb_corrupt(walk->pdb, "a symbol of it has an impossible length",
					   err);
		status = msf_window_get(window, at + 2, length, &raw, err);
		if (status != PS_OK)
			break;
		b = bytes_of(raw, length);
		status = take(walk, &b, &go_on, err);
		at += 2u + length;
	}
	return status;
}

enum ps_status pdb_symbols(struct pdb *pdb, unsigned kinds, pdb_symbol_visit visit, void *context,
			   struct ps_error *err)
{
	struct walk walk = {.pdb = pdb, .kinds = kinds, .visit = visit, .context = context};
	struct msf_window window;
	enum ps_status status;

	status = msf_window_init(&window, &pdb->msf, pdb->symbol_stream, err);
	if (status == PS_OK)
		status = walk_records(&walk, &window, err);
	if (walk.has_functions)
		msf_window_fini(&walk.functions);
	msf_window_fini(&window);
	return status;
}

/*
 * The types of a PDB: structures and unions with their members. See pdb.h.
 *
 * One pass notes where every type lies; then a type is found by its number. A field list may go on
 * in another one. Types refer to earlier ones only, so a list that goes on in itself or in a later
 * one is damage, and every walk ends.
 */
#include "analyzer/kernel/pdb_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/signals.h"

enum {
	LF_FIELDLIST = 0x1203,
	LF_BITFIELD = 0x1205,
	LF_BCLASS = 0x1400,
	LF_VBCLASS = 0x1401,
	LF_IVBCLASS = 0x1402,
	LF_INDEX = 0x1404,
	LF_VFUNCTAB = 0x1409,
	LF_ENUMERATE = 0x1502,
	LF_CLASS = 0x1504,
	LF_STRUCTURE = 0x1505,
	LF_UNION = 0x1506,
	LF_MEMBER = 0x150d,
	LF_STMEMBER = 0x150e,
	LF_METHOD = 0x150f,
	LF_NESTTYPE = 0x1510,
	LF_ONEMETHOD = 0x1511,
	LF_NESTTYPEEX = 0x1512,
	LF_INTERFACE = 0x1519,
	LF_BINTERFACE = 0x151a,

	LF_PADDING = 0xf0,
	LF_NUMERIC = 0x8000,

	FORWARD = 0x80, /* property: declared here, defined elsewhere */

	TYPES_HEADER_SIZE = 0x04,
	TYPES_FIRST = 0x08,
	TYPES_END = 0x0c,
	TYPES_BYTES = 0x10,
	TYPES_HEADER = 0x14,

	AHEAD = 4096, /* bytes read at once where types are looked up one by one */
};

/* A number of variable length; false for kinds that no size or offset has. */
static bool read_number(struct bytes *b, size_t *at, uint64_t *ret)
{
	static const uint8_t widths[] = {1, 2, 2, 4, 4, 0, 0, 0, 0, 8, 8};
	uint16_t kind = bytes_u16(b, *at);

	*at += 2;
	if (kind < LF_NUMERIC) {
		*ret = kind;
		return !b->overrun;
	}
	kind = (uint16_t)(kind - LF_NUMERIC);
	if (kind >= sizeof(widths) || widths[kind] == 0)
		return false;
	*ret = bytes_uint(b, *at, widths[kind]);
	*at += widths[kind];
	return !b->overrun;
}

static bool read_name(const struct bytes *b, size_t *at, const char **ret, size_t *ret_length)
{
	if (!pdb_string(b, *at, ret_length))
		return false;
	*ret = (const char *)b->data + *at;
	*at += *ret_length + 1;
	return true;
}

enum ps_status pdb_types_record(struct pdb_types *types, struct msf_window *window, uint32_t index,
				struct bytes *ret, struct ps_error *err)
{
	const uint8_t *raw;
	uint16_t length;
	struct bytes b;
	uint32_t at;

	if (index < types->first || index - types->first >= types->count)
		return pdb_corrupt(types->pdb, "a type of it refers to one that is not there", err);
	at = types->at[index - types->first];
	if (msf_window_get(window, at, 2, &raw, err) != PS_OK)
		return err->status;
	b = bytes_of(raw, 2);
	length = bytes_u16(&b, 0);
	if (msf_window_get(window, at + 2, length, &raw, err) != PS_OK)
		return err->status;
	*ret = bytes_of(raw, length);
	return PS_OK;
}

static enum ps_status index_types(struct pdb_types *types, uint32_t at, uint32_t end,
				  struct ps_error *err)
{
	for (uint32_t i = 0; i < types->count; i++) {
		const uint8_t *raw;
		uint16_t length;
		struct bytes b;

		if (end - at < 4)
			return pdb_corrupt(types->pdb, "its types end too early", err);
		if (msf_window_get(&types->window, at, 2, &raw, err) != PS_OK)
			return err->status;
		b = bytes_of(raw, 2);
		length = bytes_u16(&b, 0);
		if (length < 2 || length > end - at - 2)
			return pdb_corrupt(types->pdb, "a type of it has an impossible length",
					   err);
		types->at[i] = at;
		at += 2u + length;
	}
	return PS_OK;
}

static enum ps_status read_types(struct pdb_types *types, struct ps_error *err)
{
	struct msf *msf = &types->pdb->msf;
	uint32_t size = msf_size(msf, PDB_TYPE_STREAM), header, end, length;
	uint8_t raw[TYPES_HEADER];
	struct bytes b = bytes_of(raw, sizeof(raw));

	if (size < sizeof(raw))
		return ps_fail(err, PS_ABSENT, "%s holds no types", file_words(&msf->file));
	if (msf_read(msf, PDB_TYPE_STREAM, 0, raw, sizeof(raw), err) != PS_OK)
		return err->status;
	header = bytes_u32(&b, TYPES_HEADER_SIZE);
	types->first = bytes_u32(&b, TYPES_FIRST);
	end = bytes_u32(&b, TYPES_END);
	length = bytes_u32(&b, TYPES_BYTES);
	if (header < sizeof(raw) || header > size || length > size - header || end < types->first ||
	    end - types->first > length / 4)
		return pdb_corrupt(types->pdb, "the head of its types cannot be right", err);
	types->count = end - types->first;
	types->at = mem_array(types->count ? types->count : 1, sizeof(*types->at));
	if (!types->at)
		return ps_fail_memory(err, "the types of a PDB");
	return index_types(types, header, header + length, err);
}

enum ps_status pdb_types_create(struct pdb *pdb, struct pdb_types **ret, struct ps_error *err)
{
	struct pdb_types *types = mem_array(1, sizeof(*types));
	enum ps_status status;

	if (!types)
		return ps_fail_memory(err, "the types of a PDB");
	types->pdb = pdb;
	hash_init(&types->names);
	status = msf_window_init(&types->window, &pdb->msf, PDB_TYPE_STREAM, err);
	if (status == PS_OK)
		status = msf_window_init(&types->aside, &pdb->msf, PDB_TYPE_STREAM, err);
	types->aside.ahead = AHEAD;
	if (status == PS_OK)
		status = read_types(types, err);
	if (status != PS_OK) {
		pdb_types_destroy(types);
		return status;
	}
	*ret = types;
	return PS_OK;
}

void pdb_types_destroy(struct pdb_types *types)
{
	if (!types)
		return;
	hash_fini(&types->names);
	msf_window_fini(&types->window);
	msf_window_fini(&types->aside);
	free(types->at);
	free(types);
}

bool pdb_types_read_struct(struct bytes *b, struct pdb_struct *ret, bool *ret_forward)
{
	uint16_t kind = bytes_u16(b, 0);
	size_t at = kind == LF_UNION ? 0x0a : 0x12;

	if (kind != LF_STRUCTURE && kind != LF_CLASS && kind != LF_UNION && kind != LF_INTERFACE)
		return false;
	*ret = (struct pdb_struct){.is_union = kind == LF_UNION, .field_list = bytes_u32(b, 0x06)};
	*ret_forward = bytes_u16(b, 0x04) & FORWARD;
	return read_number(b, &at, &ret->size) && read_name(b, &at, &ret->name, &ret->name_length);
}

enum ps_status pdb_types_structs(struct pdb_types *types, pdb_struct_visit visit, void *context,
				 struct ps_error *err)
{
	for (uint32_t i = 0; i < types->count; i++) {
		struct pdb_struct type;
		struct bytes b;
		bool forward;

		if ((i & 0xfff) == 0 && signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (pdb_types_record(types, &types->window, types->first + i, &b, err) != PS_OK)
			return err->status;
		if (pdb_types_read_struct(&b, &type, &forward) && !forward &&
		    !visit(context, &type))
			break;
	}
	return PS_OK;
}

/* Bit fields have a type of their own that says where the bits are. */
static enum ps_status resolve_bits(struct pdb_types *types, struct pdb_field *field,
				   struct ps_error *err)
{
	struct bytes b;

	if (field->type < types->first)
		return PS_OK;
	if (pdb_types_record(types, &types->aside, field->type, &b, err) != PS_OK)
		return err->status;
	if (bytes_u16(&b, 0) != LF_BITFIELD)
		return PS_OK;
	field->type = bytes_u32(&b, 2);
	field->bit_length = bytes_u8(&b, 6);
	field->bit_position = bytes_u8(&b, 7);
	return b.overrun ? pdb_corrupt(types->pdb, "a bit field of it is cut off", err) : PS_OK;
}

/* A member that is no data: how it goes on after its kind. False when it cannot be passed over. */
static bool skip_member(struct bytes *b, uint16_t kind, size_t *at)
{
	uint16_t attributes = bytes_u16(b, *at), virtual = attributes >> 2 & 7;
	const char *name;
	uint64_t number;
	size_t length;

	*at += kind == LF_ENUMERATE ? 2 : 6;
	switch (kind) {
	case LF_ENUMERATE: return read_number(b, at, &number) && read_name(b, at, &name, &length);
	case LF_STMEMBER:
	case LF_METHOD:
	case LF_NESTTYPE:
	case LF_NESTTYPEEX: return read_name(b, at, &name, &length);
	case LF_ONEMETHOD:
		*at += virtual == 4 || virtual == 6 ? 4 : 0;
		return read_name(b, at, &name, &length);
	case LF_BCLASS:
	case LF_BINTERFACE: return read_number(b, at, &number);
	case LF_VBCLASS:
	case LF_IVBCLASS:
		*at += 4;
		return read_number(b, at, &number) && read_number(b, at, &number);
	case LF_VFUNCTAB: return !b->overrun;
	default: return false;
	}
}

static bool read_member(struct bytes *b, size_t *at, struct pdb_field *ret)
{
	*ret = (struct pdb_field){.type = bytes_u32(b, *at + 2)};
	*at += 6;
	return read_number(b, at, &ret->offset) && read_name(b, at, &ret->name, &ret->name_length);
}

static void skip_padding(const struct bytes *b, size_t *at)
{
	while (*at < b->size && b->data[*at] > LF_PADDING)
		*at += b->data[*at] & 0x0f;
}

/* One field list; *ret_next is the list that it goes on in, 0 at the end. */
static enum ps_status walk_list(struct pdb_types *types, struct bytes *b, pdb_field_visit visit,
				void *context, uint32_t *ret_next, bool *go_on,
				struct ps_error *err)
{
	size_t at = 2;

	*ret_next = 0;
	for (skip_padding(b, &at); at < b->size && *go_on; skip_padding(b, &at)) {
		uint16_t kind = bytes_u16(b, at);
		struct pdb_field field;

		at += 2;
		if (kind == LF_INDEX) {
			*ret_next = bytes_u32(b, at + 2);
			at += 6;
		} else if (kind == LF_MEMBER) {
			if (!read_member(b, &at, &field))
				return pdb_corrupt(types->pdb, "a member of it is cut off", err);
			if (resolve_bits(types, &field, err) != PS_OK)
				return err->status;
			*go_on = visit(context, &field);
		} else if (!skip_member(b, kind, &at)) {
			return pdb_corrupt(types->pdb, "a structure of it has an unknown member",
					   err);
		}
	}
	return PS_OK;
}

enum ps_status pdb_types_fields(struct pdb_types *types, uint32_t field_list, pdb_field_visit visit,
				void *context, struct ps_error *err)
{
	struct msf_window window; /* of its own: resolve_bits() moves the other one */
	enum ps_status status;
	bool go_on = true;

	if (field_list == 0)
		return PS_OK;
	status = msf_window_init(&window, &types->pdb->msf, PDB_TYPE_STREAM, err);
	window.ahead = AHEAD;
	while (status == PS_OK && go_on && field_list != 0) {
		uint32_t next = 0;
		struct bytes b;

		status = pdb_types_record(types, &window, field_list, &b, err);
		if (status == PS_OK && bytes_u16(&b, 0) != LF_FIELDLIST)
			status = pdb_corrupt(types->pdb, "a list of members is none", err);
		if (status == PS_OK)
			status = walk_list(types, &b, visit, context, &next, &go_on, err);
		if (status == PS_OK && next >= field_list)
			status = pdb_corrupt(types->pdb, "a list of members has no end", err);
		field_list = next;
	}
	msf_window_fini(&window);
	return status;
}

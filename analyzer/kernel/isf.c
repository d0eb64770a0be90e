/*
 * See isf.h. The keys that lead to a value say what it is.
 */
#include "analyzer/kernel/isf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/isf_scan.h"
#include "analyzer/kernel/symbol_names.h"
#include "analyzer/kernel/unpack.h"

enum {
	GUID_DIGITS = 32,
	BASE_TYPES = 64, /* more are not remembered */
	BASE_NAME = 40,
};

/* Keys that lead to a member: user_types, the structure, "fields", the member. */
enum { FIELD_DEPTH = 4 };

struct reading {
	const struct isf_visitor *visitor;
	struct isf_scan scan;
	char guid[GUID_DIGITS + 1], name[PDB_NAME_LENGTH];
	bool has_age, identified, refused;
	uint64_t age;
	bool has_offset;
	struct isf_field field; /* the member that is being read */
	struct base_type {
		char name[BASE_NAME];
		uint64_t size;
	} base[BASE_TYPES];
	unsigned base_count;
};

static bool is_at(const struct isf_scan *scan, unsigned depth, const char *first)
{
	return scan->depth == depth && strcmp(scan->keys[0], first) == 0;
}

static bool is_guid(const char *text)
{
	return strlen(text) == GUID_DIGITS && strspn(text, "0123456789abcdefABCDEF") == GUID_DIGITS;
}

static void upper(char *text)
{
	for (; *text; text++)
		if (*text >= 'a' && *text <= 'f')
			*text = (char)(*text - 'a' + 'A');
}

static bool identify(struct reading *r)
{
	char guid_age[GUID_AGE_LENGTH];

	r->identified = true;
	snprintf(guid_age, sizeof(guid_age), "%s-%" PRIX32, r->guid, (uint32_t)r->age);
	r->refused = !r->visitor->identity(r->visitor->context, r->name, guid_age);
	return !r->refused;
}

/* metadata.windows.pdb: GUID, age, database */
static bool take_metadata(struct reading *r, const struct isf_scan *scan, enum isf_scan_event event)
{
	const char *key = scan->keys[3];

	if (strcmp(scan->keys[1], "windows") != 0 || strcmp(scan->keys[2], "pdb") != 0)
		return true;
	if (event == JSON_STRING && strcmp(key, "GUID") == 0 && is_guid(scan->text)) {
		memcpy(r->guid, scan->text, sizeof(r->guid));
		upper(r->guid);
	} else if (event == JSON_STRING && strcmp(key, "database") == 0 && !scan->too_long) {
		snprintf(r->name, sizeof(r->name), "%.*s", (int)sizeof(r->name) - 1, scan->text);
	} else if (event == JSON_NUMBER && strcmp(key, "age") == 0 && scan->is_integer &&
		   scan->number <= UINT32_MAX) {
		r->age = scan->number;
		r->has_age = true;
	}
	if (r->identified || !r->guid[0] || !r->has_age || !r->name[0])
		return true;
	return identify(r);
}

/* base_types.NAME.size */
static void take_base_type(struct reading *r, const struct isf_scan *scan,
			   enum isf_scan_event event)
{
	if (event != JSON_NUMBER || !scan->is_integer || strcmp(scan->keys[2], "size") != 0 ||
	    r->base_count == BASE_TYPES || strlen(scan->keys[1]) >= BASE_NAME)
		return;
	memcpy(r->base[r->base_count].name, scan->keys[1], strlen(scan->keys[1]) + 1);
	r->base[r->base_count++].size = scan->number;
}

static uint64_t base_width(const struct reading *r, const char *name)
{
	for (unsigned i = 0; i < r->base_count; i++)
		if (strcmp(r->base[i].name, name) == 0)
			return r->base[i].size;
	return 0;
}

/* user_types.STRUCT.size */
static void take_size(struct reading *r, const struct isf_scan *scan, enum isf_scan_event event)
{
	struct isf_field size = {
		.type = scan->keys[1], .name = SYMBOL_SIZE_OF, .offset = scan->number};

	if (event == JSON_NUMBER && scan->is_integer && strcmp(scan->keys[2], "size") == 0)
		r->visitor->field(r->visitor->context, &size);
}

/*
 * The type of a member - type.kind is "pointer", or type.name is that of a base type - or what a
 * bit field is cut from, type.type. Names of other types are none of base types.
 */
static void take_type_word(struct reading *r, const struct isf_scan *scan)
{
	const char *key = scan->keys[scan->depth - 1];
	bool is_pointer = strcmp(key, "kind") == 0 && strcmp(scan->text, "pointer") == 0;

	if (scan->depth == FIELD_DEPTH + 3 && strcmp(scan->keys[FIELD_DEPTH + 1], "type") != 0)
		return;
	if (is_pointer || (strcmp(key, "name") == 0 && r->field.width == 0))
		r->field.width = base_width(r, scan->text);
}

/* user_types.STRUCT.fields.MEMBER: offset, and of bit fields type.bit_position, type.bit_length */
static void take_field(struct reading *r, const struct isf_scan *scan, enum isf_scan_event event)
{
	const char *key = scan->keys[scan->depth - 1];

	if (strcmp(scan->keys[2], "fields") != 0)
		return;
	if (event == JSON_STRING && scan->depth > FIELD_DEPTH + 1 &&
	    strcmp(scan->keys[FIELD_DEPTH], "type") == 0)
		take_type_word(r, scan);
	if (event != JSON_NUMBER || !scan->is_integer)
		return;
	if (scan->depth == FIELD_DEPTH + 1 && strcmp(key, "offset") == 0) {
		r->has_offset = true;
		r->field.offset = scan->number;
	} else if (scan->depth == FIELD_DEPTH + 2 && scan->number <= UINT8_MAX &&
		   strcmp(scan->keys[FIELD_DEPTH], "type") == 0) {
		if (strcmp(key, "bit_position") == 0)
			r->field.bit_position = (uint8_t)scan->number;
		else if (strcmp(key, "bit_length") == 0)
			r->field.bit_length = (uint8_t)scan->number;
	}
}

static void begin_or_end_field(struct reading *r, const struct isf_scan *scan,
			       enum isf_scan_event event)
{
	if (event == JSON_OBJECT_BEGIN) {
		r->field = (struct isf_field){.offset = 0};
		r->has_offset = false;
	} else if (r->has_offset && strcmp(scan->keys[2], "fields") == 0) {
		r->field.type = scan->keys[1];
		r->field.name = scan->keys[3];
		r->visitor->field(r->visitor->context, &r->field);
		r->has_offset = false;
	}
}

static bool take_value(void *context, const struct isf_scan *scan, enum isf_scan_event event)
{
	struct reading *r = context;
	bool object = event == JSON_OBJECT_BEGIN || event == JSON_OBJECT_END;

	if (object) {
		if (is_at(scan, FIELD_DEPTH, "user_types"))
			begin_or_end_field(r, scan, event);
	} else if (is_at(scan, 3, "symbols")) {
		if (event == JSON_NUMBER && scan->is_integer &&
		    strcmp(scan->keys[2], "address") == 0)
			r->visitor->symbol(r->visitor->context, scan->keys[1], scan->number);
	} else if (is_at(scan, 3, "base_types")) {
		take_base_type(r, scan, event);
	} else if (is_at(scan, 3, "user_types")) {
		take_size(r, scan, event);
	} else if (is_at(scan, FIELD_DEPTH + 1, "user_types") ||
		   is_at(scan, FIELD_DEPTH + 2, "user_types") ||
		   is_at(scan, FIELD_DEPTH + 3, "user_types")) {
		take_field(r, scan, event);
	} else if (is_at(scan, 4, "metadata")) {
		return take_metadata(r, scan, event);
	}
	return true;
}

static enum ps_status take_bytes(void *context, const uint8_t *data, size_t size, bool *ret_stop,
				 struct ps_error *err)
{
	struct reading *r = context;
	enum ps_status status = isf_scan_feed(&r->scan, data, size, err);

	*ret_stop = isf_scan_stopped(&r->scan);
	return status;
}

enum ps_status isf_read(const char *path, const struct isf_visitor *visitor, struct ps_error *err)
{
	struct reading *r = calloc(1, sizeof(*r));
	enum ps_status status;

	if (!r)
		return ps_fail_memory(err, "a symbol table");
	r->visitor = visitor;
	isf_scan_init(&r->scan, take_value, r);
	status = unpack_file(path, take_bytes, r, err);
	if (status == PS_OK)
		status = isf_scan_end(&r->scan, err);
	if (status == PS_OK && !r->identified)
		status = ps_fail(err, PS_CORRUPT, "it names no Windows PDB");
	if (status == PS_CORRUPT)
		ps_wrap(err, "%s is no symbol table (ISF) that can be read", path);
	free(r);
	return status;
}

/*
 * Finds a member of a structure by their names, through nested structures. See pdb.h.
 */
#include "analyzer/kernel/pdb_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
	LF_MODIFIER = 0x1001,
	PATH_MOST = 16, /* members in a path */
};

static uint64_t name_hash(const char *name, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 0x100000001b3;
	return hash;
}

/* The names of all defined structures, once. The first of a name wins. */
static enum ps_status name_structs(struct pdb_types *types, struct ps_error *err)
{
	for (uint32_t i = 0; i < types->count && !types->has_names; i++) {
		struct pdb_struct type;
		struct bytes b;
		uint32_t other;
		uint64_t hash;
		bool forward;

		if (pdb_types_record(types, &types->window, types->first + i, &b, err) != PS_OK)
			return err->status;
		if (!pdb_types_read_struct(&b, &type, &forward) || forward)
			continue;
		hash = name_hash(type.name, type.name_length);
		if (!hash_find(&types->names, hash, &other) && !hash_add(&types->names, hash, i))
			return ps_fail_memory(err, "the names of a PDB's types");
	}
	types->has_names = true;
	return PS_OK;
}

static enum ps_status find_struct(struct pdb_types *types, const char *name, size_t length,
				  struct pdb_struct *ret, struct ps_error *err)
{
	struct pdb_struct type;
	struct bytes b;
	uint32_t index;
	bool forward;

	if (name_structs(types, err) != PS_OK)
		return err->status;
	if (!hash_find(&types->names, name_hash(name, length), &index))
		return ps_fail(err, PS_NOT_FOUND, "%s has no structure of that name",
			       file_words(&types->pdb->msf.file));
	if (pdb_types_record(types, &types->aside, types->first + index, &b, err) != PS_OK)
		return err->status;
	if (!pdb_types_read_struct(&b, &type, &forward) || type.name_length != length ||
	    memcmp(type.name, name, length) != 0)
		return ps_fail(err, PS_NOT_FOUND, "%s has no structure of that name",
			       file_words(&types->pdb->msf.file));
	*ret = type;
	return PS_OK;
}

static enum ps_status find_list(struct pdb_types *types, const char *name, size_t length,
				uint32_t *ret, struct ps_error *err)
{
	struct pdb_struct type;
	enum ps_status status = find_struct(types, name, length, &type, err);

	if (status == PS_OK)
		*ret = type.field_list;
	return status;
}

enum ps_status pdb_types_size(struct pdb_types *types, const char *name, uint64_t *ret,
			      struct ps_error *err)
{
	struct pdb_struct type;
	enum ps_status status = find_struct(types, name, strlen(name), &type, err);

	if (status == PS_OK)
		*ret = type.size;
	return status;
}

struct member_search {
	const char *name;
	size_t length;
	bool found;
	struct pdb_field field;
};

static bool is_member(void *context, const struct pdb_field *field)
{
	struct member_search *search = context;

	if (field->name_length != search->length ||
	    memcmp(field->name, search->name, search->length) != 0)
		return true;
	search->found = true;
	search->field = *field;
	return false;
}

/* The field list of a member's type: of its definition where it is only declared. */
static enum ps_status list_of_type(struct pdb_types *types, uint32_t index, uint32_t *ret,
				   struct ps_error *err)
{
	struct pdb_struct type;
	struct bytes b;
	char *name;
	bool forward;
	enum ps_status status;

	if (pdb_types_record(types, &types->aside, index, &b, err) != PS_OK)
		return err->status;
	if (bytes_u16(&b, 0) == LF_MODIFIER &&
	    pdb_types_record(types, &types->aside, bytes_u32(&b, 2), &b, err) != PS_OK)
		return err->status;
	if (!pdb_types_read_struct(&b, &type, &forward))
		return ps_fail(err, PS_NOT_FOUND, "%s: a member on the path is no structure",
			       file_words(&types->pdb->msf.file));
	if (!forward) {
		*ret = type.field_list;
		return PS_OK;
	}
	name = mem_strndup(type.name, type.name_length); /* the window moves */
	if (!name)
		return ps_fail_memory(err, "the name of a type");
	status = find_list(types, name, type.name_length, ret, err);
	free(name);
	return status;
}

enum ps_status pdb_types_field(struct pdb_types *types, const char *type, const char *path,
			       struct pdb_field *ret, struct ps_error *err)
{
	uint64_t offset = 0;
	uint32_t list;
	enum ps_status status = find_list(types, type, strlen(type), &list, err);

	for (unsigned depth = 0; status == PS_OK; depth++) {
		struct member_search search = {.name = path, .length = strcspn(path, ".")};

		status = depth == PATH_MOST
				 ? ps_fail(err, PS_NOT_FOUND, "the path of members is too long")
				 : pdb_types_fields(types, list, is_member, &search, err);
		if (status == PS_OK && !search.found)
			status = ps_fail(err, PS_NOT_FOUND, "%s: %s has no member %s",
					 file_words(&types->pdb->msf.file), type, path);
		if (status != PS_OK)
			return status;
		offset += search.field.offset;
		path += search.length;
		if (*path == '\0') {
			*ret = search.field;
			ret->name = NULL;
			ret->name_length = 0;
			ret->offset = offset;
			return PS_OK;
		}
		path++;
		status = list_of_type(types, search.field.type, &list, err);
	}
	return status;
}

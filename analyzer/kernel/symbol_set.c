/*
 * Loads symbol sets from PDBs, ISF files and the table of known builds. See symbol_set.h.
 */
#include "analyzer/kernel/symbol_set.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/isf.h"
#include "analyzer/kernel/pdb.h"
#include "base/memory.h"

enum {
	MACHINE_OF_X86 = 0x14c,
	PATH_WORDS = 110, /* bytes of a path in a message */
};

void symbol_set_fini(struct symbol_set *set)
{
	free(set->origin);
	set->origin = NULL;
}

const char *symbol_source_word(enum symbol_source source)
{
	switch (source) {
	case SOURCE_PDB: return "PDB";
	case SOURCE_ISF: return "ISF";
	case SOURCE_CACHE: return "cache";
	case SOURCE_KNOWN_BUILD: return "known build";
	}
	return "";
}

void symbol_set_symbol(struct symbol_set *set, const struct symbol_index *index, const char *name,
		       size_t length, uint64_t rva)
{
	unsigned i = symbol_index_name(index, name, length);

	if (i == SYMBOL_COUNT || rva == 0 || rva > UINT32_MAX || set->rvas[i] != 0)
		return;
	set->rvas[i] = (uint32_t)rva;
	set->symbols++;
}

void symbol_set_field(struct symbol_set *set, unsigned field, const struct symbol_offset *offset)
{
	if (field == SYMBOL_FIELD_COUNT || set->fields[field].known)
		return;
	set->fields[field] = *offset;
	set->fields[field].known = true;
	set->offsets++;
}

static enum ps_status begin(struct symbol_set *set, enum symbol_source source, const char *origin,
			    struct ps_error *err)
{
	*set = (struct symbol_set){.source = source};
	set->origin = mem_strndup(origin, strlen(origin));
	return set->origin ? PS_OK : ps_fail_memory(err, "symbols");
}

/* Only the end of a long path: the words behind it are what matters. */
static const char *path_words(const char *path)
{
	size_t length = strlen(path);

	return length > PATH_WORDS ? path + length - PATH_WORDS : path;
}

static enum ps_status of_another(const char *path, const char *found, const char *wanted,
				 struct ps_error *err)
{
	return ps_fail(err, PS_NOT_FOUND, "%s is for %s, and the kernel is %s", path_words(path),
		       found, wanted);
}

struct taking {
	struct symbol_set *set;
	const struct symbol_index *index;
	const char *wanted; /* NULL: any */
	bool decorated;     /* x86: C names begin with _ */
	struct pdb_types *types;
	struct ps_error *err;
	const char *type; /* whose members are being visited */
};

static bool take_pdb_symbol(void *context, const struct pdb_symbol *symbol)
{
	struct taking *t = context;
	const char *name = symbol->name;
	size_t length = symbol->name_length;
	const char *at;

	if (!symbol->has_rva)
		return true;
	if (t->decorated && symbol->kind == PDB_PUBLIC && length > 0 && name[0] == '_') {
		name++;
		length--;
		at = memchr(name, '@', length);
		if (at)
			length = (size_t)(at - name);
	}
	symbol_set_symbol(t->set, t->index, name, length, symbol->rva);
	return t->set->symbols < SYMBOL_COUNT;
}

static uint8_t width_of(uint64_t width)
{
	return width <= UINT8_MAX ? (uint8_t)width : 0;
}

static enum ps_status take_pdb_field(struct taking *t, struct pdb_types *types, unsigned i,
				     struct ps_error *err)
{
	const struct symbol_field_name *name = &symbol_fields[i];
	struct pdb_field field = {.offset = 0};
	uint64_t width = 0;
	enum ps_status status;

	if (strcmp(name->name, SYMBOL_SIZE_OF) == 0)
		status = pdb_types_size(types, name->type, &field.offset, err);
	else if ((status = pdb_types_field(types, name->type, name->name, &field, err)) == PS_OK)
		status = pdb_types_width(types, field.type, &width, err);
	if (status == PS_OK && field.offset <= UINT32_MAX)
		symbol_set_field(t->set, i,
				 &(struct symbol_offset){.offset = (uint32_t)field.offset,
							 .bit_position = field.bit_position,
							 .bit_length = field.bit_length,
							 .width = width_of(width)});
	if (status != PS_NOT_FOUND)
		return status;
	ps_error_clear(err);
	return PS_OK;
}

static enum ps_status take_pdb_types(struct taking *t, struct pdb *pdb, struct ps_error *err)
{
	struct pdb_types *types;
	enum ps_status status = pdb_types_create(pdb, &types, err);

	if (status == PS_ABSENT) { /* a PDB without types is one nevertheless */
		ps_error_clear(err);
		return PS_OK;
	}
	if (status != PS_OK)
		return status;
	for (unsigned i = 0; i < SYMBOL_FIELD_COUNT && status == PS_OK; i++)
		status = take_pdb_field(t, types, i, err);
	pdb_types_destroy(types);
	return status;
}

static enum ps_status take_pdb(struct taking *t, struct pdb *pdb, const char *path,
			       struct ps_error *err)
{
	enum ps_status status;

	if (t->wanted && strcmp(pdb->guid_age, t->wanted) != 0)
		return of_another(path, pdb->guid_age, t->wanted, err);
	memcpy(t->set->guid_age, pdb->guid_age, sizeof(pdb->guid_age));
	t->decorated = pdb->machine == MACHINE_OF_X86;
	status = pdb_symbols(pdb, PDB_PUBLIC | PDB_GLOBAL | PDB_STATIC, take_pdb_symbol, t, err);
	return status == PS_OK ? take_pdb_types(t, pdb, err) : status;
}

enum ps_status symbol_set_load_pdb(struct symbol_set *set, const struct symbol_index *index,
				   const char *path, const char *guid_age, struct ps_error *err)
{
	struct taking t = {.set = set, .index = index, .wanted = guid_age};
	struct pdb *pdb = NULL;
	const char *slash = strrchr(path, '/');
	enum ps_status status = begin(set, SOURCE_PDB, path, err);

	snprintf(set->pdb_name, sizeof(set->pdb_name), "%s", slash ? slash + 1 : path);
	if (status == PS_OK)
		status = pdb_open(path, &pdb, err);
	if (status == PS_OK)
		status = take_pdb(&t, pdb, path, err);
	pdb_close(pdb);
	return status;
}

static bool take_isf_identity(void *context, const char *pdb_name, const char *guid_age)
{
	struct taking *t = context;

	snprintf(t->set->pdb_name, sizeof(t->set->pdb_name), "%s", pdb_name);
	snprintf(t->set->guid_age, sizeof(t->set->guid_age), "%s", guid_age);
	return !t->wanted || strcmp(guid_age, t->wanted) == 0;
}

/* Tables of x86 kernels may keep the linker's names. */
static void take_isf_symbol(void *context, const char *name, uint64_t rva)
{
	struct taking *t = context;

	symbol_set_symbol(t->set, t->index, name, strlen(name), rva);
	if (name[0] == '_')
		symbol_set_symbol(t->set, t->index, name + 1, strlen(name + 1), rva);
}

static void take_isf_field(void *context, const struct isf_field *field)
{
	struct taking *t = context;

	if (field->offset <= UINT32_MAX)
		symbol_set_field(t->set, symbol_index_field(t->index, field->type, field->name),
				 &(struct symbol_offset){.offset = (uint32_t)field->offset,
							 .bit_position = field->bit_position,
							 .bit_length = field->bit_length,
							 .width = width_of(field->width)});
}

enum ps_status symbol_set_load_isf(struct symbol_set *set, const struct symbol_index *index,
				   const char *path, const char *guid_age, struct ps_error *err)
{
	struct taking t = {.set = set, .index = index, .wanted = guid_age};
	const struct isf_visitor visitor = {&t, take_isf_identity, take_isf_symbol, take_isf_field};
	enum ps_status status = begin(set, SOURCE_ISF, path, err);

	if (status == PS_OK)
		status = isf_read(path, &visitor, err);
	if (status == PS_OK && guid_age && strcmp(set->guid_age, guid_age) != 0)
		return of_another(path, set->guid_age, guid_age, err);
	return status;
}

/* Facts of Microsoft's public PDBs: RVAs by GUID and age. CONTRIBUTING.md says how rows are added.
 */
#define KNOWN_COLUMNS
static const char *const known_columns[] = {
#include "analyzer/kernel/known_builds.inc"
};
#undef KNOWN_COLUMNS

enum { KNOWN_COLUMN_COUNT = sizeof(known_columns) / sizeof(known_columns[0]) };

static const struct {
	char guid_age[GUID_AGE_LENGTH];
	char version[24];
	uint32_t rvas[KNOWN_COLUMN_COUNT];
} known_builds[] = {
#include "analyzer/kernel/known_builds.inc"
};

size_t known_build_count(void)
{
	return sizeof(known_builds) / sizeof(known_builds[0]);
}

enum ps_status symbol_set_load_known(struct symbol_set *set, const struct symbol_index *index,
				     const char *guid_age, struct ps_error *err)
{
	enum ps_status status;
	size_t i = 0;

	while (i < known_build_count() && strcmp(known_builds[i].guid_age, guid_age) != 0)
		i++;
	*set = (struct symbol_set){.source = SOURCE_KNOWN_BUILD};
	if (i == known_build_count())
		return ps_fail(err, PS_NOT_FOUND, "%s is none of the %zu known builds", guid_age,
			       known_build_count());
	status = begin(set, SOURCE_KNOWN_BUILD, known_builds[i].version, err);
	memcpy(set->guid_age, known_builds[i].guid_age, sizeof(set->guid_age));
	snprintf(set->pdb_name, sizeof(set->pdb_name), "ntkrnlmp.pdb");
	for (size_t c = 0; c < KNOWN_COLUMN_COUNT; c++)
		symbol_set_symbol(set, index, known_columns[c], strlen(known_columns[c]),
				  known_builds[i].rvas[c]);
	return status;
}

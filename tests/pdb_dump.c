/*
 * Prints what the PDB reader sees, one a line, for comparison with another reader: identity,
 * symbols (kind, section:offset, RVA, name), structures (name, size) and their members (offset, bit
 * position and length, name). With --time, only the publics are walked. With two more words, the
 * offset, bits and width of one member: pdb_dump FILE STRUCT PATH.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/kernel/pdb.h"
#include "base/signals.h"

static bool show_symbol(void *context, const struct pdb_symbol *s)
{
	const char *kind = s->kind == PDB_PUBLIC   ? "public"
			   : s->kind == PDB_GLOBAL ? "global"
			   : s->kind == PDB_STATIC ? "static"
						   : "function";

	(void)context;
	printf("%s %u:%u ", kind, s->section, s->offset);
	if (s->has_rva)
		printf("%" PRIx32, s->rva);
	else
		printf("-");
	printf(" %.*s\n", (int)s->name_length, s->name);
	return true;
}

static bool count_symbol(void *context, const struct pdb_symbol *s)
{
	(void)s;
	++*(uint64_t *)context;
	return true;
}

static bool show_field(void *context, const struct pdb_field *f)
{
	(void)context;
	printf("  member %" PRIu64 " %u %u %.*s\n", f->offset, f->bit_position, f->bit_length,
	       (int)f->name_length, f->name);
	return true;
}

struct showing {
	struct pdb_types *types;
	struct ps_error *err;
};

static bool show_struct(void *context, const struct pdb_struct *s)
{
	struct showing *showing = context;

	printf("struct %" PRIu64 " %.*s\n", s->size, (int)s->name_length, s->name);
	return pdb_types_fields(showing->types, s->field_list, show_field, NULL, showing->err) ==
	       PS_OK;
}

static enum ps_status show_types(struct pdb *pdb, int argc, char **argv, struct ps_error *err)
{
	struct pdb_types *types;
	struct showing showing = {.err = err};
	struct pdb_field field;
	uint64_t width;
	enum ps_status status = pdb_types_create(pdb, &types, err);

	if (status != PS_OK)
		return status;
	showing.types = types;
	if (argc == 4) {
		status = pdb_types_field(types, argv[2], argv[3], &field, err);
		if (status == PS_OK)
			status = pdb_types_width(types, field.type, &width, err);
		if (status == PS_OK)
			printf("%" PRIu64 " %u %u %" PRIu64 "\n", field.offset, field.bit_position,
			       field.bit_length, width);
	} else {
		status = pdb_types_structs(types, show_struct, &showing, err);
		if (status == PS_OK)
			status = err->status;
	}
	pdb_types_destroy(types);
	return status;
}

int main(int argc, char **argv)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pdb *pdb = NULL;
	uint64_t count = 0;
	enum ps_status status;

	if (argc < 2 || argc > 4)
		return 2;
	signals_init();
	status = pdb_open(argv[1], &pdb, &err);
	if (status == PS_OK && argc < 4)
		printf("pdb %s %" PRIu32 "\n", pdb->guid_age, pdb->info_age);
	if (status == PS_OK && argc == 3) {
		status = pdb_symbols(pdb, PDB_PUBLIC, count_symbol, &count, &err);
		printf("%" PRIu64 " publics\n", count);
	} else if (status == PS_OK) {
		if (argc == 2)
			status = pdb_symbols(pdb,
					     PDB_PUBLIC | PDB_GLOBAL | PDB_STATIC | PDB_FUNCTION,
					     show_symbol, NULL, &err);
		if (status == PS_OK)
			status = show_types(pdb, argc, argv, &err);
		if (status == PS_ABSENT)
			status = PS_OK;
	}
	if (status != PS_OK)
		fprintf(stderr, "%s\n", err.text);
	pdb_close(pdb);
	return status == PS_OK ? 0 : 1;
}

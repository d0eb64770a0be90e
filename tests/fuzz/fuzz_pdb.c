/*
 * libFuzzer: any bytes as a PDB - symbols, functions, types - and as a symbol source of a kernel.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/kernel/pdb.h"
#include "analyzer/kernel/symbol_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte of a name, so that a sanitizer sees one that is not there. */
static bool touch(const char *name, size_t length)
{
	unsigned sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned char)name[i];
	return sum != UINT32_MAX;
}

static bool see_symbol(void *context, const struct pdb_symbol *symbol)
{
	(void)context;
	return touch(symbol->name, symbol->name_length);
}

static bool see_field(void *context, const struct pdb_field *field)
{
	(void)context;
	return touch(field->name, field->name_length);
}

static bool see_struct(void *context, const struct pdb_struct *type)
{
	struct ps_error err = PS_ERROR_INIT;

	touch(type->name, type->name_length);
	pdb_types_fields(context, type->field_list, see_field, NULL, &err);
	return true;
}

static void check(enum ps_status status, const struct ps_error *err)
{
	if (status != PS_OK && err->text[0] == '\0')
		abort();
}

static void read_all(struct pdb *pdb)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pdb_types *types;

	check(pdb_symbols(pdb, PDB_PUBLIC | PDB_GLOBAL | PDB_STATIC | PDB_FUNCTION, see_symbol,
			  NULL, &err),
	      &err);
	ps_error_clear(&err);
	if (pdb_types_create(pdb, &types, &err) == PS_OK) {
		check(pdb_types_structs(types, see_struct, types, &err), &err);
		pdb_types_destroy(types);
	} else {
		check(err.status, &err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	int fd = memfd_create("pdb", MFD_CLOEXEC);
	struct symbol_index index;
	struct symbol_set set;
	struct pdb *pdb;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || !symbol_index_init(&index))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (pdb_open(path, &pdb, &err) == PS_OK) {
		read_all(pdb);
		pdb_close(pdb);
		check(symbol_set_load_pdb(&set, &index, path, NULL, &err), &err);
		symbol_set_fini(&set);
	} else {
		check(err.status, &err);
	}
	symbol_index_fini(&index);
	close(fd);
	return 0;
}

/*
 * What the parts of the PDB reader share. Private to pdb*.c.
 */
#ifndef PS_ANALYZER_KERNEL_PDB_INTERNAL_H
#define PS_ANALYZER_KERNEL_PDB_INTERNAL_H

#include "analyzer/kernel/pdb.h"
#include "base/bytes.h"

/** Numbers of the streams that every PDB has. */
enum { PDB_INFO_STREAM = 1, PDB_TYPE_STREAM = 2, PDB_DBI_STREAM = 3 };

enum { PDB_DBI_HEADER = 64 };

struct pdb_section {
	uint32_t rva, size;
};

/** From `from` on, what the linker laid out lies at `to` (0: removed). */
struct pdb_moved {
	uint32_t from, to;
};

struct pdb_module {
	uint32_t stream; /* MSF_NO_STREAM: no symbols */
	uint32_t size;   /* bytes of symbols in it */
};

enum ps_status pdb_corrupt(const struct pdb *pdb, const char *what, struct ps_error *err);

/** Length of the string at `offset`, up to its NUL; false without one before the end. */
bool pdb_string(const struct bytes *b, size_t offset, size_t *ret_length);

#endif

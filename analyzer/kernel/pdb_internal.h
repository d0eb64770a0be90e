/*
 * What the parts of the PDB reader share. Private to pdb*.c.
 */
#ifndef PS_ANALYZER_KERNEL_PDB_INTERNAL_H
#define PS_ANALYZER_KERNEL_PDB_INTERNAL_H

#include "analyzer/kernel/pdb.h"
#include "base/bytes.h"
#include "base/hash.h"

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

struct pdb_types {
	struct pdb *pdb; /* borrowed */
	uint32_t first;  /* number of the first type */
	uint32_t *at;    /* owned: offset of each type's length in the stream */
	uint32_t count;
	struct msf_window window; /* for walks over all types */
	struct msf_window aside;  /* for single types, during such a walk too */
	struct hash names;        /* hash of a defined structure's name -> its type, once filled */
	bool has_names;
};

/** *ret begins with the type's kind; it borrows the window. */
enum ps_status pdb_types_record(struct pdb_types *types, struct msf_window *window, uint32_t index,
				struct bytes *ret, struct ps_error *err);

/** False when the record is no structure. *ret_forward: only declared. */
bool pdb_types_read_struct(struct bytes *record, struct pdb_struct *ret, bool *ret_forward);

#endif

/*
 * A PDB file: which image it belongs to, its public and global symbols with their RVAs, and the
 * layouts of its structures.
 *
 * Sources: LLVM's documentation of the PDB format and the public record layouts of
 * microsoft/microsoft-pdb (cvinfo.h). Ownership: pdb_open() / pdb_close(), pdb_types_create() /
 * pdb_types_destroy(); types borrow the PDB. Every name and number is checked against its stream.
 * Not supported: MSF 2.00, line numbers, locals, the IPI stream, type servers.
 */
#ifndef PS_ANALYZER_KERNEL_PDB_H
#define PS_ANALYZER_KERNEL_PDB_H

#include "analyzer/kernel/pdb_msf.h"
#include "analyzer/kernel/pe.h"

struct pdb {
	struct msf msf;                 /* owned */
	char guid_age[GUID_AGE_LENGTH]; /* as pe_identity has it: what a debugger compares */
	uint32_t info_age;              /* of the info stream: how often the file was written */
	bool has_dbi;                   /* symbols can be asked for */
	uint16_t machine;
	uint32_t symbol_stream, dbi_modules_size;
	struct pdb_section *sections; /* owned; where symbols count from */
	uint32_t section_count;
	struct pdb_moved *moved; /* owned; NULL: the code was not rearranged after linking */
	uint32_t moved_count;
	struct pdb_module *modules; /* owned; read when a function is asked for */
	uint32_t module_count;
	bool modules_read;
};

/**
 * Opens `path`. PS_UNSUPPORTED when it is no PDB, PS_CORRUPT when it is damaged, PS_SYSTEM; one
 * sentence that names the file.
 */
enum ps_status pdb_open(const char *path, struct pdb **ret, struct ps_error *err);

/** NULL is harmless. */
void pdb_close(struct pdb *pdb);

enum pdb_symbol_kind {
	PDB_PUBLIC = 1,   /* S_PUB32 */
	PDB_GLOBAL = 2,   /* S_GDATA32 */
	PDB_STATIC = 4,   /* S_LDATA32 */
	PDB_FUNCTION = 8, /* S_PROCREF and S_LPROCREF, followed into their module */
};

struct pdb_symbol {
	enum pdb_symbol_kind kind;
	const char *name; /* borrowed, without a NUL; valid during the visit */
	size_t name_length;
	uint16_t section; /* counted from 1 */
	uint32_t offset;
	bool has_rva; /* false: its section is none of the image's, as of absolute symbols */
	uint32_t rva;
	bool is_function; /* of PDB_FUNCTION, and of PDB_PUBLIC where the linker says so */
	uint32_t length;  /* PDB_FUNCTION: bytes of its code; else 0: not known */
};

/** False ends the walk. */
typedef bool (*pdb_symbol_visit)(void *context, const struct pdb_symbol *symbol);

/** Visits the symbols of the kinds asked for (bits), in the file's order. PS_CORRUPT. */
enum ps_status pdb_symbols(struct pdb *pdb, unsigned kinds, pdb_symbol_visit visit, void *context,
			   struct ps_error *err);

/**
 * RVA behind the section of that number (counted from 1); UINT32_MAX when there is none, or when
 * the code was rearranged after linking.
 */
uint32_t pdb_section_end(const struct pdb *pdb, uint16_t section);

/** A structure, class or union that is defined here. */
struct pdb_struct {
	const char *name; /* borrowed, without a NUL; valid during the visit */
	size_t name_length;
	bool is_union;
	uint64_t size;       /* bytes */
	uint32_t field_list; /* type index; 0: no fields */
};

struct pdb_field {
	const char *name; /* borrowed, without a NUL; valid during the visit */
	size_t name_length;
	uint32_t type;                    /* type index, of a bit field the type it is cut from */
	uint64_t offset;                  /* bytes from the start of the structure */
	uint8_t bit_position, bit_length; /* length 0: no bit field */
};

typedef bool (*pdb_struct_visit)(void *context, const struct pdb_struct *type);
typedef bool (*pdb_field_visit)(void *context, const struct pdb_field *field);

struct pdb_types;

/** Walks the type stream once to know where every type lies. PS_CORRUPT, PS_ABSENT: no types. */
enum ps_status pdb_types_create(struct pdb *pdb, struct pdb_types **ret, struct ps_error *err);
void pdb_types_destroy(struct pdb_types *types);

/** Visits every structure, class and union that is defined (forward references are not). */
enum ps_status pdb_types_structs(struct pdb_types *types, pdb_struct_visit visit, void *context,
				 struct ps_error *err);

/** Visits the data members of a field list, with its continuations. */
enum ps_status pdb_types_fields(struct pdb_types *types, uint32_t field_list, pdb_field_visit visit,
				void *context, struct ps_error *err);

/**
 * One member of a structure: "UniqueProcessId", or a path through nested structures and unions,
 * "Pcb.DirectoryTableBase"; the offset counts from the outermost. The name in *ret is not set.
 * PS_NOT_FOUND when there is no such structure or member.
 */
enum ps_status pdb_types_field(struct pdb_types *types, const char *type, const char *path,
			       struct pdb_field *ret, struct ps_error *err);

/** How many bytes a structure of that name takes. PS_NOT_FOUND. */
enum ps_status pdb_types_size(struct pdb_types *types, const char *name, uint64_t *ret,
			      struct ps_error *err);

/** How many bytes a value of the type takes (pdb_field.type); 0: not known. PS_CORRUPT. */
enum ps_status pdb_types_width(struct pdb_types *types, uint32_t type, uint64_t *ret,
			       struct ps_error *err);

#endif

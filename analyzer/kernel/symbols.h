/*
 * The symbol sources of one kernel, in order: PDB files, ISF files, cached entries, the table of
 * known builds. What none of them has is found by structure, elsewhere.
 *
 * A source is taken by the kernel's PDB name, GUID and age, never by build number. It is a claim:
 * whoever uses an address proves what lies there and rejects the source when it is something else;
 * then the next one is asked. Ownership: symbols_create() / symbols_destroy().
 */
#ifndef PS_ANALYZER_KERNEL_SYMBOLS_H
#define PS_ANALYZER_KERNEL_SYMBOLS_H

#include "analyzer/kernel/symbol_places.h"
#include "analyzer/kernel/symbol_set.h"

struct symbol_options {
	const char *const
		*paths; /* symbol paths given by the user, borrowed; see symbol_places.h */
	size_t path_count;
	const char *environment[2]; /* POOLSCOPE_SYMBOLS, _NT_SYMBOL_PATH; NULL: not set */
	const char *cache;          /* folder of cached entries; NULL: none */
	bool no_known_builds;
};

enum symbol_result {
	SYMBOLS_FOUND,   /* for this kernel; used, or not needed any more */
	SYMBOLS_ABSENT,  /* nothing for this kernel there */
	SYMBOLS_OTHER,   /* a file of the right name for another kernel */
	SYMBOLS_DAMAGED, /* cannot be read */
	SYMBOLS_WRONG,   /* for this kernel, but what it leads to is not what it should be */
};

/** One place that was looked at. */
struct symbol_attempt {
	enum symbol_source source;
	enum symbol_result result;
	char *where; /* owned: path, or "built in" */
	char *words; /* owned: what was found, or why it is not used */
};

/** A structure that is read, or is not, by the layout that the present source has of it. */
struct symbol_layout {
	const char *type; /* static */
	bool used;
	char why[120]; /* not used: why */
};

enum { SYMBOL_LAYOUTS = 8 };

struct symbols {
	char pdb_name[PDB_NAME_LENGTH];
	char guid_age[GUID_AGE_LENGTH];
	struct symbol_set set; /* of the source that symbols_next() came to */
	bool has_set;
	struct symbol_layout layouts[SYMBOL_LAYOUTS]; /* by the present source */
	unsigned layout_count;
	struct symbol_attempt *attempts; /* owned */
	size_t attempt_count, attempt_capacity;

	/* private */
	struct symbol_index index;
	struct symbol_paths places;
	size_t given; /* places named by the user: when one is not there that is said */
	struct symbol_files *files; /* of each place, owned */
	size_t stage, next;
	const struct symbol_options *options; /* borrowed while sources are asked */
};

/** The sources for the kernel of that PDB. PS_NO_MEMORY. `options` must outlive the symbols. */
enum ps_status symbols_create(const struct symbol_options *options, const char *pdb_name,
			      const char *guid_age, struct symbols **ret, struct ps_error *err);
void symbols_destroy(struct symbols *symbols);

/**
 * Goes on to the next source that has this kernel: symbols->set. PS_NOT_FOUND when there is none
 * (left); then no set is there. PS_NO_MEMORY, PS_INTERRUPTED.
 */
enum ps_status symbols_next(struct symbols *symbols, struct ps_error *err);

/** Says of the source that symbols_next() came to that it is wrong, and why. */
void symbols_reject(struct symbols *symbols, const char *why);

/** Address of a kernel variable by the present source; false when it has none. */
bool symbols_address(const struct symbols *symbols, uint64_t base, enum symbol_id symbol,
		     uint64_t *ret);

/** As symbols_address(), by name; of symbol_names[] only. */
bool symbols_address_of(const struct symbols *symbols, uint64_t base, const char *name,
			uint64_t *ret);

/**
 * Offset of a member by the present source, of symbol_fields[] only; false when it does not know.
 * NULL symbols know nothing.
 */
bool symbols_type_offset(const struct symbols *symbols, const char *type, const char *field,
			 struct symbol_offset *ret);

/** True when symbols_layout() recorded why that structure's layout is not used. */
bool symbols_layout_refused(const struct symbols *symbols, const char *type);

/** Records that `type` (static) is read by the present source's layout, or why it is not. False:
 * that was recorded before. */
bool symbols_layout(struct symbols *symbols, const char *type, const char *why);

/** "PDB /s/ntkrnlmp.pdb", "known build 10.0.17763.437". Caller frees; NULL: out of memory. */
char *symbols_words(const struct symbols *symbols);

#endif

/*
 * Finds the pool's tables: from PoolTrackTable - which symbols or KDBG name, or the code of the
 * pool's functions, or its own structure - through the other symbols or the cluster of variables
 * around it; always by structure and proof, never by a name or a build number alone.
 */
#ifndef PS_ANALYZER_POOL_LOCATE_H
#define PS_ANALYZER_POOL_LOCATE_H

#include "analyzer/kernel/kernel.h"
#include "analyzer/pool/symbol_layouts.h"

enum { POOL_TABLES_MAX = 2048 }; /* longest ExPoolTagTables known */

/** A kernel variable: where it lies and what it holds. */
struct global {
	bool found;
	uint64_t va; /* of the variable; 0 when its value is known but its place is not unique */
	uint64_t value;
};

struct big_globals {
	struct global table;             /* PoolBigPageTable */
	struct global size;              /* PoolBigPageTableSize: entries */
	const struct big_layout *layout; /* NULL when not found */
	bool is_flags;                   /* type field holds POOL_FLAGS, not POOL_TYPE */
	bool flags_decided; /* by the sample; otherwise all entries are asked before the sums */
	bool kind_known;    /* false: paged cannot be told from nonpaged */
	bool size_proved;   /* no other size fits as well */
	struct fact build;  /* has a say where entries are few */
	char hash;          /* 'A', 'B', 'X' (XP), 'W' (2003), or '?': size not proved by a hash */
	uint64_t votes, voters; /* entries at their place / entries looked at */
	/* XP and 2003 tell paged from nonpaged by address; 0 where KDBG has no range */
	uint64_t paged_start, paged_end, nonpaged_start, nonpaged_end;
	char note[240];
};

struct pool_globals {
	const char *found_by;         /* "structure around KDBG's PoolTrackTable", ...; static */
	struct global tracker;        /* PoolTrackTable */
	struct global tracker_size;   /* entries, 2^n + 1 */
	struct global tracker_mask;   /* 2^n - 1 */
	struct global expansion;      /* PoolTrackTableExpansion; value 0 = not in use */
	struct global expansion_size; /* entries */
	bool expansion_expected;      /* the ring is full, so there can be one */
	char expansion_note[240];     /* why tags or counts of the expansion table may be missing */
	struct global tables;         /* ExPoolTagTables; value = first element */
	const struct tracker_layout *layout;
	char hash;                  /* 'A', 'B'; '?' when the vote could not decide */
	uint64_t votes, voters;     /* keys at their probe position / keys looked at */
	uint64_t *processor_tables; /* owned; distinct tables, PoolTrackTable's own first */
	int *processor_numbers;     /* owned; ExPoolTagTables slot of each */
	size_t processor_table_count;
	bool processors_known;     /* every processor's table is in processor_tables */
	char processors_note[240]; /* why not */
	struct big_globals big;
	struct ps_error big_error;        /* why big.table is not found */
	struct symbol_layouts by_symbols; /* layouts of which symbols know */
	struct header_layout header;      /* of pool blocks */
	char symbols[160];                /* the source whose addresses were used; empty: none */
	char notes[8][240];               /* disagreements with the build's prior and the like */
	unsigned note_count;
};

/**
 * Asks the kernel's symbol sources in order; what one names is proved as what the search finds. A
 * source whose PoolTrackTable leads to no tag table is rejected with a note in the kernel. Then the
 * search by structure.
 */
enum ps_status pool_locate(struct kernel *kernel, struct pool_globals *ret, struct ps_error *err);
void pool_globals_fini(struct pool_globals *globals);

/** True when the tracker entries, the big-page entries are read by the layout that symbols have. */
bool pool_globals_tracker_by_symbols(const struct pool_globals *globals);
bool pool_globals_big_by_symbols(const struct pool_globals *globals);

#endif

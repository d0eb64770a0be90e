/*
 * Volatility 3's symbol tables (ISF): one JSON object a file, .json, .json.xz or .json.gz.
 *
 * Source: the ISF schema of Volatility 3 (format 4.0.0 to 6.x): metadata.windows.pdb, symbols,
 * user_types. Only what is asked for is looked at. Not supported: tables of other systems, members
 * of members (they have rows of their own structure).
 */
#ifndef PS_ANALYZER_KERNEL_ISF_H
#define PS_ANALYZER_KERNEL_ISF_H

#include "analyzer/kernel/pe.h"

struct isf_field {
	const char *type, *name;          /* borrowed, valid during the call */
	uint64_t offset;                  /* bytes */
	uint8_t bit_position, bit_length; /* length 0: no bit field */
	uint64_t width; /* bytes of a number or pointer; 0: not known. The table of base types must
			   stand before the structures, as every writer has it */
};

struct isf_visitor {
	void *context;
	/** Once, when the table says what it is for; false: not wanted, the rest is not read. */
	bool (*identity)(void *context, const char *pdb_name, const char *guid_age);
	/** Every symbol with an address: its RVA. */
	void (*symbol)(void *context, const char *name, uint64_t rva);
	/** Every member; and for the name SYMBOL_SIZE_OF every structure's size, as its offset. */
	void (*field)(void *context, const struct isf_field *field);
};

/**
 * Reads a table. What it says may come before identity() was called: it is right only when that
 * returned true and this PS_OK. PS_CORRUPT: no JSON, cut off, or no Windows table; PS_UNSUPPORTED:
 * too large. The words name the file.
 */
enum ps_status isf_read(const char *path, const struct isf_visitor *visitor, struct ps_error *err);

#endif

/*
 * Exports, imports, functions and version resource of a PE image (pe_image.h).
 *
 * All readers are bounded by the image and skip, with a note in the image, what is absent or cannot
 * be right. Visitors return false to stop. Not supported: delay-loaded imports.
 */
#ifndef PS_ANALYZER_KERNEL_PE_EXPORTS_H
#define PS_ANALYZER_KERNEL_PE_EXPORTS_H

#include "analyzer/kernel/pe_image.h"

struct pe_export {
	const char *name;    /* NUL-terminated inside the image; NULL for an ordinal without name */
	uint32_t ordinal;    /* biased */
	uint32_t rva;        /* 0 for a forwarder */
	const char *forward; /* "NTDLL.Name" or NULL */
};

struct pe_import {
	const char *dll;  /* "ntoskrnl.exe", as the image spells it */
	const char *name; /* NULL: by ordinal */
	uint32_t ordinal;
	uint32_t slot; /* RVA of its IAT entry */
};

typedef bool (*pe_export_visitor)(void *context, const struct pe_export *export);
typedef bool (*pe_import_visitor)(void *context, const struct pe_import *import);

/**
 * In the order of the name table, then the ordinals without a name. Returns false when the
 * directory is absent or unreadable.
 */
bool pe_exports(struct pe_image *image, pe_export_visitor visit, void *context);

/**
 * By the import lookup tables, which are usually discarded from a driver's memory with INIT; then
 * this returns false and pe_iat() is what is left. Also false when only a part can be read (that
 * part is visited), and when the image imports nothing.
 */
bool pe_imports(struct pe_image *image, pe_import_visitor visit, void *context);

/** The import address table: directory 12, else the range that the import directory names. */
struct pe_range pe_iat(struct pe_image *image);

/**
 * One function body: [begin, end); a fragment names the function that it belongs to. ARM64 has no
 * record of that: a fragment belongs to the function that it adjoins, else it is its own root.
 */
struct pe_function {
	uint32_t begin, end; /* RVAs */
	uint32_t root;       /* begin of the function; == begin unless this is a split-off part */
};

struct pe_functions {
	struct pe_function *items; /* by begin, not overlapping */
	size_t count;
};

/**
 * From .pdata: x64 RUNTIME_FUNCTION (chained unwind info followed to its root), ARM64 packed and
 * full unwind records. Empty on x86. PS_NO_MEMORY only; bad records are dropped and noted.
 */
enum ps_status pe_functions_read(struct pe_image *image, struct pe_functions *ret,
				 struct ps_error *err);
void pe_functions_fini(struct pe_functions *functions);

/** The body that holds `rva`, or NULL: leaf functions have no record. */
const struct pe_function *pe_function_at(const struct pe_functions *functions, uint32_t rva);

enum { PE_VERSION_TEXT = 128 };

/** VERSIONINFO: UTF-8, empty where the resource has no such string. */
struct pe_version {
	bool present;
	uint16_t file[4]; /* VS_FIXEDFILEINFO: major, minor, build, revision */
	uint16_t product_number[4];
	char company[PE_VERSION_TEXT], product[PE_VERSION_TEXT], description[PE_VERSION_TEXT];
	char file_version[PE_VERSION_TEXT], original_name[PE_VERSION_TEXT];
	char copyright[PE_VERSION_TEXT];
	char why_not[160]; /* when not present: no resource directory, or which part is absent */
};

/** Reads RT_VERSION; prefers English or neutral where there are several languages. */
void pe_version_read(struct pe_image *image, struct pe_version *ret);

#endif

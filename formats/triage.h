/*
 * What a minidump (triage dump, DumpType 4) says of itself beside its pieces of memory: its lists
 * of drivers, the memory manager's totals, the copy of KDBG, and the data that drivers added.
 *
 * Owned by the dump. Names are UTF-16LE as stored; nothing here is checked against Windows'
 * structures, only against the file.
 */
#ifndef PS_FORMATS_TRIAGE_H
#define PS_FORMATS_TRIAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TRIAGE_NAME_MOST = 1024, TRIAGE_UNLOADED_NAME = 24, TRIAGE_GUID = 16 };

struct triage_driver {
	uint64_t base, size; /* bytes */
	uint32_t timestamp, checksum;
	uint8_t *name;     /* owned; UTF-16LE full path; NULL when its bytes are not in the file */
	size_t name_bytes; /* at most TRIAGE_NAME_MOST */
};

/** Newest first, as Windows writes them. */
struct triage_unloaded {
	uint64_t start, end;
	uint8_t name[TRIAGE_UNLOADED_NAME]; /* UTF-16LE; Windows keeps twelve characters */
	size_t name_bytes;
};

/** DUMP_MM_STORAGE: counts in pages of 4 KiB. */
struct triage_mm {
	bool present;
	bool filled; /* some count is not 0 */
	uint64_t nonpaged_maximum, nonpaged_allocated;
	uint64_t paged_maximum, paged_allocated;
	uint64_t committed, committed_peak, commit_limit;
	uint32_t special_pool_tag, driver_verifier_level;
};

/** Data that a driver or the kernel added behind the minidump proper. */
struct triage_blob {
	uint8_t guid[TRIAGE_GUID]; /* as stored: the first three fields little-endian */
	uint32_t size;             /* bytes */
	const char *name;          /* whose it is; NULL when this program does not know. Static */
};

struct triage {
	uint32_t stated_size; /* SizeOfDump: secondary data come after it */
	uint32_t service_pack_build, options;
	bool has_context, has_exception, has_processor, has_process, has_thread;
	uint64_t stack_top, stack_bytes; /* the call stack; 0 bytes: none */
	uint32_t block_count;            /* data blocks */

	struct triage_driver *drivers; /* owned; load order */
	size_t driver_count, drivers_stated;

	struct triage_unloaded *unloaded; /* owned */
	size_t unloaded_count;
	uint64_t unloaded_stated;
	bool has_unloaded_list;

	struct triage_mm mm;

	uint8_t *kdbg; /* owned; the decoded block, NULL when there is none */
	size_t kdbg_size;

	struct triage_blob *blobs; /* owned */
	size_t blob_count, blob_capacity;
	uint64_t blob_bytes; /* of all */
};

/** Frees the facts and all in them. NULL is harmless. */
void triage_destroy(struct triage *triage);

/** "what it is", or NULL: a static word for the GUID of a secondary data blob. */
const char *triage_blob_name(const uint8_t guid[TRIAGE_GUID]);

#endif

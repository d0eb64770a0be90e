/*
 * Where in a sound dump's file the structures lie that the program depends on, so that damage can
 * be aimed at them.
 *
 * Found with the program's own readers: the dump must be sound.
 */
#ifndef PS_TESTS_FUZZ_AIM_H
#define PS_TESTS_FUZZ_AIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum target_kind {
	TARGET_HEADER, /* of the file, with the page bitmap */
	TARGET_PAGE_TABLES,
	TARGET_TRACKER,
	TARGET_BIG,
	TARGET_LISTS,  /* modules, processes */
	TARGET_KERNEL, /* KDBG, the pool globals, ExPoolTagTables */
	TARGET_KINDS
};

struct target {
	uint64_t offset, length; /* in the file, bytes */
};

struct targets {
	struct target *items[TARGET_KINDS]; /* owned */
	size_t count[TARGET_KINDS], capacity[TARGET_KINDS];
};

const char *target_name(enum target_kind kind);

/** False, with words on standard error, when the dump is not sound. */
bool targets_find(const char *path, struct targets *ret);
void targets_fini(struct targets *targets);

#endif

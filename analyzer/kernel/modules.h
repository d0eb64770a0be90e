/*
 * Loaded modules (PsLoadedModuleList) and the ring of unloaded drivers (MmUnloadedDrivers).
 */
#ifndef PS_ANALYZER_KERNEL_MODULES_H
#define PS_ANALYZER_KERNEL_MODULES_H

#include "analyzer/kernel/pe.h"
#include "analyzer/memory/space.h"

struct module {
	uint64_t base;
	uint64_t size;      /* bytes: SizeOfImage; end - start for unloaded drivers */
	char *name;         /* owned; UTF-8 "ntfs.sys"; NULL when its bytes are not in the dump */
	char *path;         /* owned; UTF-8 full path or NULL */
	struct pe_identity image; /* from the PE header in memory; see its flags */
	uint64_t unloaded_at; /* FILETIME of unloading, 0 for loaded modules */
};

struct module_list {
	struct module *items; /* owned */
	size_t count, capacity;
	bool complete;     /* the whole list was walked */
	char note[240];    /* why it is not complete; empty otherwise */
};

enum { MODULE_LIMIT = 4096 }; /* more is a loop or rubbish; real lists hold a few hundred */

void module_list_init(struct module_list *list);
void module_list_fini(struct module_list *list);

/**
 * Walks the list at `head` until it comes back to the head, repeats an entry, or leaves readable
 * memory; the last two end the walk with list->complete false and a note. Only running out of
 * memory is an error.
 */
enum ps_status modules_read(struct space *space, uint64_t head, uint64_t build,
                            struct module_list *list, struct ps_error *err);

/** `table` = value of MmUnloadedDrivers, `last` = value of MmLastUnloadedDriver (next slot). */
enum ps_status modules_read_unloaded(struct space *space, uint64_t table, uint32_t last,
                                     struct module_list *list, struct ps_error *err);

/** The module that holds `va`, or NULL. */
const struct module *modules_find(const struct module_list *list, uint64_t va);

#endif

/*
 * Loaded modules (PsLoadedModuleList) and the ring of unloaded drivers (MmUnloadedDrivers).
 *
 * Names are UTF-8 in which unpaired surrogates and control characters are U+FFFD. Not supported:
 * user-mode modules; the pages of session drivers (win32k) from within their session.
 */
#ifndef PS_ANALYZER_KERNEL_MODULES_H
#define PS_ANALYZER_KERNEL_MODULES_H

#include "analyzer/kernel/pe.h"
#include "analyzer/memory/space.h"

struct module {
	uint64_t base;
	uint64_t size; /* bytes: SizeOfImage; end - start for unloaded drivers */
	char *name;    /* owned; UTF-8 "ntfs.sys"; NULL when its bytes are not in the dump */
	char *path;    /* owned; UTF-8 full path or NULL */
	struct pe_identity image; /* from the PE header in memory; see its flags */
	struct fact checksum;     /* of a minidump\'s list; elsewhere it is in `image` */
	struct fact timestamp;    /* link time: list entry (Windows 10 and later), else PE header */
	uint64_t unloaded_at;     /* FILETIME of unloading, 0 for loaded modules */
};

struct module_list {
	struct module *items; /* owned */
	size_t count, capacity;
	bool complete;  /* the whole list was walked */
	char note[240]; /* why it is not complete; empty otherwise */
};

/** Offsets in an entry of the list; its links come first. */
struct module_layout {
	unsigned pointer_size;
	uint32_t first_build; /* of the built-in ones */
	uint16_t base, size, path, name;
	uint16_t timestamp; /* 0 = none */
};

enum { MODULE_LIMIT = 4096 }; /* more is a loop or rubbish; real lists hold a few hundred */

void module_list_init(struct module_list *list);
void module_list_fini(struct module_list *list);

/**
 * Walks the list at `head` until it comes back to the head. Where it repeats an entry or leaves
 * readable memory, the rest is walked from the list's end backwards, list->complete is false and
 * the note says why and how many modules were reached each way. `own` is the layout of the
 * entries; where it is NULL, `build` chooses one, 0 = unknown. Only running out of memory is an
 * error.
 */
enum ps_status modules_read(struct space *space, uint64_t head, uint64_t build,
			    const struct module_layout *own, struct module_list *list,
			    struct ps_error *err);

/** What the list says of its first entry, the kernel itself; read without names. */
struct module_head {
	uint64_t base, size;
};

/**
 * The first entry of the list at `head`, when head and entry point at each other and the entry has
 * a page-aligned kernel address as its base. PS_ABSENT, PS_CORRUPT.
 */
enum ps_status modules_read_first(struct space *space, uint64_t head, struct module_head *ret,
				  struct ps_error *err);

/**
 * `table` = value of MmUnloadedDrivers, `last` = value of MmLastUnloadedDriver (next slot). Oldest
 * first. Slots that cannot be read make the list incomplete, with a note.
 */
enum ps_status modules_read_unloaded(struct space *space, uint64_t table, uint32_t last,
				     struct module_list *list, struct ps_error *err);

/**
 * True when a ring of unloaded drivers lies at `table`: every slot readable, each empty or with a
 * name, a range of pages and a time, at least one in use, the used ones in the order of their
 * times. *ret_last: what MmLastUnloadedDriver must hold then.
 */
bool modules_unloaded_order(struct space *space, uint64_t table, uint32_t *ret_last);

/** The module that holds `va`, or NULL. */
const struct module *modules_find(const struct module_list *list, uint64_t va);

#endif

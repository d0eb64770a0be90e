/*
 * Walks a doubly linked list of the kernel (LIST_ENTRY: Flink, then Blink): from its head forwards
 * and, where that breaks off, from its head backwards up to what is known already. Private to this
 * room. Not supported: lists whose links are encoded.
 */
#ifndef PS_ANALYZER_KERNEL_LIST_WALK_H
#define PS_ANALYZER_KERNEL_LIST_WALK_H

#include "analyzer/memory/space.h"
#include "base/hash.h"

/** ABSENT: its bytes are not in the dump. RUBBISH: they are, and are no entry's. */
enum list_entry { LIST_ENTRY_THERE, LIST_ENTRY_ABSENT, LIST_ENTRY_RUBBISH };

/** What lies at `va`. Rubbish ends the walk, and so does an error. */
typedef enum ps_status list_judge(void *context, uint64_t va, enum list_entry *ret,
				  struct ps_error *err);

struct list_walk {
	/* given by the caller; the rest begins as zero */
	struct space *space; /* borrowed */
	uint64_t head;
	unsigned offset;        /* of the links in an entry */
	unsigned limit;         /* entries: the list of a hostile dump is as long as its memory */
	const char *one, *many; /* "module", "modules": for messages */
	list_judge *judge;
	void *context;

	uint64_t *entries; /* owned; addresses of those that are there, in the order of the list */
	size_t count, capacity;
	size_t absent;
	size_t bad_links; /* entries whose other link does not lead back to where they came from */
	bool returned;    /* the forward walk came back to the head: the list is whole */
	char note[240];   /* why it is not, and how many were reached each way; empty otherwise */

	struct hash visited;
	bool met;      /* the walk came to an entry that was visited before */
	char why[160]; /* what ended the forward walk otherwise */
};

/** Only an error of `judge` and running out of memory are errors. */
enum ps_status list_walk(struct list_walk *w, struct ps_error *err);

void list_walk_fini(struct list_walk *w);

#endif

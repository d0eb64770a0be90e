/*
 * Walks a doubly linked list of the kernel (LIST_ENTRY: Flink, then Blink): from its head forwards
 * and, where that breaks off, from its head backwards up to what is known already. No entry is
 * visited twice. Private to this room. Not supported: lists whose links are encoded.
 */
#ifndef PS_ANALYZER_KERNEL_LIST_WALK_H
#define PS_ANALYZER_KERNEL_LIST_WALK_H

#include "analyzer/memory/space.h"
#include "base/hash.h"

/**
 * The entry at `va`. *ret_rubbish, false before the call: its bytes are there
 * and no entry's, which ends the walk. An error ends it as well.
 */
typedef enum ps_status list_visit(void *context, uint64_t va, bool *ret_rubbish,
				  struct ps_error *err);

struct list_walk {
	/* given by the caller; the rest begins as zero */
	struct space *space; /* borrowed */
	uint64_t head;
	unsigned offset;        /* of the links in an entry */
	unsigned limit;         /* entries: the list of a hostile dump is as long as its memory */
	const char *one, *many; /* "module", "modules": for messages */
	list_visit *visit;
	void *context;

	struct hash visited;
	size_t bad_links; /* entries whose other link does not lead back to where they came from */
	bool returned;    /* the walk came back to the head */
	bool met;         /* the walk came to an entry that was visited before */
	char why[160];    /* what ended the forward walk, when it did not return */
};

/** Only an error of `visit` and running out of memory are errors. */
enum ps_status list_walk_forwards(struct list_walk *w, struct ps_error *err);

/** Once, behind a forward walk that did not return; visits from the end of the list. */
enum ps_status list_walk_backwards(struct list_walk *w, struct ps_error *err);

/** Behind the backward walk: why it was needed, and how many the caller found either way. */
void list_walk_note(const struct list_walk *w, size_t forwards, size_t backwards, char *to,
		    size_t size);

void list_walk_fini(struct list_walk *w);

#endif

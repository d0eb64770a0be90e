/*
 * Private to a batch: its state, and what workers and the keeping of results share of it.
 */
#ifndef PS_ANALYZER_DESK_BATCH_INTERNAL_H
#define PS_ANALYZER_DESK_BATCH_INTERNAL_H

#include "analyzer/desk/batch.h"
#include "analyzer/desk/outcome.h"

struct pollfd;

enum { BATCH_STATUS = 120 /* bytes */ };

/* A case from the start of its worker until its result is kept. */
struct slot {
	struct worker worker;
	struct outcome outcome; /* once it is judged */
	uint64_t bytes;         /* of its outputs, then */
	size_t place;           /* of the case in batch.todo */
	bool used, ended, judged;
};

struct batch {
	const struct batch_options *options;
	const struct log *log;
	struct progress *progress;
	struct batch_report *report;
	struct found found;
	struct store *store;
	struct results results;
	size_t *todo; /* owned; indices into found.files */
	size_t todo_count, next;
	size_t due;          /* all results before this one are kept */
	bool *kept;          /* owned; of todo */
	struct slot *slots;  /* owned */
	unsigned slot_count; /* at least 2 */
	unsigned jobs;       /* at once, less than there are slots */
	unsigned running;    /* workers */
	unsigned waiting;    /* results that are judged and not kept */
	uint64_t waiting_bytes;
	bool writing;         /* a transaction is open, */
	uint64_t writing_ns;  /* since then; monotonic */
	struct pollfd *polls; /* owned; room for all slots */
	int lock;
	uint64_t started_ns;
	char status[BATCH_STATUS]; /* the progress bar's words */
};

const char *batch_path(const struct batch *b, const struct slot *slot);

/* ---- batch_workers.c ---- */

/** Room for the workers and for results that wait. */
enum ps_status batch_workers_init(struct batch *b, struct ps_error *err);

/** Starts as many as there may be. An error only when none is left that could make room. */
enum ps_status batch_start(struct batch *b, struct ps_error *err);

/** Until one ends, but not long; not at all when a result can be kept meanwhile. */
void batch_wait(struct batch *b);

/** Takes note of those that have ended. */
void batch_collect(struct batch *b);

void batch_slot_fini(struct slot *slot);

/** So many results wait that one must be kept, whichever comes first. */
bool batch_is_full(const struct batch *b);

/* ---- batch_keep.c ---- */

/** Looks at what came of the workers that have ended. */
enum ps_status batch_judge(struct batch *b, struct ps_error *err);

bool batch_can_keep(const struct batch *b);

/** Keeps one result if one is due, and writes what is kept from time to time. */
enum ps_status batch_keep(struct batch *b, struct ps_error *err);

/** Keeps all that wait, due or not, and writes them. */
enum ps_status batch_keep_all(struct batch *b, struct ps_error *err);

#endif

/*
 * One member on its way out of the archive into a file without a name. Private to this room.
 */
#ifndef PS_FORMATS_PACK_EXPAND_H
#define PS_FORMATS_PACK_EXPAND_H

#include "base/progress.h"
#include "formats/pack/unpacker_link.h"
#include "formats/scratch.h"

struct expand_limits {
	uint64_t most;         /* bytes that a member may unpack to */
	uint64_t archive_size; /* bytes */
	bool trusted;          /* whoever asks has set `most`: nothing else is limited */
};

struct expansion {
	struct scratch scratch;
	struct member member;
	char name[160];           /* of the member, for messages */
	char stored[MEMBER_NAME]; /* the same as stored, or as made up for it */
	uint64_t end;             /* bytes so far, holes included */
	uint64_t written;         /* of these */
	bool whole;               /* all has come */
	bool broken;              /* more comes, but nobody receives it */
};

enum ps_status expansion_open(struct expansion *e, struct ps_error *err);
void expansion_close(struct expansion *e);

/** Empties the file for another member. `name` is for messages; copied. */
enum ps_status expansion_begin(struct expansion *e, const struct member *member, const char *name,
			       struct ps_error *err);

/**
 * Receives the first bytes of the member, after order PEEK was given here. e->whole: all. With an
 * error of the member the walk can go on; not so when e->broken: it was found out here.
 */
enum ps_status expansion_peek(struct expansion *e, struct unpack *u, struct ps_error *err);

/**
 * Receives all that is still to come, after order EXPAND was given here; nothing when e->whole.
 * `progress` may be NULL.
 */
enum ps_status expansion_finish(struct expansion *e, struct unpack *u,
				const struct expand_limits *limits, struct progress *progress,
				struct ps_error *err);

#endif

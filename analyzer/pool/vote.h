/*
 * Decides the geometry of a tracker table - entry size, hash, number of entries - by voting over
 * its keys.
 *
 * A key in a table hashed the way we think sits at its home slot or a short probe behind it. The
 * right layout, hash and size put far more keys exactly at home than any other: with half the size
 * the keys of the upper half are not seen, with twice the size half of the keys lose their place.
 */
#ifndef PS_ANALYZER_POOL_VOTE_H
#define PS_ANALYZER_POOL_VOTE_H

#include "analyzer/pool/layouts.h"
#include "analyzer/pool/view.h"

enum { TRACKER_MIN_SHIFT = 6, TRACKER_MAX_SHIFT = 20 };

struct geometry {
	const struct tracker_layout *layout;
	char hash;          /* 'A' or 'B' */
	unsigned shift;     /* entries = 2^shift + 1, mask = 2^shift - 1 */
	uint64_t homed;     /* keys exactly at home */
	uint64_t reachable; /* keys at home or behind occupied slots */
	uint64_t voters;    /* keys whose whole probe path could be seen */
};

/** Counts the votes for one geometry over what is present of `view`, which must cover it. */
void geometry_count(const struct view *view, struct geometry *geometry);

/** Keys at home, less those that cannot be where they are: what geometries are compared by. */
int64_t geometry_score(const struct geometry *geometry);

/** What is known of the table before its keys are asked. */
struct geometry_hints {
	unsigned pointer_size; /* bytes */
	uint32_t sizes; /* bit n: variables name a table of 2^n + 1 entries; 0 = nothing is known */
	uint32_t pairs; /* of them, those of which both Size and Mask were seen */
	bool build_known;
	uint64_t build;                    /* a layout not known of this build needs more votes */
	const struct tracker_layout *only; /* the kernel's own; NULL: the built-in ones */
};

/**
 * The geometry with the highest score among the layouts of the pointer size and the sizes that are
 * named. PS_NOT_FOUND when none has a vote: nothing of the table is readable, or it is no tracker
 * table.
 */
enum ps_status geometry_vote(struct view *view, const struct geometry_hints *hints,
			     struct geometry *ret, struct ps_error *err);

/**
 * At least 95 % of the voters reachable, and at least a quarter of them at home. With only a few
 * voters all must be reachable and the size must be `named`.
 */
bool geometry_proved(const struct geometry *geometry, bool named);

#endif

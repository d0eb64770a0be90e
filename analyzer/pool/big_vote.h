/*
 * Decides the size, hash, layout and type field of a big-page table by voting over a sample of its
 * entries.
 */
#ifndef PS_ANALYZER_POOL_BIG_VOTE_H
#define PS_ANALYZER_POOL_BIG_VOTE_H

#include "analyzer/pool/big_sample.h"
#include "formats/dump.h"

/** How well the entries agree with one hash at one size. */
struct big_size_vote {
	char hash;       /* 'A', 'B', 'X', 'W'; '?' when no hash places the entries */
	unsigned shift;  /* entries = 2^shift */
	uint64_t votes;  /* entries whose way from home is visibly in use */
	uint64_t voters; /* votes, and entries that cannot be where they are */
	bool doubtful;   /* another size fits as well, or no variable names this one */
};

/** Variables of the cluster that could be the size. */
struct big_size_names {
	uint32_t named;    /* bit n: some variable holds 2^n */
	uint32_t adjacent; /* bit n: the neighbour of the pointer holds 2^n */
	bool whole;        /* every variable of the cluster was read */
};

/** *ret false when no size fits. */
bool big_vote_size(const struct big_sample *sample, const struct big_size_names *names,
		   struct big_size_vote *ret);

/** What decides between readings that fit equally well. */
struct big_layout_prior {
	struct fact build;
	uint32_t first_build, last_build; /* builds that the tracker table's layout leaves */
};

/**
 * The sample's own layout, or the one among those of its stride, whose reading makes sense for most
 * entries. NULL when none does. *ret_kind_known is false when two readings fit equally well, differ
 * in what is paged, and no build decides.
 */
const struct big_layout *big_vote_layout(const struct big_sample *sample,
					 const struct big_layout_prior *prior,
					 bool *ret_kind_known);

/** True when the build is one that is known to use the layout. */
bool big_layout_is_prior(const struct big_layout *layout, const struct big_layout_prior *prior);

/** Votes on what the 12-bit type fields hold. */
struct big_flags_vote {
	uint64_t flags; /* fields that can only be POOL_FLAGS (26100 and later) */
	uint64_t types; /* fields that can only be POOL_TYPE */
};

void big_flags_count(struct big_flags_vote *vote, uint32_t type);

/** Enough votes to need no other word. */
bool big_flags_decided(const struct big_flags_vote *vote);

/**
 * True for POOL_FLAGS. With few votes the build has a say, and *ret_known is false when the two
 * disagree or neither says anything.
 */
bool big_flags_result(const struct big_flags_vote *vote, const struct fact *build, bool *ret_known);

#endif

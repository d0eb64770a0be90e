/*
 * Decides the size, hash and layout of a big-page table by voting over a sample of its entries.
 */
#ifndef PS_ANALYZER_POOL_BIG_VOTE_H
#define PS_ANALYZER_POOL_BIG_VOTE_H

#include "analyzer/pool/big_sample.h"
#include "formats/dump.h"

/** A size that a hash proves. */
struct big_size_vote {
	char hash;              /* 'A', 'B', 'X', 'W'; '?' when no hash places the entries */
	unsigned shift;         /* entries = 2^shift */
	uint64_t votes, voters; /* entries near their home slot / entries looked at */
};

/**
 * The largest power of two at which the entries lie near where a hash puts them: with half the size
 * the upper half is not seen, with twice the size half of the entries lose their place.
 */
void big_vote_size(const struct big_sample *sample, struct big_size_vote *ret);

/**
 * The layout among those of the sample's stride whose reading makes sense for most entries; the
 * build decides between equals. *ret_share: entries in percent that fit it. NULL when there is no
 * entry to judge.
 */
const struct big_layout *big_vote_layout(const struct big_sample *sample, const struct fact *build,
					 unsigned *ret_share);

/** True when the type fields hold POOL_FLAGS (26100 and later) rather than POOL_TYPE. */
bool big_vote_flags(const struct big_sample *sample);

#endif

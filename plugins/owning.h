/*
 * Private to the plugins about owners: the words of candidates and of their evidence.
 */
#ifndef PS_PLUGINS_OWNING_H
#define PS_PLUGINS_OWNING_H

#include "analyzer/owners/claims.h"
#include "analyzer/pool/blocks.h"
#include "plugins/plugin.h"

enum { OWNING_TAGS = 32 }; /* of which allocations are sampled at a time */

/** What is known of one tag while its owner is worded. */
struct owning {
	const struct plugin_input *input;
	struct report *report;
	struct claims claims;
	const struct block_sample *sample; /* NULL: no allocations were sampled */
	struct contents contents;
};

/** Words one candidate with its evidence; false when memory is out. */
bool owning_candidate(const struct owning *owning, const struct owner_candidate *from,
		      struct report_candidate *to);

#endif

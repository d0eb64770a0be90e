/*
 * What the renderers share about owners of tags.
 */
#include "analyzer/report/owner_cells.h"

const struct report_owner *owner_of_tag(const struct report *report, const struct report_tag *tag)
{
	return tag->owner ? &report->owners[tag->owner - 1] : NULL;
}

size_t owner_best(const struct report_owner *owner)
{
	size_t count = 0;

	while (count < owner->candidate_count &&
	       owner->candidates[count].rank == owner->candidates[0].rank)
		count++;
	return count;
}

const char *ownership_word(enum report_ownership ownership)
{
	switch (ownership) {
	case OWNED_BY_NOBODY: return "nobody";
	case OWNED_BY_ONE: return "one";
	case OWNED_BY_SEVERAL: return "several";
	case OWNED_PERHAPS: return "perhaps";
	case OWNED_FOR_OTHERS: return "for-others";
	}
	return "nobody";
}

unsigned candidate_sites(const struct report_candidate *candidate)
{
	return candidate->rank < REPORT_GRADES ? candidate->sites[candidate->rank] : 0;
}

/*
 * What the renderers share about owners of tags.
 */
#include "analyzer/report/owner_cells.h"

#include <string.h>

#include "base/memory.h"

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

char *owner_sentence(const struct report_owner *owner)
{
	static const char growth[] =
		"Whose tag it is does not say who makes it grow: a caller or a user of that "
		"driver may.";

	switch (owner->ownership) {
	case OWNED_BY_ONE: return mem_printf("%s. %s", owner->candidates[0].module, growth);
	case OWNED_BY_SEVERAL:
		return mem_printf(
			"%zu drivers with evidence as good: %s. One or several of them use the "
			"tag, and their shares of it are not told apart. %s",
			owner_best(owner), owner->words, growth);
	case OWNED_PERHAPS:
		if (owner_best(owner) > 1)
			return mem_printf("not proved: for each of %zu drivers the best there is "
					  "is: %s.",
					  owner_best(owner), owner->candidates[0].grade);
		return mem_printf("not proved: the best there is for %s is: %s.",
				  owner->candidates[0].module, owner->candidates[0].grade);
	case OWNED_FOR_OTHERS:
		/* without the mark of the column */
		return mem_printf("%.*s, on behalf of whoever holds it.",
				  (int)strcspn(owner->words, "*") - 1, owner->words);
	case OWNED_BY_NOBODY: break;
	}
	return mem_printf("none found: no code or data of a driver here has the tag for an "
			  "allocator, and no tag list names a driver of this machine.");
}

char *version_sentence(const struct report_version *v)
{
	if (!v->available)
		return mem_printf("version: unknown: %s", v->note ? v->note : "not read");
	return mem_printf("%s, %s, version %s, built as %s%s%s",
			  v->company.value ? v->company.value : "company unknown",
			  v->description.value ? v->description.value : "no description",
			  v->file_version.value ? v->file_version.value : "unknown",
			  v->original_name.value ? v->original_name.value
						 : "a name it does not say",
			  v->copied_from ? "; read in " : "", v->copied_from ? v->copied_from : "");
}

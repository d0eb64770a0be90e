/*
 * Private to the renderers: what text, CSV and JSON share about owners.
 */
#ifndef PS_ANALYZER_REPORT_OWNER_CELLS_H
#define PS_ANALYZER_REPORT_OWNER_CELLS_H

#include "analyzer/report/report.h"

/** The owner of a tag of the report, or NULL when owners were not asked for. */
const struct report_owner *owner_of_tag(const struct report *report, const struct report_tag *tag);

/** How many candidates have the best grade. */
size_t owner_best(const struct report_owner *owner);

/** "nobody", "one", "several", "perhaps", "for-others". Static. */
const char *ownership_word(enum report_ownership ownership);

/** Pieces of evidence of the candidate's best grade. */
unsigned candidate_sites(const struct report_candidate *candidate);

#endif

/*
 * Making findings: what every plugin that judges does the same way.
 */
#ifndef PS_PLUGINS_FINDING_H
#define PS_PLUGINS_FINDING_H

#include "analyzer/report/report.h"

enum { FINDING_EVIDENCE = 16 };

/** A finding with room for FINDING_EVIDENCE lines of evidence. NULL when memory is out. */
struct report_finding *finding_begin(struct report *report, const char *id,
				     enum finding_severity severity, const char *title);

/** Adds a line; what exceeds the room is dropped. False when `text` is NULL: memory is out. */
bool finding_evidence(struct report_finding *finding, const char *text);

/** The finding by id, or NULL. */
const struct report_finding *finding_by_id(const struct report *report, const char *id);

#endif

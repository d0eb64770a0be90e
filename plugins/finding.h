/*
 * Making findings: what every plugin that judges does the same way.
 */
#ifndef PS_PLUGINS_FINDING_H
#define PS_PLUGINS_FINDING_H

#include "analyzer/report/report.h"
#include "plugins/finding_list.h"

enum { FINDING_LINES = 24 };

/** A finding with room for FINDING_LINES lines of evidence. NULL when memory is out. */
struct report_finding *finding_begin(struct report *report, enum finding_id id,
				     enum finding_severity severity, const char *title);

/** Adds a line; what exceeds the room is dropped. False when `text` is NULL: memory is out. */
bool finding_evidence(struct report_finding *finding, const char *text);

/** The first finding of that kind, or NULL. */
const struct report_finding *finding_find(const struct report *report, enum finding_id id);

#endif

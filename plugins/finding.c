/*
 * Making findings; see finding.h.
 */
#include "plugins/finding.h"

#include <string.h>

struct report_finding *finding_begin(struct report *report, enum finding_id id,
				     enum finding_severity severity, const char *title)
{
	const char **evidence = report_array(report, FINDING_LINES, sizeof(*evidence));
	struct report_finding *f = evidence ? report_add_finding(report) : NULL;

	if (!f)
		return NULL;
	f->id = finding_info(id)->id;
	f->severity = severity;
	f->title = title;
	f->evidence.items = evidence;
	return f;
}

bool finding_evidence(struct report_finding *finding, const char *text)
{
	if (!text)
		return false;
	if (finding->evidence.count < FINDING_LINES)
		finding->evidence.items[finding->evidence.count++] = text;
	return true;
}

const struct report_finding *finding_find(const struct report *report, enum finding_id id)
{
	const char *name = finding_info(id)->id;

	for (size_t i = 0; i < report->finding_count; i++) {
		if (strcmp(report->findings[i].id, name) == 0)
			return &report->findings[i];
	}
	return NULL;
}

/*
 * Unloaded drivers that left memory behind: tags with bytes outstanding whose best candidate is a
 * driver that the kernel unloaded. Its code is gone, so this rests on tag lists and on pointers in
 * the allocations; it is worded as that. Not supported: tags that are not among the report's rows.
 */
#include <inttypes.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"

/* Less than a page of tables and strings is left by many drivers and harms nobody. */
static const int64_t LEFT_LEAST = 64 * 1024;
/* Under this it explains nothing. */
static const int64_t LEFT_MATTERS = 16 << 20;

static const struct report_tag *find_row(const struct report *report, uint32_t tag)
{
	for (size_t i = 0; i < report->tag_count; i++) {
		if (report->tags[i].tag == tag)
			return &report->tags[i];
	}
	return NULL;
}

/* Bytes that are certain; 0 where they are not. */
static int64_t bytes_left(const struct report *report, const struct report_owner *owner)
{
	const struct report_tag *row;
	int64_t bytes;

	if (owner->candidate_count == 0 || !owner->candidates[0].unloaded)
		return 0;
	row = find_row(report, owner->tag);
	if (!row || !row->complete || row->overflow)
		return 0;
	bytes = (row->nonpaged.bytes > 0 ? row->nonpaged.bytes : 0) +
		(row->paged.bytes > 0 ? row->paged.bytes : 0);
	return bytes >= LEFT_LEAST ? bytes : 0;
}

static const char *words(struct report *report, const struct report_owner *owner, int64_t bytes)
{
	const struct report_candidate *c = &owner->candidates[0];
	const struct report_tag *row = find_row(report, owner->tag);
	char tag[TAG_TEXT], size[SIZE_TEXT];

	return report_text(report, "%s: tag %s, %s in %" PRId64 " allocations; by %s%s%s",
			   c->module, tag_text(owner->tag, tag), format_size(bytes, size),
			   row->nonpaged.diff + row->paged.diff, c->grade,
			   c->evidence_count > 0 ? ": " : "",
			   c->evidence_count > 0 ? c->evidence[0].text : "");
}

enum ps_status plugin_unloaded(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	const struct report_owner *largest = NULL;
	struct report_finding *f = NULL;
	int64_t sum = 0, most = 0;
	char size[SIZE_TEXT];

	(void)input;
	for (size_t i = 0; report->has_owners && i < report->owner_count; i++) {
		int64_t bytes = bytes_left(report, &report->owners[i]);

		if (bytes == 0)
			continue;
		if (!f)
			f = finding_begin(report, FINDING_UNLOADED_DRIVER_POOL, SEVERITY_INFO, "");
		if (!f || !finding_evidence(f, words(report, &report->owners[i], bytes)))
			return ps_fail_memory(err, "the findings of the report");
		sum += bytes;
		if (bytes > most) {
			most = bytes;
			largest = &report->owners[i];
		}
	}
	if (!f)
		return PS_OK;
	f->severity = sum >= LEFT_MATTERS ? SEVERITY_WARNING : SEVERITY_INFO;
	f->title = report_text(report, "%s was unloaded and seems to have left %s behind",
			       largest->candidates[0].module, format_size(most, size));
	if (!f->title)
		return ps_fail_memory(err, "the findings of the report");
	f->detail = "The driver is gone, so nobody frees it any more. Its code is gone too: whose "
		    "the tag is rests on what stands beside it, not on proof.";
	f->next_step = "load and unload the driver again on a running machine and watch the tag in "
		       "poolmon";
	return PS_OK;
}

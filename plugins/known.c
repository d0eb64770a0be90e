/*
 * Entries of the desk's list of known problems that apply to the loaded drivers.
 *
 * An entry applies when the driver is loaded, its version is in the range (or not known, which is
 * then said), and the tag, if it names one, is in use.
 */
#include "analyzer/texts/known.h"

#include "plugins/finding.h"
#include "plugins/plugin.h"

static bool tag_in_use(const struct plugin_input *input, const struct known_problem *p)
{
	const struct tracker *t = input->pools ? &input->pools->tracker : NULL;

	if (!p->has_tag)
		return true;
	for (size_t i = 0; t && i < t->row_count; i++) {
		const struct tag_row *row = &t->rows[i];

		if (tag_key_matches(&p->tag, row->tag) &&
		    (row->nonpaged.bytes > 0 || row->paged.bytes > 0))
			return true;
	}
	return false;
}

static bool is_suspected(const struct report *report, const struct known_problem *p)
{
	for (size_t i = 0; p->has_tag && i < report->suspect_count; i++) {
		if (tag_key_matches(&p->tag, report->suspects[i].tag))
			return true;
	}
	return false;
}

static const char *range_words(struct report *report, const struct known_problem *p)
{
	if (p->has_from && p->has_before)
		return report_text(report, "in versions from %s on, fixed in %s", p->from_text,
				   p->before_text);
	if (p->has_before)
		return report_text(report, "fixed in %s", p->before_text);
	if (p->has_from)
		return report_text(report, "in versions from %s on", p->from_text);
	return "in all versions";
}

static bool add(const struct plugin_input *input, struct report *report,
		const struct known_problem *p, const struct report_module *module,
		const char *version)
{
	struct report_finding *f;
	const char *range = range_words(report, p);

	f = finding_begin(report, FINDING_KNOWN_PROBLEM,
			  is_suspected(report, p) ? SEVERITY_WARNING : SEVERITY_INFO,
			  version ? "A known problem applies" : "A known problem may apply");
	if (!f || !range)
		return false;
	f->detail = report_text(report, "%s %s: %s (%s). %s", module->name.value,
				version ? version : "(version not in the dump)", p->title, range,
				p->advice);
	f->next_step = p->url ? report_text(report, "%s", p->url) : NULL;
	return f->detail && finding_evidence(f, report_text(report, "%s of %s: %s, %s%s%s", p->id,
							    known_source(input->known), p->driver,
							    range, p->has_tag ? ", tag " : "",
							    p->has_tag ? p->tag_text : ""));
}

static bool check(const struct plugin_input *input, struct report *report,
		  const struct known_problem *p)
{
	for (size_t i = 0; i < report->modules.count; i++) {
		const struct report_module *module = &report->modules.items[i];
		uint32_t version[KNOWN_VERSION_PARTS];
		const char *text =
			module->version.available ? module->version.file_version.value : NULL;

		if (!module->name.value || !known_is_driver(p, module->name.value))
			continue;
		if (text && !known_parse_version(text, version))
			text = NULL;
		if (text && !known_has_version(p, version))
			continue;
		if (tag_in_use(input, p) && !add(input, report, p, module, text))
			return false;
	}
	return true;
}

static bool not_checked(const struct plugin_input *input, struct report *report)
{
	struct report_finding *f = finding_begin(report, FINDING_KNOWN_PROBLEM, SEVERITY_INFO,
						 "Known problems were not checked");

	if (!f)
		return false;
	f->detail = report_text(report,
				"%s has %zu entries, but the list of loaded drivers cannot "
				"be read.",
				known_source(input->known), known_count(input->known));
	return f->detail != NULL;
}

enum ps_status plugin_known(const struct plugin_input *input, struct report *report,
			    struct ps_error *err)
{
	if (!input->known)
		return PS_OK;
	if (!report->modules.available)
		return not_checked(input, report)
			       ? PS_OK
			       : ps_fail_memory(err, "the findings of the report");
	for (size_t i = 0; i < known_count(input->known); i++) {
		if (!check(input, report, known_get(input->known, i)))
			return ps_fail_memory(err, "the findings of the report");
	}
	return PS_OK;
}

/*
 * Chooses the tag that the verdict speaks of and words its owner; see subject.h. Confidence is in
 * the words, by the grade of the evidence.
 */
#include "plugins/subject.h"

#include <stdio.h>
#include <string.h>

#include "analyzer/owners/origin.h"
#include "plugins/finding.h"

static bool largest_of(const struct report *report, bool paged, enum finding_id backing,
		       struct subject *ret)
{
	const struct report_lines *top = paged ? &report->top_paged : &report->top_nonpaged;
	const struct report_line *line;
	const struct report_tag *row;

	if (top->count == 0)
		return false;
	line = &top->items[0];
	row = &report->tags[line->tag];
	if (!row->complete || (paged ? row->paged.bytes : row->nonpaged.bytes) <= 0)
		return false;
	*ret = (struct subject){.tag = row->tag, .paged = paged, .backing = backing};
	ret->bytes = (uint64_t)(paged ? row->paged.bytes : row->nonpaged.bytes);
	ret->share_permille = line->has_share ? line->share_permille : 0;
	return true;
}

bool subject_choose(const struct report *report, struct subject *ret)
{
	static const struct {
		enum finding_id id;
		bool paged;
	} shortages[] = {
		{FINDING_NONPAGED_PRESSURE, false},
		{FINDING_CONNECTIONS_REFUSED, false},
		{FINDING_PAGED_PRESSURE, true},
	};

	if (report->suspect_count > 0) {
		const struct report_suspect *s = &report->suspects[0];

		*ret = (struct subject){s->tag,
					s->paged,
					true,
					s->bytes,
					s->share_permille,
					s->kept_permille,
					s->group,
					s->lockstep,
					s->lockstep_bytes,
					FINDING_LEAK_SIGNATURE};
		return true;
	}
	for (size_t i = 0; i < sizeof(shortages) / sizeof(shortages[0]); i++) {
		if (finding_find(report, shortages[i].id))
			return largest_of(report, shortages[i].paged, shortages[i].id, ret);
	}
	return false;
}

static const struct report_owner *find_owner(const struct report *report, uint32_t tag)
{
	for (size_t i = 0; report->has_owners && i < report->owner_count; i++) {
		if (report->owners[i].tag == tag)
			return &report->owners[i];
	}
	return NULL;
}

/* "savfilter.sys 7.1.0.12 (Example Corp.)" */
static const char *module_words(struct report *report, const struct report_candidate *c)
{
	const struct report_version *version = c->version;
	const char *number = version && version->available ? version->file_version.value : NULL;
	const char *company = version && version->available ? version->company.value : NULL;

	return report_text(
		report, "%s%s%s%s%s%s%s", c->kernel_itself ? "the kernel itself" : c->module,
		c->unloaded ? ", which was unloaded" : "", number ? " " : "", number ? number : "",
		company ? " (" : "", company ? company : "", company ? ")" : "");
}

/* "No other" is said of the code that was read only. */
static const char *one_owner(struct report *report, const struct report_candidate *c)
{
	const struct report_drivers *d = &report->drivers;
	const char *module = module_words(report, c);

	if (!module)
		return NULL;
	if (c->rank != 0)
		return report_text(report, "The tag belongs to %s, by its %s", module, c->grade);
	return report_text(report,
			   "The tag belongs to %s: its code passes it to an allocator, and no "
			   "other driver's code%s does",
			   module,
			   d->available && d->modules_in_part == 0 &&
					   d->modules_read == report->modules.count
				   ? ""
			   : d->modules_unexamined > 0 ? " that was examined"
						       : " that is in the dump");
}

static const char *weak_owner(struct report *report, const struct report_candidate *c)
{
	const char *module = module_words(report, c);

	return module ? report_text(
				report,
				"Whose tag it is is not proven; weak evidence (%s) points to %s",
				c->grade, module)
		      : NULL;
}

const char *subject_owner_words(struct report *report, uint32_t tag)
{
	const struct report_owner *owner = find_owner(report, tag);

	if (!owner)
		return NULL;
	switch (owner->ownership) {
	case OWNED_BY_ONE: return one_owner(report, &owner->candidates[0]);
	case OWNED_BY_SEVERAL:
		return report_text(report,
				   "Several drivers %s (%s); the dump does not say which of them "
				   "allocated how much",
				   owner->candidates[0].rank == 0 ? "pass this tag to an allocator"
								  : "have this tag",
				   owner->words);
	case OWNED_PERHAPS: return weak_owner(report, &owner->candidates[0]);
	case OWNED_FOR_OTHERS:
		if (origin_default_tag(tag))
			return "This is the tag of allocations without one of their own "
			       "(ExAllocatePool): all drivers that make such share it, so whose "
			       "they are is not known";
		return "Windows allocates this tag on behalf of others: who holds these objects is "
		       "the question, not who allocates them";
	case OWNED_BY_NOBODY:
		return report->drivers.modules_unexamined > 0
			       ? "No driver's code that was examined passes the tag to an "
				 "allocator, so its owner is not known"
			       : "No driver's code that is in the dump passes the tag to an "
				 "allocator, so its owner is not known";
	}
	return NULL;
}

/* The one driver that is shown to own it, the kernel aside; or NULL. */
static const char *proved_driver(const struct report *report, uint32_t tag)
{
	const struct report_owner *owner = find_owner(report, tag);

	if (!owner || owner->ownership != OWNED_BY_ONE || owner->candidates[0].kernel_itself)
		return NULL;
	return owner->candidates[0].module;
}

static size_t tags_of(const struct report *report, unsigned group, const char *driver)
{
	size_t count = 0;

	for (size_t i = 0; i < report->suspect_count; i++) {
		const struct report_suspect *s = &report->suspects[i];
		const char *module = s->group == group ? proved_driver(report, s->tag) : NULL;

		count += module && strcmp(module, driver) == 0;
	}
	return count;
}

const char *subject_group_words(struct report *report, unsigned group)
{
	const char *driver = NULL, *words;
	size_t most = 0;

	for (size_t i = 0; i < report->suspect_count; i++) {
		const struct report_suspect *s = &report->suspects[i];
		const char *module = s->group == group ? proved_driver(report, s->tag) : NULL;
		size_t count = module ? tags_of(report, group, module) : 0;

		if (count > most) {
			most = count;
			driver = module;
		}
	}
	if (!driver)
		return "";
	words = report_text(report, "; %s owns", driver);
	for (size_t i = 0, done = 0; i < report->suspect_count && words; i++) {
		const struct report_suspect *s = &report->suspects[i];
		const char *module = s->group == group ? proved_driver(report, s->tag) : NULL;
		char tag[TAG_TEXT];

		if (module && strcmp(module, driver) == 0)
			words = report_text(report, "%s%s %s", words, done++ ? "," : "",
					    tag_text(s->tag, tag));
	}
	words = words ? report_text(report, "%s", words) : NULL;
	return words ? words : "";
}

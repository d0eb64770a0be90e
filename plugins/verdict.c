/*
 * The verdict: two to five sentences on top of the page, made from the findings and from the owners
 * of the tag that matters most, each sentence with the finding that backs it. "Nothing unusual" is
 * a verdict too, and says what was checked.
 *
 * The words keep two things apart: who owns a tag, and what made it grow.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/pressure.h"

enum { SENTENCES = 5, VERDICT_TEXT = 2048 };

/* The text while it grows. */
struct verdict {
	struct report *report;
	char text[VERDICT_TEXT];
	size_t used;
	unsigned sentences;
	const char *ids[SENTENCES + 4];
	size_t id_count;
};

static void back(struct verdict *v, const char *id)
{
	for (size_t i = 0; i < v->id_count; i++) {
		if (strcmp(v->ids[i], id) == 0)
			return;
	}
	if (finding_by_id(v->report, id) && v->id_count < sizeof(v->ids) / sizeof(v->ids[0]))
		v->ids[v->id_count++] = id;
}

/* A sentence without its end; what exceeds the number of sentences is left to the findings. */
static void say(struct verdict *v, const char *id, const char *sentence)
{
	size_t length = strlen(sentence);

	if (v->sentences == SENTENCES || v->used + length + 3 > sizeof(v->text))
		return;
	v->used += (size_t)snprintf(v->text + v->used, sizeof(v->text) - v->used, "%s%s.",
				    v->used == 0 ? "" : " ", sentence);
	v->sentences++;
	if (id)
		back(v, id);
}

/* The tag to speak of: the largest suspect, else the largest of a pool that is nearly full. */
struct subject {
	uint32_t tag;
	bool paged, suspect;
	uint64_t bytes;
	unsigned share_permille;
};

static bool largest_of(const struct report *report, bool paged, struct subject *ret)
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
	*ret = (struct subject){.tag = row->tag, .paged = paged};
	ret->bytes = (uint64_t)(paged ? row->paged.bytes : row->nonpaged.bytes);
	ret->share_permille = line->has_share ? line->share_permille : 0;
	return true;
}

static bool choose_subject(const struct report *report, struct subject *ret)
{
	if (report->suspect_count > 0) {
		const struct report_suspect *s = &report->suspects[0];

		*ret = (struct subject){s->tag, s->paged, true, s->bytes, s->share_permille};
		return true;
	}
	if (finding_by_id(report, "nonpaged-pool-pressure") ||
	    finding_by_id(report, "connections-refused"))
		return largest_of(report, false, ret);
	if (finding_by_id(report, "paged-pool-pressure"))
		return largest_of(report, true, ret);
	return false;
}

static void say_bugcheck(struct verdict *v)
{
	const struct report_finding *f = finding_by_id(v->report, "bug-check");
	char sentence[320];

	if (!f || f->severity < SEVERITY_WARNING)
		return;
	snprintf(sentence, sizeof(sentence), "%s (bug check 0x%" PRIX32 " %s)", f->title,
		 v->report->system.bugcheck.code,
		 v->report->system.bugcheck.name.value ? v->report->system.bugcheck.name.value
						       : "");
	say(v, "bug-check", sentence);
}

/* Started with /3GB, Windows before Vista has half of the nonpaged pool. */
static bool is_halved(const struct report *report)
{
	const char *space = report->totals.user_space;

	return space && strncmp(space, "3 GB", 4) == 0 && report->system.build.has_value &&
	       report->system.build.value < 6000;
}

static void say_pressure(struct verdict *v, bool paged)
{
	const char *id = paged ? "paged-pool-pressure" : "nonpaged-pool-pressure";
	const struct report_finding *f = finding_by_id(v->report, id);
	char used[SIZE_TEXT], maximum[SIZE_TEXT], sentence[320];
	struct pressure p;

	if (!f || !pressure_read(v->report, paged, &p))
		return;
	snprintf(sentence, sizeof(sentence), "%s: %s of at most %s are in use (%u.%u %%)%s",
		 f->title, format_size_unsigned(p.used, used),
		 format_size_unsigned(p.maximum, maximum), p.permille / 10, p.permille % 10,
		 !paged && is_halved(v->report)
			 ? "; the machine was started with /3GB, which halves that limit"
			 : "");
	say(v, id, sentence);
}

static void say_refused(struct verdict *v)
{
	const struct report_finding *f = finding_by_id(v->report, "connections-refused");
	const struct report_finding *log = finding_by_id(v->report, "httperr");
	char available[SIZE_TEXT], sentence[320];
	struct pressure p;

	if (f && pressure_read(v->report, false, &p)) {
		snprintf(sentence, sizeof(sentence), "With %s left, %s%s",
			 format_size_unsigned(p.available, available), f->title,
			 !log                                ? ""
			 : log->severity == SEVERITY_PROBLEM ? "; the HTTPERR logs agree"
							     : "; the HTTPERR logs do not show it");
		say(v, "connections-refused", sentence);
		if (log)
			back(v, "httperr");
	} else if (log && log->severity >= SEVERITY_WARNING) {
		say(v, "httperr", log->title);
	}
}

static void say_tag(struct verdict *v, const struct subject *s)
{
	char tag[TAG_TEXT], size[SIZE_TEXT], sentence[320];
	const char *pool = s->paged ? "paged" : "nonpaged";

	if (s->suspect)
		snprintf(sentence, sizeof(sentence),
			 "Tag %s holds %s of %s pool (%u.%u %% of what the tags hold) and most of "
			 "it was never freed, which looks like a leak",
			 tag_text(s->tag, tag), format_size_unsigned(s->bytes, size), pool,
			 s->share_permille / 10, s->share_permille % 10);
	else
		snprintf(sentence, sizeof(sentence),
			 "The largest tag in it is %s with %s (%u.%u %%); its counters do not look "
			 "like a leak",
			 tag_text(s->tag, tag), format_size_unsigned(s->bytes, size),
			 s->share_permille / 10, s->share_permille % 10);
	say(v, s->suspect ? "leak-signature" : NULL, sentence);
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
static void module_words(const struct report_candidate *c, char *text, size_t size)
{
	const struct report_version *version = c->version;
	const char *number = version && version->available ? version->file_version.value : NULL;
	const char *company = version && version->available ? version->company.value : NULL;

	snprintf(text, size, "%s%s%s%s%s%s", c->kernel_itself ? "the kernel itself" : c->module,
		 number ? " " : "", number ? number : "", company ? " (" : "",
		 company ? company : "", company ? ")" : "");
}

static void one_owner(const struct report_candidate *c, char *sentence, size_t size)
{
	char module[160];

	module_words(c, module, sizeof(module));
	if (c->rank == 0)
		snprintf(sentence, size,
			 "The tag belongs to %s: no other loaded driver's code passes it to an "
			 "allocator",
			 module);
	else
		snprintf(sentence, size, "The tag belongs to %s, by its %s", module, c->grade);
}

static void several_owners(const struct report_owner *owner, char *sentence, size_t size)
{
	snprintf(sentence, size,
		 "%zu drivers pass this tag to an allocator (%s); the dump does not say which of "
		 "them allocated how much",
		 owner->candidate_count, owner->words);
}

static void say_owner(struct verdict *v, const struct subject *s)
{
	const struct report_owner *owner = find_owner(v->report, s->tag);
	char sentence[400], module[160];

	if (!owner)
		return;
	switch (owner->ownership) {
	case OWNED_BY_ONE: one_owner(&owner->candidates[0], sentence, sizeof(sentence)); break;
	case OWNED_BY_SEVERAL: several_owners(owner, sentence, sizeof(sentence)); break;
	case OWNED_PERHAPS:
		module_words(&owner->candidates[0], module, sizeof(module));
		snprintf(sentence, sizeof(sentence),
			 "Whose it is is not proven; weak evidence (%s) points to %s",
			 owner->candidates[0].grade, module);
		break;
	case OWNED_FOR_OTHERS:
		snprintf(sentence, sizeof(sentence),
			 "The kernel allocates this tag on behalf of others, so its owner is not "
			 "to blame: who holds these objects is the question");
		break;
	case OWNED_BY_NOBODY:
		snprintf(sentence, sizeof(sentence),
			 "No code of a loaded driver was found that passes this tag to an "
			 "allocator");
		break;
	}
	say(v, s->suspect ? "leak-signature" : NULL, sentence);
}

static void say_lockstep(struct verdict *v)
{
	const struct report *r = v->report;
	char sentence[200];

	/* many tags of a healthy server are of a kind: it counts beside a suspect only */
	if (r->suspect_count == 0 || r->suspects[0].lockstep < 2)
		return;
	snprintf(sentence, sizeof(sentence),
		 "%zu tags grow together with it, so who owns one of them is likely behind all",
		 r->suspects[0].lockstep - 1);
	say(v, "lock-step", sentence);
}

static void say_known(struct verdict *v)
{
	for (size_t i = 0; i < v->report->finding_count; i++) {
		const struct report_finding *f = &v->report->findings[i];
		char sentence[400];
		size_t length;

		if (strcmp(f->id, "known-problem") != 0 || f->severity < SEVERITY_WARNING)
			continue;
		snprintf(sentence, sizeof(sentence), "%s: %s", f->title, f->detail);
		length = strlen(sentence);
		if (length > 0 && sentence[length - 1] == '.')
			sentence[length - 1] = '\0';
		say(v, "known-problem", sentence);
		return;
	}
}

static void used_words(const struct report *report, bool paged, char *text, size_t size)
{
	struct pressure p;

	if (pressure_read(report, paged, &p))
		snprintf(text, size, "%s pool is at %u.%u %% of its limit",
			 paged ? "paged" : "nonpaged", p.permille / 10, p.permille % 10);
	else
		snprintf(text, size, "how full %s pool is is not known",
			 paged ? "paged" : "nonpaged");
}

static void nothing_unusual(struct verdict *v)
{
	const struct report *r = v->report;
	char nonpaged[80], paged[80], sentence[400];

	used_words(r, false, nonpaged, sizeof(nonpaged));
	used_words(r, true, paged, sizeof(paged));
	snprintf(sentence, sizeof(sentence),
		 "Nothing unusual in the pools: %s, %s, and no tag looks "
		 "like a leak",
		 nonpaged, paged);
	say(v, NULL, sentence);
	say(v, NULL,
	    "Checked were the fill of both pools, the counters of every tag, tags that grow "
	    "together, and the kernel's own bookkeeping; why a machine hung may lie elsewhere");
}

static void say_incomplete(struct verdict *v)
{
	if (!finding_by_id(v->report, "tracker-incomplete"))
		return;
	say(v, "tracker-incomplete",
	    "The tag tables are not complete, so figures of some tags are bounds or unknown");
}

static void compose(struct verdict *v)
{
	struct subject subject;
	bool about_tag = choose_subject(v->report, &subject);

	say_bugcheck(v);
	say_pressure(v, false);
	if (!about_tag || subject.paged)
		say_pressure(v, true);
	say_refused(v);
	if (about_tag) {
		say_tag(v, &subject);
		say_owner(v, &subject);
	}
	say_known(v);
	if (v->sentences == 0)
		nothing_unusual(v);
	say_lockstep(v);
	say_incomplete(v);
}

enum ps_status plugin_verdict(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct report_verdict *verdict = &report->verdict;
	struct verdict v = {.report = report};
	const char **ids;

	if (!input->pools) {
		verdict->note = "without the tag tables there is nothing to reach a verdict from";
		return PS_OK;
	}
	compose(&v);
	ids = report_array(report, v.id_count, sizeof(*ids));
	verdict->text = report_text(report, "%s", v.text);
	if (!verdict->text || (v.id_count > 0 && !ids))
		return ps_fail_memory(err, "the verdict");
	if (v.id_count > 0)
		memcpy(ids, v.ids, v.id_count * sizeof(*ids));
	verdict->finding_ids = ids;
	verdict->finding_count = v.id_count;
	return PS_OK;
}

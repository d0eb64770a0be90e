/*
 * The verdict: at most five sentences on top of the page, made from the findings and from the
 * owners of the tag that matters most, each backed by a finding. "Nothing unusual" is a verdict
 * too; its finding says what was checked.
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
#include "plugins/subject.h"

enum { SENTENCES = 5, CANDIDATES = 12, SENTENCE_TEXT = 480 };

/* Which sentences stay when there are more than fit; more is more important. */
enum weight {
	WEIGHT_LOCKSTEP,
	WEIGHT_UNLOADED,
	WEIGHT_BUG_CHECK,
	WEIGHT_PAGED,
	WEIGHT_COMMIT,
	WEIGHT_KNOWN,
	WEIGHT_CARE,
	WEIGHT_REFUSED,
	WEIGHT_OWNER,
	WEIGHT_HOLDER,
	WEIGHT_NONPAGED,
	WEIGHT_TAG,
};

struct sentence {
	char text[SENTENCE_TEXT]; /* without its full stop */
	enum weight weight;
	enum finding_id backing[2];
	size_t backing_count;
};

struct verdict {
	const struct plugin_input *input;
	struct report *report;
	struct sentence items[CANDIDATES]; /* in the order of reading */
	size_t count;
};

static struct sentence *say(struct verdict *v, enum weight weight, enum finding_id backing)
{
	struct sentence *s = &v->items[v->count];

	/* every caller speaks once: there is room for all of them */
	v->count += v->count + 1 < CANDIDATES;
	*s = (struct sentence){.weight = weight, .backing = {backing}, .backing_count = 1};
	return s;
}

static void back(struct sentence *s, enum finding_id id)
{
	if (s->backing_count < 2)
		s->backing[s->backing_count++] = id;
}

static void say_bugcheck(struct verdict *v)
{
	const struct report_finding *f = finding_find(v->report, FINDING_BUG_CHECK);
	const struct report_bugcheck *b = &v->report->system.bugcheck;

	if (!f || f->severity < SEVERITY_WARNING)
		return;
	snprintf(say(v, WEIGHT_BUG_CHECK, FINDING_BUG_CHECK)->text, SENTENCE_TEXT,
		 "%s (bug check 0x%" PRIX32 "%s%s)", f->title, b->code, b->name.value ? " " : "",
		 b->name.value ? b->name.value : "");
}

/* Started with /3GB, Windows before Vista has half of the nonpaged pool. */
static bool is_halved(const struct report *report)
{
	return report->totals.user_3gb && report->system.build.has_value &&
	       report->system.build.value < 6000;
}

static void say_pressure(struct verdict *v, bool paged)
{
	const enum finding_id id = paged ? FINDING_PAGED_PRESSURE : FINDING_NONPAGED_PRESSURE;
	const struct report_finding *f = finding_find(v->report, id);
	char used[SIZE_TEXT], maximum[SIZE_TEXT];
	struct pressure p;

	if (!f || !pressure_read(v->report, paged, &p))
		return;
	snprintf(say(v, paged ? WEIGHT_PAGED : WEIGHT_NONPAGED, id)->text, SENTENCE_TEXT,
		 "%s: %s%s of at most %s%s are in use (%u.%u %%)%s", f->title,
		 p.by_tags ? "at least " : "", format_size_unsigned(p.used, used),
		 format_size_unsigned(p.maximum, maximum),
		 p.derived ? ", a limit by Windows' rules," : "", p.permille / 10, p.permille % 10,
		 !paged && is_halved(v->report)
			 ? "; the machine was started with /3GB, which halves that limit"
			 : "");
}

static const char *log_words(const struct report *report)
{
	switch (report->log_judgement) {
	case LOG_AGREES: return "; the HTTPERR logs agree";
	case LOG_SHOWS_NONE: return "; the HTTPERR logs do not show it";
	case LOG_PROVES_NOTHING: return "; the HTTPERR logs are not of that time";
	case LOG_NONE:
	case LOG_CONTRADICTS:
	case LOG_ALONE: break;
	}
	return "";
}

static void say_commit(struct verdict *v)
{
	const struct report_finding *f = finding_find(v->report, FINDING_COMMIT_PRESSURE);
	char used[SIZE_TEXT], maximum[SIZE_TEXT];
	struct pressure p;

	if (!f || !commit_pressure_read(v->report, &p))
		return;
	snprintf(say(v, WEIGHT_COMMIT, FINDING_COMMIT_PRESSURE)->text, SENTENCE_TEXT,
		 "%s: %s of %s are committed (%u.%u %%)", f->title,
		 format_size_unsigned(p.used, used), format_size_unsigned(p.maximum, maximum),
		 p.permille / 10, p.permille % 10);
}

static void say_refused(struct verdict *v)
{
	static const enum finding_id ids[] = {FINDING_CONNECTIONS_REFUSED,
					      FINDING_CONNECTIONS_REFUSED_NEAR,
					      FINDING_CONNECTIONS_REFUSED_RULE};
	const struct report_finding *log = finding_find(v->report, FINDING_HTTPERR);
	char available[SIZE_TEXT];
	struct sentence *s;
	struct pressure p;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const struct report_finding *f = finding_find(v->report, ids[i]);

		if (!f || !pressure_read(v->report, false, &p))
			continue;
		s = say(v, WEIGHT_REFUSED, ids[i]);
		snprintf(s->text, SENTENCE_TEXT, "With %s%s of it left, %s%s",
			 p.by_tags ? "at most " : "", format_size_unsigned(p.available, available),
			 f->title, log_words(v->report));
		if (log)
			back(s, FINDING_HTTPERR);
		return;
	}
	if (log && log->severity >= SEVERITY_WARNING)
		snprintf(say(v, WEIGHT_REFUSED, FINDING_HTTPERR)->text, SENTENCE_TEXT, "%s",
			 log->title);
}

static void say_tag(struct verdict *v, const struct subject *s)
{
	const char *about = v->report->totals.trust == FIGURE_EXACT ? "" : "about ";
	const char *pool = s->paged ? "paged" : "nonpaged";
	char tag[TAG_TEXT], size[SIZE_TEXT];
	char *text = say(v, WEIGHT_TAG, s->backing)->text;

	if (s->suspect && s->kept_permille >= 999)
		snprintf(
			text, SENTENCE_TEXT,
			"Tag %s holds %s of %s pool (%s%u.%u %% of what all tags hold), and hardly "
			"anything of it was ever freed, which looks like a leak",
			tag_text(s->tag, tag), format_size_unsigned(s->bytes, size), pool, about,
			s->share_permille / 10, s->share_permille % 10);
	else if (s->suspect)
		snprintf(text, SENTENCE_TEXT,
			 "Tag %s holds %s of %s pool (%s%u.%u %% of what all tags hold), and %u %% "
			 "of all that it ever allocated was never freed, which looks like a leak",
			 tag_text(s->tag, tag), format_size_unsigned(s->bytes, size), pool, about,
			 s->share_permille / 10, s->share_permille % 10, s->kept_permille / 10);
	else
		snprintf(text, SENTENCE_TEXT,
			 "The largest tag in it is %s with %s (%s%u.%u %% of what all tags hold); "
			 "its counters do not look like a leak",
			 tag_text(s->tag, tag), format_size_unsigned(s->bytes, size), about,
			 s->share_permille / 10, s->share_permille % 10);
}

static void say_owner(struct verdict *v, const struct subject *s)
{
	const char *words = subject_owner_words(v->report, s->tag);

	if (words)
		snprintf(say(v, WEIGHT_OWNER, s->backing)->text, SENTENCE_TEXT, "%s", words);
}

/* Who holds the objects: of the tag that the verdict speaks of, else what stands out by itself. */
static void say_holder(struct verdict *v, const struct subject *s)
{
	static const enum finding_id ids[] = {FINDING_EXITED_PROCESSES, FINDING_MANY_HANDLES,
					      FINDING_OBJECT_HOLDERS};

	for (size_t i = 0; i < v->report->holder_count; i++) {
		const struct report_holder *h = &v->report->holders[i];

		if ((s && h->tag != s->tag) || (!s && h->tag != 0))
			continue;
		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++) {
			if (strcmp(finding_info(ids[k])->id, h->finding) == 0) {
				snprintf(say(v, WEIGHT_HOLDER, ids[k])->text, SENTENCE_TEXT, "%s",
					 h->text);
				return;
			}
		}
	}
	if (s)
		say_holder(v, NULL);
}

static void say_lockstep(struct verdict *v, const struct subject *s)
{
	char *text, size[SIZE_TEXT];

	/* many tags of a healthy server are of a kind: it counts beside a suspect only */
	if (!s->suspect || s->lockstep < 2)
		return;
	text = say(v, WEIGHT_LOCKSTEP, FINDING_LOCK_STEP)->text;
	snprintf(text, SENTENCE_TEXT,
		 "%zu tags grow together, that one among them, and hold %s in all%s", s->lockstep,
		 format_size_unsigned(s->lockstep_bytes, size),
		 subject_group_words(v->report, s->group));
}

static void say_unloaded(struct verdict *v)
{
	const struct report_finding *f = finding_find(v->report, FINDING_UNLOADED_DRIVER_POOL);

	if (f && f->severity >= SEVERITY_WARNING)
		snprintf(say(v, WEIGHT_UNLOADED, FINDING_UNLOADED_DRIVER_POOL)->text, SENTENCE_TEXT,
			 "%s", f->title);
}

static void say_known(struct verdict *v)
{
	for (size_t i = 0; i < v->report->finding_count; i++) {
		const struct report_finding *f = &v->report->findings[i];
		size_t length;
		char *text;

		if (strcmp(f->id, finding_info(FINDING_KNOWN_PROBLEM)->id) != 0 ||
		    f->severity < SEVERITY_WARNING)
			continue;
		text = say(v, WEIGHT_KNOWN, FINDING_KNOWN_PROBLEM)->text;
		snprintf(text, SENTENCE_TEXT, "%s: %s", f->title, f->detail);
		length = strlen(text);
		if (length > 0 && text[length - 1] == '.')
			text[length - 1] = '\0';
		return;
	}
}

/* What makes figures worth less than they look; the worst one stands for all. */
static void say_care(struct verdict *v)
{
	static const struct {
		enum finding_id id;
		const char *words;
	} doubts[] = {
		{FINDING_TABLES_UNAVAILABLE,
		 "There are no tag tables to read in this file, so it cannot be said which tag or "
		 "driver holds the memory"},
		{FINDING_TRACKER_INCOMPLETE,
		 "The tag tables are not complete: marked figures are bounds or may be off, and "
		 "tags with such figures were not judged"},
		{FINDING_TAG_TABLE_FULL,
		 "The tag table ran full: a tag without a row of its own may be larger"},
		{FINDING_BIG_TABLE_FULL,
		 "Some large allocations are charged to the tag `BIG ` instead of their own"},
		{FINDING_BELOW_BIG_PAGES,
		 "The tag table and the big-page table contradict each other; figures of the tags "
		 "that the finding names are doubtful"},
	};

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		if (!finding_find(v->report, doubts[i].id))
			continue;
		snprintf(say(v, WEIGHT_CARE, doubts[i].id)->text, SENTENCE_TEXT, "%s",
			 doubts[i].words);
		return;
	}
}

static const char *used_words(struct report *report, bool paged)
{
	const char *pool = paged ? "paged" : "nonpaged";
	struct pressure p;

	if (!pressure_read(report, paged, &p))
		return report_text(report, "how full %s pool is is not known", pool);
	return report_text(report, "%s pool is at %u.%u %% of its limit%s", pool, p.permille / 10,
			   p.permille % 10, p.derived ? " by Windows' rules" : "");
}

/* What was checked and found nothing: alone, or beside a bug check of another kind. */
static bool nothing_unusual(struct verdict *v)
{
	struct report *r = v->report;
	const bool alone = v->count == 0;
	const struct tracker *tracker = &v->input->pools->tracker;
	const char *nonpaged = used_words(r, false), *paged = used_words(r, true);
	const char *whole = tracker->complete ? "" : " whose figures are complete";
	struct report_finding *f = finding_begin(r, FINDING_NOTHING_UNUSUAL, SEVERITY_INFO,
						 "No shortage of pool and no sign of a leak");
	size_t judged = 0;

	if (!f || !nonpaged || !paged)
		return false;
	for (size_t i = 0; i < tracker->row_count; i++)
		judged += tracker->rows[i].complete;
	f->detail = "None of the checks below found anything.";
	snprintf(say(v, WEIGHT_TAG, FINDING_NOTHING_UNUSUAL)->text, SENTENCE_TEXT,
		 "%s: %s, %s, and no tag%s looks like a leak",
		 alone ? "Nothing unusual in the pools" : "No shortage of pool was found", nonpaged,
		 paged, whole);
	if (alone)
		snprintf(say(v, WEIGHT_OWNER, FINDING_NOTHING_UNUSUAL)->text, SENTENCE_TEXT,
			 "Why the machine hung or crashed has to be looked for elsewhere");
	return finding_evidence(f, report_text(r, "fill of the pools: %s, %s", nonpaged, paged)) &&
	       finding_evidence(
		       f, report_text(r,
				      "signs of a leak and tags that grow together: %zu of %zu "
				      "rows were complete and were judged",
				      judged, tracker->row_count)) &&
	       (!alone ||
		finding_evidence(f, "memory left by unloaded drivers, known problems, the "
				    "kind of the bug check")) &&
	       finding_evidence(f, r->log_judgement == LOG_NONE
					   ? "not checked: HTTPERR logs, none were given"
					   : "HTTPERR logs");
}

/* Of a minidump whose totals were filled in. */
static bool say_fill(struct verdict *v)
{
	const char *nonpaged = used_words(v->report, false), *paged = used_words(v->report, true);

	if (!nonpaged || !paged)
		return false;
	if (v->report->totals.available)
		snprintf(say(v, WEIGHT_NONPAGED, FINDING_TABLES_UNAVAILABLE)->text, SENTENCE_TEXT,
			 "The totals in the minidump say: %s, %s", nonpaged, paged);
	return true;
}

static bool compose(struct verdict *v)
{
	struct subject subject;
	bool about_tag = subject_choose(v->report, &subject);
	size_t before, commit;
	bool quiet;

	say_bugcheck(v);
	before = v->count;
	say_pressure(v, false);
	say_refused(v);
	say_pressure(v, true);
	commit = v->count;
	say_commit(v);
	commit = v->count - commit;
	if (about_tag) {
		say_tag(v, &subject);
		say_owner(v, &subject);
		say_holder(v, &subject);
		say_lockstep(v, &subject);
	} else {
		say_holder(v, NULL);
	}
	/* of a minidump little else can be said */
	quiet = v->count == before || (!v->input->pools && v->count == before + commit);
	say_known(v);
	say_unloaded(v);
	if (quiet && !(v->input->pools ? nothing_unusual(v) : say_fill(v)))
		return false;
	say_care(v);
	return true;
}

/* Drops the least important ones until the rest fits. */
static void choose(struct verdict *v)
{
	while (v->count > SENTENCES) {
		size_t least = 0;

		for (size_t i = 1; i < v->count; i++) {
			if (v->items[i].weight < v->items[least].weight)
				least = i;
		}
		memmove(&v->items[least], &v->items[least + 1],
			(v->count - least - 1) * sizeof(v->items[0]));
		v->count--;
	}
}

static void add_backing(struct report_verdict *verdict, enum finding_id id)
{
	const char *name = finding_info(id)->id;

	for (size_t i = 0; i < verdict->finding_count; i++) {
		if (strcmp(verdict->finding_ids[i], name) == 0)
			return;
	}
	verdict->finding_ids[verdict->finding_count++] = name;
}

static bool join(struct verdict *v)
{
	struct report_verdict *verdict = &v->report->verdict;

	verdict->text = "";
	verdict->finding_ids =
		report_array(v->report, 2 * SENTENCES, sizeof(*verdict->finding_ids));
	for (size_t i = 0; i < v->count && verdict->finding_ids && verdict->text; i++) {
		const struct sentence *s = &v->items[i];

		verdict->text = report_text(v->report, "%s%s%s.", verdict->text, i == 0 ? "" : " ",
					    s->text);
		for (size_t k = 0; k < s->backing_count; k++)
			add_backing(verdict, s->backing[k]);
	}
	return verdict->text && verdict->finding_ids;
}

enum ps_status plugin_verdict(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct verdict v = {.input = input, .report = report};

	if (!compose(&v))
		return ps_fail_memory(err, "the verdict");
	choose(&v);
	if (v.count == 0) {
		report->verdict.note = "there is nothing to reach a verdict from";
		return PS_OK;
	}
	return join(&v) ? PS_OK : ps_fail_memory(err, "the verdict");
}

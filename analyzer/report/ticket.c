/*
 * `analyze --ticket`: a plain block of text made to be pasted into a support case. ASCII, narrow,
 * no tables: ticket systems wrap lines, drop runs of blanks and choose the font.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/render.h"

enum { WIDTH = 76, TAGS_SHOWN = 5 };

/* A line that begins at column `first` and goes on at column `indent`. */
__attribute__((format(printf, 5, 6))) static enum ps_status
line(FILE *out, unsigned first, unsigned indent, struct ps_error *err, const char *format, ...)
{
	char *words = NULL, *safe;
	va_list args;

	va_start(args, format);
	if (vasprintf(&words, format, args) < 0)
		words = NULL;
	va_end(args);
	safe = words ? format_safe(words, TARGET_ASCII) : NULL;
	free(words);
	if (!safe)
		return ps_fail_memory(err, "the ticket");
	fprintf(out, "%*s", (int)first, "");
	format_wrap(out, safe, first, indent, WIDTH);
	free(safe);
	return PS_OK;
}

static const char *or_unknown(const struct report_string *string)
{
	return string->value ? string->value : "unknown";
}

static enum ps_status machine(const struct report *r, FILE *out, struct ps_error *err)
{
	const struct report_system *s = &r->system;
	char uptime[DURATION_TEXT] = "unknown", build[24] = "unknown";
	enum ps_status status;

	if (s->build.has_value)
		snprintf(build, sizeof(build), "%" PRIu64, s->build.value);

	if (s->uptime_seconds.has_value)
		format_duration(s->uptime_seconds.value, uptime);
	status = line(out, 0, 11, err, "Machine:   %s%s%s, build %s, %s", or_unknown(&s->product),
		      s->service_pack.value ? ", " : "",
		      s->service_pack.value ? s->service_pack.value : "", build,
		      or_unknown(&s->arch));
	if (status == PS_OK)
		status = line(out, 0, 11, err, "%s:     %s, up %s", report_time_label(s),
			      or_unknown(&s->crash_time), uptime);
	if (status == PS_OK && s->bugcheck.known)
		status = line(out, 0, 11, err,
			      "Bug check: 0x%08" PRIx32 " %s (0x%" PRIx64 ", 0x%" PRIx64
			      ", 0x%" PRIx64 ", 0x%" PRIx64 ")",
			      s->bugcheck.code, or_unknown(&s->bugcheck.name),
			      s->bugcheck.parameters[0], s->bugcheck.parameters[1],
			      s->bugcheck.parameters[2], s->bugcheck.parameters[3]);
	if (status == PS_OK)
		status = line(out, 0, 11, err, "Dump:      %s, %s", r->file.label, r->file.title);
	return status;
}

static enum ps_status pool(const char *name, const struct report_pool_total *p,
			   enum figure_trust trust, FILE *out, struct ps_error *err)
{
	char tags[SIZE_TEXT], allocated[SIZE_TEXT] = "unknown", maximum[SIZE_TEXT] = "unknown";

	if (p->allocated.number.has_value)
		format_size_unsigned(p->allocated.number.value, allocated);
	if (p->maximum.number.has_value)
		format_size_unsigned(p->maximum.number.value, maximum);
	return line(out, 0, 2, err, "%s pool: tags add up to %s%s; allocated %s%s, limit %s%s",
		    name, trust_mark(trust), format_size(p->tag_bytes, tags), allocated,
		    p->allocated.number.has_value && p->allocated.basis == BASIS_DOUBTFUL
			    ? " (doubtful)"
			    : "",
		    maximum,
		    !p->maximum.number.has_value         ? ""
		    : p->maximum.basis == BASIS_DERIVED  ? " (derived)"
		    : p->maximum.basis == BASIS_DOUBTFUL ? " (doubtful)"
							 : "");
}

static const struct report_owner *owner_of(const struct report *r, const struct report_tag *tag)
{
	return r->has_owners && tag->owner > 0 ? &r->owners[tag->owner - 1] : NULL;
}

static enum ps_status tag_line(const struct report *r, const struct report_line *l, FILE *out,
			       struct ps_error *err)
{
	const struct report_tag *tag = &r->tags[l->tag];
	const struct report_side *side = l->paged ? &tag->paged : &tag->nonpaged;
	const struct report_owner *owner = owner_of(r, tag);
	const struct report_version *version = NULL;
	char name[TAG_TEXT], size[SIZE_TEXT];
	const char *mark = tag->complete ? "" : "~";

	if (owner && owner->ownership == OWNED_BY_ONE)
		version = owner->candidates[0].version;
	return line(out, 2, 4, err, "%s %s%s in %s%" PRId64 " allocations; owner: %s%s%s%s%s",
		    tag_text(tag->tag, name), mark, format_size(side->bytes, size), mark,
		    side->diff, owner ? owner->words : "not looked for",
		    version && version->file_version.value ? " " : "",
		    version && version->file_version.value ? version->file_version.value : "",
		    version && version->company.value ? ", " : "",
		    version && version->company.value ? version->company.value : "");
}

static enum ps_status top(const struct report *r, const char *name,
			  const struct report_lines *lines, FILE *out, struct ps_error *err)
{
	enum ps_status status = line(out, 0, 2, err, "Largest %s tags:", name);

	for (size_t i = 0; i < lines->count && i < TAGS_SHOWN && status == PS_OK; i++)
		status = tag_line(r, &lines->items[i], out, err);
	return status;
}

static enum ps_status findings(const struct report *r, FILE *out, struct ps_error *err)
{
	enum ps_status status =
		line(out, 0, 2, err, r->finding_count == 0 ? "Findings: none" : "Findings:");

	for (size_t i = 0; i < r->finding_count && status == PS_OK; i++) {
		const struct report_finding *f = &r->findings[i];

		status = line(out, 0, 2, err, "- %s [%s]: %s. %s", severity_word(f->severity),
			      f->id, f->title, f->detail ? f->detail : "");
		for (size_t k = 0; k < f->evidence.count && status == PS_OK; k++)
			status = line(out, 4, 6, err, "%s", f->evidence.items[k]);
	}
	return status;
}

enum ps_status render_ticket(const struct report *report, FILE *out, struct ps_error *err)
{
	const struct report_totals *t = &report->totals;
	enum ps_status status = machine(report, out, err);

	if (status == PS_OK)
		status = line(out, 0, 11, err, "Verdict:   %s",
			      report->verdict.text
				      ? report->verdict.text
				      : (report->verdict.note ? report->verdict.note : "none"));
	if (status == PS_OK && t->available && !t->sums_note)
		status = pool("Nonpaged", &t->nonpaged, t->trust, out, err);
	if (status == PS_OK && t->available && !t->sums_note)
		status = pool("Paged", &t->paged, t->trust, out, err);
	if (status == PS_OK && report->has_tags)
		status = top(report, "nonpaged", &report->top_nonpaged, out, err);
	if (status == PS_OK && report->has_tags)
		status = top(report, "paged", &report->top_paged, out, err);
	if (status == PS_OK)
		status = findings(report, out, err);
	if (status == PS_OK)
		status = line(out, 0, 2, err, "(poolscope %s)", POOLSCOPE_VERSION);
	return status;
}

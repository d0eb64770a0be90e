/*
 * The parts of the HTML page that say what the answer is and of what machine: verdict, findings,
 * machine, coverage, notes.
 */
#include "analyzer/report/html.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/report/format.h"

/* Findings have numbers as ids: f1, f2, ... */
static void finding_link(struct html *h, const char *id)
{
	const struct report *r = h->report;

	for (size_t i = 0; i < r->finding_count; i++) {
		if (strcmp(r->findings[i].id, id) != 0)
			continue;
		html_raw(h, "<li><a href=\"#f");
		html_put(h, "%zu", i + 1);
		html_raw(h, "\">");
		html_put(h, "%s", r->findings[i].title);
		html_raw(h, "</a></li>\n");
		return;
	}
}

void html_verdict(struct html *h)
{
	const struct report_verdict *v = &h->report->verdict;

	html_raw(h, "<section id=\"verdict\" class=\"verdict\">\n<h2>Verdict</h2>\n");
	if (v->text)
		html_element(h, "p", "%s", v->text);
	else
		html_element(h, "p", "None: %s.", v->note ? v->note : "not asked for");
	if (v->text && v->finding_count > 0) {
		html_raw(h, "<p class=\"note\">It rests on these findings:</p>\n<ul>\n");
		for (size_t i = 0; i < v->finding_count; i++)
			finding_link(h, v->finding_ids[i]);
		html_raw(h, "</ul>\n");
	}
	if (h->report->incomplete)
		html_element(h, "p class=\"warn\"",
			     "Not complete: figures marked >= are lower bounds, those marked ~ may "
			     "be too low or too high. Coverage says what is missing.");
	html_raw(h, "</section>\n");
}

static void finding(struct html *h, size_t i)
{
	const struct report_finding *f = &h->report->findings[i];

	html_raw(h, "<article id=\"f");
	html_put(h, "%zu", i + 1);
	html_raw(h, "\" class=\"finding ");
	html_raw(h, severity_word(f->severity));
	html_raw(h, "\">\n<h3><span class=\"severity\">");
	html_raw(h, severity_word(f->severity));
	html_raw(h, "</span> ");
	html_put(h, "%s", f->title);
	html_raw(h, "</h3>\n");
	if (f->detail)
		html_element(h, "p", "%s", f->detail);
	if (f->evidence.count > 0)
		html_raw(h, "<ul class=\"facts\">\n");
	for (size_t k = 0; k < f->evidence.count; k++)
		html_element(h, "li", "%s", f->evidence.items[k]);
	if (f->evidence.count > 0)
		html_raw(h, "</ul>\n");
	if (f->next_step)
		html_element(h, "p", "Next: %s", f->next_step);
	html_element(h, "p class=\"id\"", "%s", f->id);
	html_raw(h, "</article>\n");
}

void html_findings(struct html *h)
{
	if (h->report->finding_count == 0)
		html_element(h, "p", "None.");
	for (size_t i = 0; i < h->report->finding_count && html_goes_on(h); i++)
		finding(h, i);
}

static const char *or_unknown(const struct report_string *string)
{
	return string->value ? string->value : "unknown";
}

static void number_term(struct html *h, const char *term, const struct report_number *number)
{
	if (number->has_value)
		html_term(h, term, "%" PRIu64, number->value);
	else
		html_term(h, term, "unknown");
}

static void address_term(struct html *h, const char *term, const struct report_number *number)
{
	if (number->has_value)
		html_term(h, term, "0x%" PRIx64, number->value);
}

static void bugcheck(struct html *h, const struct report_bugcheck *b)
{
	if (b->known)
		html_term(h, "Bug check",
			  "0x%08" PRIx32 " %s (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
			  ", 0x%" PRIx64 ")",
			  b->code, b->name.value ? b->name.value : "(no name known here)",
			  b->parameters[0], b->parameters[1], b->parameters[2], b->parameters[3]);
	else
		html_term(h, "Bug check", "unknown: %s", b->note ? b->note : "not read");
}

static void memory(struct html *h, const struct report_number *pages)
{
	char size[SIZE_TEXT];

	if (pages->has_value && pages->value <= UINT64_MAX / 4096)
		html_term(h, "Memory", "%s", format_size_unsigned(pages->value * 4096, size));
}

void html_machine(struct html *h)
{
	const struct report_file *f = &h->report->file;
	const struct report_system *s = &h->report->system;
	char size[SIZE_TEXT], uptime[DURATION_TEXT] = "unknown";

	if (s->uptime_seconds.has_value)
		format_duration(s->uptime_seconds.value, uptime);
	html_raw(h, "<dl>\n");
	html_term(h, "File", "%s", f->label);
	html_term(h, "Format", "%s, %s (%" PRIu64 " bytes)", f->title,
		  format_size_unsigned(f->size, size), f->size);
	if (f->packed.available)
		html_term(h, "Packed", "%s, %s", f->packed.packing,
			  format_size_unsigned(f->packed.size, size));
	html_term(h, "System", "%s%s%s, %s", or_unknown(&s->product),
		  s->service_pack.value ? " " : "",
		  s->service_pack.value ? s->service_pack.value : "", or_unknown(&s->arch));
	number_term(h, "Build", &s->build);
	number_term(h, "Processors", &s->processors);
	memory(h, &s->physical_pages);
	html_term(h, report_time_label(s), "%s, up %s",
		  s->crash_time.value ? s->crash_time.value : "time unknown", uptime);
	bugcheck(h, &s->bugcheck);
	html_raw(h, "</dl>\n");
}

static const char *completeness(bool complete)
{
	return complete ? "complete" : "NOT complete";
}

/* A row of the coverage: pages present of those expected. */
static void part(struct html *h, const char *name, uint64_t present, uint64_t expected,
		 bool complete, const char *why)
{
	html_row(h, "%s", name);
	html_cell(h, "%" PRIu64, present);
	html_cell(h, "%" PRIu64, expected);
	html_cell(h, "%s", completeness(complete));
	html_cell(h, "%s", complete ? "" : why ? why : "see the notes");
	html_raw(h, "\n");
}

static void absent_part(struct html *h, const char *name, const char *why)
{
	html_row(h, "%s", name);
	html_cell(h, "-");
	html_cell(h, "-");
	html_cell(h, "not available");
	html_cell(h, "%s", why ? why : "no reason is known");
	html_raw(h, "\n");
}

void html_coverage(struct html *h)
{
	static const struct html_column columns[] = {
		{"Part", HTML_WORDS, 0},
		{"Pages present", HTML_NUMBER, 0},
		{"Pages expected", HTML_NUMBER, 0},
		{"State", HTML_WORDS, 0},
		{"What is missing", HTML_WORDS, 0},
		{NULL, HTML_WORDS, 0},
	};
	const struct report *r = h->report;
	const struct report_file *f = &r->file;
	const struct report_tracker *t = &r->tracker;
	const struct report_big *b = &r->big;

	html_table(h, "coverage", "Coverage", columns);
	if (f->minidump.available)
		part(h, "File (pieces of a minidump)", f->minidump.pieces, f->minidump.pieces,
		     f->complete, NULL);
	else
		part(h, "File", f->pages_in_file, f->pages_listed, f->complete, NULL);
	if (t->available)
		part(h, "Tag tables", t->pages_present, t->pages_expected, t->complete,
		     t->incomplete_reason);
	else
		absent_part(h, "Tag tables", t->note);
	if (b->available)
		part(h, "Big-page table", b->pages_present, b->pages_expected, b->complete,
		     b->incomplete_reason);
	else
		absent_part(h, "Big-page table", b->note);
	html_table_end(h);
}

static void notes(struct html *h, const struct report_notes *list)
{
	if (list->count == 0)
		return;
	html_raw(h, "<ul>\n");
	for (size_t i = 0; i < list->count && html_goes_on(h); i++)
		html_element(h, "li", "%s", list->items[i]);
	html_raw(h, "</ul>\n");
}

static void tables(struct html *h)
{
	const struct report_tracker *t = &h->report->tracker;
	const struct report_big *b = &h->report->big;

	if (t->available)
		html_term(h, "Tag tables",
			  "at 0x%" PRIx64 ", %" PRIu64 " entries of %" PRIu32
			  " bytes, hash %c, %u processor%s merged",
			  t->address, t->entries, t->entry_size, t->hash, t->processors_merged,
			  t->processors_merged == 1 ? "" : "s");
	if (b->available)
		html_term(h, "Big-page table",
			  "at 0x%" PRIx64 ", %" PRIu64 " entries of %" PRIu32 " bytes%s%s",
			  b->address, b->entries, b->entry_size, b->remark ? "; " : "",
			  b->remark ? b->remark : "");
}

void html_notes(struct html *h)
{
	const struct report *r = h->report;
	const struct report_system *s = &r->system;

	notes(h, &r->file.notes);
	notes(h, &s->notes);
	notes(h, &r->pool_notes);
	notes(h, &r->owner_notes);
	html_raw(h, "<dl>\n");
	if (s->located_by.value)
		html_term(h, "Found by", "%s", s->located_by.value);
	if (s->build_lab.value)
		html_term(h, "Build lab", "%s", s->build_lab.value);
	if (s->kernel_pdb_name.value)
		html_term(h, "Kernel PDB", "%s %s", s->kernel_pdb_name.value,
			  or_unknown(&s->kernel_pdb_guid_age));
	address_term(h, "Kernel base", &s->kernel_base);
	address_term(h, "DTB", &s->directory_table_base);
	address_term(h, "KDBG", &s->kdbg);
	tables(h);
	html_raw(h, "</dl>\n");
}

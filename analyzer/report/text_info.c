/*
 * The text page of `info`, and the lines of machine identity that `analyze` begins with.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/report/format.h"

enum { PIECE = 160 };

static enum ps_status file_line(const struct text *text, struct ps_error *err)
{
	const struct report_file *f = &text->report->file;
	const struct report_packed *p = &f->packed;
	char size[SIZE_TEXT];
	enum ps_status status = text_field(text, err, "File", "%s: %s, %s", f->label, f->title,
					   format_size_unsigned(f->size, size));

	if (status != PS_OK || !p->available)
		return status;
	return text_field(text, err, "Packed",
			  "%s, %s; unpacked in %.1f s, %.1f s of processor time", p->packing,
			  format_size_unsigned(p->size, size), (double)p->elapsed_ms.value / 1e3,
			  (double)p->processor_ms.value / 1e3);
}

static const char *ram(const struct report_system *s, char piece[PIECE])
{
	char size[SIZE_TEXT];

	if (s->physical_pages.has_value && s->physical_pages.value <= UINT64_MAX / 4096)
		snprintf(piece, PIECE, ", %s of memory",
			 format_size_unsigned(s->physical_pages.value * 4096, size));
	else
		piece[0] = '\0';
	return piece;
}

static const char *number_or_unknown(const struct report_number *number, char piece[PIECE])
{
	if (number->has_value)
		snprintf(piece, PIECE, "%" PRIu64, number->value);
	else
		snprintf(piece, PIECE, "unknown");
	return piece;
}

static enum ps_status system_line(const struct text *text, struct ps_error *err)
{
	const struct report_system *s = &text->report->system;
	char build[PIECE], processors[PIECE], memory[PIECE];

	return text_field(text, err, "System", "%s%s%s, build %s, %s, %s processor%s%s",
			  text_or_unknown(&s->product), s->service_pack.value ? " " : "",
			  s->service_pack.value ? s->service_pack.value : "",
			  number_or_unknown(&s->build, build), text_or_unknown(&s->arch),
			  number_or_unknown(&s->processors, processors),
			  s->processors.has_value && s->processors.value == 1 ? "" : "s",
			  ram(s, memory));
}

static enum ps_status crash_line(const struct text *text, struct ps_error *err)
{
	const struct report_system *s = &text->report->system;
	char duration[DURATION_TEXT];

	if (!s->crash_time.value && !s->uptime_seconds.has_value)
		return text_field(text, err, report_time_label(s), "time and uptime unknown: %s",
				  s->crash_time.note);
	return text_field(
		text, err, report_time_label(s), "at %s, up %s", text_or_unknown(&s->crash_time),
		s->uptime_seconds.has_value ? format_duration(s->uptime_seconds.value, duration)
					    : "unknown");
}

static enum ps_status bugcheck_line(const struct text *text, struct ps_error *err)
{
	const struct report_bugcheck *b = &text->report->system.bugcheck;

	if (!b->known)
		return text_field(text, err, "Bug check", "unknown: %s", b->note);
	return text_field(text, err, "Bug check",
			  "0x%08" PRIx32 " %s (0x%" PRIx64 ", 0x%" PRIx64 ", 0x%" PRIx64
			  ", 0x%" PRIx64 ")",
			  b->code, b->name.value ? b->name.value : "(no name known here)",
			  b->parameters[0], b->parameters[1], b->parameters[2], b->parameters[3]);
}

static enum ps_status kernel_line(const struct text *text, struct ps_error *err)
{
	const struct report_system *s = &text->report->system;
	const struct report_modules *m = &text->report->modules;
	char modules[PIECE] = "";

	if (!s->kernel_base.has_value)
		return text_field(text, err, "Kernel", "not found: %s", s->kernel_base.note);
	if (m->available)
		snprintf(modules, sizeof(modules), ", %s%zu modules",
			 m->complete ? "" : ">=", m->count);
	return text_field(text, err, "Kernel", "at 0x%" PRIx64 ", %s %s%s", s->kernel_base.value,
			  s->kernel_pdb_name.value ? s->kernel_pdb_name.value : "PDB",
			  text_or_unknown(&s->kernel_pdb_guid_age), modules);
}

enum ps_status text_system(const struct text *text, struct ps_error *err)
{
	const struct report *r = text->report;
	enum ps_status status = file_line(text, err);

	if (status == PS_OK)
		status = system_line(text, err);
	if (status == PS_OK)
		status = crash_line(text, err);
	if (status == PS_OK)
		status = bugcheck_line(text, err);
	if (status == PS_OK)
		status = kernel_line(text, err);
	if (status == PS_OK && r->system.located_by.value)
		status = text_field(text, err, "Found by", "%s", r->system.located_by.value);
	return status;
}

static enum ps_status roots(const struct text *text, struct ps_error *err)
{
	const struct report_system *s = &text->report->system;
	enum ps_status status = PS_OK;

	if (s->build_lab.value)
		status = text_field(text, err, "Build lab", "%s", s->build_lab.value);
	if (status == PS_OK && s->directory_table_base.has_value)
		status = text_field(text, err, "DTB", "0x%" PRIx64, s->directory_table_base.value);
	if (status == PS_OK && s->kdbg.has_value)
		status = text_field(text, err, "KDBG", "0x%" PRIx64, s->kdbg.value);
	return status;
}

/* The lengths of built-in layouts need no word. */
static const char *layout_words(const struct report *report, const char *structure)
{
	const struct report_symbols *s = &report->symbols;

	for (size_t i = 0; i < s->layout_count; i++)
		if (s->layouts[i].used && strcmp(s->layouts[i].structure, structure) == 0)
			return ", laid out as symbols have it";
	return "";
}

static enum ps_status tables(const struct text *text, struct ps_error *err)
{
	const struct report_tracker *t = &text->report->tracker;
	const struct report_big *b = &text->report->big;
	enum ps_status status = PS_OK;

	if (t->available)
		status = text_field(text, err, "Tag table",
				    "at 0x%" PRIx64 ", %" PRIu64 " entries of %" PRIu32
				    " bytes, hash %c%s",
				    t->address, t->entries, t->entry_size, t->hash,
				    layout_words(text->report, "_POOL_TRACKER_TABLE"));
	if (status == PS_OK && b->available)
		status = text_field(text, err, "Big pages",
				    "at 0x%" PRIx64 ", %" PRIu64 " entries of %" PRIu32
				    " bytes%s%s%s",
				    b->address, b->entries, b->entry_size,
				    layout_words(text->report, "_POOL_TRACKER_BIG_PAGES"),
				    b->remark ? "; " : "", b->remark ? b->remark : "");
	return status;
}

/* "word 0x1234, " when known; appends and returns the new length. */
static size_t add_fact(char *out, size_t size, size_t used, const char *word,
		       const struct report_number *number, bool hex)
{
	int length;

	if (!number->has_value || used >= size)
		return used;
	length = snprintf(out + used, size - used, hex ? "%s%s 0x%" PRIx64 : "%s%s %" PRIu64,
			  used ? ", " : "", word, number->value);
	return length > 0 ? used + (size_t)length : used;
}

static enum ps_status header_line(const struct text *text, struct ps_error *err)
{
	const struct report_header *h = &text->report->file.header;
	char out[512] = "";
	size_t used = 0;

	if (!h->available)
		return PS_OK;
	used = add_fact(out, sizeof(out), used, "DumpType", &h->dump_type, false);
	used = add_fact(out, sizeof(out), used, "MajorVersion", &h->free_build, true);
	used = add_fact(out, sizeof(out), used, "DTB", &h->directory_table_base, true);
	used = add_fact(out, sizeof(out), used, "PfnDataBase", &h->pfn_database, true);
	used = add_fact(out, sizeof(out), used, "PsLoadedModuleList", &h->module_list, true);
	used = add_fact(out, sizeof(out), used, "PsActiveProcessHead", &h->process_list, true);
	used = add_fact(out, sizeof(out), used, "KDBG", &h->kdbg, true);
	used = add_fact(out, sizeof(out), used, "product type", &h->product_type, false);
	used = add_fact(out, sizeof(out), used, "suites", &h->suite_mask, true);
	add_fact(out, sizeof(out), used, "attributes", &h->attributes, true);
	return text_field(text, err, "Header", "%s", out);
}

static enum ps_status minidump_lines(const struct text *text, struct ps_error *err)
{
	const struct report_minidump *m = &text->report->file.minidump;
	char size[SIZE_TEXT];
	enum ps_status status;

	if (!m->available)
		return PS_OK;
	status = text_field(text, err, "Minidump",
			    "%" PRIu64
			    " pieces of virtual memory (%s)%s%s%s%s%s; call stack of %" PRIu64
			    " bytes; copy of KDBG of %" PRIu64 " bytes",
			    m->pieces, format_size_unsigned(m->bytes, size),
			    m->context ? ", context" : "", m->exception ? ", exception record" : "",
			    m->processor ? ", processor block" : "", m->process ? ", process" : "",
			    m->thread ? ", thread" : "", m->stack_bytes, m->kdbg_bytes);
	if (status == PS_OK && m->secondary_count > 0)
		status = text_field(text, err, "Added",
				    "%zu items of secondary data, %s:", m->secondary_count,
				    format_size_unsigned(m->secondary_bytes, size));
	for (size_t i = 0; i < m->secondary_count && status == PS_OK; i++) {
		const struct report_secondary *s = &m->secondary[i];

		status = text_field(text, err, "", "%s %8" PRIu64 " bytes%s%s", s->guid, s->bytes,
				    s->name.value ? "  " : "", s->name.value ? s->name.value : "");
	}
	return status;
}

enum ps_status text_info(const struct text *text, struct ps_error *err)
{
	enum ps_status status = text_system(text, err);

	if (status == PS_OK)
		status = roots(text, err);
	if (status == PS_OK)
		status = header_line(text, err);
	if (status == PS_OK)
		status = minidump_lines(text, err);
	if (status == PS_OK)
		status = tables(text, err);
	if (status == PS_OK)
		status = text_coverage(text, err);
	if (status == PS_OK && text->report->tracker.incomplete_reason)
		status = text_field(text, err, "", "missing: %s",
				    text->report->tracker.incomplete_reason);
	if (status == PS_OK)
		status = text_notes(text, err);
	return status;
}

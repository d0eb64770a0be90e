/*
 * The CSV renderer: RFC 4180 (CR LF, quotes doubled), a header row, one table.
 *
 * Incomplete figures stand as they are; "complete" says so, and the text and JSON say why.
 */
#include "analyzer/report/render.h"

#include <inttypes.h>

#include "analyzer/report/csv_field.h"
#include "analyzer/report/owner_cells.h"

/* Up to the description, with a comma behind it. */
static void tag_fields(const struct report_tag *tag, const struct report_line *line, FILE *out)
{
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	char text[TAG_TEXT], hex[TAG_HEX];

	csv_field(out, tag_text(tag->tag, text), false);
	csv_field(out, tag_hex(tag->tag, hex), false);
	fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",",
		line->paged ? "paged" : "nonpaged", side->allocs, side->frees, side->diff,
		side->bytes);
	if (line->has_per_alloc)
		fprintf(out, "%" PRId64, line->per_alloc);
	fprintf(out, ",%s,", tag->complete ? "true" : "false");
	csv_field(out, tag->image, false);
}

static void tag_line(const struct report *report, const struct report_line *line, FILE *out)
{
	const struct report_tag *tag = &report->tags[line->tag];
	const struct report_owner *owner = owner_of_tag(report, tag);

	tag_fields(tag, line, out);
	csv_field(out, tag->description.value, false);
	csv_field(out, owner ? owner->words : NULL, false);
	csv_field(out, owner ? ownership_word(owner->ownership) : NULL, true);
}

static enum ps_status csv_tags(const struct report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("tag,tag_hex,pool,allocs,frees,diff,bytes,per_alloc,complete,image,description,"
	      "owner,ownership\r\n",
	      out);
	for (size_t i = 0; i < report->lines.count; i++)
		tag_line(report, &report->lines.items[i], out);
	return PS_OK;
}

static enum ps_status csv_sessions(const struct report *report, FILE *out, struct ps_error *err)
{
	const struct report_sessions *s = &report->sessions;

	(void)err;
	fputs("session,tag,tag_hex,pool,allocs,frees,diff,bytes,per_alloc,complete,image,"
	      "description\r\n",
	      out);
	for (size_t i = 0; i < s->count; i++) {
		for (size_t k = 0; k < s->items[i].lines.count; k++) {
			const struct report_line *line = &s->items[i].lines.items[k];
			const struct report_tag *tag = &s->items[i].tags[line->tag];

			fprintf(out, "%" PRIu64 ",", s->items[i].id);
			tag_fields(tag, line, out);
			csv_field(out, tag->description.value, true);
		}
	}
	return PS_OK;
}

static const char *pool_word(int paged)
{
	if (paged < 0)
		return "";
	return paged ? "paged" : "nonpaged";
}

static enum ps_status csv_big(const struct report *report, FILE *out, struct ps_error *err)
{
	const struct report_big *big = &report->big;
	char text[TAG_TEXT], hex[TAG_HEX];

	(void)err;
	fputs("tag,tag_hex,pool,count,bytes,per_alloc,complete,image,description\r\n", out);
	for (size_t i = 0; i < big->line_count; i++) {
		const struct report_big_line *line = &big->lines[i];
		const struct report_big_tag *t = &big->tags[line->tag];

		csv_field(out, tag_text(t->tag, text), false);
		csv_field(out, tag_hex(t->tag, hex), false);
		fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,", pool_word(line->paged),
			line->count, line->bytes, line->per_alloc,
			big->complete ? "true" : "false");
		csv_field(out, t->image, false);
		csv_field(out, t->description.value, true);
	}
	return PS_OK;
}

static enum ps_status csv_big_list(const struct report *report, FILE *out, struct ps_error *err)
{
	const struct report_big_source *rows = &report->big_rows;
	struct report_big_row row;
	char text[TAG_TEXT], hex[TAG_HEX];
	enum ps_status status;
	bool found;

	fputs("index,address,tag,tag_hex,pool,bytes,type,freed,protected\r\n", out);
	for (;;) {
		status = rows->next(rows->context, &row, &found, err);
		if (status != PS_OK || !found || ferror(out))
			return status;
		fprintf(out, "%" PRIu64 ",0x%016" PRIx64 ",", row.index, row.va);
		csv_field(out, tag_text(row.tag, text), false);
		csv_field(out, tag_hex(row.tag, hex), false);
		fprintf(out, "%s,%" PRIu64 ",0x%" PRIx32 ",%s,%s\r\n", pool_word(row.paged),
			row.bytes, row.type, row.freed ? "true" : "false",
			row.is_protected ? "true" : "false");
	}
}

static void module_line(const struct report *report, const struct report_module *m, bool unloaded,
			FILE *out)
{
	const struct report_drivers *d = &report->drivers;
	const struct report_driver *driver = m->driver ? &d->items[m->driver - 1] : NULL;

	fprintf(out, "0x%016" PRIx64 ",%" PRIu64 ",", m->base, m->size);
	csv_field(out, m->name.value, false);
	csv_field(out, m->path.value, false);
	if (m->timestamp.has_value)
		fprintf(out, "%" PRIu64, m->timestamp.value);
	fputc(',', out);
	csv_field(out, m->pdb_name.value, false);
	csv_field(out, m->pdb_guid_age.value, false);
	fprintf(out, "%s,", unloaded ? "unloaded" : "loaded");
	csv_field(out, m->unloaded_at.value, false);
	csv_field(out, m->version.company.value, false);
	csv_field(out, m->version.product.value, false);
	csv_field(out, m->version.description.value, false);
	csv_field(out, m->version.file_version.value, false);
	csv_field(out, m->version.original_name.value, false);
	if (d->available && !unloaded)
		fprintf(out, "%" PRId64 ",%" PRId64 ",%s", driver ? driver->nonpaged : 0,
			driver ? driver->paged : 0, trust_word(d->trust));
	else
		fputs(",,", out);
	fputs("\r\n", out);
}

static enum ps_status csv_modules(const struct report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("base,size,name,path,timestamp,pdb_name,guid_age,state,unloaded_at,company,product,"
	      "description,file_version,original_name,nonpaged_bytes,paged_bytes,trust\r\n",
	      out);
	for (size_t i = 0; i < report->modules.count; i++)
		module_line(report, &report->modules.items[i], false, out);
	for (size_t i = 0; i < report->unloaded.count; i++)
		module_line(report, &report->unloaded.items[i], true, out);
	return PS_OK;
}

static void number_field(const struct report_number *number, FILE *out)
{
	if (number->has_value)
		fprintf(out, "%" PRIu64, number->value);
	fputc(',', out);
}

static void process_line(const struct report_process *p, FILE *out)
{
	fprintf(out, "%" PRIu64 ",", p->pid);
	number_field(&p->parent, out);
	number_field(&p->session, out);
	csv_field(out, p->state, false);
	number_field(&p->handles, out);
	number_field(&p->threads, out);
	number_field(&p->held, out);
	number_field(&p->holds, out);
	fprintf(out, "%s,", p->holds_at_least ? "at-least" : p->holds.has_value ? "exact" : "");
	csv_field(out, p->started.value, false);
	csv_field(out, p->ended.value, false);
	fprintf(out, "0x%016" PRIx64 ",", p->address);
	csv_field(out, p->name.value, true);
}

static enum ps_status csv_processes(const struct report *report, FILE *out, struct ps_error *err)
{
	const struct report_processes *p = &report->processes;

	(void)err;
	fputs("pid,parent,session,state,handles,threads,held_by_handles,holds_exited,"
	      "holds_trust,started,ended,address,name\r\n",
	      out);
	for (size_t i = 0; i < p->shown && !ferror(out); i++)
		process_line(&p->items[i], out);
	return PS_OK;
}

static void candidate_line(const struct report *report, const struct report_owner *owner,
			   const struct report_candidate *c, FILE *out)
{
	const struct report_evidence *e = c->evidence_count ? &c->evidence[0] : NULL;
	const struct report_version *v = c->version;
	char text[TAG_TEXT], hex[TAG_HEX];

	csv_field(out, tag_text(owner->tag, text), false);
	csv_field(out, tag_hex(owner->tag, hex), false);
	csv_field(out, ownership_word(owner->ownership), false);
	csv_field(out, c->module, false);
	fprintf(out, "%s,", c->unloaded ? "unloaded" : report->no_file ? "file" : "loaded");
	csv_field(out, c->grade, false);
	fprintf(out, "%u,", candidate_sites(c));
	csv_field(out, e ? e->api : NULL, false);
	if (e && e->address.has_value)
		fprintf(out, "0x%016" PRIx64, e->address.value);
	fputc(',', out);
	if (e && e->source)
		fprintf(out, "0x%" PRIx32, e->rva);
	fputc(',', out);
	csv_field(out, e ? e->section : NULL, false);
	csv_field(out, e ? e->function : NULL, false);
	csv_field(out, e ? e->source : NULL, false);
	csv_field(out, v ? v->company.value : NULL, false);
	csv_field(out, v ? v->file_version.value : NULL, true);
}

/* A tag without a candidate is a line too: what nobody owns is an answer. */
static void nobody_line(const struct report_owner *owner, FILE *out)
{
	char text[TAG_TEXT], hex[TAG_HEX];

	csv_field(out, tag_text(owner->tag, text), false);
	csv_field(out, tag_hex(owner->tag, hex), false);
	fprintf(out, "%s,,,,,,,,,,,,\r\n", ownership_word(owner->ownership));
}

/* One line a candidate, with its best evidence. */
static enum ps_status csv_owners(const struct report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("tag,tag_hex,ownership,module,state,grade,sites,api,address,rva,section,function,"
	      "read_in,company,file_version\r\n",
	      out);
	for (size_t i = 0; i < report->owner_count; i++) {
		const struct report_owner *owner = &report->owners[i];

		for (size_t j = 0; j < owner->candidate_count; j++)
			candidate_line(report, owner, &owner->candidates[j], out);
		if (owner->candidate_count == 0)
			nobody_line(owner, out);
	}
	return PS_OK;
}

enum ps_status render_csv(const struct report *report, FILE *out, struct ps_error *err)
{
	switch (report->view) {
	case VIEW_TAGS: return csv_tags(report, out, err);
	case VIEW_BIG: return csv_big(report, out, err);
	case VIEW_BIG_LIST: return csv_big_list(report, out, err);
	case VIEW_MODULES: return csv_modules(report, out, err);
	case VIEW_SESSIONS: return csv_sessions(report, out, err);
	case VIEW_PROCESSES: return csv_processes(report, out, err);
	case VIEW_OWNERS:
	case VIEW_EVIDENCE:
	case VIEW_OWNERS_FILES: return csv_owners(report, out, err);
	case VIEW_ANALYZE:
	case VIEW_HEX:
	case VIEW_SYMBOLS:
	case VIEW_INFO: break;
	}
	return ps_fail(err, PS_USAGE, "this command is more than one table and has no CSV");
}

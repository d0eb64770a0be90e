/*
 * The CSV renderer: RFC 4180 (CR LF, quotes doubled), a header row, one table.
 *
 * Incomplete figures stand as they are; "complete" says so, and the text and JSON say why.
 */
#include "analyzer/report/render.h"

#include <inttypes.h>
#include <string.h>

static bool needs_quotes(const char *text)
{
	size_t length = strlen(text);

	/* blanks at the ends are data (the tag `Irp `), and some readers trim bare ones */
	return strpbrk(text, ",\"\r\n") ||
	       (length > 0 && (text[0] == ' ' || text[length - 1] == ' '));
}

/* NULL is an empty field: not known. */
static void put_field(FILE *out, const char *text, bool last)
{
	if (text && needs_quotes(text)) {
		fputc('"', out);
		for (; *text != '\0'; text++) {
			if (*text == '"')
				fputc('"', out);
			fputc(*text, out);
		}
		fputc('"', out);
	} else if (text) {
		fputs(text, out);
	}
	fputs(last ? "\r\n" : ",", out);
}

static void tag_line(const struct report *report, const struct report_line *line, FILE *out)
{
	const struct report_tag *tag = &report->tags[line->tag];
	const struct report_side *side = line->paged ? &tag->paged : &tag->nonpaged;
	char text[TAG_TEXT], hex[TAG_HEX];

	put_field(out, tag_text(tag->tag, text), false);
	put_field(out, tag_hex(tag->tag, hex), false);
	fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRId64 ",%" PRId64 ",",
		line->paged ? "paged" : "nonpaged", side->allocs, side->frees, side->diff,
		side->bytes);
	if (line->has_per_alloc)
		fprintf(out, "%" PRId64, line->per_alloc);
	fprintf(out, ",%s,", tag->complete ? "true" : "false");
	put_field(out, tag->image, false);
	put_field(out, tag->description.value, true);
}

static enum ps_status csv_tags(const struct report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("tag,tag_hex,pool,allocs,frees,diff,bytes,per_alloc,complete,image,description\r\n",
	      out);
	for (size_t i = 0; i < report->lines.count; i++)
		tag_line(report, &report->lines.items[i], out);
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

		put_field(out, tag_text(t->tag, text), false);
		put_field(out, tag_hex(t->tag, hex), false);
		fprintf(out, "%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%s,", pool_word(line->paged),
			line->count, line->bytes, line->per_alloc,
			big->complete ? "true" : "false");
		put_field(out, t->image, false);
		put_field(out, t->description.value, true);
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
		put_field(out, tag_text(row.tag, text), false);
		put_field(out, tag_hex(row.tag, hex), false);
		fprintf(out, "%s,%" PRIu64 ",0x%" PRIx32 ",%s,%s\r\n", pool_word(row.paged),
			row.bytes, row.type, row.freed ? "true" : "false",
			row.is_protected ? "true" : "false");
	}
}

static void module_line(const struct report_module *m, bool unloaded, FILE *out)
{
	fprintf(out, "0x%016" PRIx64 ",%" PRIu64 ",", m->base, m->size);
	put_field(out, m->name.value, false);
	put_field(out, m->path.value, false);
	if (m->timestamp.has_value)
		fprintf(out, "%" PRIu64, m->timestamp.value);
	fputc(',', out);
	put_field(out, m->pdb_name.value, false);
	put_field(out, m->pdb_guid_age.value, false);
	fprintf(out, "%s,", unloaded ? "unloaded" : "loaded");
	put_field(out, m->unloaded_at.value, true);
}

static enum ps_status csv_modules(const struct report *report, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("base,size,name,path,timestamp,pdb_name,guid_age,state,unloaded_at\r\n", out);
	for (size_t i = 0; i < report->modules.count; i++)
		module_line(&report->modules.items[i], false, out);
	for (size_t i = 0; i < report->unloaded.count; i++)
		module_line(&report->unloaded.items[i], true, out);
	return PS_OK;
}

enum ps_status render_csv(const struct report *report, FILE *out, struct ps_error *err)
{
	switch (report->view) {
	case VIEW_TAGS: return csv_tags(report, out, err);
	case VIEW_BIG: return csv_big(report, out, err);
	case VIEW_BIG_LIST: return csv_big_list(report, out, err);
	case VIEW_MODULES: return csv_modules(report, out, err);
	case VIEW_ANALYZE:
	case VIEW_HEX:
	case VIEW_INFO: break;
	}
	return ps_fail(err, PS_USAGE, "this command is more than one table and has no CSV");
}

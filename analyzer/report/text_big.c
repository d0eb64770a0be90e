/*
 * The text pages of `big`: sums per tag, the allocations themselves (streamed, so without
 * libsmartcols), and a hex dump of one.
 */
#include "analyzer/report/text.h"

#include <inttypes.h>
#include <string.h>

#include "analyzer/report/format.h"
#include "analyzer/report/table.h"

static const char *kind_word(int paged)
{
	if (paged < 0)
		return "?";
	return paged ? "Paged" : "Nonp";
}

static void big_row(struct table *table, const struct report_big *b,
		    const struct report_big_line *line, const char *mark)
{
	const struct report_big_tag *tag = &b->tags[line->tag];
	char name[TAG_TEXT], size[SIZE_TEXT];

	table_row(table, false);
	table_cell(table, "%s", tag_text(tag->tag, name));
	table_cell(table, "%s", kind_word(line->paged));
	table_cell(table, "%s%" PRIu64, mark, line->count);
	table_cell(table, "%s%" PRIu64, mark, line->bytes);
	table_cell(table, "%s%s", mark, format_size_unsigned(line->bytes, size));
	table_cell(table, "%s%" PRIu64, trust_mark(b->complete ? FIGURE_EXACT : FIGURE_ABOUT),
		   line->per_alloc);
	text_description_cell(table, tag->image, tag->description.value);
}

static enum ps_status big_table(const struct text *text, struct ps_error *err)
{
	const struct report_big *b = &text->report->big;
	const char *mark = trust_mark(b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	struct table table;

	table_init(&table, text->options);
	table_column(&table, "Tag", COLUMN_LEFT);
	table_column(&table, "Type", COLUMN_LEFT);
	table_column(&table, "Count", COLUMN_RIGHT);
	table_column(&table, "Bytes", COLUMN_RIGHT);
	table_column(&table, "Size", COLUMN_RIGHT);
	table_column(&table, "Per-Alloc", COLUMN_RIGHT);
	table_column(&table, "Description", COLUMN_LAST);
	for (size_t i = 0; i < b->line_count; i++)
		big_row(&table, b, &b->lines[i], mark);
	return table_finish(&table, b->line_count, text->out, err);
}

static enum ps_status big_reason(const struct text *text, struct ps_error *err)
{
	const struct report_big *b = &text->report->big;
	enum ps_status status = PS_OK;

	if (b->remark)
		status = text_words(text, err, 0, "%s.", b->remark);
	if (status != PS_OK || b->complete)
		return status;
	return text_words(text, err, 0,
			  "Not complete: >= is a lower bound. Big-page table: %" PRIu64
			  " of %" PRIu64 " pages present. %s.",
			  b->pages_present, b->pages_expected,
			  b->incomplete_reason ? b->incomplete_reason : "No reason is known");
}

enum ps_status text_big(const struct text *text, struct ps_error *err)
{
	const struct report_big *b = &text->report->big;
	const char *mark = trust_mark(b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	enum ps_status status;

	if (b->line_count == 0)
		status = text_words(text, err, 0, "No live big allocation matches.");
	else
		status = big_table(text, err);
	if (status != PS_OK)
		return status;
	if (b->line_count > 0)
		fputc('\n', text->out);
	status = text_words(text, err, 0,
			    "%zu row%s of %zu. Whole table: %s%" PRIu64 " live and %s%" PRIu64
			    " freed entries of %" PRIu64 ". 1 MB = 1048576 bytes.",
			    b->line_count, b->line_count == 1 ? "" : "s",
			    b->line_count + b->left_out, mark, b->in_use, mark, b->freed,
			    b->entries);
	if (status == PS_OK)
		status = big_reason(text, err);
	return status;
}

enum ps_status text_big_list(const struct text *text, struct ps_error *err)
{
	const struct report_big_source *rows = &text->report->big_rows;
	const struct report_big *b = &text->report->big;
	const char *mark = trust_mark(b->complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	struct report_big_row row;
	char name[TAG_TEXT], size[SIZE_TEXT];
	uint64_t count = 0;
	bool found;

	fprintf(text->out, "%-18s  %-4s  %-5s  %12s  %10s  %-5s  %10s  %s\n", "Address", "Tag",
		"Type", "Bytes", "Size", "State", "Index", "Type-Bits");
	for (;;) {
		enum ps_status status = rows->next(rows->context, &row, &found, err);

		if (status != PS_OK)
			return status;
		if (!found)
			break;
		fprintf(text->out,
			"0x%016" PRIx64 "  %-4s  %-5s  %12" PRIu64 "  %10s  %-5s  %10" PRIu64
			"  0x%" PRIx32 "%s\n",
			row.va, tag_text(row.tag, name), kind_word(row.paged), row.bytes,
			format_size_unsigned(row.bytes, size), row.freed ? "freed" : "live",
			row.index, row.type, row.is_protected ? " protected" : "");
		count++;
	}
	fprintf(text->out,
		"\n%" PRIu64 " allocation%s listed; the table has %s%" PRIu64 " live and %s%" PRIu64
		" freed.\n",
		count, count == 1 ? "" : "s", mark, b->in_use, mark, b->freed);
	return big_reason(text, err);
}

static void hex_line(FILE *out, const struct report_hex *hex, size_t at)
{
	fprintf(out, "%016" PRIx64 " ", hex->va + at);
	for (size_t i = at; i < at + 16; i++) {
		if (i % 8 == 0)
			fputc(' ', out);
		if (i >= hex->size)
			fputs("   ", out);
		else if (hex->present[i])
			fprintf(out, "%02x ", hex->data[i]);
		else
			fputs("?? ", out);
	}
	fputs(" |", out);
	for (size_t i = at; i < at + 16 && i < hex->size; i++) {
		uint8_t byte = hex->data[i];

		if (!hex->present[i])
			fputc('?', out);
		else
			fputc(byte >= 0x20 && byte <= 0x7e ? byte : '.', out);
	}
	fputs("|\n", out);
}

static bool any_present(const struct report_hex *hex)
{
	for (size_t i = 0; i < hex->size; i++) {
		if (hex->present[i])
			return true;
	}
	return hex->size == 0;
}

enum ps_status text_hex(const struct text *text, struct ps_error *err)
{
	const struct report_hex *hex = &text->report->hex;
	char name[TAG_TEXT], size[SIZE_TEXT];
	enum ps_status status;

	status = text_words(
		text, err, 0,
		"Big allocation 0x%" PRIx64 ": tag %s, %s, %" PRIu64 " bytes (%s), first %zu shown",
		hex->va, tag_text(hex->tag, name), kind_word(hex->paged), hex->allocation_bytes,
		format_size_unsigned(hex->allocation_bytes, size), hex->size);
	if (status != PS_OK)
		return status;
	if (!any_present(hex))
		return text_words(text, err, 0, "None of these bytes can be read: %s.",
				  hex->note ? hex->note : "no reason is known");
	for (size_t at = 0; at < hex->size; at += 16)
		hex_line(text->out, hex, at);
	if (hex->note)
		status = text_words(text, err, 0, "?? cannot be read: %s.", hex->note);
	return status;
}

/*
 * CSV of a comparison: a row of the table a line, growth step by step in the last columns. What is
 * not known is an empty field; "trust" is that of the growth in bytes.
 */
#include "analyzer/report/diff_report.h"

#include <inttypes.h>

#include "analyzer/report/csv_field.h"

static void figure_field(FILE *out, struct diff_figure figure)
{
	if (figure.known)
		fprintf(out, "%" PRId64, figure.value);
	fputc(',', out);
}

enum ps_status render_diff_csv(const struct diff_report *diff, FILE *out, struct ps_error *err)
{
	(void)err;
	fputs("tag,tag_hex,pool,state,before,after,bytes,trust,bytes_per_hour,diff,allocs,frees,"
	      "lockstep",
	      out);
	for (size_t i = 1; i < diff->point_count; i++)
		fprintf(out, ",step_%zu", i);
	fputs(",owner\r\n", out);
	for (size_t i = 0; i < diff->row_count; i++) {
		const struct diff_row *r = &diff->rows[i];
		char text[TAG_TEXT], hex[TAG_HEX];

		csv_field(out, tag_text(r->tag, text), false);
		csv_field(out, tag_hex(r->tag, hex), false);
		csv_field(out, r->paged ? "paged" : "nonpaged", false);
		csv_field(out, r->state == DIFF_STAYED ? "stayed" : diff_state_word(r->state),
			  false);
		figure_field(out, r->before);
		figure_field(out, r->after);
		figure_field(out, r->bytes);
		csv_field(out, r->bytes.known ? trust_word(r->bytes.trust) : NULL, false);
		figure_field(out, r->rate);
		figure_field(out, r->diff);
		figure_field(out, r->allocs);
		figure_field(out, r->frees);
		if (r->group > 0)
			fprintf(out, "%u", r->group);
		fputc(',', out);
		for (size_t k = 0; k + 1 < diff->point_count; k++)
			figure_field(out, r->steps[k]);
		csv_field(out, r->owner, true);
	}
	return PS_OK;
}

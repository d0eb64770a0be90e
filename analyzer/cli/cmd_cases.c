/*
 * poolscope cases: counts across the cases of a batch, and cases like a given one. Exit status 0:
 * what is printed is counted over all cases there are.
 */

#include "analyzer/cli/command.h"
#include "analyzer/cli/html_file.h"
#include "analyzer/desk/queries.h"
#include "analyzer/report/report.h"

enum { ROWS_OF_TEXT = 10, ROWS_OF_PAGE = 50, EXIT_FAULT = 4 };

static enum ps_status write_page(const void *report, FILE *out, struct ps_error *err)
{
	return cases_html(report, out, err);
}

static size_t rows(const struct options *o, enum output_kind output)
{
	if (o->has_top)
		return o->top;
	return output == OUTPUT_TEXT ? ROWS_OF_TEXT : output == OUTPUT_HTML ? ROWS_OF_PAGE : 0;
}

static enum ps_status print(const struct options *o, struct cases_report *report,
			    struct ps_error *err)
{
	const struct render_options how = command_render_options(o);

	report->top = rows(o, o->output);
	switch (o->output) {
	case OUTPUT_JSON: return cases_json(report, stdout, err);
	case OUTPUT_CSV: return cases_csv(report, stdout, err);
	case OUTPUT_HTML: return cases_html(report, stdout, err);
	default: return cases_text(report, &how, stdout, err);
	}
}

static int fail(const struct options *o, const struct ps_error *err)
{
	return command_fail(err, o->output == OUTPUT_JSON);
}

static int write_and_print(const struct options *o, struct cases_report *report)
{
	struct ps_error error = PS_ERROR_INIT;
	int result = 0;

	report->top = rows(o, OUTPUT_HTML);
	if (o->html && html_file_write(o->html, write_page, report, &error) != PS_OK) {
		result = command_fail(&error, false);
		if (error.status == PS_SYSTEM)
			result = EXIT_FAULT;
	}
	if (print(o, report, &error) != PS_OK)
		return fail(o, &error);
	return command_finish(result);
}

int command_cases(const struct options *options)
{
	struct cases_options cases = options->cases;
	struct ps_error error = PS_ERROR_INIT;
	struct cases_report report;
	char tag[TAG_TEXT];
	int result;

	if (options->html && html_file_check(options, &error) != PS_OK)
		return fail(options, &error);
	cases.out = options->file;
	/* of the rows of a page and of those of the output the more */
	cases.top = rows(options, options->output);
	if (options->html && cases.top != 0 && cases.top < rows(options, OUTPUT_HTML))
		cases.top = rows(options, OUTPUT_HTML);
	if (options->tag_count > 0) {
		const uint8_t *b = options->tags[0].bytes;

		cases.tag = tag_text((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
					     (uint32_t)b[3] << 24,
				     tag);
	}
	if (cases_query(&cases, &report, &error) == PS_OK)
		result = write_and_print(options, &report);
	else
		result = fail(options, &error);
	cases_report_fini(&report);
	return result;
}

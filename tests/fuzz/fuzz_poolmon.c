/*
 * libFuzzer: any bytes as a poolmon log and as a JSON report, compared with themselves.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "analyzer/desk/diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_as(enum usage_kind kind, const char *bytes, size_t size)
{
	struct diff_report report = {.store = report_create()};
	const struct diff_options all = {.with_unchanged = true};
	struct usage_list list = {NULL, 0, 0};
	struct ps_error err = PS_ERROR_INIT;
	enum ps_status status = PS_OK;

	if (!report.store)
		abort();
	for (unsigned i = 0; i < 2 && status == PS_OK; i++) {
		if (kind == USAGE_POOLMON) {
			status = usage_of_poolmon("file", bytes, size, report.store, &list, &err);
		} else {
			struct usage *usage = usage_add(&list);

			if (!usage)
				abort();
			status = usage_of_json("file", bytes, size, report.store, usage, &err);
		}
	}
	if (status == PS_OK)
		status = diff_make(&list, &all, &report, &err);
	/* the same twice has not changed */
	for (size_t i = 0; status == PS_OK && list.count == 2 && i < report.row_count; i++) {
		if (report.rows[i].bytes.known && report.rows[i].bytes.value != 0)
			abort();
	}
	if (status != PS_OK && err.text[0] == '\0')
		abort();
	free(list.items);
	report_destroy(report.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_as(USAGE_POOLMON, (const char *)data, size);
	read_as(USAGE_REPORT, (const char *)data, size);
	return 0;
}

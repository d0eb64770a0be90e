/*
 * The result model's memory: strings, arrays and findings that live as long as the report, and the
 * two spellings of a tag.
 */
#include "analyzer/report/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

struct report_block {
	struct report_block *next;
	_Alignas(max_align_t) unsigned char data[];
};

struct report *report_create(void)
{
	return calloc(1, sizeof(struct report));
}

void report_destroy(struct report *report)
{
	if (!report)
		return;
	if (report->big_rows.close)
		report->big_rows.close(report->big_rows.context);
	while (report->blocks) {
		struct report_block *next = report->blocks->next;

		free(report->blocks);
		report->blocks = next;
	}
	free(report->findings);
	free(report);
}

void *report_array(struct report *report, size_t count, size_t size)
{
	struct report_block *block;
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + bytes);
	if (!block)
		return NULL;
	block->next = report->blocks;
	report->blocks = block;
	return block->data;
}

const char *report_text(struct report *report, const char *format, ...)
{
	char *text = NULL, most[256]; /* nearly all fit, and are worded once */
	va_list args, again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(most, sizeof(most), format, args);
	if (length >= 0)
		text = report_array(report, (size_t)length + 1, 1);
	if (text && (size_t)length < sizeof(most))
		memcpy(text, most, (size_t)length + 1);
	else if (text)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	return text;
}

struct report_finding *report_add_finding(struct report *report)
{
	void *items = report->findings;
	struct report_finding *finding;

	if (!mem_grow(&items, report->finding_count, &report->finding_capacity,
		      sizeof(*report->findings)))
		return NULL;
	report->findings = items;
	finding = &report->findings[report->finding_count++];
	*finding = (struct report_finding){.severity = SEVERITY_INFO};
	return finding;
}

const char *report_time_label(const struct report_system *system)
{
	return system->crashed ? "Crash" : "Taken";
}

const char *severity_word(enum finding_severity severity)
{
	switch (severity) {
	case SEVERITY_INFO: return "info";
	case SEVERITY_WARNING: return "warning";
	case SEVERITY_PROBLEM: return "problem";
	}
	return "info";
}

const char *basis_word(enum report_basis basis)
{
	switch (basis) {
	case BASIS_READ: return "read";
	case BASIS_DOUBTFUL: return "doubtful";
	case BASIS_DERIVED: return "derived";
	}
	return "read";
}

const char *trust_word(enum figure_trust trust)
{
	switch (trust) {
	case FIGURE_EXACT: return "exact";
	case FIGURE_AT_LEAST: return "at-least";
	case FIGURE_ABOUT: return "about";
	}
	return "about";
}

char *tag_text(uint32_t tag, char text[TAG_TEXT])
{
	size_t used = 0;

	for (unsigned i = 0; i < 4; i++) {
		unsigned byte = tag >> 8 * i & 0xff;

		if (byte >= 0x20 && byte <= 0x7e)
			text[used++] = (char)byte;
		else
			used += (size_t)snprintf(text + used, TAG_TEXT - used, "\\x%02x", byte);
	}
	text[used] = '\0';
	return text;
}

char *tag_hex(uint32_t tag, char text[TAG_HEX])
{
	snprintf(text, TAG_HEX, "%02x%02x%02x%02x", tag & 0xff, tag >> 8 & 0xff, tag >> 16 & 0xff,
		 tag >> 24);
	return text;
}

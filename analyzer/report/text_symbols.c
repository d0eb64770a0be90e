/*
 * The text page of `symbols check`.
 */
#include "analyzer/report/text.h"

#include <stdio.h>
#include <string.h>

static enum ps_status wanted(const struct text *text, struct ps_error *err)
{
	const struct report_system *s = &text->report->system;

	if (!s->kernel_pdb_guid_age.value)
		return text_field(text, err, "Wanted", "unknown: %s", s->kernel_pdb_guid_age.note);
	return text_field(text, err, "Wanted", "%s %s",
			  s->kernel_pdb_name.value ? s->kernel_pdb_name.value : "PDB",
			  s->kernel_pdb_guid_age.value);
}

static enum ps_status sources(const struct text *text, struct ps_error *err)
{
	const struct report_symbols *s = &text->report->symbols;
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < s->source_count && status == PS_OK; i++) {
		const struct report_symbol_source *source = &s->sources[i];
		bool named = strstr(source->words, source->where) != NULL;

		status = text_field(text, err, i == 0 ? "Looked at" : "", "%s, %s%s%s: %s",
				    source->source, source->result, named ? "" : ", ",
				    named ? "" : source->where, source->words);
	}
	if (status == PS_OK && s->source_count == 0)
		status = text_field(text, err, "Looked at", "nothing: no symbol source is named");
	return status;
}

/* "by the source that is used: _POOL_HEADER, ...; the others are built in" */
static enum ps_status layouts(const struct text *text, struct ps_error *err)
{
	const struct report_symbols *s = &text->report->symbols;
	char words[400] = "";
	size_t used = 0;

	for (size_t i = 0; i < s->layout_count; i++)
		if (s->layouts[i].used && used < sizeof(words))
			used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
						 used ? ", " : "", s->layouts[i].structure);
	if (used == 0)
		return text_field(text, err, "Layouts", "of structures: built in");
	return text_field(text, err, "Layouts", "by these symbols: %s", words);
}

static enum ps_status gain(const struct text *text, struct ps_error *err)
{
	const struct report_symbols *s = &text->report->symbols;

	if (s->used && s->variables < s->all_variables && s->offsets < s->all_offsets)
		return text_field(text, err, "Gain",
				  "%u of %u variables and %u of %u offsets are known; a PDB or ISF "
				  "of this kernel (--symbols) may add more",
				  s->variables, s->all_variables, s->offsets, s->all_offsets);
	if (s->used)
		return text_field(text, err, "Gain", "%u of %u variables and %u of %u offsets",
				  s->variables, s->all_variables, s->offsets, s->all_offsets);
	return text_field(text, err, "Gain",
			  "with that PDB or its ISF (--symbols) the tables would be found by name "
			  "and proved, instead of found by their structure; the answer would not "
			  "need KDBG; offsets in the kernel's structures would be exact");
}

enum ps_status text_symbols(const struct text *text, struct ps_error *err)
{
	const struct report_symbols *s = &text->report->symbols;
	enum ps_status status = text_system(text, err);

	if (status == PS_OK)
		status = wanted(text, err);
	if (status == PS_OK && !s->available)
		return text_field(text, err, "Looked at", "nothing: %s", s->note);
	if (status == PS_OK)
		status = sources(text, err);
	if (status == PS_OK)
		status = text_field(text, err, "Used", "%s", s->used ? s->used : "none");
	if (status == PS_OK)
		status = layouts(text, err);
	if (status == PS_OK)
		status = gain(text, err);
	if (status == PS_OK)
		status = text_notes(text, err);
	return status;
}

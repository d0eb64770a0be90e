/*
 * The symbol sources of the kernel: which were asked, what came of each, which is used.
 */
#include "plugins/plugin.h"

static const char *const results[] = {
	[SYMBOLS_FOUND] = "found",     [SYMBOLS_ABSENT] = "absent", [SYMBOLS_OTHER] = "other",
	[SYMBOLS_DAMAGED] = "damaged", [SYMBOLS_WRONG] = "wrong",
};

static bool add_sources(const struct symbols *symbols, struct report *report,
			struct report_symbols *ret)
{
	ret->sources = report_array(report, symbols->attempt_count, sizeof(*ret->sources));
	if (!ret->sources)
		return false;
	ret->source_count = symbols->attempt_count;
	for (size_t i = 0; i < symbols->attempt_count; i++) {
		const struct symbol_attempt *a = &symbols->attempts[i];

		ret->sources[i] = (struct report_symbol_source){
			.source = symbol_source_word(a->source),
			.result = results[a->result],
			.where = report_text(report, "%s", a->where),
			.words = report_text(report, "%s", a->words),
		};
		if (!ret->sources[i].where || !ret->sources[i].words)
			return false;
	}
	return true;
}

static bool add_layouts(const struct symbols *symbols, struct report *report,
			struct report_symbols *ret)
{
	ret->layouts = report_array(report, symbols->layout_count, sizeof(*ret->layouts));
	if (!ret->layouts)
		return false;
	ret->layout_count = symbols->layout_count;
	for (unsigned i = 0; i < symbols->layout_count; i++) {
		const struct symbol_layout *l = &symbols->layouts[i];

		ret->layouts[i] = (struct report_symbol_layout){
			.structure = l->type,
			.used = l->used,
			.why = l->used ? NULL : report_text(report, "%s", l->why),
		};
		if (!l->used && !ret->layouts[i].why)
			return false;
	}
	return true;
}

enum ps_status plugin_symbols(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct report_symbols *s = &report->symbols;
	const struct symbols *symbols = input->kernel ? input->kernel->symbols : NULL;

	if (!symbols) {
		s->note = !input->kernel ? "no kernel was found"
			  : input->kernel->image.pdb_present
				  ? "symbols are not asked for of a minidump"
				  : "the kernel's PDB is not known: its debug directory is not in "
				    "the dump";
		return PS_OK;
	}
	s->available = true;
	s->known_builds = known_build_count();
	if (symbols->has_set) {
		s->variables = symbols->set.symbols;
		s->offsets = symbols->set.offsets;
		s->used = report_text(report, "%s %s", symbol_source_word(symbols->set.source),
				      symbols->set.origin);
		if (!s->used)
			return ps_fail_memory(err, "the report");
	}
	s->all_variables = SYMBOL_COUNT;
	s->all_offsets = SYMBOL_FIELD_COUNT;
	return add_sources(symbols, report, s) && add_layouts(symbols, report, s)
		       ? PS_OK
		       : ps_fail_memory(err, "the report");
}

/*
 * The list of plugins, in run order.
 */
#include "plugins/plugin.h"

static const struct plugin plugins[] = {
	{"system", SECTION_SYSTEM, plugin_system},
	{"symbols", SECTION_SYSTEM, plugin_symbols},
	{"modules", SECTION_MODULES, plugin_modules},
	{"processes", SECTION_PROCESSES, plugin_processes},
	{"tracker", SECTION_TRACKER | SECTION_TAGS | SECTION_TOP | SECTION_TOTALS, plugin_tracker},
	/* before tags: shares of a pool are shares of its sum */
	{"totals", SECTION_TOTALS, plugin_totals},
	{"tags", SECTION_TAGS | SECTION_TOP, plugin_tags},
	{"sessions", SECTION_SESSIONS, plugin_sessions},
	/* after tags: the tags that are printed */
	{"owners", SECTION_OWNERS, plugin_owners},
	/* after modules: they get the pool bytes of their driver */
	{"drivers", SECTION_DRIVERS, plugin_drivers},
	{"driver-files", SECTION_OWNERS | SECTION_FILES | SECTION_MODULES, plugin_driver_files},
	{"big-pages", SECTION_BIG | SECTION_BIG_TAGS | SECTION_BIG_LIST | SECTION_HEX,
	 plugin_big_pages},
	{"big-list", SECTION_BIG_LIST, plugin_big_list},
	{"hex", SECTION_HEX, plugin_hex},
	/* behind all that read pages: it counts those that turned out damaged */
	{"file", 0, plugin_file},
	/* what is missing first: the checks after it are worth what it says */
	{"coverage", SECTION_FINDINGS, plugin_coverage},
	{"cross-check", SECTION_FINDINGS, plugin_cross_check},
	{"pressure", SECTION_FINDINGS, plugin_pressure},
	{"refused", SECTION_FINDINGS, plugin_refused},
	{"special", SECTION_FINDINGS, plugin_special},
	{"leak", SECTION_FINDINGS, plugin_leak},
	/* after processes and leak: who holds the objects whose tags stand out */
	{"holders", SECTION_FINDINGS | SECTION_EVIDENCE, plugin_holders},
	/* after owners: it is about theirs */
	{"unloaded", SECTION_FINDINGS, plugin_unloaded},
	{"bug-check", SECTION_FINDINGS, plugin_bugcheck},
	/* after refused: agreement with it is the finding */
	{"httperr", SECTION_FINDINGS, plugin_httperr},
	/* after leak: its suspects weigh more */
	{"known", SECTION_FINDINGS, plugin_known},
	/* last: it sums up what all of them found */
	{"verdict", SECTION_FINDINGS, plugin_verdict},
};

enum ps_status plugins_run(const struct plugin_input *input, struct report *report,
			   struct ps_error *err)
{
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]) && status == PS_OK; i++) {
		if (plugins[i].sections == 0 || plugins[i].sections & input->selection->sections)
			status = plugins[i].run(input, report, err);
	}
	return status;
}

bool tag_pattern_matches(const struct tag_pattern *pattern, uint32_t tag)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned mask = i == 3 ? 0x7f : 0xff;

		if (!pattern->any[i] && (pattern->bytes[i] & mask) != (tag >> 8 * i & mask))
			return false;
	}
	return true;
}

bool selection_has_tag(const struct selection *selection, uint32_t tag)
{
	if (selection->tag_count == 0)
		return true;
	for (size_t i = 0; i < selection->tag_count; i++) {
		if (tag_pattern_matches(&selection->tags[i], tag))
			return true;
	}
	return false;
}

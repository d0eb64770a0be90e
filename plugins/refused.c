/*
 * Connections_Refused: HTTP.SYS takes no connections while less than 20 MB of nonpaged pool are
 * available (8 MB with EnableAggressiveMemoryUsage), the arithmetic of it, and near misses.
 *
 * Source: Microsoft's articles 820729 and 934878, written for Windows Server 2003. Not supported:
 * the value of EnableAggressiveMemoryUsage, which lies in the registry and not in the dump.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "analyzer/report/format.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"
#include "plugins/pressure.h"

static const uint64_t MIB = 1 << 20;

enum {
	REFUSED_MIB = 8,   /* with EnableAggressiveMemoryUsage too */
	POSSIBLE_MIB = 20, /* without it */
	NEAR_MIB = 32,
	LAST_BUILD = 3790, /* Windows Server 2003, which the articles are about */
};

static const struct report_module *find_http(const struct report *report)
{
	for (size_t i = 0; report->modules.available && i < report->modules.count; i++) {
		const char *name = report->modules.items[i].name.value;

		if (name && strcasecmp(name, "http.sys") == 0)
			return &report->modules.items[i];
	}
	return NULL;
}

static const char *http_words(struct report *report)
{
	const struct report_module *http = find_http(report);

	if (!report->modules.available)
		return "whether http.sys was loaded is not known: the list of modules cannot be read";
	if (!http)
		return report->modules.complete
			       ? "http.sys was not loaded"
			       : "http.sys is not among the modules that could be read";
	return report_text(report, "http.sys was loaded at 0x%016" PRIx64 ", version %s",
			   http->base,
			   http->version.available && http->version.file_version.value
				   ? http->version.file_version.value
				   : "not known");
}

struct verdict_words {
	enum finding_id id;
	const char *title;
	enum finding_severity severity;
	const char *detail;
};

static const struct verdict_words refused = {
	FINDING_CONNECTIONS_REFUSED, "HTTP.SYS was refusing connections", SEVERITY_PROBLEM,
	"Less than 8 MB of nonpaged pool were available. HTTP.SYS then takes no new connections, "
	"whatever its settings; IIS logs Connections_Refused."};
static const struct verdict_words possible = {
	FINDING_CONNECTIONS_REFUSED,
	"HTTP.SYS was refusing connections, unless EnableAggressiveMemoryUsage was set",
	SEVERITY_PROBLEM,
	"Less than 20 MB of nonpaged pool were available. HTTP.SYS then takes no new connections "
	"and IIS logs Connections_Refused, unless the registry value EnableAggressiveMemoryUsage "
	"lowers the mark to 8 MB, which the dump does not show."};
static const struct verdict_words near_miss = {
	FINDING_CONNECTIONS_REFUSED_NEAR, "HTTP.SYS was near the mark where it refuses connections",
	SEVERITY_INFO,
	"It refuses them when less than 20 MB of nonpaged pool are available (8 MB with "
	"EnableAggressiveMemoryUsage)."};
static const struct verdict_words not_loaded = {
	FINDING_CONNECTIONS_REFUSED_NEAR,
	"HTTP.SYS would refuse connections, but it was not loaded", SEVERITY_INFO,
	"It refuses connections when less than 20 MB of nonpaged pool are available; on this "
	"machine it did not run."};
static const struct verdict_words newer = {
	FINDING_CONNECTIONS_REFUSED_RULE,
	"HTTP.SYS may have refused connections; for this Windows no mark is documented",
	SEVERITY_INFO,
	"Windows Server 2003 refuses connections when less than 20 MB of nonpaged pool are "
	"available. For this version of Windows no such mark is documented."};

static const struct verdict_words *judge(const struct report *report, uint64_t available)
{
	const bool is_old =
		report->system.build.has_value && report->system.build.value <= LAST_BUILD;

	if (available >= NEAR_MIB * MIB)
		return NULL;
	if (!is_old)
		return available < POSSIBLE_MIB * MIB && find_http(report) ? &newer : NULL;
	if (available >= POSSIBLE_MIB * MIB)
		return find_http(report) ? &near_miss : NULL;
	if (report->modules.available && report->modules.complete && !find_http(report))
		return &not_loaded;
	return available < REFUSED_MIB * MIB ? &refused : &possible;
}

static const char *arithmetic(struct report *report, const struct pressure *p)
{
	return report_text(report,
			   "%" PRIu64 " bytes at most%s, less %" PRIu64 " in use%s: %" PRIu64
			   " bytes (%" PRIu64 ".%" PRIu64 " MB) available",
			   p->maximum, p->derived ? " (derived)" : "", p->used,
			   p->by_tags ? " (sum over the tags; the kernel may count more)" : "",
			   p->available, p->available / MIB, p->available % MIB * 10 / MIB);
}

enum ps_status plugin_refused(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	const struct verdict_words *words;
	struct report_finding *f;
	struct pressure p;

	(void)input;
	if (!pressure_read(report, false, &p))
		return PS_OK;
	words = judge(report, p.available);
	if (!words)
		return PS_OK;
	f = finding_begin(report, words->id, words->severity, words->title);
	if (!f)
		return ps_fail_memory(err, "the findings of the report");
	f->detail = words->detail;
	f->next_step = "count Connections_Refused in the HTTPERR logs of that time: poolscope "
		       "analyze FILE --httperr DIR";
	if (!finding_evidence(f, arithmetic(report, &p)) ||
	    !finding_evidence(f, http_words(report)) ||
	    (report->totals.user_space &&
	     !finding_evidence(
		     f, report_text(report, "user address space: %s", report->totals.user_space))))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}

/*
 * Special pool and Driver Verifier: settings under which pool usage is not what the drivers need,
 * and which explain a full pool by themselves.
 *
 * Source: MM_DRIVER_VERIFIER_DATA of the WDK's wdm.h; Microsoft's pages on Driver Verifier.
 */
#include <inttypes.h>

#include "analyzer/pool/totals.h"
#include "plugins/finding.h"
#include "plugins/plugin.h"

static bool verifier(struct report *report)
{
	const uint32_t flags = report->totals.verifier_flags;
	struct report_finding *f;

	if (flags == 0)
		return true;
	f = finding_begin(report, FINDING_DRIVER_VERIFIER, SEVERITY_INFO, "Driver Verifier was on");
	if (!f)
		return false;
	f->detail = report_text(
		report, "%s%s%sIts checks cost memory and time.",
		flags & VERIFIER_SPECIAL_POOL
			? "Special pool gives every small allocation of the "
			  "verified drivers a page of its own and one beside it, so "
			  "the pools hold far more than the drivers asked for. "
			: "",
		flags & VERIFIER_LOW_RESOURCES ? "Allocations were made to fail on purpose. " : "",
		flags & VERIFIER_POOL_TRACKING ? "Pool tracking stops the machine when a driver is "
						 "unloaded with pool left. "
					       : "");
	f->next_step = "verifier /querysettings on the machine; /reset turns it off";
	return f->detail &&
	       finding_evidence(
		       f, report_text(report, "settings 0x%" PRIx32 " (MmVerifierData)", flags));
}

static bool special(struct report *report)
{
	const uint32_t tag = report->totals.special_pool_tag;
	struct report_finding *f;
	char text[TAG_TEXT];

	if (tag == 0)
		return true;
	f = finding_begin(report, FINDING_SPECIAL_POOL, SEVERITY_INFO, "Special pool was on");
	if (!f)
		return false;
	f->detail = "Allocations chosen by a tag or a size take a page of their own and one beside "
		    "it, so the pools hold far more than the drivers asked for.";
	f->next_step = "gflags on the machine; remove the setting when the fault is found";
	return finding_evidence(
		f, tag <= 4096 ? report_text(report,
					     "chosen by size: %" PRIu32 " bytes (MmSpecialPoolTag)",
					     tag)
			       : report_text(report, "chosen by the tag %s (MmSpecialPoolTag)",
					     tag_text(tag, text)));
}

enum ps_status plugin_special(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	(void)input;
	if (!report->totals.available || (verifier(report) && special(report)))
		return PS_OK;
	return ps_fail_memory(err, "the findings of the report");
}

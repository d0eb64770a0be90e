/*
 * What the bug check code has to do with the pools, in a sentence, with its parameters. Codes that
 * say nothing of pools get no finding: their names are on the page anyway.
 *
 * Not supported: naming the driver that corrupted a block; the tag's owner is who allocated it,
 * which may be another.
 */
#include "plugins/bugcheck_words.h"

#include <inttypes.h>

#include "plugins/finding.h"
#include "plugins/plugin.h"

static enum finding_severity severity_of(enum bugcheck_kind kind)
{
	return kind == KIND_POOL_CORRUPT || kind == KIND_POOL_MISUSE || kind == KIND_EXHAUSTED
		       ? SEVERITY_WARNING
		       : SEVERITY_INFO;
}

static const char *title_of(enum bugcheck_kind kind)
{
	switch (kind) {
	case KIND_POOL_CORRUPT: return "The machine stopped because pool was damaged";
	case KIND_POOL_MISUSE: return "The machine stopped at a wrong use of pool";
	case KIND_EXHAUSTED: return "The machine stopped because memory ran out";
	case KIND_FAULT: return "The machine stopped at a bad address";
	case KIND_ON_PURPOSE:
	case KIND_LIVE_ON_PURPOSE: return "The dump was made on purpose";
	case KIND_LIVE: return "The dump is of a machine that ran on";
	}
	return "";
}

static const char *next_of(enum bugcheck_kind kind)
{
	switch (kind) {
	case KIND_POOL_CORRUPT:
	case KIND_POOL_MISUSE:
		return "a debugger's stack of this dump shows who called; Driver Verifier with "
		       "special pool on the suspects catches the next one in the act";
	case KIND_EXHAUSTED: return "the largest tags and their owners, below";
	case KIND_FAULT:
		return "a debugger's stack of this dump shows the driver; pool usage may "
		       "have nothing to do with it";
	case KIND_ON_PURPOSE:
	case KIND_LIVE_ON_PURPOSE: return NULL;
	case KIND_LIVE:
		return "the name of the code says which component hung; pool usage may have "
		       "nothing to do with it";
	}
	return NULL;
}

enum ps_status plugin_bugcheck(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	const struct report_bugcheck *b = &report->system.bugcheck;
	const struct bugcheck_words *words = b->known ? bugcheck_words(b->code) : NULL;
	struct report_finding *f;
	const char *more;

	(void)input;
	if (!words)
		return PS_OK;
	f = finding_begin(report, FINDING_BUG_CHECK, severity_of(words->kind),
			  title_of(words->kind));
	if (!f)
		return ps_fail_memory(err, "the findings of the report");
	more = bugcheck_parameter_words(words->code, b->parameters);
	f->detail = report_text(report, "%s%s%s", words->words, more ? " " : "", more ? more : "");
	f->next_step = next_of(words->kind);
	if (!f->detail ||
	    !finding_evidence(f, report_text(report,
					     "0x%08" PRIx32 "%s%s (0x%" PRIx64 ", 0x%" PRIx64
					     ", 0x%" PRIx64 ", 0x%" PRIx64 ")",
					     b->code, b->name.value ? " " : "",
					     b->name.value ? b->name.value : "", b->parameters[0],
					     b->parameters[1], b->parameters[2], b->parameters[3])))
		return ps_fail_memory(err, "the findings of the report");
	return PS_OK;
}

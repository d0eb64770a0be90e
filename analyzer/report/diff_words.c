/*
 * Static words that the renderers of a comparison share.
 */
#include "analyzer/report/diff_report.h"

const char *diff_relation_word(enum diff_relation relation)
{
	switch (relation) {
	case DIFF_SAME_BOOT: return "same-boot";
	case DIFF_OTHER_BOOT: return "other-boot";
	case DIFF_OTHER_MACHINE: return "other-machine";
	case DIFF_UNKNOWN: return "unknown";
	}
	return "unknown";
}

const char *diff_state_word(enum diff_state state)
{
	switch (state) {
	case DIFF_STAYED: return "";
	case DIFF_NEW: return "new";
	case DIFF_GONE: return "gone";
	}
	return "";
}

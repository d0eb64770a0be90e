/*
 * poolscope explain: what a finding means, how it is found, how sure it is and what to do; without
 * a finding, the list of all. Needs no dump.
 */
#include <stdio.h>

#include "analyzer/cli/command.h"
#include "analyzer/report/format.h"
#include "plugins/finding_list.h"

enum { WIDTH = 80, NAME_WIDTH = 28, LABEL_WIDTH = 12 };

static void print_list(void)
{
	for (unsigned i = 0; i < FINDING_IDS; i++) {
		const struct finding_info *info = finding_info((enum finding_id)i);

		printf("%-*s", NAME_WIDTH, info->id);
		format_wrap(stdout, info->summary, NAME_WIDTH, NAME_WIDTH, WIDTH);
	}
	puts("\nWhat one of them means: poolscope explain FINDING");
}

static void print_part(const char *label, const char *words)
{
	printf("%-*s", LABEL_WIDTH, label);
	format_wrap(stdout, words, LABEL_WIDTH, LABEL_WIDTH, WIDTH);
}

int explain_run(const char *finding)
{
	struct ps_error error = PS_ERROR_INIT;
	const struct finding_info *info;

	if (!finding) {
		print_list();
		return command_finish(0);
	}
	info = finding_info_by_name(finding);
	if (!info) {
		ps_fail(&error, PS_USAGE, "there is no finding '%s'", finding);
		ps_hint(&error, "`poolscope explain` lists them");
		return command_fail(&error, false);
	}
	printf("%s: ", info->id);
	format_wrap(stdout, info->summary, 0, 0, WIDTH);
	print_part("Means", info->meaning);
	print_part("Found by", info->evidence);
	print_part("How sure", info->certain);
	print_part("What to do", info->action);
	return command_finish(0);
}

/*
 * poolscope symbols: `check FILE` what the dump wants and what was found; `add DIR` takes symbol
 * files into the user's cache; `list` what is there without a dump. The latter two print text
 * alone.
 */
#include "analyzer/cli/command.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyzer/kernel/symbol_import.h"
#include "analyzer/report/format.h"
#include "base/memory.h"

static void choose(const struct options *options, struct selection *ret)
{
	(void)options;
	ret->view = VIEW_SYMBOLS;
	ret->sections = SECTION_SYSTEM;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->kernel)
		return PS_OK;
	*err = c->kernel_error;
	return err->status;
}

const struct command command_symbols = {CASE_POOLS, false, false, choose, check};

struct said {
	size_t kernels, others;
	bool quiet;
};

static void print(const char *format, const char *text)
{
	char *safe = format_safe(text, format_terminal());

	printf(format, safe ? safe : "");
	free(safe);
}

static void say(void *context, const char *path, const struct symbol_set *set,
		const struct ps_error *why)
{
	struct said *said = context;

	if (!set) {
		said->others++;
		if (!said->quiet)
			print("passed over: %s\n", why->text);
		return;
	}
	said->kernels++;
	print("%-14s ", set->pdb_name);
	print("%-36s ", set->guid_age);
	printf("%2u variables, %2u offsets  ", set->symbols, set->offsets);
	print("%s\n", path);
}

int command_symbols_add(const struct options *options, const char *cache)
{
	struct said said = {.quiet = options->verbosity < 0};
	struct ps_error error = PS_ERROR_INIT;

	if (!cache)
		ps_fail(&error, PS_NOT_FOUND,
			"there is no folder for the cache: neither XDG_CACHE_HOME nor HOME is set");
	else
		symbol_import(options->file, cache, say, &said, &error);
	if (error.status != PS_OK)
		return command_fail(&error, false);
	printf("%zu kernel%s added to ", said.kernels, said.kernels == 1 ? "" : "s");
	print("%s", cache);
	printf("; %zu other file%s\n", said.others, said.others == 1 ? "" : "s");
	return command_finish(said.kernels > 0 ? 0 : 1);
}

int command_symbols_list(const struct options *options, const char *cache,
			 const struct symbol_options *sources)
{
	struct said said = {.quiet = options->verbosity < 0};
	struct ps_error error = PS_ERROR_INIT;
	struct symbol_paths places = {0};

	for (size_t i = 0; i < sources->path_count; i++)
		symbol_paths_parse(&places, sources->paths[i]);
	for (unsigned i = 0; i < 2; i++)
		if (sources->environment[i])
			symbol_paths_parse(&places, sources->environment[i]);
	for (size_t i = 0; i < places.count; i++)
		print("place          %s\n", places.items[i]);
	symbol_paths_fini(&places);
	if (cache && symbol_cache_list(cache, say, &said, &error) != PS_OK)
		return command_fail(&error, false);
	print("cache          %s", cache ? cache : "none");
	printf(": %zu kernel%s\n", said.kernels, said.kernels == 1 ? "" : "s");
	if (sources->no_known_builds)
		puts("known builds   not used");
	else
		printf("known builds   %zu, built in\n", known_build_count());
	return command_finish(0);
}

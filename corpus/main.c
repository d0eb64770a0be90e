/*
 * mkdump: a recipe -> a Windows kernel memory dump, and the truth about it.
 *
 *   mkdump [--set KEY=VALUE]... [--seed N] [--files DIR] RECIPE OUT.dmp [TRUTH.json]
 *
 * Does not: need or know anything of the programs that will read the dump. The recipe language
 * and the truth are described in corpus/README.md.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/bigpages.h"
#include "corpus/container.h"
#include "corpus/contents.h"
#include "corpus/decoys.h"
#include "corpus/faults.h"
#include "corpus/kernel.h"
#include "corpus/machine.h"
#include "corpus/modules.h"
#include "corpus/pool.h"
#include "corpus/processes.h"
#include "corpus/sessions.h"
#include "corpus/tracker.h"
#include "corpus/truth.h"

enum { EXIT_USAGE = 2, MAX_SETS = 64 };

struct options {
	const char *recipe, *output, *truth, *seed, *files;
	const char *sets[MAX_SETS];
	size_t set_count;
};

static _Noreturn void usage(int status)
{
	fputs("usage: mkdump [--set KEY=VALUE]... [--seed N] [--files DIR] RECIPE OUT.dmp [TRUTH.json]\n"
	      "RECIPE - is standard input. See corpus/README.md.\n",
	      status ? stderr : stdout);
	exit(status);
}

static void read_options(struct options *options, int argc, char **argv)
{
	static const struct option table[] = {{"set", required_argument, NULL, 's'},
					      {"seed", required_argument, NULL, 'e'},
					      {"files", required_argument, NULL, 'f'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	int option;
	while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (option == 'h')
			usage(0);
		if (option == 's' && options->set_count < MAX_SETS)
			options->sets[options->set_count++] = optarg;
		else if (option == 'e')
			options->seed = optarg;
		else if (option == 'f')
			options->files = optarg;
		else
			usage(EXIT_USAGE);
	}
	int left = argc - optind;
	if (left < 2 || left > 3)
		usage(EXIT_USAGE);
	options->recipe = argv[optind];
	options->output = argv[optind + 1];
	options->truth = left > 2 ? argv[optind + 2] : NULL;
}

static void check_physical(const struct config *c)
{
	const struct run *last = &c->runs[c->run_count - 1];
	if (!c->run_count)
		die("the machine has no physical memory");
	for (size_t i = 1; i < c->run_count; i++) {
		if (c->runs[i].base < c->runs[i - 1].base + c->runs[i - 1].count)
			die("physical runs overlap at page 0x%llx",
			    (unsigned long long)c->runs[i].base);
	}
	if (c->arch == ARCH_X86 && last->base + last->count > 0x100000)
		die("x86 without PAE reaches 4 GiB of physical memory only");
}

static void build(struct world *w)
{
	const struct config *c = w->config;
	check_physical(c);
	memory_init(&w->memory, c->arch, c->la57, c->runs, c->run_count, c->self_index,
		    rng_fork(c->seed, "frames"));
	pool_init(w);
	kernel_plan(w);
	kernel_make_exports(w);
	modules_plan(w);
	modules_write(w);
	tracker_read_tags(w);
	tracker_plan(w);
	bigpages_write(w);
	contents_write_blocks(w);
	sessions_plan(w);
	processes_write(w);
	tracker_write(w);
	machine_write(w);
	decoys_write(w);
	kernel_write(w);
	sessions_finish(w);
	faults_apply(w);
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct recipe recipe = {0};
	struct config config;
	read_options(&options, argc, argv);
	recipe_read(&recipe, options.recipe);
	for (size_t i = 0; i < options.set_count; i++)
		recipe_set(&recipe, options.sets[i]);
	if (options.seed) {
		char *line = xprintf("seed %s", options.seed);
		recipe_set(&recipe, line);
		free(line);
	}
	config_read(&config, &recipe);
	config.files = options.files;
	struct world world = {.config = &config};
	build(&world);
	struct container_result file = container_write(&world, options.output);
	faults_settle(&world);
	if (options.truth)
		truth_write(&world, &file, options.recipe, options.truth);
	world_fini(&world);
	config_fini(&config);
	recipe_fini(&recipe);
	return 0;
}

/*
 * Prints where the pool globals of a dump were found, one a line: name, address of the variable (0:
 * its value is known but its place is not unique), value, both in hex; "-" for what was not found;
 * then the symbol source that was used and the notes.
 *
 *   globals DUMP [structure|known|PATH]: by structure alone, by the known builds (as without the
 *   word), by symbol files in PATH
 *
 * Does not: read the tables.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/pool/locate.h"
#include "base/signals.h"

static void show(const char *name, const struct global *global)
{
	if (global->found)
		printf("%s %" PRIx64 " %" PRIx64 "\n", name, global->va, global->value);
	else
		printf("%s - -\n", name);
}

static struct symbol_options sources(int argc, char **argv)
{
	struct symbol_options options = {.path_count = 0};

	if (argc < 3 || strcmp(argv[2], "known") == 0)
		return options;
	options.no_known_builds = true;
	if (strcmp(argv[2], "structure") != 0) {
		options.paths = (const char *const *)&argv[2];
		options.path_count = 1;
	}
	return options;
}

static void show_notes(const struct kernel *kernel, const struct pool_globals *globals)
{
	printf("symbols %s\n", globals->symbols[0] ? globals->symbols : "-");
	for (unsigned i = 0; i < kernel->note_count; i++)
		printf("note %s\n", kernel->notes[i]);
	for (unsigned i = 0; i < globals->note_count; i++)
		printf("note %s\n", globals->notes[i]);
}

static void show_all(const struct pool_globals *globals)
{
	show("PoolTrackTable", &globals->tracker);
	show("PoolTrackTableSize", &globals->tracker_size);
	show("PoolTrackTableMask", &globals->tracker_mask);
	show("PoolTrackTableExpansion", &globals->expansion);
	show("PoolTrackTableExpansionSize", &globals->expansion_size);
	show("ExPoolTagTables", &globals->tables);
	show("PoolBigPageTable", &globals->big.table);
	show("PoolBigPageTableSize", &globals->big.size);
	printf("hash %c\nbig-hash %c\n", globals->hash, globals->big.hash);
	for (size_t i = 0; i < globals->processor_table_count; i++)
		printf("table-%zu %" PRIx64 "\n", i, globals->processor_tables[i]);
}

int main(int argc, char **argv)
{
	struct ps_error err = PS_ERROR_INIT;
	struct progress progress;
	struct pool_globals globals;
	struct dump *dump = NULL;
	struct kernel *kernel = NULL;
	struct symbol_options options = sources(argc, argv);
	int status = 1;

	if (argc != 2 && argc != 3)
		return 2;
	signals_init();
	progress_init(&progress, false);
	if (dump_open(argv[1], NULL, &dump, &err) == PS_OK &&
	    kernel_open_with(dump, &options, NULL, &progress, &kernel, &err) == PS_OK &&
	    pool_locate(kernel, &globals, &err) == PS_OK) {
		show_all(&globals);
		show_notes(kernel, &globals);
		pool_globals_fini(&globals);
		status = 0;
	}
	if (status)
		fprintf(stderr, "%s\n", err.text);
	kernel_close(kernel);
	dump_close(dump);
	return status;
}

/*
 * Files that are one with another, by their names; see beside.h. Not supported: the links of
 * archives that were split, whose parts must be put together first.
 */
#include "formats/beside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/memory.h"
#include "formats/parts.h"

enum { ENDING = 5 };

static const char *const states[] = {".vmss", ".VMSS", ".vmsn", ".VMSN", NULL};
static const char *const memories[] = {".vmem", ".VMEM", NULL};

static bool has_ending(const char *path, const char *const *endings)
{
	size_t length = strlen(path);

	for (; length > ENDING && *endings; endings++)
		if (strcasecmp(path + length - ENDING, *endings) == 0)
			return true;
	return false;
}

/* Visits the names with the last characters replaced by each of the endings. */
static bool visit_endings(const char *path, const char *const *endings, beside_visit *visit,
			  void *context)
{
	bool goes_on = true;

	for (; goes_on && *endings; endings++) {
		char *name = mem_printf("%.*s%s", (int)(strlen(path) - ENDING), path, *endings);

		goes_on = name && (access(name, F_OK) != 0 || visit(context, name));
		free(name);
	}
	return goes_on;
}

static bool visit_parts(const char *path, beside_visit *visit, void *context)
{
	bool goes_on = true;
	char *name;

	for (int step = 1; goes_on && (name = parts_later(path, step)) != NULL; step++) {
		goes_on = visit(context, name);
		free(name);
	}
	return goes_on;
}

bool beside_visit_all(const char *path, beside_visit *visit, void *context)
{
	if (has_ending(path, states))
		return visit_endings(path, memories, visit, context);
	if (has_ending(path, memories))
		return visit_endings(path, states, visit, context);
	return visit_parts(path, visit, context);
}

bool beside_is_memory(const char *path)
{
	return has_ending(path, memories);
}

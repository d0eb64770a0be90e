/*
 * Which tags a driver file passes to which allocators: the table NAME.truth.tsv beside it, as
 * corpus/drivers/README.md describes it, and what of it a memory image still shows.
 *
 * Does not: look at code.
 */
#include "corpus/tag_truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/pe.h"
#include "corpus/truth_json.h"
#include "corpus/util.h"

enum { LINE_ROOM = 4096 };

static uint32_t parse_key(const struct line *line, const char *digits)
{
	uint32_t key = 0;
	if (strlen(digits) != 8)
		line_fail(line, "a truth has a tag that is not of eight digits: '%s'", digits);
	for (unsigned i = 0; i < 4; i++) {
		char two[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
		key |= (uint32_t)strtoul(two, NULL, 16) << 8 * i;
	}
	return key;
}

/* NAME:RVA:SIZE:SECTION */
static void read_places(const struct line *line, struct tag_row *row, char *text)
{
	char *word;
	while ((word = strsep(&text, " ")) != NULL) {
		char *colon = strchr(word, ':'), *end = NULL;
		if (!colon)
			continue;
		if (row->place_count == TAG_PLACES)
			line_fail(line, "a truth names more than %d places", TAG_PLACES);
		struct tag_place *place = &row->places[row->place_count++];
		place->rva = (uint32_t)strtoul(colon + 1, &end, 16);
		place->size = *end == ':' ? (uint32_t)strtoul(end + 1, NULL, 16) : 0;
		if (!place->size)
			line_fail(line, "a truth has a place without a size: '%s'", word);
	}
}

static void read_row(const struct line *line, struct tag_truth *truth, char *text)
{
	char *fields[5];
	text[strcspn(text, "\n")] = '\0';
	for (unsigned i = 0; i < 5; i++) {
		fields[i] = strsep(&text, "\t");
		if (!fields[i])
			line_fail(line, "a line of a truth has fewer than five fields");
	}
	truth->rows = grow(truth->rows, truth->count, &truth->capacity, sizeof(*truth->rows));
	struct tag_row *row = &truth->rows[truth->count++];
	row->decoy = strcmp(fields[0], "decoy") == 0;
	row->key = parse_key(line, fields[1]);
	row->grade = xstrdup(fields[2]);
	row->api = xstrdup(fields[3]);
	read_places(line, row, fields[4]);
}

struct tag_truth *tag_truth_read(const struct line *line, const char *image_path)
{
	char text[LINE_ROOM];
	char *path =
		xprintf("%.*s.truth.tsv",
			(int)(strlen(image_path) - (strlen(image_path) > 4 ? 4 : 0)), image_path);
	FILE *file = fopen(path, "r");
	free(path);
	if (!file)
		return NULL;
	struct tag_truth *truth = xcalloc(1, sizeof(*truth));
	while (fgets(text, sizeof(text), file)) {
		if (text[0] != '#')
			read_row(line, truth, text);
	}
	fclose(file);
	return truth;
}

void tag_truth_free(struct tag_truth *truth)
{
	for (size_t i = 0; truth && i < truth->count; i++) {
		free(truth->rows[i].grade);
		free(truth->rows[i].api);
	}
	if (truth)
		free(truth->rows);
	free(truth);
}

/* Are the site and all wrappers in the dump? */
static bool places_readable(const struct world *w, const struct module *m,
			    const struct tag_row *row)
{
	for (size_t i = 0; i < row->place_count; i++) {
		if (!world_readable(w, m->base + row->places[i].rva, row->places[i].size))
			return false;
	}
	return true;
}

/* Is every page there that was not discarded on purpose? */
static bool image_readable(const struct world *w, const struct module *m)
{
	for (size_t i = 0; i < m->pe->section_count; i++) {
		const struct pe_section *s = &m->pe->sections[i];
		bool discarded = memory_pfn(&w->memory, m->base + s->rva) == UINT64_MAX;
		if (!discarded && !world_readable(w, m->base + s->rva, s->size))
			return false;
	}
	return world_readable(w, m->base, PAGE_SIZE);
}

json_t *tag_truth_json(const struct world *w, const struct module *m)
{
	if (!m->truth)
		return json_null();
	json_t *array = json_array();
	bool whole = image_readable(w, m);
	for (size_t i = 0; i < m->truth->count; i++) {
		const struct tag_row *row = &m->truth->rows[i];
		json_t *object = json_object();
		bool lost = !row->decoy && !places_readable(w, m, row);
		truth_set(object, "tag_hex", truth_tag_digits(row->key));
		truth_set(object, "decoy", json_boolean(row->decoy));
		truth_set(object, "grade", json_string(row->grade));
		truth_set(object, "api", json_string(row->api));
		truth_set(object, "lost", json_boolean(lost));
		truth_set(object, "doubtful", json_boolean(!whole));
		truth_append(array, object);
	}
	return array;
}

/*
 * Which tags a driver file passes to which allocators: the table NAME.truth.tsv beside it, as
 * corpus/drivers/README.md describes it, and what of it a memory image still shows.
 *
 * Does not: look at code.
 */
#ifndef CORPUS_TAG_TRUTH_H
#define CORPUS_TAG_TRUTH_H

#include <jansson.h>

#include "corpus/recipe.h"
#include "corpus/world.h"

enum { TAG_PLACES = 8 };

struct tag_place {
	uint32_t rva, size;
};

struct tag_row {
	bool decoy;
	uint32_t key;
	char *grade, *api;
	struct tag_place places[TAG_PLACES]; /* the site, then the wrappers */
	size_t place_count;
};

struct tag_truth {
	struct tag_row *rows;
	size_t count, capacity;
};

/* NULL where the image has no table beside it. */
struct tag_truth *tag_truth_read(const struct line *line, const char *image_path);
void tag_truth_free(struct tag_truth *truth);
/* An array of objects, or null without a table. */
json_t *tag_truth_json(const struct world *w, const struct module *module);

#endif

/*
 * What the tests of PE images share: an image in the making, opened as a file or out of the memory
 * of a dump.
 */
#ifndef PS_TESTS_UNIT_PE_SCENE_H
#define PS_TESTS_UNIT_PE_SCENE_H

#include "analyzer/kernel/pe_exports.h"
#include "pe_writer.h"

static const uint64_t scene_loaded_at = 0xfffff80012340000;

/* An image in the making, its file, and the machine that it is loaded into. */
struct scene {
	struct made_pe pe;
	struct image memory;
	char path[300]; /* the file */
	struct dump *dump;
	struct space *space;
	struct pe_image *image; /* the last one opened */
	struct ps_error error;
};

struct scene *scene_new(uint16_t machine);
void scene_free(struct scene *s);

/** Writes the file and opens it into s->image; an error is in s->error. */
enum ps_status scene_file(struct scene *s);
struct pe_image *scene_must_file(struct scene *s);

/** Loads the image without the pages of which `absent` has a bit, and opens it. */
enum ps_status scene_memory(struct scene *s, unsigned absent, uint64_t list_size);
struct pe_image *scene_must_memory(struct scene *s, unsigned absent, uint64_t list_size);

void scene_assert_text(const char *text, const char *words);
void scene_assert_note(const struct pe_image *image, const char *words);

#endif

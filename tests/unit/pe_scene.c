/* See pe_scene.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pe_scene.h"

enum { ROOT = 0x100000, FIRST_PFN = 0x101 };

struct scene *scene_new(uint16_t machine)
{
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	image_init(&s->memory);
	made_pe_init(&s->pe, machine);
	snprintf(s->path, sizeof(s->path), "%s/file.sys", s->memory.directory);
	return s;
}

static void forget(struct scene *s)
{
	pe_image_close(s->image);
	space_destroy(s->space);
	dump_close(s->dump);
	s->image = NULL;
	s->space = NULL;
	s->dump = NULL;
	s->error = (struct ps_error)PS_ERROR_INIT;
}

void scene_free(struct scene *s)
{
	forget(s);
	unlink(s->path);
	image_fini(&s->memory);
	free(s);
}

enum ps_status scene_file(struct scene *s)
{
	forget(s);
	made_pe_write(&s->pe, s->path);
	return pe_image_open_file(s->path, &s->image, &s->error);
}

struct pe_image *scene_must_file(struct scene *s)
{
	if (scene_file(s) != PS_OK)
		fail_msg("%s", s->error.text);
	return s->image;
}

/* Loads the image, without the pages of which `absent` has a bit. */
enum ps_status scene_memory(struct scene *s, unsigned absent, uint64_t list_size)
{
	uint64_t next = FIRST_PFN;

	forget(s);
	image_fini(&s->memory);
	image_init(&s->memory);
	snprintf(s->path, sizeof(s->path), "%s/file.sys", s->memory.directory);
	image_page(&s->memory, ROOT / 4096);
	made_pe_load(&s->pe, &s->memory, ROOT, scene_loaded_at, &next);
	for (unsigned page = 0; page < 16; page++) {
		if (absent >> page & 1)
			image_map_x64(&s->memory, ROOT, scene_loaded_at + page * 4096, 0, &next);
	}
	image_write_crash(&s->memory, 64, ROOT, 0);
	if (dump_open(s->memory.path, NULL, &s->dump, &s->error) != PS_OK ||
	    space_create(s->dump, PAGING_X64, ROOT, &s->space, &s->error) != PS_OK)
		fail_msg("%s", s->error.text);
	return pe_image_open_memory(s->space, scene_loaded_at, list_size, &s->image, &s->error);
}

struct pe_image *scene_must_memory(struct scene *s, unsigned absent, uint64_t list_size)
{
	if (scene_memory(s, absent, list_size) != PS_OK)
		fail_msg("%s", s->error.text);
	return s->image;
}

void scene_assert_text(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

void scene_assert_note(const struct pe_image *image, const char *words)
{
	for (unsigned i = 0; i < image->note_count; i++) {
		if (strstr(image->notes[i], words))
			return;
	}
	fail_msg("no note says \"%s\"; the first: %s", words,
		 image->note_count ? image->notes[0] : "none");
}

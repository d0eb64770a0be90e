/*
 * Opening images and telling what they are.
 */
#include "analyzer/owners/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/lookups.h"
#include "analyzer/owners/origin.h"
#include "analyzer/owners/popped.h"
#include "analyzer/owners/resolve.h"
#include "analyzer/owners/wdf.h"
#include "base/memory.h"
#include "base/signals.h"

/* All images together; a machine with 300 drivers has less than 0.3 GiB of them. */
static const uint64_t images_limit = (uint64_t)2 << 30;

void store_fini(struct owner_store *store)
{
	for (size_t i = 0; i < store->view_count; i++)
		view_close(&store->views[i]);
	free(store->views);
	*store = (struct owner_store){0};
}

struct view *store_view(const struct owner_store *store, size_t module, bool from_file)
{
	size_t low = 0, high = store->view_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct view *view = &store->views[middle];

		if (view->module < module ||
		    (view->module == module && view->from_file < from_file))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < store->view_count && store->views[low].module == module &&
	    store->views[low].from_file == from_file)
		return &store->views[low];
	return NULL;
}

static void note(struct owner_image *image, const char *words)
{
	if (image->note[0] == '\0')
		snprintf(image->note, sizeof(image->note), "%.*s", (int)sizeof(image->note) - 1,
			 words);
}

/* Takes `pe` over. */
static enum ps_status add_view(struct owners *owners, size_t module, bool from_file,
			       struct pe_image *pe, struct ps_error *err)
{
	struct owner_store *store = owners->store;
	enum ps_status status;

	if (!mem_grow((void **)&store->views, store->view_count, &store->view_capacity,
		      sizeof(*store->views))) {
		pe_image_close(pe);
		return ps_fail_memory(err, "the images of drivers");
	}
	status = view_open(&store->views[store->view_count], (uint32_t)module, from_file, pe, err);
	store->views[store->view_count].is_kernel = owners->images[module].kernel_itself;
	store->view_count++;
	return status;
}

static uint32_t code_bytes(const struct pe_image *pe, uint32_t *ret_present)
{
	uint32_t bytes = 0;

	*ret_present = 0;
	for (unsigned i = 0; i < pe->section_count; i++) {
		const struct pe_section *section = &pe->sections[i];
		uint64_t present = (uint64_t)section->pages_present * PE_PAGE;

		if (!pe_section_is_code(section))
			continue;
		bytes += section->size;
		*ret_present += present < section->size ? (uint32_t)present : section->size;
	}
	return bytes;
}

static bool lacks_pages(const struct pe_image *pe, bool discardable)
{
	for (unsigned i = 0; i < pe->section_count; i++) {
		const struct pe_section *section = &pe->sections[i];

		if (section->pages_present < section->pages &&
		    pe_section_is_discardable(section) == discardable)
			return true;
	}
	return false;
}

/* What the image says of itself; memory first, so a file only fills what is missing. */
static void describe(struct owner_image *image, struct pe_image *pe)
{
	struct pe_version version = {0};

	if (!image->identity.headers_present)
		image->identity = pe->identity;
	else if (!image->identity.pdb_present && pe->identity.pdb_present)
		image->identity = pe->identity;
	if (!image->version.present) {
		pe_version_read(pe, &version);
		image->version = version;
	}
	if (pe->note_count > 0)
		note(image, pe->notes[0]);
}

static enum ps_status open_memory(struct kernel *kernel, const struct module *module, size_t index,
				  struct owners *owners, struct ps_error *err)
{
	struct owner_image *image = &owners->images[index];
	struct ps_error inner = PS_ERROR_INIT;
	struct pe_image *pe;
	enum ps_status status;

	status = pe_image_open_memory(kernel->space, module->base, module->size, &pe, &inner);
	if (status == PS_NO_MEMORY) {
		*err = inner;
		return status;
	}
	if (status != PS_OK) {
		note(image, inner.text);
		return PS_OK;
	}
	image->code_bytes = code_bytes(pe, &image->code_present);
	image->discarded = lacks_pages(pe, true);
	describe(image, pe);
	return add_view(owners, index, false, pe, err);
}

static enum ps_status open_file(const struct driver_file *file, size_t index, struct owners *owners,
				struct ps_error *err)
{
	struct owner_image *image = &owners->images[index];
	struct ps_error inner = PS_ERROR_INIT;
	struct pe_image *pe;
	enum ps_status status = pe_image_open_file(file->path, &pe, &inner);

	if (status == PS_NO_MEMORY) {
		*err = inner;
		return status;
	}
	if (status != PS_OK) {
		note(image, inner.text);
		return PS_OK;
	}
	image->path = mem_strndup(file->path, strlen(file->path));
	if (!image->path) {
		pe_image_close(pe);
		return ps_fail_memory(err, "the path of a driver");
	}
	image->code_bytes = code_bytes(pe, &image->code_present);
	describe(image, pe);
	return add_view(owners, index, true, pe, err);
}

static char *module_name(const struct module *module)
{
	if (module->name)
		return mem_strndup(module->name, strlen(module->name));
	return mem_printf("module at 0x%016" PRIx64, module->base);
}

/* A file is used where memory lacks something: whole image, sections, or the names of imports. */
static enum ps_status complete_from_file(const struct module *module, size_t index,
					 const struct driver_files *files, struct owners *owners,
					 struct ps_error *err)
{
	struct owner_image *image = &owners->images[index];
	struct view *view = store_view(owners->store, index, false);
	const struct driver_file *file;
	enum driver_match match;

	if (view && view->image->pages_present == view->image->pages)
		return PS_OK;
	match = driver_files_find(files, image->name,
				  image->identity.headers_present ? &image->identity
								  : &module->image,
				  (uint32_t)module->timestamp.value, (uint32_t)module->size, &file);
	if (match == DRIVER_MATCHES)
		return open_file(file, index, owners, err);
	if (match == DRIVER_DIFFERS)
		note(image, "a file of that name is another version and was not used");
	return PS_OK;
}

static enum ps_status make_images(struct owners *owners, size_t count, struct ps_error *err)
{
	owners->images = mem_array(count, sizeof(*owners->images));
	if (!owners->images)
		return ps_fail_memory(err, "the list of drivers");
	owners->image_count = count;
	return PS_OK;
}

static enum ps_status load_module(struct kernel *kernel, const struct driver_files *files,
				  size_t index, struct owners *owners, uint64_t *total,
				  struct ps_error *err)
{
	const struct module *module = &kernel->modules.items[index];
	struct owner_image *image = &owners->images[index];
	enum ps_status status = PS_OK;

	image->name = module_name(module);
	if (!image->name)
		return ps_fail_memory(err, "the name of a driver");
	image->kernel_itself = module->base == kernel->base;
	*total += module->size < PE_IMAGE_LIMIT ? module->size : PE_IMAGE_LIMIT;
	if (*total > images_limit)
		note(image, "not looked at: the modules before it fill 2 GiB");
	else
		status = open_memory(kernel, module, index, owners, err);
	if (status == PS_OK && files && *total <= images_limit)
		status = complete_from_file(module, index, files, owners, err);
	image->microsoft = origin_microsoft(image->name, module->path, &image->version);
	if (image->kernel_itself)
		image->microsoft = MICROSOFT_YES;
	return status;
}

enum ps_status load_dump(struct kernel *kernel, const struct driver_files *files,
			 struct owners *owners, struct ps_error *err)
{
	enum ps_status status = make_images(owners, kernel->modules.count, err);
	uint64_t total = 0;

	for (size_t i = 0; status == PS_OK && i < owners->image_count; i++) {
		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		status = load_module(kernel, files, i, owners, &total, err);
	}
	owners->store->space = kernel->space;
	if (status == PS_OK && kernel->base != 0)
		owners->store->kernel =
			(struct structs_kernel){kernel->base, kernel->base + kernel->size};
	return status;
}

enum ps_status load_files(const struct driver_files *files, struct owners *owners,
			  struct ps_error *err)
{
	enum ps_status status = make_images(owners, files->count, err);

	for (size_t i = 0; status == PS_OK && i < files->count; i++) {
		struct owner_image *image = &owners->images[i];

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		image->name = mem_strndup(files->items[i].name, strlen(files->items[i].name));
		if (!image->name)
			return ps_fail_memory(err, "the name of a driver");
		image->identity = files->items[i].identity;
		image->kernel_itself = origin_is_kernel(image->name);
		status = open_file(&files->items[i], i, owners, err);
		image->microsoft = origin_microsoft(image->name, NULL, &image->version);
	}
	return status;
}

static bool is_provider(const struct owner_image *image)
{
	return image->kernel_itself || api_is_provider(image->name);
}

/* Exports of the loaded providers; from a copy of the file where the dump lacks the pages. */
static bool gather_exports(const struct owners *owners, struct exports *exports)
{
	const struct owner_store *store = owners->store;

	for (size_t i = 0; i < store->view_count; i++) {
		struct view *view = &store->views[i], *file;
		const struct owner_image *image = &owners->images[view->module];
		uint64_t base = view->image->base;

		if (view->from_file || !is_provider(image))
			continue;
		file = store_view(store, view->module, true);
		if (!exports_add(exports, file ? file->image : view->image, base, image->name))
			return false;
		if (image->kernel_itself && !exports_add_pairs(exports, view->image))
			return false;
	}
	return true;
}

/* A file knows the routines that it exports itself, whatever the file is called. */
static bool add_own_exports(struct view *view, const struct owner_image *image)
{
	struct exports own;
	bool ok;

	exports_init(&own);
	ok = exports_add(&own, view->image, view->image->base, image->name);
	for (size_t i = 0; ok && i < own.known.count; i++)
		ok = callees_add(&view->callees, &own.known.items[i], NULL);
	exports_fini(&own);
	return ok;
}

enum ps_status load_resolve(struct owners *owners, struct ps_error *err)
{
	struct owner_store *store = owners->store;
	struct exports exports;
	bool ok;

	exports_init(&exports);
	ok = gather_exports(owners, &exports);
	for (size_t i = 0; ok && i < store->view_count; i++) {
		struct view *view = &store->views[i];
		struct owner_image *image = &owners->images[view->module];
		const struct view *names =
			view->from_file ? NULL : store_view(store, view->module, true);
		char words[sizeof(image->note)] = "";

		ok = resolve_view(view, names, &exports, words, sizeof(words)) && wdf_find(view);
		if (ok && store->space && !view->from_file)
			ok = wdf_default_tag(view, store->space) &&
			     (image->kernel_itself || lookups_by_value(view, &exports));
		if (ok && view->from_file)
			ok = add_own_exports(view, image);
		note(image, words);
	}
	exports_fini(&exports);
	ok = ok && popped_find(store);
	return ok ? PS_OK : ps_fail_memory(err, "the imports of drivers");
}

static bool gave_up(const struct view *view)
{
	return view && view->gave_up;
}

static bool has_cut_functions(const struct view *view)
{
	return view && view->cut_functions;
}

/* Beside what was noted before: without it nobody would know that owners can be missing. */
static void note_unexamined(struct owner_image *image, bool budget)
{
	const char *words =
		budget ? "not all of its code was examined: the budget of work for one image was "
			 "used up"
		       : "not all of its code was examined: it has functions that are too large";
	size_t used = strlen(image->note), room = sizeof(image->note) - strlen(words) - 3;

	if (used > room)
		used = room;
	snprintf(image->note + used, sizeof(image->note) - used, "%s%s", used > 0 ? "; " : "",
		 words);
}

static void finish_image(struct owner_image *image, const struct view *memory,
			 const struct view *file)
{
	const struct view *whole = file ? file : memory;

	image->scanned = whole && image->code_present > 0;
	if (!whole)
		return;
	image->sites = whole->sites;
	image->sites_unresolved = whole->sites_unresolved;
	if (memory && memory->sites >= whole->sites &&
	    memory->sites_unresolved < whole->sites_unresolved)
		image->sites_unresolved = memory->sites_unresolved;
	image->unexamined = gave_up(memory) || gave_up(file) || has_cut_functions(memory) ||
			    has_cut_functions(file);
	if (image->unexamined)
		note_unexamined(image, gave_up(memory) || gave_up(file));
}

static bool lacks_code(const struct pe_image *pe)
{
	for (unsigned i = 0; i < pe->section_count; i++) {
		const struct pe_section *section = &pe->sections[i];

		if (section->pages_present < section->pages && pe_section_is_code(section) &&
		    !pe_section_is_discardable(section))
			return true;
	}
	return false;
}

void load_finish(struct owners *owners)
{
	owners->complete = true;
	for (size_t i = 0; i < owners->image_count; i++) {
		struct view *memory = store_view(owners->store, i, false);
		struct view *file = store_view(owners->store, i, true);

		finish_image(&owners->images[i], memory, file);
		owners->images[i].unread = !file && (!memory || lacks_code(memory->image));
		if (owners->images[i].unexamined)
			owners->complete = false;
		if (!owners->images[i].scanned && owners->images[i].code_bytes > 0)
			owners->complete = false;
		if (!file && (!memory || lacks_pages(memory->image, false)))
			owners->complete = false;
	}
}

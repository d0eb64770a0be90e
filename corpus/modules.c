/*
 * Loaded drivers with their images and list entries, and the ring of unloaded drivers.
 *
 * Does not: session images' pages, boot-time lists. Real files are loader.c's.
 */
#include "corpus/modules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/code.h"
#include "corpus/globals.h"
#include "corpus/kernel.h"
#include "corpus/loader.h"
#include "corpus/machine.h"
#include "corpus/pool.h"

enum { UNLOADED_RING = 50, LDR_FLAGS = 0x09004000, MOST_COPIES = 4096 };

static struct module *add_module(struct world *w, const struct line *line, const char *name)
{
	w->modules = grow(w->modules, w->module_count, &w->module_capacity, sizeof(*w->modules));
	struct module *module = &w->modules[w->module_count++];
	if (strlen(name) >= NAME_LENGTH)
		line_fail(line, "the name '%s' is too long", name);
	strcpy(module->name, name);
	return module;
}

static void add_kernel(struct world *w)
{
	const struct config *c = w->config;
	const struct image *image = &w->kernel.image;
	struct module *module = add_module(w, NULL, "ntoskrnl.exe");
	bool old = c->build < 6000;
	const char *file = !old                  ? "ntoskrnl.exe"
			   : c->arch == ARCH_PAE ? "ntkrnlpa.exe"
						 : "ntoskrnl.exe";
	module->path = old ? xprintf("\\WINDOWS\\system32\\%s", file)
			   : xprintf("\\SystemRoot\\system32\\%s", file);
	module->base = image->base;
	module->size = image->size;
	module->timestamp = image->timestamp;
	module->checksum = image->checksum;
	module->pdb = xstrdup(image->pdb);
	memcpy(module->guid, image->guid, 16);
	module->age = image->age;
	module->code_next = w->kernel.code_next;
	module->entry_point = PAGE_SIZE;
}

static char *default_path(const struct world *w, const char *name)
{
	const char *dot = strrchr(name, '.');
	bool in_drivers = dot && strcmp(dot, ".sys") == 0 && strncmp(name, "win32k", 6) != 0;
	if (w->config->build < 6000 && !in_drivers)
		return xprintf("\\WINDOWS\\system32\\%s", name);
	return xprintf("\\SystemRoot\\system32\\%s%s", in_drivers ? "drivers\\" : "", name);
}

static const struct module *overlapping(const struct world *w, const struct module *module)
{
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		if (m != module && m->base < module->base + module->size &&
		    module->base < m->base + m->size)
			return m;
	}
	return NULL;
}

static void choose_base(struct world *w, const struct line *line, struct module *module,
			uint64_t *next)
{
	const char *base = line_option(line, "base");
	const struct module *other;
	module->base = base ? parse_number(line, base) : *next;
	while ((other = overlapping(w, module)) != NULL) {
		if (base)
			line_fail(line, "overlaps %s", other->name);
		module->base = other->base + other->size;
	}
	if (base)
		return;
	*next = module->base + module->size;
	if (*next > w->config->drivers.end)
		line_fail(line, "the address range of drivers is full");
}

/* What the recipe leaves open is drawn whether it is used or not: no option shifts other draws. */
static void add_driver(struct world *w, const struct line *line, const char *name, struct rng *rng,
		       uint64_t *next)
{
	struct module *module = add_module(w, line, name);
	const char *size = line_option(line, "size");
	const char *path = line_option(line, "path"), *pdb = line_option(line, "pdb");
	const char *age = line_option(line, "age"), *time = line_option(line, "time");
	uint64_t bytes = size ? parse_number(line, size) : 0x8000 + rng_below(rng, 0x60) * 0x1000;
	if (bytes < 0x5000 || bytes > 0x10000000)
		line_fail(line, "a driver has from 0x5000 to 0x10000000 bytes");
	module->size = (uint32_t)round_up(bytes, PAGE_SIZE);
	if (line_option(line, "image"))
		loader_open(w, line, module);
	*next += (1 + rng_below(rng, 12)) << PAGE_SHIFT;
	choose_base(w, line, module, next);
	module->path = path ? xstrdup(path) : default_path(w, name);
	module->pdb = pdb ? xstrdup(pdb) : xprintf("%.*s.pdb", (int)strcspn(name, "."), name);
	put64(module->guid, rng_next(rng));
	put64(module->guid + 8, rng_next(rng));
	module->age = age ? (uint32_t)parse_number(line, age) : 1;
	module->timestamp = time ? (uint32_t)parse_time(line, time)
				 : w->kernel.image.timestamp - (uint32_t)rng_below(rng, 0x100000);
	module->checksum = module->size / 2 + (uint32_t)rng_below(rng, 0x10000);
	module->company = line_option(line, "company");
	module->description = line_option(line, "description");
	module->version = line_option(line, "version");
	module->code_next = PAGE_SIZE + 0x20;
	module->entry_point = PAGE_SIZE;
	if (module->pe)
		loader_identify(module);
	module->line = line;
}

/* A line with copies=N makes N drivers: big.sys, big-2.sys, ... */
static void add_drivers(struct world *w, const struct line *line, struct rng *rng, uint64_t *next)
{
	const char *name = line_word(line, 1, "a name"), *word = line_option(line, "copies");
	const char *dot = strrchr(name, '.');
	uint64_t copies = word ? parse_number(line, word) : 1;
	if (!copies || copies > MOST_COPIES)
		line_fail(line, "from 1 to %d copies", MOST_COPIES);
	add_driver(w, line, name, rng, next);
	for (uint64_t i = 2; i <= copies; i++) {
		char *copy = xprintf("%.*s-%u%s", (int)(dot ? dot - name : (long)strlen(name)),
				     name, (unsigned)i, dot ? dot : "");
		add_driver(w, line, copy, rng, next);
		free(copy);
	}
}

void modules_plan(struct world *w)
{
	struct rng rng = rng_fork(w->config->seed, "modules");
	uint64_t next = w->config->drivers.start;
	const struct lines *lines = &w->config->lists[LINES_DRIVER];
	static char driver_word[] = "driver", hal_word[] = "hal.dll";
	static char *hal_words[] = {driver_word, hal_word};
	static const struct line hal = {.file = "built-in", .words = hal_words, .count = 2};
	add_kernel(w);
	bool has_hal = false;
	for (size_t i = 0; i < lines->count; i++)
		has_hal |= line_has(lines->line[i], "hal.dll");
	if (!has_hal)
		add_driver(w, &hal, "hal.dll", &rng, &next);
	for (size_t i = 0; i < lines->count; i++)
		add_drivers(w, lines->line[i], &rng, &next);
}

static void write_image(struct world *w, struct module *module)
{
	uint32_t rdata = module->size - 0x3000;
	struct image image = {.name = module->name,
			      .base = module->base,
			      .size = module->size,
			      .is_64 = config_is_64(w->config),
			      .machine = config_machine(w->config),
			      .entry = PAGE_SIZE,
			      .timestamp = module->timestamp,
			      .checksum = module->checksum,
			      .major = layout_major(w->config),
			      .minor = layout_minor(w->config),
			      .directories = rdata,
			      .pdb = module->pdb,
			      .age = module->age,
			      .company = module->company,
			      .description = module->description,
			      .version = module->version};
	struct image_import imports[CODE_IMPORTS];
	for (unsigned i = 0; i < CODE_IMPORTS; i++)
		imports[i] =
			(struct image_import){code_imports[i], kernel_export(w, code_imports[i])};
	static const struct image_export hal_exports[] = {
		{"HalMakeBeep", 0x1000}, {"KeGetCurrentIrql", 0x1000}, {"KfRaiseIrql", 0x1000}};
	memcpy(image.guid, module->guid, 16);
	image.imports = imports;
	image.import_count = CODE_IMPORTS;
	if (strcmp(module->name, "hal.dll") == 0) {
		image.exports = hal_exports;
		image.export_count = 3;
		image.import_count = 0;
	}
	image_add_section(&image, ".text", PAGE_SIZE, rdata, SECTION_CODE);
	image_add_section(&image, ".rdata", rdata, rdata + PAGE_SIZE, SECTION_RDATA);
	image_add_section(&image, ".data", rdata + PAGE_SIZE, module->size - PAGE_SIZE,
			  SECTION_DATA);
	image_add_section(&image, ".rsrc", module->size - PAGE_SIZE, module->size, SECTION_RSRC);
	if (module->version)
		image.resources = module->size - PAGE_SIZE;
	image_write(&w->memory, &image);
	module->iat = image.iat;
	code_write_stub(w, module->base + PAGE_SIZE, 0x20);
}

/* UNICODE_STRING with its characters in pool, which become part of the structure `kind`. */
static void write_unicode(struct world *w, uint64_t va, const char *text, const char *kind,
			  const char *name)
{
	size_t length = strlen(text);
	uint64_t buffer = pool_small(w, (uint32_t)(2 * length + 2), "MmLd");
	for (size_t i = 0; i <= length; i++)
		memory_put(&w->memory, buffer + 2 * i, (unsigned char)text[i], 2);
	world_add_region(w, kind, -1, name, buffer, 2 * length + 2);
	memory_put(&w->memory, va, 2 * length, 2);
	memory_put(&w->memory, va + 2, 2 * length + 2, 2);
	memory_put(&w->memory, va + world_pointer(w), buffer, world_pointer(w));
}

static void write_entry(struct world *w, struct module *module)
{
	const struct ldr_layout *l = layout_ldr(w->config);
	struct memory *m = &w->memory;
	unsigned width = world_pointer(w);
	module->entry = pool_small(w, l->size, "MmLd");
	uint64_t va = module->entry;
	memory_put(m, va + l->base, module->base, width);
	memory_put(m, va + l->entry_point, module->base + module->entry_point, width);
	memory_put(m, va + l->image_size, module->size, 4);
	write_unicode(w, va + l->full_name, module->path, "ldr", module->name);
	write_unicode(w, va + l->base_name, module->name, "ldr", module->name);
	memory_put(m, va + l->flags, LDR_FLAGS, 4);
	memory_put(m, va + l->flags + 4, 1, 2);
	memory_put(m, va + l->checksum, module->checksum, 4);
	if (l->exact_size)
		memory_put(m, va + l->exact_size, module->size - 0x10, 4);
	if (l->timestamp)
		memory_put(m, va + l->timestamp, module->timestamp, 4);
	world_add_region(w, "ldr", -1, module->name, va, l->size);
}

static void link_entries(struct world *w)
{
	struct memory *m = &w->memory;
	unsigned width = world_pointer(w);
	uint64_t head = global_address(w, "PsLoadedModuleList"), previous = head;
	for (size_t i = 0; i < w->module_count; i++) {
		memory_put(m, previous, w->modules[i].entry, width);
		memory_put(m, w->modules[i].entry + width, previous, width);
		previous = w->modules[i].entry;
	}
	uint64_t end = head;
	if (w->config->modules == MODULES_LOOP)
		end = w->modules[w->module_count / 2].entry;
	if (w->config->modules == MODULES_NOWHERE)
		end = w->config->nonpaged.end - 0x7FF0; /* never mapped */
	memory_put(m, previous, end, width);
	memory_put(m, head + width, previous, width);
}

static void read_unloaded(struct world *w, const struct line *line, struct rng *rng)
{
	const char *name = line_word(line, 1, "a name");
	const char *start = line_option(line, "start"), *size = line_option(line, "size");
	const char *time = line_option(line, "time");
	struct unloaded *u = &w->unloaded[w->unloaded_count++];
	if (strlen(name) >= NAME_LENGTH)
		line_fail(line, "the name '%s' is too long", name);
	strcpy(u->name, name);
	uint64_t range = w->config->drivers.end - w->config->drivers.start;
	u->start =
		start ? parse_number(line, start)
		      : w->config->drivers.end - rng_below(rng, range / 8) / PAGE_SIZE * PAGE_SIZE;
	u->end = u->start + (size ? parse_number(line, size) : 0x10000);
	u->time = time ? parse_time(line, time)
		       : w->config->time - (int64_t)rng_below(rng, w->config->uptime + 1);
}

static void write_unloaded(struct world *w)
{
	const struct lines *lines = &w->config->lists[LINES_UNLOADED];
	struct rng rng = rng_fork(w->config->seed, "unloaded");
	if (!lines->count)
		return;
	if (lines->count > UNLOADED_RING)
		line_fail(lines->line[UNLOADED_RING], "more than %d unloaded drivers",
			  UNLOADED_RING);
	w->unloaded = xcalloc(lines->count, sizeof(*w->unloaded));
	for (size_t i = 0; i < lines->count; i++)
		read_unloaded(w, lines->line[i], &rng);
	unsigned width = world_pointer(w);
	uint64_t stride = width == 8 ? 0x28 : 0x18;
	uint64_t ring = pool_small(w, (uint32_t)(UNLOADED_RING * stride), "MmDT");
	for (size_t i = 0; i < w->unloaded_count; i++) {
		const struct unloaded *u = &w->unloaded[i];
		uint64_t va = ring + i * stride;
		write_unicode(w, va, u->name, "unloaded", NULL);
		memory_put(&w->memory, va + 2 * width, u->start, width);
		memory_put(&w->memory, va + 3 * width, u->end, width);
		memory_put(&w->memory, va + 4 * width, machine_filetime(u->time), 8);
	}
	global_set(w, "MmUnloadedDrivers", ring);
	global_set(w, "MmLastUnloadedDriver", w->unloaded_count % UNLOADED_RING);
	world_add_region(w, "unloaded", -1, NULL, ring, UNLOADED_RING * stride);
}

void modules_write(struct world *w)
{
	for (size_t i = 1; i < w->module_count; i++) {
		const struct line *line = w->modules[i].line;
		if (w->modules[i].pe)
			loader_write(w, line, &w->modules[i]);
		else if (!line_has(line, "unmapped"))
			write_image(w, &w->modules[i]);
		const char *tags = line_option(line, "tags");
		if (tags && w->modules[i].iat)
			code_add_tag_sites(w, &w->modules[i], line, tags);
		else if (tags)
			line_fail(line,
				  "an unmapped driver, hal.dll or a real file cannot have tags");
	}
	for (size_t i = 0; i < w->module_count; i++) {
		world_add_region(w, "module", -1, w->modules[i].name, w->modules[i].base,
				 w->modules[i].size);
		write_entry(w, &w->modules[i]);
	}
	link_entries(w);
	write_unloaded(w);
}

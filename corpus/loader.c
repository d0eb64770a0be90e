/*
 * Real driver files in memory, as the kernel's loader leaves them: `image=FILE` of a recipe.
 *
 * Does not: read resources; fill in what a driver's code would (but for KMDF's table of functions).
 */
#include "corpus/loader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "corpus/kernel.h"
#include "corpus/patch.h"
#include "corpus/pe.h"
#include "corpus/tag_truth.h"

struct binding {
	struct world *w;
	const struct line *line;
	struct patch *patch;
	bool verifier;
};

/* Relative to --files DIR or else to the recipe. */
static char *find_file(const struct world *w, const struct line *line, const char *name)
{
	const char *slash = strrchr(line->file, '/');
	if (name[0] == '/')
		return xstrdup(name);
	if (w->config->files)
		return xprintf("%s/%s", w->config->files, name);
	return slash ? xprintf("%.*s%s", (int)(slash - line->file + 1), line->file, name)
		     : xstrdup(name);
}

void loader_open(struct world *w, const struct line *line, struct module *module)
{
	char *path = find_file(w, line, line_option(line, "image"));
	struct pe *pe = pe_open(line, path);
	if (pe->machine != config_machine(w->config))
		line_fail(line, "'%s' is for another machine (0x%x)", path, pe->machine);
	module->pe = pe;
	module->size = pe->size;
	module->truth = tag_truth_read(line, path);
	free(path);
}

void loader_identify(struct module *module)
{
	const struct pe *pe = module->pe;
	const char *pdb = pe_pdb(pe, module->guid, &module->age);
	module->timestamp = pe->timestamp;
	module->checksum = pe->checksum;
	module->entry_point = pe->entry;
	free(module->pdb);
	module->pdb = xstrdup(pdb ? pdb : "");
}

void loader_close(struct module *module)
{
	pe_close(module->pe);
	tag_truth_free(module->truth);
}

static uint64_t kernel_target(const struct binding *b, const char *name)
{
	if (b->verifier) {
		char *thunk = xprintf("Verifier%s", name);
		uint64_t va = kernel_export(b->w, thunk);
		free(thunk);
		if (va)
			return va;
	}
	uint64_t va = kernel_export(b->w, name);
	if (!va)
		line_fail(b->line, "the kernel of build %u exports no %s", b->w->config->build,
			  name);
	return va;
}

static uint64_t resolve(void *context, const char *module, const char *name)
{
	const struct binding *b = context;
	if (strcasecmp(module, "ntoskrnl.exe") == 0)
		return kernel_target(b, name);
	for (size_t i = 1; i < b->w->module_count; i++) {
		const struct module *m = &b->w->modules[i];
		if (strcasecmp(m->name, module) != 0)
			continue;
		uint32_t rva = m->pe ? pe_export(m->pe, name) : 0;
		if (!rva)
			line_fail(b->line, "%s exports no %s: give it image=FILE", module, name);
		return m->base + rva;
	}
	line_fail(b->line, "the recipe has no module %s, which exports %s", module, name);
}

static void keep_import(void *context, uint32_t slot, uint64_t target)
{
	const struct binding *b = context;
	patch_add_import(b->patch, slot, target);
}

static bool is_discarded(const struct line *line, const struct pe *pe, uint32_t rva)
{
	const char *list = line_option(line, "discard");
	for (size_t i = 0; list && i < pe->section_count; i++) {
		const struct pe_section *s = &pe->sections[i];
		if (rva < s->rva || rva - s->rva >= round_up(s->size, PAGE_SIZE))
			continue;
		if (strcmp(list, "all") == 0)
			return s->flags & PE_DISCARDABLE;
		size_t length = strlen(s->name);
		for (const char *at = list; at; at = strchr(at, ',')) {
			at += *at == ',';
			if (strncmp(at, s->name, length) == 0 && (at[length] == ',' || !at[length]))
				return true;
		}
	}
	return false;
}

static void write_pages(struct world *w, const struct line *line, const struct module *module)
{
	const struct pe *pe = module->pe;
	for (uint32_t rva = 0; rva < pe->size; rva += PAGE_SIZE) {
		if (!is_discarded(line, pe, rva))
			memory_write(&w->memory, module->base + rva, pe->bytes + rva, PAGE_SIZE);
	}
}

/* WDF_BIND_INFO: its FunctionTable points to the driver's pointer to the table of functions, which
 * the framework stores. Found by its pointer to the component's name. */
static void bind_framework(struct world *w, struct module *module)
{
	static const char name[] = "K\0m\0d\0f\0L\0i\0b\0r\0a\0r\0y\0";
	const struct pe *pe = module->pe;
	uint64_t table = 0;
	for (size_t i = 1; i < w->module_count; i++) {
		if (strcasecmp(w->modules[i].name, "Wdf01000.sys") == 0 && w->modules[i].pe)
			table = w->modules[i].base +
				pe_export(w->modules[i].pe, "WdfFunctionTable");
	}
	const uint8_t *text = memmem(pe->bytes, pe->size, name, sizeof(name));
	if (!table || !text)
		return;
	unsigned width = pe_pointer(pe);
	uint64_t va = module->base + (uint64_t)(text - pe->bytes);
	for (uint32_t rva = 0; rva + 12 * width <= pe->size; rva += width) {
		const uint8_t *at = pe->bytes + rva;
		const uint8_t *slot = at + (pe->is_64 ? 0x20 : 0x18);
		uint64_t component = pe->is_64 ? get64(at + 8) : get32(at + 4);
		uint64_t target = (pe->is_64 ? get64(slot) : get32(slot)) - module->base;
		if (component == va && target < pe->size - width)
			put_width(pe->bytes + target, table, width);
	}
}

static enum patch_form read_form(const struct world *w, const struct line *line)
{
	const char *form = line_option(line, "imports");
	if (!form || strcmp(form, "plain") == 0 || strcmp(form, "verifier") == 0)
		return PATCH_NONE;
	if (w->config->arch != ARCH_X64)
		line_fail(line, "imports=%s is for x64 only", form);
	if (strcmp(form, "direct") == 0)
		return PATCH_DIRECT;
	if (strcmp(form, "retpoline") == 0)
		return PATCH_RETPOLINE;
	line_fail(line, "imports is plain, direct, retpoline or verifier");
}

void loader_write(struct world *w, const struct line *line, struct module *module)
{
	const char *imports = line_option(line, "imports");
	struct patch patch = {
		.form = read_form(w, line), .pe = module->pe, .stub = kernel_retpoline_stub(w)};
	struct binding binding = {.w = w,
				  .line = line,
				  .patch = &patch,
				  .verifier = imports && strcmp(imports, "verifier") == 0};
	pe_relocate(module->pe, module->base);
	pe_bind(module->pe, resolve, keep_import, &binding);
	bind_framework(w, module);
	patch_apply(&patch);
	module->patched = patch.patched;
	write_pages(w, line, module);
	patch_fini(&patch);
}

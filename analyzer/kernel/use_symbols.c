/*
 * See use_symbols.h. A source is believed when its PsLoadedModuleList is KDBG's, or leads to a list
 * that begins with the kernel; a list that is not in the dump contradicts nothing.
 */
#include "analyzer/kernel/use_symbols.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	NOTES_MOST = 4, /* about sources that are not used */
	PATH_WORDS = 80,
};

/* Of a long path only the end, so that the reason behind it is not cut off. */
static const char *path_words(const char *path)
{
	size_t length = strlen(path);

	return length > PATH_WORDS ? path + length - PATH_WORDS : path;
}

/* False, and why, when the source's list of modules is none of this kernel's. */
static bool fits(struct kernel *kernel, char *why, size_t size)
{
	uint64_t own = kernel->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST], list;
	struct ps_error err = PS_ERROR_INIT;
	struct module_head first;
	bool read;

	if (!symbols_address(kernel->symbols, kernel->base, SYMBOL_PS_LOADED_MODULE_LIST, &list) ||
	    list == own)
		return true;
	read = modules_read_first(kernel->space, list, &first, &err) == PS_OK;
	if ((read && first.base == kernel->base) || (err.status == PS_ABSENT && own == 0))
		return true;
	snprintf(why, size,
		 "at its PsLoadedModuleList, 0x%" PRIx64 ", is no list of this kernel's modules",
		 list);
	return false;
}

static void take_fields(struct kernel *kernel)
{
	struct kdbg *kdbg = &kernel->kdbg;

	for (unsigned i = 0; i < KDBG_FIELDS; i++) {
		uint64_t va;

		if (kdbg->fields[i] != 0 ||
		    !symbols_address_of(kernel->symbols, kernel->base, kdbg_field_name(i), &va))
			continue;
		kdbg->fields[i] = va;
		kdbg->from_symbols |= 1u << i;
	}
}

static void drop_fields(struct kernel *kernel)
{
	for (unsigned i = 0; i < KDBG_FIELDS; i++)
		if (kernel->kdbg.from_symbols >> i & 1)
			kernel->kdbg.fields[i] = 0;
	kernel->kdbg.from_symbols = 0;
}

/* Sources from `first` on that cannot be used are worth a sentence each, but not a screen. */
static void note_attempts(struct kernel *kernel, size_t first)
{
	const struct symbols *s = kernel->symbols;
	unsigned notes = 0;

	for (size_t i = first; i < s->attempt_count && notes < NOTES_MOST; i++) {
		const struct symbol_attempt *a = &s->attempts[i];

		if (a->result == SYMBOLS_DAMAGED || a->result == SYMBOLS_OTHER) {
			if (strstr(a->words, a->where))
				kernel_note(kernel, "symbols not used: %.210s", a->words);
			else
				kernel_note(kernel, "symbols not used: %s: %.130s",
					    path_words(a->where), a->words);
			notes++;
		}
	}
}

static void note_wrong(struct kernel *kernel, const char *why)
{
	const struct symbol_set *set = &kernel->symbols->set;

	symbols_reject(kernel->symbols, why);
	kernel_note(kernel, "symbols not used: %s %s: %.130s", symbol_source_word(set->source),
		    path_words(set->origin), why);
}

/* Goes on to a source that fits. */
static enum ps_status next_source(struct kernel *kernel, struct ps_error *err)
{
	char why[160];
	size_t first = kernel->symbols->attempt_count;
	enum ps_status status;

	while ((status = symbols_next(kernel->symbols, err)) == PS_OK) {
		if (fits(kernel, why, sizeof(why)))
			break;
		note_wrong(kernel, why);
	}
	note_attempts(kernel, first);
	if (status == PS_OK)
		take_fields(kernel);
	return status;
}

enum ps_status kernel_reject_symbols(struct kernel *kernel, const char *why, struct ps_error *err)
{
	note_wrong(kernel, why);
	drop_fields(kernel);
	return next_source(kernel, err);
}

/* kernel->symbols for the image at kernel->base; PS_NOT_FOUND when it has no identity. */
static enum ps_status open_sources(struct kernel *kernel, const struct symbol_options *options,
				   struct ps_error *err)
{
	struct ps_error ignored = PS_ERROR_INIT;
	enum ps_status status;

	if (pe_identify(kernel->space, kernel->base, &kernel->image, &ignored) != PS_OK ||
	    !kernel->image.pdb_present)
		return ps_fail(err, PS_NOT_FOUND, "the kernel's PDB is not known");
	status = symbols_create(options, kernel->image.pdb_name, kernel->image.guid_age,
				&kernel->symbols, err);
	if (status != PS_OK)
		return status;
	note_attempts(kernel, 0);
	return next_source(kernel, err);
}

enum ps_status use_symbols(struct kernel *kernel, const struct symbol_options *options,
			   struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	enum ps_status status = open_sources(kernel, options, &why);

	if (status == PS_OK || status == PS_NOT_FOUND)
		return PS_OK;
	*err = why;
	return status;
}

static void close_sources(struct kernel *kernel)
{
	symbols_destroy(kernel->symbols);
	kernel->symbols = NULL;
	kernel->image = (struct pe_identity){.headers_present = false};
	kernel->kdbg = (struct kdbg){.va = 0};
	kernel->base = 0;
}

static void say_what_would_help(struct ps_error *err, const struct pe_identity *image)
{
	size_t used = strlen(err->hint);

	snprintf(err->hint + used, sizeof(err->hint) - used,
		 "%sthe kernel's symbols would do instead: give %s %s or its ISF with --symbols",
		 used ? "; " : "", image->pdb_name, image->guid_age);
}

/* A block that the search of the image passed over: what the symbol names is read as it is. */
static void read_block(struct kernel *kernel)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct kdbg block;
	uint64_t va;

	if (!symbols_address(kernel->symbols, kernel->base, SYMBOL_KD_DEBUGGER_DATA_BLOCK, &va) ||
	    kdbg_read(kernel->space, va, &block, &ignored) != PS_OK ||
	    block.kernel_base != kernel->base)
		return;
	kernel->kdbg = block;
	kernel->kdbg_found_by = "symbols";
	take_fields(kernel);
}

static enum ps_status try_base(struct kernel *kernel, uint64_t base,
			       const struct symbol_options *options, struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	struct pe_identity image;
	enum ps_status status;

	if (base == 0)
		return PS_NOT_FOUND;
	kernel->base = base;
	kernel->kdbg = (struct kdbg){.kernel_base = base};
	status = open_sources(kernel, options, &why);
	if (status == PS_OK) {
		read_block(kernel);
		return PS_OK;
	}
	image = kernel->image;
	close_sources(kernel);
	if (status != PS_NOT_FOUND)
		*err = why;
	else if (image.pdb_present)
		say_what_would_help(err, &image);
	return status;
}

enum ps_status search_by_symbols(struct kernel_search *search, const struct symbol_options *options,
				 struct ps_error *err)
{
	struct kernel *kernel = search->kernel;
	const struct fact *stated = &kernel->dump->facts.module_list;
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first = {.base = 0};
	enum ps_status status;

	if (!stated->known ||
	    modules_read_first(kernel->space, stated->value, &first, &ignored) != PS_OK)
		first.base = 0;
	status = try_base(kernel, first.base, options, err);
	if (status == PS_NOT_FOUND && search->proved_base != first.base)
		status = try_base(kernel, search->proved_base, options, err);
	if (status != PS_OK)
		return err->status;
	ps_error_clear(err);
	if (kernel->kdbg.size == 0)
		kernel_note(kernel, "KDBG was not found; what it would name comes from symbols");
	return PS_OK;
}

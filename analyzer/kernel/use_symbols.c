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

void use_symbol_fields(struct kernel *kernel)
{
	struct kdbg *kdbg = &kernel->kdbg;

	for (unsigned i = 0; i < KDBG_FIELDS; i++) {
		uint64_t va;

		if (kdbg->fields[i] != 0 ||
		    !symbols_address_of(kernel->symbols, kernel->base, kdbg_field_name(i), &va))
			continue;
		kdbg->fields[i] = va;
		kdbg->from_symbols |= UINT64_C(1) << i;
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
	return status;
}

enum ps_status kernel_reject_symbols(struct kernel *kernel, const char *why, struct ps_error *err)
{
	enum ps_status status;

	note_wrong(kernel, why);
	drop_fields(kernel);
	status = next_source(kernel, err);
	if (status == PS_OK)
		use_symbol_fields(kernel);
	return status;
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

static enum ps_status none_is_fine(enum ps_status status, struct ps_error *err)
{
	if (status != PS_NOT_FOUND)
		return status;
	ps_error_clear(err);
	return PS_OK;
}

enum ps_status use_symbols_at(struct kernel_search *search, uint64_t base, struct ps_error *err)
{
	struct kernel *kernel = search->kernel;

	if (search->symbols_base == base)
		return PS_OK;
	symbols_destroy(kernel->symbols);
	kernel->symbols = NULL;
	kernel->base = search->symbols_base = base;
	return none_is_fine(open_sources(kernel, search->symbols, err), err);
}

enum ps_status use_symbols(struct kernel_search *search, struct ps_error *err)
{
	struct kernel *kernel = search->kernel;
	enum ps_status status = use_symbols_at(search, kernel->base, err);
	char why[160];

	if (status == PS_OK && kernel->symbols && kernel->symbols->has_set &&
	    !fits(kernel, why, sizeof(why))) {
		note_wrong(kernel, why);
		status = none_is_fine(next_source(kernel, err), err);
	}
	if (status == PS_OK)
		use_symbol_fields(kernel);
	return status;
}

bool use_symbols_are_proved(struct kernel *kernel)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;
	uint64_t list, block;

	return symbols_address(kernel->symbols, kernel->base, SYMBOL_PS_LOADED_MODULE_LIST,
			       &list) &&
	       symbols_address(kernel->symbols, kernel->base, SYMBOL_KD_DEBUGGER_DATA_BLOCK,
			       &block) &&
	       modules_read_first(kernel->space, list, &first, &ignored) == PS_OK &&
	       first.base == kernel->base;
}

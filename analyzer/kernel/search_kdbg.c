/*
 * Finds KDBG in a kernel's address space: where the container says, in the kernel's image, encoded
 * there, or wherever physical memory has a block whose kernel is mapped here. See search.h;
 * search_hidden.c has what is done about an encoded block and about none.
 */
#include "analyzer/kernel/search.h"
#include "analyzer/kernel/use_symbols.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where the size of the image is not known, and the most that is searched where it is. */
enum { IMAGE_REACH = 32 << 20, IMAGE_MOST = 64 << 20 };

static const char by_header[] = "header";
static const char by_image[] = "search of the kernel image";
static const char by_memory[] = "search of memory";

static void looked(struct kernel_search *search, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void looked(struct kernel_search *search, const char *format, ...)
{
	size_t used = strlen(search->looked);
	va_list args;

	if (used > 0 && used < sizeof(search->looked) - 3) {
		memcpy(search->looked + used, "; ", 3);
		used += 2;
	}
	va_start(args, format);
	vsnprintf(search->looked + used, sizeof(search->looked) - used, format, args);
	va_end(args);
}

/* The first entry of the container's list of modules. */
static bool header_list(struct kernel_search *search, struct module_head *ret)
{
	struct kernel *kernel = search->kernel;
	const struct fact *list = &kernel->dump->facts.module_list;
	struct ps_error ignored = PS_ERROR_INIT;

	return list->known &&
	       modules_read_first(kernel->space, list->value, ret, &ignored) == PS_OK;
}

static bool block_list_agrees(struct kernel *kernel, const struct kdbg *kdbg)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;
	uint64_t list = kdbg->fields[KDBG_PS_LOADED_MODULE_LIST];

	return list != 0 && modules_read_first(kernel->space, list, &first, &ignored) == PS_OK &&
	       first.base == kdbg->kernel_base;
}

/* The block's KernBase is an image, or at least what a list of modules begins with. */
static bool base_is_right(struct kernel_search *search, const struct kdbg *kdbg)
{
	struct module_head first;

	return search_is_image(search->kernel->space, kdbg->kernel_base) ||
	       block_list_agrees(search->kernel, kdbg) ||
	       (header_list(search, &first) && first.base == kdbg->kernel_base);
}

/* A header page that is not in the dump contradicts nothing. */
static bool base_is_absent(struct kernel_search *search, const struct kdbg *kdbg)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_identity image;

	return pe_identify(search->kernel->space, kdbg->kernel_base, &image, &err) == PS_ABSENT;
}

static void found(struct kernel_search *search, const struct kdbg *kdbg, const char *found_by)
{
	search->kernel->kdbg = *kdbg;
	search->kernel->base = kdbg->kernel_base;
	search->kernel->kdbg_found_by = found_by;
}

static bool try_header(struct kernel_search *search)
{
	struct kernel *kernel = search->kernel;
	const struct fact *field = &kernel->dump->facts.kdbg;
	struct ps_error err = PS_ERROR_INIT;
	struct kdbg kdbg;

	if (!field->known) {
		looked(search, "the file's header names none");
		return false;
	}
	if (kdbg_read(kernel->space, field->value, &kdbg, &err) != PS_OK) {
		looked(search, "the one that the header names: %.160s", err.text);
		return false;
	}
	if (base_is_right(search, &kdbg)) {
		found(search, &kdbg, by_header);
		return true;
	}
	looked(search,
	       "the one that the header names, 0x%" PRIx64
	       ": no kernel lies at its KernBase 0x%" PRIx64,
	       kdbg.va, kdbg.kernel_base);
	if (base_is_absent(search, &kdbg))
		search->unproved = kdbg;
	return false;
}

static uint64_t image_size(struct space *space, uint64_t base, uint64_t from_list)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_identity image;
	uint64_t size = from_list;

	if (pe_identify(space, base, &image, &ignored) == PS_OK)
		size = image.size;
	if (size == 0)
		size = IMAGE_REACH;
	return size < IMAGE_MOST ? size : IMAGE_MOST;
}

/* Remembers the base; false when it was searched before or too many were. */
static bool first_search(struct kernel_search *search, uint64_t base)
{
	for (unsigned i = 0; i < search->searched_count; i++)
		if (search->searched[i] == base)
			return false;
	if (search->searched_count == TRACE_LIMIT)
		return false;
	search->searched[search->searched_count++] = base;
	return true;
}

static enum ps_status try_image(struct kernel_search *search, uint64_t base, uint64_t size,
				const char *found_by, struct ps_error *err)
{
	struct kernel *kernel = search->kernel;
	struct kdbg kdbg;

	if (!first_search(search, base))
		return ps_fail(err, PS_NOT_FOUND, "searched before");
	size = image_size(kernel->space, base, size);
	log_info(search->log, "searching the kernel image at 0x%" PRIx64 " for KDBG", base);
	if (kdbg_find_in_image(kernel->space, base, size, &kdbg, err) != PS_OK)
		return err->status;
	found(search, &kdbg, found_by);
	return PS_OK;
}

/* The kernel's base is known already: from the header's list of modules, or from the root's proof.
 */
static enum ps_status try_known_bases(struct kernel_search *search, struct ps_error *err)
{
	enum ps_status status = PS_NOT_FOUND;
	struct module_head first = {.base = 0};

	if (header_list(search, &first))
		status = try_image(search, first.base, first.size, by_image, err);
	else
		ps_fail(err, PS_NOT_FOUND, "no kernel image is known");
	if (status == PS_NOT_FOUND && search->proved_base != 0 && search->proved_base != first.base)
		status = try_image(search, search->proved_base, 0, search->proved_by, err);
	if (status == PS_NOT_FOUND)
		looked(search, "%.200s", err->text);
	return status;
}

/* For search_memory(): a block whose kernel is mapped here, and which is found at an address. */
static bool accept_trace(void *context, const struct kdbg_trace *trace)
{
	struct kernel_search *search = context;
	enum ps_status status;
	uint64_t base;

	if (!search_trace_fits(search->kernel->space, trace, &base))
		return false;
	status = try_image(search, base, 0, by_memory, &search->trouble);
	if (status == PS_NOT_FOUND)
		ps_error_clear(&search->trouble);
	return status != PS_NOT_FOUND;
}

/* A kernel base that was remembered is tried without another search of memory. */
static enum ps_status try_memory(struct kernel_search *search, struct ps_error *err)
{
	enum ps_status status = PS_NOT_FOUND;

	for (unsigned i = 0; i < search->trace_count && status == PS_NOT_FOUND; i++)
		if (accept_trace(search, &search->traces[i]))
			status = PS_OK;
	if (status == PS_NOT_FOUND && search->scanned)
		ps_fail(err, PS_NOT_FOUND, "no KDBG of this kernel in all of memory");
	else if (status == PS_NOT_FOUND)
		status = search_memory(search, accept_trace, search, err);
	if (status == PS_OK && search->trouble.status != PS_OK) {
		*err = search->trouble;
		status = err->status;
	}
	if (status == PS_NOT_FOUND)
		looked(search, "%.120s (%" PRIu64 " blocks of others)", err->text, search->seen);
	return status;
}

static enum ps_status not_found(struct kernel_search *search, struct ps_error *err)
{
	ps_fail(err, PS_NOT_FOUND, "cannot find the kernel's debugger data block (KDBG): %s",
		search->looked);
	if (search->kernel->dump->facts.dtb.known)
		ps_hint(err, "its page may be missing from this dump: a kernel or complete memory "
			     "dump (MEMORY.DMP) written by Windows itself holds it");
	else
		ps_hint(err, "take a crash dump (MEMORY.DMP) instead of a snapshot: Windows writes "
			     "KDBG in clear into it, and its header names the list of modules");
	return err->status;
}

/*
 * The kernel's base where no KDBG told it: from the header's list of modules, the root's proof, or
 * a search for the image. 0 when none of them knows.
 */
static uint64_t known_base(struct kernel_search *search, uint64_t *ret_size)
{
	struct module_head first;

	*ret_size = 0;
	if (header_list(search, &first)) {
		*ret_size = first.size;
		return first.base;
	}
	if (search->proved_base != 0)
		return search->proved_base;
	return search_find_kernel(search, search->kernel->space);
}

/* Nothing that reads as a plain KDBG is in the kernel's image. */
static enum ps_status try_hidden(struct kernel_search *search, struct ps_error *err)
{
	enum ps_status status = PS_NOT_FOUND;
	uint64_t size, base = known_base(search, &size);

	if (base != 0)
		status = search_encoded(search, base, size, err);
	if (status != PS_NOT_FOUND)
		return status;
	if (base != 0)
		looked(search, "%.200s", err->text);
	else
		looked(search,
		       "no kernel image where Windows puts its kernel (%" PRIu64
		       " pages looked at)",
		       search->pages_walked);
	if (base == 0 || !use_symbols_are_proved(search->kernel))
		status = try_memory(search, err);
	if (status == PS_NOT_FOUND && base != 0 && search->unproved.size == 0)
		status = search_without_kdbg(search, base, size, err);
	return status;
}

enum ps_status search_kdbg(struct kernel_search *search, struct ps_error *err)
{
	enum ps_status status;

	if (try_header(search))
		return PS_OK;
	if (search->kernel->dump->facts.kdbg.known)
		kernel_note(search->kernel,
			    "KDBG is searched for, because it is not where the header says: %.130s",
			    search->looked);
	status = try_known_bases(search, err);
	if (status == PS_NOT_FOUND)
		status = try_hidden(search, err);
	if (status != PS_NOT_FOUND)
		return status;
	if (search->unproved.size == 0)
		return not_found(search, err);
	found(search, &search->unproved, by_header);
	kernel_note(search->kernel,
		    "nothing else in the dump vouches for the kernel's base 0x%" PRIx64,
		    search->kernel->base);
	return PS_OK;
}

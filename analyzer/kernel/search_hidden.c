/*
 * A kernel that hides its KDBG: decodes it, or does without. See search.h.
 *
 * What stands for the block where there is none: PsLoadedModuleList of the exports (Windows 10 and
 * later), by symbols, of the header or, found by its first entry, in the kernel's data; the other
 * variables that are exported or that symbols name; NtBuildLab by its text; MmUnloadedDrivers by
 * the look of the ring that it points to. The pool's variables are not looked for here.
 */
#include "analyzer/kernel/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyzer/kernel/kdbg_cipher.h"
#include "analyzer/kernel/pe_exports.h"
#include "analyzer/kernel/use_symbols.h"
#include "base/bytes.h"

enum {
	IMAGE_REACH = 32 << 20,
	IMAGE_MOST = 64 << 20,
	LAB_HEAD = 32, /* characters of a build lab before "fre" */
};

static const char by_symbols[] = "symbols";
static const char by_symbol_keys[] = "decoded with the keys that symbols name";
static const char by_keys[] = "decoded with the keys that KdCopyDataBlock uses";
static const char by_plaintext[] = "decoded by known plaintext";

/* The image with its sections; where the header page is absent, the bare bytes. */
static enum ps_status open_image(struct kernel_search *search, uint64_t base, uint64_t size,
				 struct pe_image **ret, struct ps_error *err)
{
	struct space *space = search->kernel->space;

	if (pe_image_open_memory(space, base, size, ret, err) == PS_OK)
		return PS_OK;
	if (err->status == PS_NO_MEMORY)
		return err->status;
	ps_error_clear(err);
	if (size == 0 || size > IMAGE_MOST)
		size = IMAGE_REACH;
	return pe_image_open_bare(space, base, size, ret, err);
}

static bool symbol_qword(struct kernel *kernel, const struct pe_image *image, const char *name,
			 uint64_t *ret)
{
	uint64_t va;

	return symbols_address_of(kernel->symbols, image->base, name, &va) &&
	       va - image->base < image->size &&
	       pe_uint(image, (uint32_t)(va - image->base), 8, ret);
}

/* The block that symbols name: a plain one that the search of the image passed over, or encoded. */
static bool find_by_symbols(struct kernel *kernel, const struct pe_image *image, struct kdbg *ret,
			    const char **ret_by)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t block, flag, never, always;
	struct kdbg_cipher cipher;

	if (!symbols_address(kernel->symbols, image->base, SYMBOL_KD_DEBUGGER_DATA_BLOCK, &block) ||
	    block - image->base >= image->size)
		return false;
	*ret_by = by_symbols;
	if (kdbg_read(kernel->space, block, ret, &ignored) == PS_OK &&
	    ret->kernel_base == image->base)
		return true;
	if (!symbols_address_of(kernel->symbols, image->base, "KdpDataBlockEncoded", &flag) ||
	    !symbol_qword(kernel, image, "KiWaitNever", &never) ||
	    !symbol_qword(kernel, image, "KiWaitAlways", &always))
		return false;
	*ret_by = by_symbol_keys;
	cipher = kdbg_cipher_of_keys(never, always, flag);
	return kdbg_decode_block(kernel->space, image, (uint32_t)(block - image->base), &cipher,
				 ret);
}

/* Sources of the block, tried in this order: the surest first, the one that asks the most last. */
static enum ps_status find_encoded(struct kernel *kernel, const struct pe_image *image,
				   struct kdbg *ret, const char **ret_by, struct ps_error *err)
{
	struct space *space = kernel->space;
	struct kdbg_code_trail trail;
	enum ps_status status;

	if (find_by_symbols(kernel, image, ret, ret_by))
		return PS_OK;
	status = kdbg_find_by_code(space, image, &trail, ret, err);
	if (status == PS_OK) {
		*ret_by = by_keys;
		return PS_OK;
	}
	if (status == PS_NO_MEMORY)
		return status;
	if (kdbg_find_by_plaintext(space, image, ret)) {
		ps_error_clear(err);
		*ret_by = by_plaintext;
		return PS_OK;
	}
	if (status == PS_UNSUPPORTED)
		return ps_fail_at(err, PS_NOT_FOUND, image->base, "no encoded one either");
	return ps_fail_at(
		err, PS_NOT_FOUND, image->base,
		"no encoded one either (%u places decode as KdCopyDataBlock does, %u of "
		"them name nothing that is in the dump; no block fits the known plaintext)",
		trail.functions, trail.unread);
}

enum ps_status search_encoded(struct kernel_search *search, uint64_t base, uint64_t size,
			      struct ps_error *err)
{
	struct kernel *kernel = search->kernel;
	enum ps_status status = use_symbols_at(search, base, err);
	struct pe_image *image;
	const char *by = NULL;

	if (status != PS_OK)
		return status;
	log_info(search->log, "searching the kernel image at 0x%" PRIx64 " for an encoded KDBG",
		 base);
	ps_error_clear(err);
	if (open_image(search, base, size, &image, err) != PS_OK)
		return err->status == PS_NO_MEMORY ? PS_NO_MEMORY : PS_NOT_FOUND;
	status = find_encoded(kernel, image, &kernel->kdbg, &by, err);
	if (status == PS_OK) {
		kernel->base = base;
		kernel->kdbg_found_by = by;
	}
	if (status == PS_OK && by != by_symbols)
		kernel_note(kernel,
			    "KDBG is encoded in this memory, as a running Windows 8 or "
			    "later keeps it; it was %s",
			    by);
	pe_image_close(image);
	return status;
}

/* Fields of KDBG that the kernel exports under the same name. */
static const struct {
	const char *name;
	enum kdbg_field field;
} exported_fields[] = {
	{"PsLoadedModuleList", KDBG_PS_LOADED_MODULE_LIST},
	{"NtBuildLab", KDBG_NT_BUILD_LAB},
	{"MmSystemRangeStart", KDBG_MM_SYSTEM_RANGE_START},
	{"MmHighestUserAddress", KDBG_MM_HIGHEST_USER_ADDRESS},
};

struct names {
	const struct pe_image *image;
	struct kdbg *kdbg;
	uint64_t processors; /* VA of KeNumberProcessors, 0 when it is not exported */
};

static bool take_export(void *context, const struct pe_export *export)
{
	struct names *names = context;
	uint64_t va = names->image->base + export->rva;

	if (!export->name || export->rva == 0)
		return true;
	for (size_t i = 0; i < sizeof(exported_fields) / sizeof(exported_fields[0]); i++)
		if (strcmp(export->name, exported_fields[i].name) == 0)
			names->kdbg->fields[exported_fields[i].field] = va;
	if (strcmp(export->name, "KeNumberProcessors") == 0)
		names->processors = va;
	return true;
}

static bool is_list(struct kernel *kernel, uint64_t head, uint64_t base)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct module_head first;

	return head != 0 && modules_read_first(kernel->space, head, &first, &ignored) == PS_OK &&
	       first.base == base;
}

/* Asks `test` of every pointer in the image's data that leads out of it; the first taken wins. */
typedef bool (*pointer_test)(struct kernel *kernel, uint64_t va, uint64_t value, uint64_t base);

static uint64_t find_pointer_in(struct kernel *kernel, const struct pe_image *image, uint32_t from,
				uint32_t end, pointer_test test)
{
	unsigned width = image->pointer_size;

	from = (from + width - 1) & ~(width - 1);
	for (uint32_t rva = from; rva < end && end - rva >= width; rva += width) {
		uint64_t value;

		if (!pe_uint(image, rva, width, &value) || value == 0 ||
		    !space_is_kernel_address(kernel->space, value) ||
		    (value >= image->base && value - image->base < image->size))
			continue;
		if (test(kernel, image->base + rva, value, image->base))
			return image->base + rva;
	}
	return 0;
}

static uint64_t find_pointer(struct kernel *kernel, const struct pe_image *image, pointer_test test)
{
	struct pe_range part;
	uint64_t found = 0;
	unsigned i = 0;

	while (found == 0 && pe_next_part(image, PE_PART_DATA, &i, &part))
		found = find_pointer_in(kernel, image, part.rva, part.rva + part.size, test);
	return found;
}

static bool test_list(struct kernel *kernel, uint64_t va, uint64_t value, uint64_t base)
{
	(void)value;
	return is_list(kernel, va, base);
}

static bool test_ring(struct kernel *kernel, uint64_t va, uint64_t value, uint64_t base)
{
	uint32_t unused;

	(void)va;
	(void)base;
	return modules_unloaded_order(kernel->space, value, &unused);
}

/* A list that is named, and whose first entry is this kernel or is not in the dump. */
static bool can_be_list(struct kernel *kernel, uint64_t head, uint64_t base)
{
	struct ps_error why = PS_ERROR_INIT;
	struct module_head first;

	if (head == 0 || !space_is_kernel_address(kernel->space, head))
		return false;
	if (modules_read_first(kernel->space, head, &first, &why) == PS_OK)
		return first.base == base;
	return why.status == PS_ABSENT;
}

/* Finds PsLoadedModuleList and says whence. */
static const char *find_list(struct kernel *kernel, const struct pe_image *image)
{
	uint64_t *list = &kernel->kdbg.fields[KDBG_PS_LOADED_MODULE_LIST];
	const struct fact *stated = &kernel->dump->facts.module_list;
	uint64_t header = space_normalize(kernel->space, stated->value);

	bool named = kernel->kdbg.from_symbols >> KDBG_PS_LOADED_MODULE_LIST & 1;

	if (can_be_list(kernel, *list, image->base))
		return named ? "none in memory; symbols name PsLoadedModuleList"
			     : "none in memory; PsLoadedModuleList is exported";
	kernel->kdbg.from_symbols &= ~(UINT64_C(1) << KDBG_PS_LOADED_MODULE_LIST);
	*list = stated->known && can_be_list(kernel, header, image->base) ? header : 0;
	if (*list != 0)
		return "none in memory; the header names PsLoadedModuleList";
	*list = find_pointer(kernel, image, test_list);
	return *list != 0 ? "none in memory; PsLoadedModuleList by its first entry"
			  : "none in memory; PsLoadedModuleList was not found either";
}

static bool is_lab_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '.' || c == '_';
}

/* "7601.18741.x86" stands before `end`: its RVA, else 0. */
static uint32_t lab_before(const struct pe_image *image, uint32_t end)
{
	static const char *const machines[] = {".x86", ".amd64", ".arm64"};
	uint32_t begin = end;
	size_t length;

	while (begin > 0 && end - begin < LAB_HEAD && is_lab_byte(image->bytes[begin - 1]))
		begin--;
	length = end - begin;
	if (length == 0 || image->bytes[begin] < '1' || image->bytes[begin] > '9')
		return 0;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		size_t machine = strlen(machines[i]);

		if (length > machine &&
		    memcmp(image->bytes + end - machine, machines[i], machine) == 0)
			return begin;
	}
	return 0;
}

/* Address of the string NtBuildLab, "7601.18741.x86fre.win7sp1_gdr...", by its look; else 0. */
static uint64_t find_build_lab(const struct pe_image *image)
{
	static const char *const kinds[] = {"fre.", "chk."};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const uint8_t *at = image->bytes, *end = image->bytes + image->size;

		while ((at = memmem(at, (size_t)(end - at), kinds[i], 4)) != NULL) {
			uint32_t lab = lab_before(image, (uint32_t)(at - image->bytes));

			if (lab != 0)
				return image->base + lab;
			at++;
		}
	}
	return 0;
}

static void take_processors(struct kernel *kernel, uint64_t va)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t count;

	/* On Windows 7 and later this counts the first group alone. */
	if (va != 0 && space_read_u32(kernel->space, va, &count, &ignored) == PS_OK && count >= 1 &&
	    count <= 64)
		kernel->exported_processors = count;
}

enum ps_status search_without_kdbg(struct kernel_search *search, uint64_t base, uint64_t size,
				   struct ps_error *err)
{
	struct kernel *kernel = search->kernel;
	struct names names = {.kdbg = &kernel->kdbg};
	struct pe_image *image;

	ps_error_clear(err);
	if (use_symbols_at(search, base, err) != PS_OK)
		return err->status;
	kernel->base = base;
	kernel->kdbg = (struct kdbg){.kernel_base = base};
	if (open_image(search, base, size, &image, err) != PS_OK)
		return err->status;
	names.image = image;
	pe_exports(image, take_export, &names);
	take_processors(kernel, names.processors);
	use_symbol_fields(kernel);
	if (kernel->kdbg.fields[KDBG_NT_BUILD_LAB] == 0)
		kernel->kdbg.fields[KDBG_NT_BUILD_LAB] = find_build_lab(image);
	kernel->kdbg_found_by = find_list(kernel, image);
	if (kernel->kdbg.fields[KDBG_MM_UNLOADED_DRIVERS] == 0)
		kernel->kdbg.fields[KDBG_MM_UNLOADED_DRIVERS] =
			find_pointer(kernel, image, test_ring);
	kernel_note(kernel,
		    "no KDBG, plain or encoded, in the kernel image (%" PRIu32 " of its %" PRIu32
		    " pages could be read)%s; %s",
		    image->pages_present, image->pages,
		    use_symbols_are_proved(kernel) ? " where symbols say that it is"
						   : " or elsewhere in memory",
		    kernel->symbols && kernel->symbols->has_set
			    ? "what it would name comes from symbols"
			    : "the report does without");
	pe_image_close(image);
	return PS_OK;
}

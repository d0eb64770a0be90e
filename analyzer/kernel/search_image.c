/*
 * Finds the kernel's image when nothing names its base. See search.h.
 *
 * Windows puts the 64-bit kernel into the half-terabyte from 0xfffff80000000000 on (with address
 * space randomisation too), the 32-bit one anywhere in the kernel half.
 */
#include "analyzer/kernel/search.h"

#include <string.h>

#include "analyzer/kernel/pe_headers.h"
#include "base/signals.h"

enum {
	PAGES_MAX = 4 << 20,    /* under all roots: 16 GiB, far more than is mapped there */
	PAGE_LARGEST = 4 << 20, /* bytes: of the pages that Windows maps its kernel with */
};

static const struct {
	uint64_t first, end;
} kernel_range_64 = {0xfffff80000000000, 0xfffff88000000000},
  kernel_range_32 = {0x80000000, 0x100000000};

/* Names that Windows gives its kernels: multiprocessor, uniprocessor, with and without PAE. */
static bool is_kernel_pdb(const struct pe_identity *image)
{
	static const char *const names[] = {"ntkrnlmp.pdb", "ntoskrnl.pdb", "ntkrpamp.pdb",
					    "ntkrnlpa.pdb"};

	for (size_t i = 0; image->pdb_present && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(image->pdb_name, names[i]) == 0)
			return true;
	return false;
}

/* No driver has a section of this name. */
static bool has_poolcode(struct space *space, uint64_t base)
{
	struct pe_raw_section sections[PE_SECTION_LIMIT];
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_headers headers;
	struct pe_space keep;
	struct pe_reader reader = pe_space_reader(space, base, &keep);
	unsigned count;

	if (pe_headers_read(&reader, &headers, &ignored) != PS_OK)
		return false;
	count = pe_sections_read(&reader, &headers, sections);
	for (unsigned i = 0; i < count; i++)
		if (strcmp(sections[i].name, "POOLCODE") == 0)
			return true;
	return false;
}

bool search_is_kernel(struct space *space, uint64_t base)
{
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_identity image;
	uint8_t magic[2];
	char name[32];

	if (space_read(space, base, magic, sizeof(magic), &ignored) != PS_OK ||
	    memcmp(magic, "MZ", sizeof(magic)) != 0 || !search_is_image(space, base))
		return false;
	if (pe_export_module_name(space, base, name, sizeof(name), &ignored) == PS_OK)
		return strcmp(name, "ntoskrnl.exe") == 0;
	if (pe_identify(space, base, &image, &ignored) == PS_OK && image.pdb_present)
		return is_kernel_pdb(&image);
	return has_poolcode(space, base);
}

/* Most pages are none: told by two bytes, without another walk and without words for what is
 * absent.
 */
static bool begins_image(struct space *space, const struct translation *at)
{
	uint8_t magic[2];

	return dump_read(space_dump(space), at->pa, magic, sizeof(magic)) == PAGE_PRESENT &&
	       memcmp(magic, "MZ", sizeof(magic)) == 0;
}

uint64_t search_find_kernel(struct kernel_search *search, struct space *space)
{
	bool wide = space_pointer_size(space) == 8;
	uint64_t end = wide ? kernel_range_64.end : kernel_range_32.end;
	uint64_t va = wide ? kernel_range_64.first : kernel_range_32.first;
	struct translation at;

	while (search->pages_walked < PAGES_MAX && !signals_interrupted() &&
	       space_next_mapped(space, va, end, &va, &at)) {
		if (at.page_size > PAGE_LARGEST) {
			va = (va & ~(at.page_size - 1)) + at.page_size;
			continue;
		}
		search->pages_walked++;
		if (begins_image(space, &at) && search_is_kernel(space, va))
			return va;
		va += PAGE_SIZE;
	}
	return 0;
}

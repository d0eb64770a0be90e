/*
 * Finds the kernel's image by its exports, when nothing names its base. See search.h.
 *
 * Windows puts the 64-bit kernel into the half-terabyte from 0xfffff80000000000 on (with address
 * space randomisation too), the 32-bit one anywhere in the kernel half.
 */
#include "analyzer/kernel/search.h"

#include <string.h>

#include "base/bytes.h"
#include "base/signals.h"

enum { PAGES_MAX = 4 << 20 }; /* under all roots: 16 GiB, far more than is mapped there */

static const struct {
	uint64_t first, end;
} kernel_range_64 = {0xfffff80000000000, 0xfffff88000000000},
  kernel_range_32 = {0x80000000, 0x100000000};

static bool is_kernel(struct space *space, uint64_t va)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t magic[2];
	char name[32];

	if (space_read(space, va, magic, sizeof(magic), &ignored) != PS_OK ||
	    memcmp(magic, "MZ", sizeof(magic)) != 0 || !search_is_image(space, va))
		return false;
	return pe_export_module_name(space, va, name, sizeof(name), &ignored) == PS_OK &&
	       strcmp(name, "ntoskrnl.exe") == 0;
}

uint64_t search_find_kernel(struct kernel_search *search, struct space *space)
{
	bool wide = space_pointer_size(space) == 8;
	uint64_t end = wide ? kernel_range_64.end : kernel_range_32.end;
	uint64_t va = wide ? kernel_range_64.first : kernel_range_32.first;
	struct translation at;

	for (; search->pages_walked < PAGES_MAX && !signals_interrupted(); va += PAGE_SIZE) {
		if (!space_next_mapped(space, va, end, &va, &at))
			return 0;
		search->pages_walked++;
		if (is_kernel(space, va))
			return va;
	}
	return 0;
}

/*
 * MM_SESSION_SPACE by build: what belongs to session pool. Source: PDB types of public kernels
 * (fact sheet 3.6), of x64 from 6.1 to 22000 checked against ISF tables. Not supported: 26100,
 * which has no such structure.
 */
#include <string.h>

#include "analyzer/pool/session_pool.h"

static const struct session_layout layouts[] = {
	{6000, 6000, 8, 0, false, 0x1db8},        {6001, 6003, 8, 0, false, 0x1dd8},
	{7600, 7601, 8, 0, false, 0x1f30},        {9200, 9200, 8, 0, false, 0x1f40},
	{9600, 9600, 8, 0, false, 0x1f98},        {10240, 10586, 8, 0, false, 0x1ef0},
	{14393, 14393, 8, 0x2000, false, 0x1f78}, {15063, 16299, 8, 0x2000, false, 0x1fb0},
	{17134, 17763, 8, 0x3000, false, 0x2028}, {18362, 18363, 8, 0x1000, false, 0x4e8},
	{19041, 20348, 8, 0x1000, false, 0x3d0},  {22000, 22000, 8, 0x380, true, 0x328},
	{7600, 7601, 4, 0, false, 0x1fc8},
};

/* An array in the structure is page-aligned there; a pointer to it is not. */
static bool by_types(const struct kernel *k, struct session_layout *ret)
{
	static const char type[] = "_MM_SESSION_SPACE";
	struct symbol_offset tags, expansion;
	bool any = false;

	if (symbols_type_offset(k->symbols, type, "PoolTags", &tags) && tags.offset <= UINT16_MAX) {
		ret->tags = (uint16_t)tags.offset;
		ret->tags_pointer = tags.offset % PAGE_SIZE != 0;
		any = true;
	}
	if (symbols_type_offset(k->symbols, type, "PoolTrackTableExpansion", &expansion) &&
	    expansion.offset <= UINT16_MAX) {
		ret->expansion = (uint16_t)expansion.offset;
		any = true;
	}
	return any;
}

struct session_layout session_layout(const struct kernel *kernel)
{
	struct session_layout layout = {0};

	if (by_types(kernel, &layout))
		return layout;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct session_layout *l = &layouts[i];

		if (kernel->build.known && kernel->build.value >= l->first_build &&
		    kernel->build.value <= l->last_build &&
		    kernel->pointer_size == l->pointer_size && strcmp(kernel->arch, "arm64") != 0)
			return *l;
	}
	return layout;
}

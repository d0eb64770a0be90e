/*
 * See pe_image.h: what the sections of an image hold, and walks over those of one kind.
 */
#include "analyzer/kernel/pe_image.h"

enum {
	CNT_CODE = 0x00000020,
	MEM_DISCARDABLE = 0x02000000,
	MEM_EXECUTE = 0x20000000,
};
static const uint32_t mem_write = 0x80000000;

const struct pe_section *pe_section_at(const struct pe_image *image, uint32_t rva)
{
	for (unsigned i = 0; i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];

		if (rva >= section->rva && rva - section->rva < section->size)
			return section;
	}
	return NULL;
}

bool pe_section_is_code(const struct pe_section *section)
{
	return section->characteristics & (CNT_CODE | MEM_EXECUTE);
}

bool pe_section_is_writable(const struct pe_section *section)
{
	return section->characteristics & mem_write;
}

bool pe_section_is_discardable(const struct pe_section *section)
{
	return section->characteristics & MEM_DISCARDABLE;
}

static bool is_part(const struct pe_section *section, enum pe_part part)
{
	if (part == PE_PART_CODE)
		return pe_section_is_code(section);
	return !pe_section_is_code(section) &&
	       (part == PE_PART_NO_CODE || pe_section_is_writable(section));
}

bool pe_next_part(const struct pe_image *image, enum pe_part part, unsigned *index,
		  struct pe_range *ret)
{
	if (image->section_count == 0) {
		*ret = (struct pe_range){0, image->size};
		return (*index)++ == 0;
	}
	while (*index < image->section_count) {
		const struct pe_section *section = &image->sections[(*index)++];

		if (section->pages_present > 0 && is_part(section, part)) {
			*ret = (struct pe_range){section->rva, section->size};
			return true;
		}
	}
	return false;
}

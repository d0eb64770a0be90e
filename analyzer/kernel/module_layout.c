/*
 * See module_layout.h. The list's first entry is the kernel: its base is what the layout is checked
 * by. Not supported: the user-mode LDR_DATA_TABLE_ENTRY, whose end is another.
 */
#include "analyzer/kernel/module_layout.h"

#include "analyzer/kernel/symbol_structure.h"

static const char type_name[] = "_KLDR_DATA_TABLE_ENTRY";

enum { ENTRY_MOST = 0x400 };

enum member { LINKS, BASE, SIZE, PATH, NAME, TIMESTAMP, MEMBERS };

static const char *check(struct kernel *kernel, uint64_t head, const struct symbol_member *m)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t first, base;

	if (m[LINKS].offset != 0)
		return "it does not begin with InLoadOrderLinks";
	if (m[PATH].offset % kernel->pointer_size != 0 ||
	    m[NAME].offset % kernel->pointer_size != 0)
		return "its names are not aligned";
	if (space_read_pointer(kernel->space, head, &first, &ignored) == PS_OK &&
	    space_read_pointer(kernel->space, first + m[BASE].offset, &base, &ignored) == PS_OK &&
	    base != kernel->base)
		return "by it the first module is not the kernel";
	return NULL;
}

bool module_layout_by_symbols(struct kernel *kernel, uint64_t head, struct module_layout *ret)
{
	struct symbol_member m[MEMBERS] = {
		[LINKS] = SYMBOL_MEMBER("InLoadOrderLinks", WIDTH_ANY),
		[BASE] = SYMBOL_MEMBER("DllBase", WIDTH_POINTER),
		[SIZE] = SYMBOL_MEMBER("SizeOfImage", WIDTH_4),
		[PATH] = SYMBOL_MEMBER("FullDllName", WIDTH_ANY),
		[NAME] = SYMBOL_MEMBER("BaseDllName", WIDTH_ANY),
		[TIMESTAMP] = SYMBOL_MEMBER("TimeDateStamp", WIDTH_4),
	};
	bool stamped = symbol_structure_has(kernel, type_name, "TimeDateStamp");
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result = symbol_structure(
		kernel, type_name, m, stamped ? MEMBERS : TIMESTAMP, ENTRY_MOST, &size, why);
	const char *words = result == STRUCTURE_NONSENSE ? why : NULL;

	if (result == STRUCTURE_UNKNOWN)
		return false;
	if (result == STRUCTURE_KNOWN)
		words = check(kernel, space_normalize(kernel->space, head), m);
	symbol_structure_used(kernel, type_name, words);
	if (words)
		return false;
	*ret = (struct module_layout){
		.pointer_size = kernel->pointer_size,
		.base = (uint16_t)m[BASE].offset,
		.size = (uint16_t)m[SIZE].offset,
		.path = (uint16_t)m[PATH].offset,
		.name = (uint16_t)m[NAME].offset,
		.timestamp = stamped ? (uint16_t)m[TIMESTAMP].offset : 0,
	};
	return true;
}

/*
 * POOL_DESCRIPTOR's running totals: layouts as data, one structure read whole.
 */
#include "analyzer/pool/descriptor.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/kernel/symbol_structure.h"
#include "analyzer/pool/layouts.h"
#include "base/bytes.h"

enum { DESCRIPTOR_BYTES = 0x100, SIZE_MOST = 0x4000 };

static const char type_name[] = "_POOL_DESCRIPTOR";

enum counted { BY_PAGES, BY_PAGES_BIG_FIRST, BY_BYTES, BY_BALANCE };

/* The members' names in PDBs, in the order of the layout's fields. */
static const struct {
	const char *plus[2], *minus[2];
} names[] = {
	[BY_PAGES] = {{"TotalPages", "TotalBigPages"}, {NULL, NULL}},
	[BY_PAGES_BIG_FIRST] = {{"TotalBigPages", "TotalPages"}, {NULL, NULL}},
	[BY_BYTES] = {{"TotalBytes", NULL}, {NULL, NULL}},
	[BY_BALANCE] = {{"BytesAllocated", NULL}, {"BytesDeallocated", NULL}},
};

/* What to add, and what to take away again; width 0 = not there. */
struct descriptor_layout {
	uint32_t first_build, last_build;
	uint8_t pointer_size;
	uint32_t unit; /* bytes that one count stands for */
	struct field plus[2], minus[2];
	enum counted counted;
};

static const struct descriptor_layout layouts[] = {
	{2600, 2600, 4, PAGE_SIZE, {{0x10, 4}, {0x14, 4}}, {{0, 0}}, BY_PAGES},
	{3790, 3790, 4, 1, {{0x28, 4}}, {{0, 0}}, BY_BYTES},
	{3790, 3790, 8, 1, {{0x38, 8}}, {{0, 0}}, BY_BYTES},
	{6000, 6003, 4, 1, {{0x2c, 4}}, {{0, 0}}, BY_BYTES},
	{6000, 6003, 8, 1, {{0x38, 8}}, {{0, 0}}, BY_BYTES},
	/* the two page counts, whose places are the same on x86 and x64 */
	{7600, 10240, 4, PAGE_SIZE, {{0x48, 4}, {0xc0, 4}}, {{0, 0}}, BY_PAGES_BIG_FIRST},
	{7600, 10240, 8, PAGE_SIZE, {{0x48, 4}, {0xc0, 4}}, {{0, 0}}, BY_PAGES_BIG_FIRST},
	{14393, 18363, 8, 1, {{0x58, 8}}, {{0x98, 8}}, BY_BALANCE},
	{15063, 15063, 4, 1, {{0x4c, 4}}, {{0x8c, 4}}, BY_BALANCE},
};

static const struct descriptor_layout *find_layout(const struct kernel *kernel)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct descriptor_layout *l = &layouts[i];

		if (kernel->build.known && kernel->build.value >= l->first_build &&
		    kernel->build.value <= l->last_build && kernel->pointer_size == l->pointer_size)
			return l;
	}
	return NULL;
}

static void ask(const struct field *fields, const char *const asked[2],
		struct symbol_member *members, size_t *count)
{
	for (unsigned i = 0; i < 2 && asked[i]; i++)
		members[(*count)++] = (struct symbol_member){
			.name = asked[i], .widths = fields[i].width == 8 ? WIDTH_8 : WIDTH_4};
}

static void answer(struct field *fields, const char *const asked[2],
		   const struct symbol_member *members, size_t *count)
{
	for (unsigned i = 0; i < 2 && asked[i]; i++)
		fields[i].offset = (uint8_t)members[(*count)++].offset;
}

/* The same members where symbols have them. */
static void use_symbols(struct kernel *kernel, struct descriptor_layout *layout)
{
	struct symbol_member members[4];
	size_t count = 0, taken = 0;
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result;

	ask(layout->plus, names[layout->counted].plus, members, &count);
	ask(layout->minus, names[layout->counted].minus, members, &count);
	result = symbol_structure(kernel, type_name, members, count, SIZE_MOST, &size, why);
	for (size_t i = 0; result == STRUCTURE_KNOWN && i < count; i++)
		if (members[i].offset + members[i].width > DESCRIPTOR_BYTES) {
			snprintf(why, sizeof(why), "%s lies far from the others", members[i].name);
			result = STRUCTURE_NONSENSE;
		}
	if (result == STRUCTURE_UNKNOWN)
		return;
	symbol_structure_used(kernel, type_name, result == STRUCTURE_KNOWN ? NULL : why);
	if (result != STRUCTURE_KNOWN)
		return;
	answer(layout->plus, names[layout->counted].plus, members, &taken);
	answer(layout->minus, names[layout->counted].minus, members, &taken);
}

void descriptor_by_symbols(struct kernel *kernel)
{
	const struct descriptor_layout *built_in = find_layout(kernel);
	struct descriptor_layout layout;

	if (!built_in)
		return;
	layout = *built_in;
	use_symbols(kernel, &layout);
}

enum ps_status descriptor_bytes(struct kernel *kernel, uint64_t va, uint64_t *ret,
				struct ps_error *err)
{
	const struct descriptor_layout *built_in = find_layout(kernel);
	struct descriptor_layout layout;
	uint8_t raw[DESCRIPTOR_BYTES];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t sum = 0;

	if (!built_in)
		return ps_fail(err, PS_UNSUPPORTED,
			       "no layout of POOL_DESCRIPTOR is known for build %" PRIu64,
			       kernel->build.value);
	layout = *built_in;
	use_symbols(kernel, &layout);
	if (space_read(kernel->space, va, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the POOL_DESCRIPTOR at 0x%016" PRIx64, va);
	for (unsigned i = 0; i < 2; i++) {
		if (layout.plus[i].width != 0)
			sum += bytes_uint(&b, layout.plus[i].offset, layout.plus[i].width);
		if (layout.minus[i].width != 0)
			sum -= bytes_uint(&b, layout.minus[i].offset, layout.minus[i].width);
	}
	if (__builtin_mul_overflow(sum, (uint64_t)layout.unit, ret))
		return ps_fail(err, PS_CORRUPT,
			       "the POOL_DESCRIPTOR at 0x%016" PRIx64 " holds no possible size",
			       va);
	return PS_OK;
}

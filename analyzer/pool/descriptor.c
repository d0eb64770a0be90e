/*
 * POOL_DESCRIPTOR's running totals: layouts as data, one structure read whole.
 */
#include "analyzer/pool/descriptor.h"

#include <inttypes.h>

#include "analyzer/pool/layouts.h"
#include "base/bytes.h"

enum { DESCRIPTOR_BYTES = 0x100 };

/* What to add, and what to take away again; width 0 = not there. */
struct descriptor_layout {
	uint32_t first_build, last_build;
	uint8_t pointer_size;
	uint32_t unit; /* bytes that one count stands for */
	struct field plus[2], minus[2];
};

static const struct descriptor_layout layouts[] = {
	{2600, 2600, 4, PAGE_SIZE, {{0x10, 4}, {0x14, 4}}, {{0, 0}}},
	{3790, 3790, 4, 1, {{0x28, 4}}, {{0, 0}}},
	{3790, 3790, 8, 1, {{0x38, 8}}, {{0, 0}}},
	{6000, 6003, 4, 1, {{0x2c, 4}}, {{0, 0}}},
	{6000, 6003, 8, 1, {{0x38, 8}}, {{0, 0}}},
	/* the two page counts, whose places are the same on x86 and x64 */
	{7600, 10240, 4, PAGE_SIZE, {{0x48, 4}, {0xc0, 4}}, {{0, 0}}},
	{7600, 10240, 8, PAGE_SIZE, {{0x48, 4}, {0xc0, 4}}, {{0, 0}}},
	{14393, 18363, 8, 1, {{0x58, 8}}, {{0x98, 8}}},
	{15063, 15063, 4, 1, {{0x4c, 4}}, {{0x8c, 4}}},
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

enum ps_status descriptor_bytes(const struct kernel *kernel, uint64_t va, uint64_t *ret,
				struct ps_error *err)
{
	const struct descriptor_layout *layout = find_layout(kernel);
	uint8_t raw[DESCRIPTOR_BYTES];
	struct bytes b = bytes_of(raw, sizeof(raw));
	uint64_t sum = 0;

	if (!layout)
		return ps_fail(err, PS_UNSUPPORTED,
			       "no layout of POOL_DESCRIPTOR is known for build %" PRIu64,
			       kernel->build.value);
	if (space_read(kernel->space, va, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read the POOL_DESCRIPTOR at 0x%016" PRIx64, va);
	for (unsigned i = 0; i < 2; i++) {
		if (layout->plus[i].width != 0)
			sum += bytes_uint(&b, layout->plus[i].offset, layout->plus[i].width);
		if (layout->minus[i].width != 0)
			sum -= bytes_uint(&b, layout->minus[i].offset, layout->minus[i].width);
	}
	if (__builtin_mul_overflow(sum, (uint64_t)layout->unit, ret))
		return ps_fail(err, PS_CORRUPT,
			       "the POOL_DESCRIPTOR at 0x%016" PRIx64 " holds no possible size",
			       va);
	return PS_OK;
}

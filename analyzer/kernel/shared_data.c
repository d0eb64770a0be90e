/*
 * See shared_data.h.
 */
#include "analyzer/kernel/shared_data.h"

#include "base/bytes.h"

enum {
	SHARED_INTERRUPT_TIME = 0x08, /* KSYSTEM_TIME: low part, high part, high part again */
	SHARED_SYSTEM_TIME = 0x14,
	SHARED_BUILD = 0x260, /* Windows 10 and later */
	SHARED_PRODUCT_TYPE = 0x264,
	SHARED_MAJOR = 0x26c,
	SHARED_SUITE_MASK = 0x2d0,
	SHARED_PROCESSORS = 0x3c0, /* ActiveProcessorCount, Windows 7 and later */
	SHARED_BYTES = 0x3c4,

	FIRST_BUILD = 2195, /* Windows 2000 */
	LAST_BUILD = 99999,
	MOST_PROCESSORS = 2048,
};

/* The two high parts differ while the clock is being set: then the time is not known. */
static struct fact time_at(struct bytes *bytes, size_t at)
{
	uint64_t low = bytes_u32(bytes, at), high = bytes_u32(bytes, at + 4);
	bool whole = high == bytes_u32(bytes, at + 8);
	uint64_t value = high << 32 | low;

	return (struct fact){whole && value != 0, whole ? value : 0};
}

uint64_t shared_data_address(const struct space *space)
{
	return space_pointer_size(space) == 8 ? 0xfffff78000000000 : 0xffdf0000;
}

void shared_data_read(struct space *space, struct shared_data *ret)
{
	uint64_t va = shared_data_address(space);
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[SHARED_BYTES];
	struct bytes bytes = bytes_of(raw, sizeof(raw));
	uint32_t build, type, major, processors;

	*ret = (struct shared_data){.build = {.known = false}};
	if (space_read(space, va, raw, sizeof(raw), &ignored) != PS_OK)
		return;
	build = bytes_u32(&bytes, SHARED_BUILD); /* the top bits tell free from checked */
	type = bytes_u32(&bytes, SHARED_PRODUCT_TYPE);
	major = bytes_u32(&bytes, SHARED_MAJOR);
	if (major < 5 || major > 20) /* no Windows: not the page it should be */
		return;
	if (major >= 10 && (build & 0xffff) >= FIRST_BUILD && (build & 0xffff) <= LAST_BUILD) {
		ret->build = (struct fact){true, build & 0xffff};
		ret->free_build =
			(struct fact){build >> 28 == 0xf || build >> 28 == 0xc, build >> 28};
	}
	if (type >= 1 && type <= 3)
		ret->product_type = (struct fact){true, type};
	ret->suite_mask = (struct fact){true, bytes_u32(&bytes, SHARED_SUITE_MASK)};
	processors = bytes_u32(&bytes, SHARED_PROCESSORS);
	if (processors <= MOST_PROCESSORS)
		ret->processors = processors;
	ret->system_time = time_at(&bytes, SHARED_SYSTEM_TIME);
	ret->uptime = time_at(&bytes, SHARED_INTERRUPT_TIME);
}

/*
 * Pointers of sampled blocks into driver images: collected as one record a pointer, then counted by
 * driver and by offset.
 */
#include "analyzer/owners/contents.h"

#include <stdlib.h>
#include <strings.h>

#include "analyzer/kernel/pe_image.h"
#include "base/bytes.h"
#include "base/memory.h"

enum {
	TYPE_DEVICE = 3, /* DEVICE_OBJECT.Type, DRIVER_OBJECT.Type */
	TYPE_DRIVER = 4,
	DRIVER_SIZE_X86 = 0xa8,
	DRIVER_SIZE_X64 = 0x150,
	DRIVER_START_X86 = 0x0c,
	DRIVER_START_X64 = 0x18,
	DEVICE_DRIVER = 8, /* DEVICE_OBJECT.DriverObject */
	OBJECT_BYTES = 0x20,
	OFFSET_OF_OBJECT = -1,

	STRONG_BLOCKS = 3,
	STRONG_PERCENT = 60,
	WEAK_BLOCKS = 2,
	WEAK_PERCENT = 25,
	LONELY_POINTERS = 4, /* of a single block */
};

/* One pointer. */
struct record {
	enum owner_where where;
	size_t module;
	int32_t offset; /* in its block, or OFFSET_OF_OBJECT */
	uint32_t block;
	uint64_t target;
};

struct collection {
	const struct kernel *kernel;
	struct record *items; /* owned */
	size_t count, capacity;
	bool failed;
};

static void record(struct collection *c, const struct record *record)
{
	void *items = c->items;

	if (c->failed || !mem_grow(&items, c->count, &c->capacity, sizeof(*c->items))) {
		c->failed = true;
		return;
	}
	c->items = items;
	c->items[c->count++] = *record;
}

static bool says_nothing(const struct kernel *kernel, const struct module *m)
{
	return m == &kernel->modules.items[0] || (m->name && strcasecmp(m->name, "hal.dll") == 0);
}

/* The newest unloaded driver that lay there: ranges are used again. */
static const struct module *find_unloaded(const struct module_list *list, uint64_t va)
{
	for (size_t i = list->count; i-- > 0;) {
		const struct module *m = &list->items[i];

		if (va >= m->base && va - m->base < m->size)
			return m;
	}
	return NULL;
}

/* Fills where and module of *to. `*ret_kernel` is set by a pointer into the kernel or the HAL. */
static bool find_image(const struct kernel *kernel, uint64_t va, struct record *to,
		       bool *ret_kernel)
{
	const struct module *m = modules_find(&kernel->modules, va);

	if (m && says_nothing(kernel, m)) {
		*ret_kernel = true;
		return false;
	}
	to->target = va;
	if (m) {
		to->where = OWNER_LOADED;
		to->module = (size_t)(m - kernel->modules.items);
		return true;
	}
	m = find_unloaded(&kernel->unloaded, va);
	if (!m)
		return false;
	to->where = OWNER_UNLOADED;
	to->module = (size_t)(m - kernel->unloaded.items);
	return true;
}

static bool read_object(const struct kernel *kernel, uint64_t va, unsigned type,
			uint8_t to[OBJECT_BYTES])
{
	struct bytes b = bytes_of(to, OBJECT_BYTES);

	return va % kernel->pointer_size == 0 &&
	       space_read_partial(kernel->space, va, to, OBJECT_BYTES, NULL) == OBJECT_BYTES &&
	       bytes_u16(&b, 0) == type;
}

/* Where the image of the DRIVER_OBJECT at `va` begins. */
static bool driver_start(const struct kernel *kernel, uint64_t va, uint64_t *ret)
{
	bool wide = kernel->pointer_size == 8;
	uint8_t object[OBJECT_BYTES];
	struct bytes b = bytes_of(object, sizeof(object));

	if (!read_object(kernel, va, TYPE_DRIVER, object) ||
	    bytes_u16(&b, 2) != (wide ? DRIVER_SIZE_X64 : DRIVER_SIZE_X86))
		return false;
	*ret = bytes_pointer(&b, wide ? DRIVER_START_X64 : DRIVER_START_X86, kernel->pointer_size);
	return true;
}

static bool device_start(const struct kernel *kernel, uint64_t va, uint64_t *ret)
{
	uint8_t object[OBJECT_BYTES];
	struct bytes b = bytes_of(object, sizeof(object));

	if (!read_object(kernel, va, TYPE_DEVICE, object))
		return false;
	return driver_start(kernel, bytes_pointer(&b, DEVICE_DRIVER, kernel->pointer_size), ret);
}

static void look_at_object(struct collection *c, uint64_t va, uint32_t block)
{
	struct record r = {.offset = OFFSET_OF_OBJECT, .block = block};
	bool kernel;
	uint64_t start;

	if (!driver_start(c->kernel, va, &start) && !device_start(c->kernel, va, &start))
		return;
	if (find_image(c->kernel, start, &r, &kernel))
		record(c, &r);
}

static void look_at_block(struct collection *c, uint8_t *bytes, size_t size, uint32_t block,
			  bool *ret_kernel)
{
	const struct kernel *k = c->kernel;
	struct bytes b = bytes_of(bytes, size);

	for (size_t at = 0; at + k->pointer_size <= size; at += k->pointer_size) {
		uint64_t va = bytes_pointer(&b, at, k->pointer_size);
		struct record r = {.offset = (int32_t)at, .block = block};

		if (!space_is_kernel_address(k->space, va))
			continue;
		if (find_image(k, va, &r, ret_kernel))
			record(c, &r);
		else if (at < CONTENTS_OBJECT_WORDS * k->pointer_size)
			look_at_object(c, va, block);
	}
}

static void look_at_all(struct collection *c, const struct contents_block *blocks, size_t count,
			struct contents *ret)
{
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[CONTENTS_BYTES] = {0};
		size_t size = blocks[i].bytes < CONTENTS_BYTES ? blocks[i].bytes : CONTENTS_BYTES;
		bool kernel = false;

		/* absent bytes of a block stay zero, which points nowhere */
		if (space_read_partial(c->kernel->space, blocks[i].va, bytes, size, NULL) == 0) {
			ret->absent++;
			continue;
		}
		ret->sampled++;
		look_at_block(c, bytes, size, (uint32_t)i, &kernel);
		ret->kernel += kernel;
	}
}

static int compare_records(const void *left, const void *right)
{
	const struct record *a = left, *b = right;

	if (a->where != b->where)
		return a->where < b->where ? -1 : 1;
	if (a->module != b->module)
		return a->module < b->module ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->block < b->block ? -1 : a->block > b->block;
}

static bool same_driver(const struct record *a, const struct record *b)
{
	return a->where == b->where && a->module == b->module;
}

static int compare_blocks(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* How many different blocks the records come from; `room` holds as many numbers as records. */
static unsigned different_blocks(const struct record *records, size_t count, uint32_t *room)
{
	unsigned different = 0;

	for (size_t i = 0; i < count; i++)
		room[i] = records[i].block;
	qsort(room, count, sizeof(*room), compare_blocks);
	for (size_t i = 0; i < count; i++)
		different += i == 0 || room[i] != room[i - 1];
	return different;
}

/* Whether all of `count` targets are in code or read-only data of the image. */
static bool targets_are_fixed(const struct pe_image *image, const struct record *records,
			      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct pe_section *section;
		uint32_t rva;

		if (!pe_rva_of(image, records[i].target, &rva))
			return false;
		section = pe_section_at(image, rva);
		if (!section || (pe_section_is_writable(section) && !pe_section_is_code(section)))
			return false;
	}
	return true;
}

/* The offset at which most blocks point into the driver; a fixed one wins over one that is not. */
static void best_offset(const struct kernel *kernel, const struct record *records, size_t count,
			struct contents_hit *hit)
{
	const struct module *m =
		hit->where == OWNER_LOADED ? &kernel->modules.items[hit->module] : NULL;
	struct ps_error ignored = PS_ERROR_INIT;
	struct pe_image *image = NULL;

	if (m && pe_image_open_memory(kernel->space, m->base, m->size, &image, &ignored) != PS_OK)
		image = NULL;
	for (size_t i = 0, next; i < count; i = next) {
		unsigned blocks;
		bool fixed;

		for (next = i + 1; next < count && records[next].offset == records[i].offset;)
			next++;
		blocks = (unsigned)(next - i);
		fixed = image && targets_are_fixed(image, records + i, next - i);
		if (fixed < hit->fixed || (fixed == hit->fixed && blocks <= hit->at_offset))
			continue;
		hit->fixed = fixed;
		hit->at_offset = blocks;
		hit->offset = (uint32_t)records[i].offset;
	}
	pe_image_close(image);
}

static bool share(unsigned part, unsigned whole, unsigned percent)
{
	return (uint64_t)part * 100 >= (uint64_t)whole * percent;
}

/* A single block says something only when much of it points to the driver. */
static bool is_worth_telling(const struct contents_hit *hit, unsigned sampled)
{
	if (sampled == 1)
		return hit->pointers >= LONELY_POINTERS;
	return hit->blocks >= WEAK_BLOCKS && share(hit->blocks, sampled, WEAK_PERCENT);
}

static struct contents_hit weigh(const struct kernel *kernel, const struct record *records,
				 size_t count, unsigned sampled, uint32_t *room)
{
	struct contents_hit hit = {.where = records[0].where, .module = records[0].module};
	size_t objects = 0;

	/* those of objects come first: their offset is the smallest */
	while (objects < count && records[objects].offset == OFFSET_OF_OBJECT)
		objects++;
	hit.objects = different_blocks(records, objects, room);
	hit.blocks = different_blocks(records, count, room);
	hit.pointers = (unsigned)(count - objects);
	if (is_worth_telling(&hit, sampled))
		best_offset(kernel, records + objects, count - objects, &hit);
	hit.strong = hit.fixed && hit.at_offset >= STRONG_BLOCKS &&
		     share(hit.at_offset, sampled, STRONG_PERCENT);
	return hit;
}

static int compare_hits(const void *left, const void *right)
{
	const struct contents_hit *a = left, *b = right;

	if (a->strong != b->strong)
		return a->strong ? -1 : 1;
	if (a->blocks != b->blocks)
		return a->blocks > b->blocks ? -1 : 1;
	if (a->where != b->where)
		return a->where < b->where ? -1 : 1;
	return a->module < b->module ? -1 : a->module > b->module;
}

static enum ps_status count_up(struct collection *c, struct contents *ret, struct ps_error *err)
{
	uint32_t *room = mem_array(c->count, sizeof(*room));
	size_t drivers = 0;

	qsort(c->items, c->count, sizeof(*c->items), compare_records);
	for (size_t i = 0; i < c->count; i++)
		drivers += i == 0 || !same_driver(&c->items[i], &c->items[i - 1]);
	ret->hits = mem_array(drivers, sizeof(*ret->hits));
	if (!room || !ret->hits) {
		free(room);
		return ps_fail_memory(err, "what the sampled allocations point to");
	}
	for (size_t i = 0, next; i < c->count; i = next) {
		struct contents_hit hit;

		for (next = i + 1; next < c->count && same_driver(&c->items[i], &c->items[next]);)
			next++;
		hit = weigh(c->kernel, c->items + i, next - i, ret->sampled, room);
		if (is_worth_telling(&hit, ret->sampled))
			ret->hits[ret->hit_count++] = hit;
	}
	qsort(ret->hits, ret->hit_count, sizeof(*ret->hits), compare_hits);
	free(room);
	return PS_OK;
}

enum ps_status contents_weigh(const struct kernel *kernel, const struct contents_block *blocks,
			      size_t count, struct contents *ret, struct ps_error *err)
{
	struct collection c = {.kernel = kernel};
	enum ps_status status;

	*ret = (struct contents){.hits = NULL};
	if (kernel->modules.count == 0)
		return PS_OK;
	look_at_all(&c, blocks, count, ret);
	status = c.failed ? ps_fail_memory(err, "what the sampled allocations point to") : PS_OK;
	if (status == PS_OK && c.count > 0)
		status = count_up(&c, ret, err);
	free(c.items);
	return status;
}

void contents_fini(struct contents *contents)
{
	free(contents->hits);
	*contents = (struct contents){.hits = NULL};
}

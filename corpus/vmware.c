/*
 * See vmware.h. Memory without its gaps of 1 MiB and more; small gaps, as those below 1 MiB, are in
 * it as zeros.
 *
 * Does not: pack the memory (a packed one is only named so), write what else a state has.
 * Layouts: Volatility's vmware.py; vmware_vmss.c and vmware_vmss.h of the crash utility.
 */
#include "corpus/vmware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corpus/machine.h"

enum { GROUPS = 4, NAME_ROOM = 64, GROUP_ROOM = 80, BLOCK_ALIGN = 65536 };

/* A state as it grows. */
struct state {
	uint8_t *bytes;
	size_t length, capacity;
	bool wide;
};

static void add(struct state *s, const void *bytes, size_t length)
{
	while (s->length + length > s->capacity)
		s->bytes = grow(s->bytes, s->capacity, &s->capacity, 1);
	memcpy(s->bytes + s->length, bytes, length);
	s->length += length;
}

static void add_number(struct state *s, uint64_t value, unsigned width)
{
	uint8_t bytes[8];
	put_width(bytes, value, width);
	add(s, bytes, width);
}

static void add_tag(struct state *s, const char *name, unsigned width, unsigned indices,
		    const uint32_t *index)
{
	size_t length = strlen(name);
	add_number(s, indices << 6 | width, 1);
	add_number(s, length, 1);
	add(s, name, length);
	for (unsigned i = 0; i < indices; i++)
		add_number(s, index[i], 4);
}

static void add_value(struct state *s, const char *name, unsigned indices, const uint32_t *index,
		      uint64_t value, unsigned width)
{
	add_tag(s, name, width, indices, index);
	add_number(s, value, width);
}

/* The head of a block whose bytes begin at a multiple of `align`. */
static void add_block(struct state *s, const char *name, unsigned indices, const uint32_t *index,
		      uint64_t length, unsigned align, bool packed)
{
	unsigned width = s->wide ? 8 : 4;
	add_tag(s, name, packed ? 62 : 63, indices, index);
	add_number(s, length, width);
	add_number(s, length, width);
	uint64_t at = s->length + 2, padding = round_up(at, align) - at;
	add_number(s, padding, 2);
	for (uint64_t i = 0; i < padding; i++)
		add_number(s, 0xCC, 1);
}

static void put_group(struct state *s, unsigned number, const char *name)
{
	uint8_t *at = s->bytes + 12 + number * GROUP_ROOM;
	strcpy((char *)at, name);
	put64(at + NAME_ROOM, s->length);
}

/* The end of a chain of tags; the length of the group becomes known. */
static void end_group(struct state *s, unsigned number)
{
	add_number(s, 0, 2);
	uint8_t *at = s->bytes + 12 + number * GROUP_ROOM + NAME_ROOM;
	put64(at + 8, s->length - get64(at));
}

/* Groups that nobody needs, with tags of all shapes. */
static void add_strangers(struct state *s)
{
	const uint32_t index[3] = {1, 0, 7};
	put_group(s, 0, "Checkpoint");
	add_value(s, "fileversion", 0, NULL, 8, 4);
	add_value(s, "numVCPUs", 1, index, 2, 4);
	add_block(s, "imageData", 0, NULL, 5, 1, false);
	add(s, "image", 5);
	end_group(s, 0);
	put_group(s, 1, "CR");
	add_value(s, "regionsCount", 0, NULL, 9, 4);
	add_value(s, "three", 3, index, 1, 1);
	end_group(s, 1);
}

static void add_processors(const struct world *w, struct state *s)
{
	const struct config *c = w->config;
	bool wide = config_is_64(c);
	unsigned width = wide ? 8 : 4;
	put_group(s, 2, "cpu");
	add_value(s, "cpu:numVCPUs", 0, NULL, c->processors, 4);
	for (uint32_t i = 0; i < c->processors; i++) {
		uint64_t cr[9] = {0x80050033, 0, 0, machine_processor_cr3(w, i), machine_cr4(w)};
		add_value(s, "rip", 1, &i, 0x1000, 8);
		if (c->vmware_registers == REGISTERS_BLOCK)
			add_block(s, wide ? "CR64" : "CR", 1, &i, 9 * width, 1, false);
		for (uint32_t n = 0; n < (c->vmware_registers == REGISTERS_NONE ? 0 : 9u); n++) {
			if (c->vmware_registers == REGISTERS_BLOCK)
				add_number(s, cr[n], width);
			else
				add_value(s, wide ? "CR64" : "CR", 2, (uint32_t[]){i, n}, cr[n],
					  width);
		}
	}
	end_group(s, 2);
}

static void add_regions(struct state *s, const struct run *regions, size_t count)
{
	uint64_t place = 0;
	add_value(s, "align_mask", 1, (uint32_t[]){0}, BLOCK_ALIGN - 1, 4);
	/* One region is none: the memory is not split. */
	add_value(s, "regionsCount", 0, NULL, count == 1 ? 0 : count, 4);
	for (uint32_t i = 0; count > 1 && i < count; i++) {
		add_value(s, "regionPageNum", 1, &i, place, 4);
		add_value(s, "regionPPN", 1, &i, regions[i].base, 4);
		add_value(s, "regionSize", 1, &i, regions[i].count, 4);
		place += regions[i].count;
	}
}

/* A state up to where its memory begins; `inside`: bytes of that, 0 when it is not in it. */
static struct state make_state(const struct world *w, const struct run *regions, size_t count,
			       uint64_t inside)
{
	const struct config *c = w->config;
	struct state s = {.wide = (c->vmware_magic & 0xF) != 0};
	uint8_t head[12 + GROUPS * GROUP_ROOM] = {0};
	put32(head, c->vmware_magic);
	put32(head + 4, 8);
	put32(head + 8, c->vmware_disks_only ? GROUPS - 1 : GROUPS);
	add(&s, head, sizeof(head));
	add_strangers(&s);
	add_processors(w, &s);
	if (c->vmware_disks_only)
		return s;
	put_group(&s, 3, "memory");
	add_regions(&s, regions, count);
	if (inside)
		add_block(&s, "Memory", 2, (uint32_t[]){0, 0}, inside, BLOCK_ALIGN,
			  c->vmware_packed);
	else
		end_group(&s, 3);
	return s;
}

uint64_t vmware_write(struct world *w, struct output *file, struct page **sorted)
{
	size_t count;
	struct run *regions = output_regions(w, &count);
	uint64_t pages = output_pages_in(regions, count);
	struct state s = make_state(w, regions, count, pages * PAGE_SIZE);
	if (s.wide == false && pages * PAGE_SIZE > UINT32_MAX)
		die("a VMware state with 4-byte sizes ends at 4 GiB");
	output_write(file, 0, s.bytes, s.length);
	output_runs(w, file, sorted, regions, count, s.length);
	output_write(file, file->size, "\0\0", 2); /* the end of the group */
	free(s.bytes);
	free(regions);
	return pages;
}

static void write_state(const struct world *w, const char *vmem, const struct run *regions,
			size_t count)
{
	bool suspended = w->config->vmware_state == VMWARE_VMSS;
	char *path = xprintf("%.*s%s", (int)strlen(vmem) - 5, vmem, suspended ? ".vmss" : ".vmsn");
	struct state s = make_state(w, regions, count, 0);
	struct output file = {.path = path};
	file.descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file.descriptor < 0)
		die("cannot create '%s': %s", path, strerror(errno));
	output_write(&file, 0, s.bytes, s.length);
	if (close(file.descriptor))
		die("cannot write '%s': %s", path, strerror(errno));
	free(s.bytes);
	free(path);
}

uint64_t vmware_write_vmem(struct world *w, struct output *file, struct page **sorted)
{
	size_t length = strlen(file->path), count;
	struct run *regions = output_regions(w, &count);
	uint64_t pages = output_pages_in(regions, count), present = 0;
	if (length < 6 || strcmp(file->path + length - 5, ".vmem") != 0)
		die("the memory of a VMware machine has the ending .vmem: '%s'", file->path);
	if (w->config->vmware_state != VMWARE_NO_STATE)
		write_state(w, file->path, regions, count);
	if (!w->config->vmware_sparse)
		output_zeros(w, file, pages * PAGE_SIZE);
	output_runs(w, file, sorted, regions, count, 0);
	free(regions);
	for (size_t i = 0; i < w->memory.page_count; i++)
		present += !w->memory.pages[i].absent;
	return w->config->vmware_sparse ? present : pages;
}

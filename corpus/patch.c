/*
 * Calls of imports rewritten in memory, as Windows 10 from version 1809 on does it on x64.
 *
 * Does not: read the tables (dynamic value relocations) that name the sites to the real loader:
 * every site of the form `48 FF 15 disp32, 0F 1F 44 00 00` is one, and every tail jump `48 FF 25
 * disp32` (with retpolines only where five bytes of padding follow).
 * Forms: import optimisation makes `call rel32` with a nop of seven bytes, or keeps `mov r10,
 * [import]` before the call; retpolines are `mov r10, [import]; call stub`.
 */
#include "corpus/patch.h"

#include <stdlib.h>
#include <string.h>

enum { SITE_LENGTH = 12, JUMP_LENGTH = 7 };

void patch_add_import(struct patch *patch, uint32_t slot_rva, uint64_t target)
{
	patch->targets =
		grow(patch->targets, patch->count, &patch->capacity, sizeof(*patch->targets));
	patch->targets[patch->count] = target;
	map_put(&patch->slots, slot_rva, (uint32_t)patch->count++);
}

void patch_fini(struct patch *patch)
{
	map_fini(&patch->slots);
	free(patch->targets);
}

static void put_relative(uint8_t *at, uint64_t va, uint64_t target)
{
	put32(at, target - (va + 4));
}

static bool reaches(uint64_t from, uint64_t to)
{
	int64_t distance = (int64_t)(to - from);
	return distance > INT32_MIN / 2 && distance < INT32_MAX / 2;
}

/* mov r10, [import]: seven bytes, as the call had. */
static void put_load(uint8_t *at, uint64_t va, uint64_t slot)
{
	memcpy(at, "\x4C\x8B\x15", 3);
	put_relative(at + 3, va + 3, slot);
}

static void patch_call(struct patch *patch, uint8_t *at, uint64_t va, uint64_t slot,
		       uint64_t target)
{
	bool direct = patch->form == PATCH_DIRECT && reaches(va, target);
	if (direct && patch->patched % 2 == 0) {
		at[0] = 0xE8;
		put_relative(at + 1, va + 1, target);
		memcpy(at + 5, "\x0F\x1F\x80\0\0\0\0", 7);
	} else {
		put_load(at, va, slot);
		at[7] = 0xE8;
		put_relative(at + 8, va + 8, direct ? target : patch->stub);
	}
	patch->patched++;
}

static void patch_jump(struct patch *patch, uint8_t *at, uint64_t va, uint64_t slot,
		       uint64_t target)
{
	if (patch->form == PATCH_DIRECT && reaches(va, target)) {
		at[0] = 0xE9;
		put_relative(at + 1, va + 1, target);
		memset(at + 5, 0xCC, 2);
	} else if (memcmp(at + JUMP_LENGTH, "\xCC\xCC\xCC\xCC\xCC", 5) == 0) {
		put_load(at, va, slot);
		at[7] = 0xE9;
		put_relative(at + 8, va + 8, patch->stub);
	} else {
		return;
	}
	patch->patched++;
}

static void patch_at(struct patch *patch, uint32_t rva)
{
	uint8_t *at = patch->pe->bytes + rva;
	if (at[0] != 0x48 || at[1] != 0xFF || (at[2] != 0x15 && at[2] != 0x25))
		return;
	bool jump = at[2] == 0x25;
	if (!jump && memcmp(at + 7, "\x0F\x1F\x44\0\0", 5) != 0)
		return;
	uint64_t va = patch->pe->base + rva;
	uint64_t slot = va + JUMP_LENGTH + (uint64_t)(int64_t)(int32_t)get32(at + 3);
	int64_t index = map_get(&patch->slots, slot - patch->pe->base);
	if (index == MAP_NONE)
		return;
	(jump ? patch_jump : patch_call)(patch, at, va, slot, patch->targets[index]);
}

void patch_apply(struct patch *patch)
{
	const struct pe *pe = patch->pe;
	for (size_t i = 0; patch->form != PATCH_NONE && i < pe->section_count; i++) {
		const struct pe_section *s = &pe->sections[i];
		if (!(s->flags & PE_EXECUTE))
			continue;
		for (uint32_t at = 0; at + SITE_LENGTH <= s->size; at++)
			patch_at(patch, s->rva + at);
	}
}

/*
 * Beginnings of functions without unwind records.
 */
#include "analyzer/owners/entries.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/memory.h"
#include "base/search.h"

enum {
	PAD_INT3 = 0xcc,
	PAD_NOP = 0x90,
	OP_RET = 0xc3,
	OP_RET_POP = 0xc2,
	OP_CALL = 0xe8,
	OP_JMP = 0xe9
};

enum {
	A64_NOP = 0xd503201f,
	A64_BRANCH = 0x14000000, /* B; BL has bit 31 as well */
	A64_BRANCH_MASK = 0x7c000000,
};

static const uint32_t a64_breakpoint = 0xd43e0000; /* brk #0xf000 */

struct search {
	const struct pe_image *image;
	const struct pe_functions *functions;
	uint64_t *marks; /* owned; a bit for each byte of the image */
};

static void add(struct search *search, uint32_t rva)
{
	if (rva < search->image->size && !pe_function_at(search->functions, rva))
		search->marks[rva / 64] |= UINT64_C(1) << rva % 64;
}

/*
 * A long no-operation (0F 1F and its operand) ends there. Compilers pad loops with them as well, so
 * they tell something only where records say which functions there are.
 */
static bool is_long_padding(const struct search *search, uint32_t rva)
{
	static const uint8_t forms[][8] = {{0x0f, 0x1f, 0x00},
					   {0x0f, 0x1f, 0x40},
					   {0x0f, 0x1f, 0x44},
					   {0x0f, 0x1f, 0x80},
					   {0x0f, 0x1f, 0x84}};
	static const uint8_t lengths[] = {3, 4, 5, 7, 8};
	const uint8_t *before = rva >= 8 ? pe_at(search->image, rva - 8, 8) : NULL;

	for (size_t i = 0; before && search->functions->count > 0 && i < sizeof(lengths); i++) {
		if (memcmp(before + 8 - lengths[i], forms[i], lengths[i]) == 0)
			return true;
	}
	return false;
}

/* Behind padding or the end of another function, or with the usual first instructions. */
static bool can_begin(const struct search *search, uint32_t rva)
{
	const struct pe_image *image = search->image;
	const uint8_t *at = rva >= 4 ? pe_at(image, rva - 4, 4) : NULL;
	const uint8_t *code = pe_at(image, rva, 6);

	if (at) {
		if (at[3] == PAD_INT3 || at[3] == PAD_NOP || at[3] == OP_RET)
			return true;
		if (at[1] == OP_RET_POP && at[3] == 0 && at[2] % 4 == 0)
			return true;
	}
	if (is_long_padding(search, rva))
		return true;
	if (!code)
		return false;
	if (code[0] == 0x8b && code[1] == 0xff) /* mov edi, edi */
		return true;
	if (code[0] == 0xff && code[1] == 0x25) /* jmp [import] */
		return true;
	return code[0] == 0x55 && code[1] == 0x8b && code[2] == 0xec; /* push ebp; mov ebp, esp */
}

static bool is_code(const struct pe_image *image, uint32_t rva)
{
	const struct pe_section *section = pe_section_at(image, rva);

	return section && pe_section_is_code(section);
}

/* 55 8B EC, also with the two bytes in front that hot patching replaces. */
static bool is_prologue(const uint8_t *code, uint32_t size)
{
	return size >= 3 && code[0] == 0x55 && code[1] == 0x8b && code[2] == 0xec;
}

static bool is_hot_patched(const uint8_t *code, uint32_t size)
{
	return size >= 5 && code[0] == 0x8b && code[1] == 0xff && is_prologue(code + 2, size - 2);
}

/*
 * Whether the padding that ends before `at` is some: displacements and constants hold such bytes as
 * well (lea eax, [ebp - 0x34] ends in CC), so one alone counts only behind a return.
 */
static bool is_padding(const uint8_t *code, uint32_t at)
{
	uint32_t run = 0;

	while (run < at && (code[at - 1 - run] == PAD_INT3 || code[at - 1 - run] == PAD_NOP))
		run++;
	if (run == 0)
		return false;
	at -= run;
	return run > 1 || at == 0 || code[at - 1] == OP_RET ||
	       (at >= 3 && code[at - 3] == OP_RET_POP && code[at - 1] == 0);
}

/* Nothing below is true of this place: the answer for nearly all bytes, from one look. */
static bool can_skip(const uint8_t *code, uint32_t at)
{
	static const bool matters[256] = {
		[0x55] = true, [0x8b] = true, [OP_CALL] = true, [OP_JMP] = true};
	bool padded = at > 0 && (code[at - 1] == PAD_INT3 || code[at - 1] == PAD_NOP);

	return !padded && !matters[code[at]];
}

static void search_x86(struct search *search, uint32_t rva, const uint8_t *code, uint32_t size)
{
	if (size > 0 && code[0] != PAD_INT3 && code[0] != PAD_NOP)
		add(search, rva); /* a section begins with a function */
	for (uint32_t i = 0; i < size; i++) {
		uint32_t target;

		if (code[i] == PAD_INT3 || code[i] == PAD_NOP || can_skip(code, i))
			continue;
		if (is_hot_patched(code + i, size - i) ||
		    (is_prologue(code + i, size - i) &&
		     !(i >= 2 && is_hot_patched(code + i - 2, size - i + 2))) ||
		    is_padding(code, i))
			add(search, rva + i);
		if ((code[i] != OP_CALL && code[i] != OP_JMP) || size - i < 5)
			continue;
		target = rva + i + 5 + (uint32_t)bytes_u32(&(struct bytes){code + i, 5, false}, 1);
		if (target < search->image->size && is_code(search->image, target) &&
		    can_begin(search, target))
			add(search, target);
	}
}

static void search_arm64(struct search *search, uint32_t rva, const uint8_t *code, uint32_t size)
{
	struct bytes words = bytes_of(code, size);
	bool padding = true;

	for (uint32_t i = 0; i + 4 <= size; i += 4) {
		uint32_t word = bytes_u32(&words, i), target;

		if (word == 0 || word == A64_NOP || word == a64_breakpoint) {
			padding = true;
			continue;
		}
		if (padding)
			add(search, rva + i);
		padding = false;
		if ((word & A64_BRANCH_MASK) != A64_BRANCH)
			continue;
		target = rva + i + (uint32_t)((int32_t)(word << 6) >> 6) * 4;
		if (target < search->image->size && is_code(search->image, target))
			add(search, target);
	}
}

/* In order and each once without sorting: hostile code has millions. */
static bool list(const struct search *search, struct entries *entries)
{
	size_t words = search->image->size / 64 + 1, count = 0;

	for (size_t i = 0; i < words; i++)
		count += (size_t)__builtin_popcountll(search->marks[i]);
	entries->rvas = mem_array(count + 1, sizeof(*entries->rvas));
	if (!entries->rvas)
		return false;
	for (size_t i = 0; i < words; i++) {
		for (uint64_t left = search->marks[i]; left; left &= left - 1)
			entries->rvas[entries->count++] =
				(uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(left);
	}
	return true;
}

/* Only what lies between the records: the functions there are few, and so are the bytes. */
static void search_gaps(struct search *search, const struct pe_section *section)
{
	const struct pe_functions *functions = search->functions;
	uint32_t from = section->rva, end = section->rva + section->size;

	for (size_t i = 0; i < functions->count && functions->items[i].begin < end; i++) {
		const struct pe_function *body = &functions->items[i];

		if (body->end <= from)
			continue;
		if (body->begin > from)
			search_x86(search, from, search->image->bytes + from, body->begin - from);
		from = body->end;
	}
	if (from < end)
		search_x86(search, from, search->image->bytes + from, end - from);
}

/* Calls and jumps of recorded functions to functions without a record. */
static void search_targets(struct search *search, const struct pe_section *section, uint8_t opcode)
{
	const uint8_t *code = search->image->bytes + section->rva, *end = code + section->size;
	const uint8_t *at = code;

	while (end - at >= 5 && (at = memchr(at, opcode, (size_t)(end - at) - 4))) {
		uint32_t rva = section->rva + (uint32_t)(at - code);
		uint32_t target = rva + 5 + bytes_u32(&(struct bytes){at, 5, false}, 1);

		if (target < search->image->size && is_code(search->image, target) &&
		    can_begin(search, target))
			add(search, target);
		at++;
	}
}

static void search_section(struct search *search, const struct pe_section *section)
{
	if (search->image->machine == PE_ARM64) {
		search_arm64(search, section->rva, search->image->bytes + section->rva,
			     section->size);
		return;
	}
	search_gaps(search, section);
	if (search->functions->count == 0)
		return;
	search_targets(search, section, OP_CALL);
	search_targets(search, section, OP_JMP);
}

bool entries_find(struct entries *entries, const struct pe_image *image,
		  const struct pe_functions *functions)
{
	struct search search = {.image = image, .functions = functions};
	bool done;

	entries->found = true;
	search.marks = mem_array((size_t)image->size / 64 + 1, sizeof(*search.marks));
	if (!search.marks)
		return false;
	for (unsigned i = 0; i < image->section_count; i++) {
		if (pe_section_is_code(&image->sections[i]))
			search_section(&search, &image->sections[i]);
	}
	/* What follows a function without padding. */
	for (size_t i = 0; i < functions->count; i++)
		add(&search, functions->items[i].end);
	add(&search, image->entry);
	done = list(&search, entries);
	free(search.marks);
	return done;
}

void entries_fini(struct entries *entries)
{
	free(entries->rvas);
	*entries = (struct entries){0};
}

size_t entries_upto(const struct entries *entries, uint32_t rva)
{
	return search_first(entries->rvas, entries->count, sizeof(*entries->rvas), search_u32,
			    (uint64_t)rva + 1);
}

/*
 * Finds the keys of an encoded KDBG by the code that decodes it, KdCopyDataBlock. See
 * kdbg_cipher.h.
 *
 * The function tests the byte KdpDataBlockEncoded, loads KiWaitNever and KiWaitAlways and takes the
 * addresses of the flag and the block (fact sheet section 2.5). Which reference is which depends on
 * the compiler, so all are tried: a wrong choice decodes to no block. Not supported: x86, whose
 * kernels were not seen to encode the block.
 */
#include "analyzer/kernel/kdbg_cipher.h"

#include "analyzer/kernel/code_refs.h"
#include "base/bytes.h"

enum {
	NEAR = 0x60,    /* bytes: rotation and reversal lie side by side */
	BEFORE = 0x180, /* bytes of the function before the reversal, and behind it */
	AFTER = 0x100,
	VALUES_MAX = 16,
	FUNCTIONS_MAX = 64, /* real kernels have fewer than ten places of this look */
};

struct values {
	uint64_t items[VALUES_MAX];
	unsigned count;
};

struct search_code {
	struct space *space;
	const struct pe_image *image;
	struct code_reader *reader;
	struct kdbg_code_trail *trail;
	struct kdbg *ret;
};

/* Absent pages are zero here, which is none of the instructions looked for. */
static uint32_t word_at(const struct pe_image *image, uint32_t rva)
{
	struct bytes bytes = bytes_of(image->bytes, image->size);

	return bytes_u32(&bytes, rva);
}

/* bswap r64: REX.W 0F C8+r. */
static bool is_reversal_x64(uint32_t word)
{
	return (word & 0xfe) == 0x48 && (word >> 8 & 0xff) == 0x0f && (word >> 16 & 0xf8) == 0xc8;
}

/* rol or ror r64, cl: REX.W D3 /0 or /1. */
static bool is_rotation_x64(uint32_t word)
{
	return (word & 0xfe) == 0x48 && (word >> 8 & 0xff) == 0xd3 && (word >> 16 & 0xf0) == 0xc0;
}

static bool is_reversal_arm64(uint32_t word)
{
	return (word & 0xfffffc00) == 0xdac00c00; /* rev x, x */
}

static bool is_rotation_arm64(uint32_t word)
{
	return (word & 0xffe0fc00) == 0x9ac02c00; /* ror x, x, x */
}

static bool has_rotation_near(const struct pe_image *image, uint32_t rva)
{
	bool arm = image->machine == PE_ARM64;
	uint32_t step = arm ? 4 : 1;
	uint32_t from = rva > NEAR ? rva - NEAR : 0;

	for (uint32_t at = from; at < rva + NEAR && at + 4 <= image->size; at += step) {
		uint32_t word = word_at(image, at);

		if (arm ? is_rotation_arm64(word) : is_rotation_x64(word))
			return true;
	}
	return false;
}

static void add_value(struct values *values, uint64_t value)
{
	for (unsigned i = 0; i < values->count; i++)
		if (values->items[i] == value)
			return;
	if (values->count < VALUES_MAX)
		values->items[values->count++] = value;
}

/* What the function names: values that can be keys, addresses that can be flag or block. */
struct roles {
	struct values keys, flags, blocks;
};

static void sort_roles(const struct search_code *s, const struct code_refs *refs,
		       struct roles *roles)
{
	*roles = (struct roles){.keys = {.count = 0}};
	for (unsigned i = 0; i < refs->count; i++) {
		uint32_t rva = refs->items[i].rva;
		uint64_t value;

		switch (refs->items[i].kind) {
		case CODE_REF_BYTE: add_value(&roles->flags, s->image->base + rva); break;
		case CODE_REF_ADDRESS: add_value(&roles->blocks, rva); break;
		case CODE_REF_POINTER:
			if (pe_uint(s->image, rva, 8, &value))
				add_value(&roles->keys, value);
			break;
		}
	}
	/* The flag's address is taken as well; behind the bytes, which are surer. */
	for (unsigned i = 0; i < roles->blocks.count; i++)
		add_value(&roles->flags, s->image->base + roles->blocks.items[i]);
}

static bool try_blocks(const struct search_code *s, const struct roles *roles,
		       const struct kdbg_cipher *cipher)
{
	for (unsigned i = 0; i < roles->blocks.count; i++)
		if (kdbg_decode_block(s->space, s->image, (uint32_t)roles->blocks.items[i], cipher,
				      s->ret))
			return true;
	return false;
}

static bool try_roles(const struct search_code *s, const struct roles *roles)
{
	for (unsigned never = 0; never < roles->keys.count; never++) {
		for (unsigned always = 0; always < roles->keys.count; always++) {
			for (unsigned flag = 0; flag < roles->flags.count; flag++) {
				struct kdbg_cipher cipher = kdbg_cipher_of_keys(
					roles->keys.items[never], roles->keys.items[always],
					roles->flags.items[flag]);

				if (try_blocks(s, roles, &cipher))
					return true;
			}
		}
	}
	return false;
}

static bool try_function(const struct search_code *s, uint32_t rva)
{
	struct code_refs refs;
	struct roles roles;

	code_refs_read(s->reader, s->image, rva, BEFORE, AFTER, &refs);
	sort_roles(s, &refs, &roles);
	s->trail->functions++;
	if (roles.keys.count < 2 || roles.flags.count == 0) {
		s->trail->unread++;
		return false;
	}
	return try_roles(s, &roles);
}

static bool search_range(const struct search_code *s, uint32_t rva, uint32_t end)
{
	bool arm = s->image->machine == PE_ARM64;
	uint32_t step = arm ? 4 : 1, last = 0;

	for (rva &= ~(step - 1); rva < end && end - rva >= 4; rva += step) {
		uint32_t word = word_at(s->image, rva);

		if (!(arm ? is_reversal_arm64(word) : is_reversal_x64(word)) ||
		    (last != 0 && rva - last < NEAR) || !has_rotation_near(s->image, rva))
			continue;
		last = rva;
		if (try_function(s, rva))
			return true;
		if (s->trail->functions == FUNCTIONS_MAX)
			return false;
	}
	return false;
}

static bool search_sections(const struct search_code *s)
{
	struct pe_range part;
	unsigned i = 0;

	while (pe_next_part(s->image, PE_PART_CODE, &i, &part))
		if (search_range(s, part.rva, part.rva + part.size))
			return true;
	return false;
}

enum ps_status kdbg_find_by_code(struct space *space, const struct pe_image *image,
				 struct kdbg_code_trail *trail, struct kdbg *ret,
				 struct ps_error *err)
{
	struct search_code s = {.space = space, .image = image, .trail = trail, .ret = ret};
	bool found;

	*trail = (struct kdbg_code_trail){.functions = 0};
	if (image->machine != PE_X64 && image->machine != PE_ARM64)
		return ps_fail(err, PS_UNSUPPORTED, "this machine's kernels encode no KDBG");
	if (code_reader_create(image->machine, &s.reader, err) != PS_OK)
		return err->status;
	found = search_sections(&s);
	code_reader_destroy(s.reader);
	if (!found)
		return ps_fail_at(
			err, PS_NOT_FOUND, image->base,
			"no code that decodes KDBG (KdCopyDataBlock) in the kernel image");
	return PS_OK;
}

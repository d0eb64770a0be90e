/*
 * Decodes encoded KDBG blocks, and finds them by known plain text. See kdbg_cipher.h.
 */
#include "analyzer/kernel/kdbg_cipher.h"

#include <byteswap.h>
#include <string.h>

#include "analyzer/kernel/modules.h"
#include "base/bytes.h"

enum {
	OWNER_TAG_OFFSET = 0x10, /* the qword has Size in its upper half */
	KERN_BASE_OFFSET = 0x18,
	HEAD_BYTES = 0x20,
	STEP = 8, /* encoded blocks are of 64-bit kernels and aligned to it */
	TURNS = 64,
	PIECE_BITS = 16,
};

static const uint32_t owner_tag = 0x4742444b; /* "KDBG" */

static uint64_t rotate(uint64_t value, unsigned turn)
{
	return turn ? value << turn | value >> (64 - turn) : value;
}

struct kdbg_cipher kdbg_cipher_of_keys(uint64_t never, uint64_t always, uint64_t flag)
{
	return (struct kdbg_cipher){.before = never,
				    .after = bswap_64(flag) ^ always,
				    .turn = (unsigned)never & (TURNS - 1),
				    .flag = flag};
}

uint64_t kdbg_decode(const struct kdbg_cipher *cipher, uint64_t encoded)
{
	return bswap_64(rotate(encoded ^ cipher->before, cipher->turn)) ^ cipher->after;
}

static uint64_t qword(const uint8_t *at)
{
	struct bytes bytes = bytes_of(at, 8);

	return bytes_u64(&bytes, 0);
}

static bool is_head(uint64_t tag_and_size)
{
	uint64_t size = tag_and_size >> 32;

	return (uint32_t)tag_and_size == owner_tag && size >= KDBG_MIN_SIZE &&
	       size <= KDBG_MAX_SIZE && size % 4 == 0;
}

/* A list that can be read must be this kernel's; one that is not in the dump contradicts nothing.
 */
static bool list_fits(struct space *space, const struct pe_image *image, const struct kdbg *kdbg)
{
	uint64_t list = kdbg->fields[KDBG_PS_LOADED_MODULE_LIST];
	struct ps_error why = PS_ERROR_INIT;
	struct module_head first;

	if (kdbg->unreadable >> KDBG_PS_LOADED_MODULE_LIST & 1)
		return true;
	if (list < image->base || list - image->base >= image->size)
		return false;
	if (modules_read_first(space, list, &first, &why) == PS_OK)
		return first.base == image->base;
	return why.status == PS_ABSENT;
}

bool kdbg_decode_block(struct space *space, const struct pe_image *image, uint32_t rva,
		       const struct kdbg_cipher *cipher, struct kdbg *ret)
{
	const uint8_t *head = pe_at(image, rva, HEAD_BYTES);
	uint8_t plain[KDBG_MAX_SIZE];
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t tag;
	uint32_t size, have = 0;

	if (!head)
		return false;
	tag = kdbg_decode(cipher, qword(head + OWNER_TAG_OFFSET));
	if (!is_head(tag) || kdbg_decode(cipher, qword(head + KERN_BASE_OFFSET)) != image->base)
		return false;
	size = (uint32_t)(tag >> 32);
	/* The last qword may be half outside of Size; it is encoded as a whole or not at all. */
	for (; have + STEP <= size; have += STEP) {
		const uint8_t *at = pe_at(image, rva + have, STEP);
		uint64_t value = at ? bswap_64(kdbg_decode(cipher, qword(at))) : 0;

		if (!at)
			break;
		for (unsigned i = 0; i < STEP; i++)
			plain[have + i] = (uint8_t)(value >> (56 - 8 * i));
	}
	if (kdbg_from_copy(space, image->base + rva, plain, have, ret, &ignored) != PS_OK)
		return false;
	ret->encoded = true;
	ret->cipher = *cipher;
	return ret->kernel_base == image->base && list_fits(space, image, ret);
}

/*
 * reverse(rotate(tag ^ base, turn)) must be the difference of the plain values, of which OwnerTag
 * and KernBase are known and Size nearly so. What OwnerTag says are 32 neighbouring bits of
 * tag ^ base, taken as a ring; one of its four aligned 16-bit parts lies wholly among them. So a
 * pair none of whose parts is a piece of those 32 bits is passed over without trying 64 rotations.
 */
struct plaintext {
	struct space *space;
	const struct pe_image *image;
	uint64_t pieces[(1 << PIECE_BITS) / 64]; /* a bit for each possible part */
};

static void plaintext_init(struct plaintext *p, struct space *space, const struct pe_image *image)
{
	uint32_t known = bswap_32(owner_tag ^ (uint32_t)image->base);

	*p = (struct plaintext){.space = space, .image = image};
	for (unsigned shift = 0; shift <= 32 - PIECE_BITS; shift++) {
		uint32_t piece = known >> shift & ((1u << PIECE_BITS) - 1);

		p->pieces[piece / 64] |= UINT64_C(1) << piece % 64;
	}
}

static bool has_piece(const struct plaintext *p, uint64_t difference)
{
	for (unsigned shift = 0; shift < 64; shift += PIECE_BITS) {
		uint32_t part = difference >> shift & ((1u << PIECE_BITS) - 1);

		if (p->pieces[part / 64] >> part % 64 & 1)
			return true;
	}
	return false;
}

static bool is_encoded_head(const struct plaintext *p, const uint8_t *at, struct kdbg_cipher *ret)
{
	uint64_t base = qword(at + KERN_BASE_OFFSET);
	uint64_t difference = qword(at + OWNER_TAG_OFFSET) ^ base;

	if (!has_piece(p, difference))
		return false;
	for (unsigned turn = 0; turn < TURNS; turn++) {
		if (!is_head(bswap_64(rotate(difference, turn)) ^ p->image->base))
			continue;
		*ret = (struct kdbg_cipher){.before = base, .after = p->image->base, .turn = turn};
		return true;
	}
	return false;
}

static bool find_in_range(const struct plaintext *p, uint32_t rva, uint32_t end, struct kdbg *ret)
{
	rva = (rva + STEP - 1) & ~(uint32_t)(STEP - 1);
	for (; rva < end && end - rva >= HEAD_BYTES; rva += STEP) {
		const uint8_t *at = pe_at(p->image, rva, HEAD_BYTES);
		struct kdbg_cipher cipher;

		if (at && is_encoded_head(p, at, &cipher) &&
		    kdbg_decode_block(p->space, p->image, rva, &cipher, ret))
			return true;
	}
	return false;
}

bool kdbg_find_by_plaintext(struct space *space, const struct pe_image *image, struct kdbg *ret)
{
	struct plaintext p;
	struct pe_range part;
	unsigned i = 0;

	if (image->pointer_size != 8)
		return false;
	plaintext_init(&p, space, image);
	while (pe_next_part(image, PE_PART_NO_CODE, &i, &part))
		if (find_in_range(&p, part.rva, part.rva + part.size, ret))
			return true;
	return false;
}

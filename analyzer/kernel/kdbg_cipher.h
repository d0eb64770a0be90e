/*
 * KDBG as a running Windows 8 or later keeps it: every qword of the block encoded.
 *
 * What KdDecodeDataBlock does to a qword q (fact sheet section 2.5; Volatility's and QEMU's
 * elf2dmp's reading agree): q ^= KiWaitNever, rotate left by the low byte of KiWaitNever, XOR with
 * the address of KdpDataBlockEncoded, reverse the bytes, XOR with KiWaitAlways. Rotation and
 * reversal are linear over XOR, so the whole is
 *
 *     plain = reverse(rotate(q ^ before, turn)) ^ after
 *
 * with before = KiWaitNever and after = reverse(&KdpDataBlockEncoded) ^ KiWaitAlways; or, with no
 * key at all, before = any encoded qword whose plain value is known and after = that value. Then
 * only `turn` is to be found, which has 64 values.
 *
 * Private to this room.
 */
#ifndef PS_ANALYZER_KERNEL_KDBG_CIPHER_H
#define PS_ANALYZER_KERNEL_KDBG_CIPHER_H

#include "analyzer/kernel/kdbg.h"
#include "analyzer/kernel/pe_image.h"

/** `flag` is the address of KdpDataBlockEncoded. */
struct kdbg_cipher kdbg_cipher_of_keys(uint64_t never, uint64_t always, uint64_t flag);

uint64_t kdbg_decode(const struct kdbg_cipher *cipher, uint64_t encoded);

/**
 * Decodes the block at `rva` of the kernel's image and checks it as a plain one: OwnerTag, Size,
 * KernBase of this image, PsLoadedModuleList inside it and, where that can be read, beginning with
 * this kernel. False: it is none.
 */
bool kdbg_decode_block(struct space *space, const struct pe_image *image, uint32_t rva,
		       const struct kdbg_cipher *cipher, struct kdbg *ret);

/**
 * Searches what is no code in the image for an encoded block, without any key: by OwnerTag and
 * KernBase, whose plain text is known.
 */
bool kdbg_find_by_plaintext(struct space *space, const struct pe_image *image, struct kdbg *ret);

/** What the search of the kernel's code for the keys came upon. */
struct kdbg_code_trail {
	unsigned functions; /* that decode as KdCopyDataBlock does */
	unsigned unread;    /* of them, all of whose values lie in pages that are not there */
};

/**
 * Finds KdCopyDataBlock in the image's code by what it does (rotation by a register and reversal of
 * bytes side by side), and decodes the block with the globals that it names. x64 and ARM64; that
 * ARM64 kernels encode the block in the same way is not confirmed by a public source.
 * PS_NOT_FOUND, PS_NO_MEMORY, PS_UNSUPPORTED.
 */
enum ps_status kdbg_find_by_code(struct space *space, const struct pe_image *image,
				 struct kdbg_code_trail *trail, struct kdbg *ret,
				 struct ps_error *err);

#endif

/*
 * The tables of bug check codes; see bugcheck_words.h.
 *
 * Source: Microsoft's bug check code reference and kernel live dump code reference, in our own
 * words. Not supported: codes that have nothing to do with pools, and subcodes that say no more
 * than their code.
 */
#include "plugins/bugcheck_words.h"

#include <stddef.h>

/* Set by the kernel in the codes that it gives to minidumps: 0x1000007E is 0x7E. */
static const uint32_t MINIDUMP_FLAG = 0x10000000;

static const struct bugcheck_words codes[] = {
	{0x0a, KIND_FAULT,
	 "Kernel code touched memory that was not there, or was pageable, at a raised IRQL: a bad "
	 "pointer, often into pool that was freed."},
	{0x19, KIND_POOL_CORRUPT,
	 "A pool block's header was damaged before the call that noticed it."},
	{0x21, KIND_POOL_MISUSE,
	 "More quota was given back than was charged: pool was freed or charged to the wrong "
	 "process."},
	{0x3f, KIND_EXHAUSTED,
	 "System page table entries ran out. That is address space, not pool, but a large pool "
	 "takes from the same space on 32-bit systems."},
	{0x41, KIND_EXHAUSTED,
	 "The must-succeed pool was empty: a driver asked for memory that may not be refused when "
	 "nonpaged pool had run out."},
	{0x50, KIND_FAULT,
	 "Kernel code touched an address with nothing behind it: a bad pointer, often into pool "
	 "that was freed."},
	{0x80, KIND_ON_PURPOSE,
	 "A non-maskable interrupt: hardware reported a fault, or somebody pressed the NMI button "
	 "(or a hypervisor sent one) to get a dump of a hung server."},
	{0xab, KIND_POOL_MISUSE,
	 "A session ended and a driver of that session had not freed its session pool."},
	{0xc1, KIND_POOL_CORRUPT,
	 "Special pool caught a driver that used its block wrongly, in the act."},
	{0xc2, KIND_POOL_MISUSE, "A driver called the pool's routines in a way that cannot be."},
	{0xc4, KIND_POOL_MISUSE, "Driver Verifier stopped the machine at a fault of a driver."},
	{0xc5, KIND_POOL_CORRUPT,
	 "The kernel met a bad address in its lists of small pool blocks: some driver wrote beyond "
	 "its block or into freed pool. The code that crashed is the victim."},
	{0xc6, KIND_POOL_CORRUPT, "Driver Verifier caught a driver that wrote into freed pool."},
	{0xd0, KIND_POOL_CORRUPT,
	 "The kernel met a bad address in its lists of large pool blocks: some driver wrote beyond "
	 "its block or into freed pool. The code that crashed is the victim."},
	{0xd1, KIND_FAULT,
	 "A driver touched memory that was not there, or was pageable, at a raised IRQL: a bad "
	 "pointer, often into pool that was freed."},
	{0xd6, KIND_POOL_CORRUPT,
	 "Driver Verifier's special pool caught a driver that touched memory beyond the end of its "
	 "block."},
	{0xe2, KIND_ON_PURPOSE,
	 "Somebody made this dump from the keyboard (or by a tool such as NotMyFault): the machine "
	 "hung or was stopped for study, it did not crash by itself."},
	{0x13a, KIND_POOL_CORRUPT,
	 "The kernel's heap found a pool block or its own lists damaged (second parameter: the "
	 "heap, third: the address)."},
	{0x161, KIND_LIVE_ON_PURPOSE,
	 "Somebody asked for a live dump; the machine ran on and did not crash."},
	{0x21c8, KIND_LIVE_ON_PURPOSE,
	 "Somebody asked for a live dump with the keys for a black screen; the machine ran on and "
	 "did not crash."},
	{0xdeaddead, KIND_ON_PURPOSE,
	 "Somebody made this dump from a debugger: the machine did not crash by itself."},
};

/* Codes of live dumps, sorted. Those that may be a bug check as well (0x124, 0x144, 0x164) are not
 * here. */
static const uint16_t live_codes[] = {
	0x117, 0x141, 0x142, 0x156, 0x15c, 0x15d, 0x15e, 0x15f, 0x165, 0x166, 0x167, 0x168,
	0x169, 0x16a, 0x16b, 0x16f, 0x175, 0x179, 0x17c, 0x17d, 0x187, 0x188, 0x190, 0x193,
	0x195, 0x198, 0x19d, 0x1a1, 0x1a3, 0x1a4, 0x1a5, 0x1a6, 0x1a7, 0x1a8, 0x1a9, 0x1b0,
	0x1b8, 0x1c4, 0x1c5, 0x1c9, 0x1cc, 0x1d1, 0x1d4, 0x1e1, 0x1f5,
};

static const struct bugcheck_words live = {
	0, KIND_LIVE,
	"Windows made this live dump because a component hung or failed; the machine ran on and "
	"did not crash."};

/* What one parameter says more. */
static const struct parameter_words {
	uint32_t code;
	uint8_t which; /* 1 to 4 */
	uint64_t first, last;
	const char *words;
} parameters_words[] = {
	{0x19, 1, 0x2, 0x2, "Special pool's pattern was overwritten, most likely by the owner."},
	{0x19, 1, 0x3, 0x3, "The list of free blocks is damaged."},
	{0x19, 1, 0x5, 0x5,
	 "Two neighbouring headers contradict each other (second and fourth parameter)."},
	{0x19, 1, 0x6, 0x6, "The size of the block before it is too large."},
	{0x19, 1, 0x7, 0x7, "The size in the header is damaged (fourth parameter: the block)."},
	{0x19, 1, 0x8, 0x8, "The size in the header is zero (fourth parameter: the block)."},
	{0x19, 1, 0x9, 0x9, "The size in the header is too large (fourth parameter: the block)."},
	{0x19, 1, 0xa, 0xa,
	 "No block is where one should be (second parameter: the block, fourth: its page)."},
	{0x19, 1, 0xd, 0xf,
	 "The header of a freed block was overwritten, usually by who holds the block before it."},
	{0x19, 1, 0x20, 0x20,
	 "The size in the header is damaged (second parameter: the block, third: the next one)."},
	{0x19, 1, 0x21, 0x21,
	 "What lies behind the block being freed was overwritten, usually by its owner (second "
	 "parameter: the block, third: its bytes)."},
	{0x19, 1, 0x22, 0x22,
	 "The address being freed is not in the table of large allocations: freed twice, or never "
	 "allocated (second parameter)."},
	{0x19, 1, 0x23, 0x25,
	 "The header of a freed block was overwritten, usually by who holds the block before it."},
	{0xc1, 4, 0x20, 0x20, "It freed pool that was not allocated (first parameter)."},
	{0xc1, 4, 0x21, 0x22, "It freed a bad address (first parameter)."},
	{0xc1, 4, 0x23, 0x23, "Bytes near the block were overwritten (second parameter: where)."},
	{0xc1, 4, 0x24, 0x24,
	 "Bytes behind the end of the block were overwritten (second parameter: where)."},
	{0xc1, 4, 0x30, 0x30, "It asked for memory at an IRQL that is too high."},
	{0xc1, 4, 0x31, 0x31, "It freed memory at an IRQL that is too high."},
	{0xc1, 4, 0x32, 0x32,
	 "A single bit near the block is wrong (second parameter: where); that may be hardware."},
	{0xc2, 1, 0x0, 0x0, "Zero bytes were asked for (fourth parameter: the tag)."},
	{0xc2, 1, 0x1, 0x2, "The block's header is damaged (second parameter)."},
	{0xc2, 1, 0x4, 0x4, "The block's header is damaged (second parameter)."},
	{0xc2, 1, 0x6, 0x6, "The block had been freed already (third parameter: its header)."},
	{0xc2, 1, 0x7, 0x7, "The block had been freed already (fourth parameter: its address)."},
	{0xc2, 1, 0x8, 0x8, "Memory was asked for at an IRQL that is too high for this pool."},
	{0xc2, 1, 0x9, 0x9, "Memory was freed at an IRQL that is too high for this pool."},
	{0xc2, 1, 0xa, 0xa,
	 "The block was freed with the wrong tag (third parameter: the tag it has, fourth: the tag "
	 "given)."},
	{0xc2, 1, 0xb, 0xd,
	 "Quota was released for a damaged block (third parameter: its tag, fourth: the process)."},
	{0xc2, 1, 0x40, 0x40, "A user-mode address was freed (second parameter)."},
	{0xc2, 1, 0x41, 0x41, "Nonpaged pool was freed that is not allocated (second parameter)."},
	{0xc2, 1, 0x42, 0x43, "An address was freed that was never in a pool (second parameter)."},
	{0xc2, 1, 0x44, 0x44, "Nonpaged pool was freed that is not allocated (second parameter)."},
	{0xc2, 1, 0x46, 0x46, "The address being freed is none of the pool (second parameter)."},
	{0xc2, 1, 0x47, 0x47, "Nonpaged pool was freed that is not allocated (second parameter)."},
	{0xc2, 1, 0x48, 0x48, "Paged pool was freed that is not allocated (second parameter)."},
	{0xc2, 1, 0x50, 0x50, "Paged pool was freed that is not allocated (second parameter)."},
	{0xc2, 1, 0x60, 0x60, "The contiguous memory being freed is none (second parameter)."},
	{0xc2, 1, 0x99, 0x99,
	 "The address being freed is no start of a block, or its header is damaged (second "
	 "parameter)."},
	{0xc2, 1, 0x9a, 0x9a,
	 "Must-succeed pool was asked for, which no longer exists (fourth parameter: the tag)."},
	{0xc2, 1, 0x9b, 0x9b, "Pool with the tag 0 was asked for (fourth parameter: who)."},
	{0xc2, 1, 0x9c, 0x9c, "Pool with the tag `BIG ` was asked for (fourth parameter: who)."},
	{0xc2, 1, 0x9d, 0x9d,
	 "Pool with a tag without letters or digits was asked for (second parameter: the tag, "
	 "fourth: who)."},
	{0xc2, 1, 0x41286, 0x41286, "Paged pool was freed from the middle of an allocation."},
	{0xc4, 1, 0x0, 0x0, "It asked for zero bytes of pool."},
	{0xc4, 1, 0x1, 0x2, "It asked for pool at an IRQL that is too high."},
	{0xc4, 1, 0x10, 0x10, "It freed an address that was never allocated (second parameter)."},
	{0xc4, 1, 0x11, 0x12, "It freed pool at an IRQL that is too high."},
	{0xc4, 1, 0x13, 0x14, "It freed pool that had been freed already (third parameter)."},
	{0xc4, 1, 0x16, 0x16, "It freed pool at a bad address (third parameter)."},
	{0xc4, 1, 0x51, 0x54,
	 "It wrote beyond the end of the block that it freed (second parameter: the block)."},
	{0xc4, 1, 0x59, 0x59,
	 "It wrote beyond the end of the block that it freed (second parameter: the block)."},
	{0xc4, 1, 0x60, 0x60,
	 "It was unloaded without freeing its pool (second parameter: bytes of paged pool, third: "
	 "of nonpaged pool, fourth: number of allocations)."},
	{0xc4, 1, 0x61, 0x61,
	 "It asked for pool while it was being unloaded (fourth parameter: allocations not freed)."},
	{0xc4, 1, 0x62, 0x62,
	 "It was unloaded without freeing its pool (second parameter: where its name is, fourth: "
	 "number of allocations)."},
	{0x13a, 1, 0x3, 0x5, "The header of a block is damaged."},
	{0x13a, 1, 0x6, 0x6, "It looks like a write beyond the end of a block."},
	{0x13a, 1, 0x7, 0x7, "It looks like a write before the start of a block."},
	{0x13a, 1, 0x8, 0x8, "A block was used that is free."},
	{0x13a, 1, 0x9, 0xa, "The heap was called with an argument that cannot be."},
	{0x13a, 1, 0xb, 0xb, "It looks like a use of memory that had been freed."},
	{0x13a, 1, 0xc, 0xc, "A block was given to a heap that it does not belong to."},
	{0x13a, 1, 0xd, 0xe, "A list of the heap is damaged."},
	{0x13a, 1, 0xf, 0xf, "A block was used that is free."},
	{0x13a, 1, 0x10, 0x12,
	 "The heap's own data are damaged, usually by a write beyond the end of a block."},
};

static const struct bugcheck_words *find_code(uint32_t code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code == code)
			return &codes[i];
	}
	for (size_t i = 0; i < sizeof(live_codes) / sizeof(live_codes[0]); i++) {
		if (live_codes[i] == code)
			return &live;
	}
	return NULL;
}

const struct bugcheck_words *bugcheck_words(uint32_t code)
{
	const struct bugcheck_words *words = find_code(code);

	/* 0xDEADDEAD has the bit of the flag by itself */
	return words ? words : find_code(code & ~MINIDUMP_FLAG);
}

bool bugcheck_is_live(uint32_t code)
{
	const struct bugcheck_words *words = bugcheck_words(code);

	return words && (words->kind == KIND_LIVE || words->kind == KIND_LIVE_ON_PURPOSE);
}

const char *bugcheck_parameter_words(uint32_t code, const uint64_t parameters[4])
{
	for (size_t i = 0; i < sizeof(parameters_words) / sizeof(parameters_words[0]); i++) {
		const struct parameter_words *p = &parameters_words[i];
		uint64_t value = parameters[p->which - 1];

		if (p->code == code && value >= p->first && value <= p->last)
			return p->words;
	}
	return NULL;
}

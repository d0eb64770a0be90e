/*
 * Test driver: much that looks like a tag and is none. Its only allocation is Dec1.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID slots[8];
ULONG seen[4];
/* DECOY DeTx text */
const char text[] = "no memory for DeTx, ask the driver of Leak";
/* DECOY DeVa a number in data that is passed to nobody */
volatile ULONG number = TAG('D', 'e', 'V', 'a');

/* TRUTH Dec1 call-site ExAllocatePoolWithTag sized */
/* DECOY DeSz the size looks like a tag */
/* DECOY DeTy the type looks like a tag */
NOINLINE PVOID sized(ULONG type)
{
	slots[0] = ExAllocatePoolWithTag(type, TAG('D', 'e', 'S', 'z'), TAG('D', 'e', 'c', '1'));
	slots[1] = ExAllocatePoolWithTag(TAG('D', 'e', 'T', 'y'), 0x10, TAG('D', 'e', 'c', '1'));
	return slots[0];
}

/* DECOY DeCm compared only */
/* DECOY DeCn compared only, beside an allocation */
NOINLINE PVOID compared(ULONG kind, SIZE_T size)
{
	if (kind == TAG('D', 'e', 'C', 'm'))
		seen[0]++;
	slots[2] = ExAllocatePoolWithTag(PagedPool, size, TAG('D', 'e', 'c', '1'));
	if (kind == TAG('D', 'e', 'C', 'n'))
		seen[1]++;
	return slots[2];
}

/* DECOY DeNo the third argument of a function that does not allocate */
/* DECOY DeRl the tag of a remove lock, which allocates nothing */
/* DECOY DeBc a bug check code */
NOINLINE ULONG elsewhere(ULONG *seed)
{
	KeDelayExecutionThread(0, 0, (PVOID)(ULONG_PTR)TAG('D', 'e', 'N', 'o'));
	IoInitializeRemoveLockEx(slots, TAG('D', 'e', 'R', 'l'), 0, 0, sizeof(slots));
	if (*seed == 0xFFFFFFFF)
		KeBugCheckEx(TAG('D', 'e', 'B', 'c'), 1, 2, 3, 4);
	return *seed + 1;
}

/* What was in the register of the tag before the last definition. */
/* DECOY DeOl overwritten before the call */
NOINLINE PVOID overwritten(ULONG *seed)
{
	volatile ULONG tag = TAG('D', 'e', 'O', 'l');
	seen[2] += tag;
	tag = TAG('D', 'e', 'c', '1');
	slots[3] = ExAllocatePoolWithTag(PagedPool, RtlRandomEx(seed), tag);
	return slots[3];
}

/* DECOY DeMg stored into the block as its signature */
NOINLINE PVOID signed_block(SIZE_T size)
{
	ULONG *block = ExAllocatePoolWithTag(PagedPool, size, TAG('D', 'e', 'c', '1'));
	if (block)
		block[0] = TAG('D', 'e', 'M', 'g');
	return block;
}

/* Untagged: the kernel's None. */
/* TRUTH None optional ExAllocatePool untagged */
/* DECOY DeUn argument of an allocator that takes no tag */
NOINLINE PVOID untagged(ULONG *seed)
{
	seen[3] = TAG('D', 'e', 'U', 'n');
	slots[4] = ExAllocatePool(PagedPool, RtlRandomEx(seed));
	return slots[4];
}

/* DECOY Proc text in a longer name */
/* DECOY File text in a longer name */
const char names[] = "ProcessFileNames";

static const PVOID dispatch[] = {(PVOID)sized,       (PVOID)compared,     (PVOID)elsewhere,
				 (PVOID)overwritten, (PVOID)signed_block, (PVOID)untagged,
				 (PVOID)text,        (PVOID)names,        (PVOID)&number};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

/*
 * Test driver: wrappers around allocators, one to four deep, the tag as the first to the sixth
 * parameter, a default that is put in for no tag.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

static ULONG allocations, failures;

static NOINLINE PVOID level1(ULONG type, SIZE_T size, ULONG tag)
{
	PVOID block = ExAllocatePoolWithTag(type, size, tag);
	allocations += block != 0;
	failures += block == 0;
	return block;
}

static NOINLINE PVOID level2(ULONG tag, SIZE_T size)
{
	ULONG *block = level1(PagedPool, size + 16, tag);
	if (block)
		block[0] = tag;
	return block;
}

static NOINLINE PVOID level3(SIZE_T count, SIZE_T each, PVOID owner, ULONG tag)
{
	PVOID *block = level2(tag, count * each);
	if (block)
		block[1] = owner;
	return block;
}

static NOINLINE PVOID level4(PVOID owner, SIZE_T a, SIZE_T b, SIZE_T c, ULONG tag)
{
	PVOID *block = level3(a, b + c, owner, tag);
	if (block)
		block[2] = owner;
	return block;
}

/* TRUTH Wr1a call-site ExAllocatePoolWithTag uses1 via=level1 */
/* TRUTH Wr1b call-site ExAllocatePoolWithTag uses1 via=level1 */
NOINLINE ULONG uses1(PVOID *slots)
{
	slots[0] = level1(PagedPool, 0x30, TAG('W', 'r', '1', 'a'));
	slots[1] = level1(NonPagedPoolNx, 0x40, TAG('W', 'r', '1', 'b'));
	return slots[0] != slots[1];
}

/* TRUTH Wr2a call-site ExAllocatePoolWithTag uses2 via=level2,level1 */
/* TRUTH Wr2b call-site ExAllocatePoolWithTag uses2 via=level2,level1 */
NOINLINE ULONG uses2(PVOID *slots)
{
	slots[0] = level2(TAG('W', 'r', '2', 'a'), 0x31);
	slots[1] = level2(TAG('W', 'r', '2', 'b'), 0x41);
	return slots[0] != slots[1];
}

/* TRUTH Wr3a call-site ExAllocatePoolWithTag uses3 via=level3,level2,level1 */
/* TRUTH Wr3b call-site ExAllocatePoolWithTag uses3 via=level3,level2,level1 */
NOINLINE ULONG uses3(PVOID *slots)
{
	slots[0] = level3(1, 2, slots, TAG('W', 'r', '3', 'a'));
	slots[1] = level3(3, 4, slots + 1, TAG('W', 'r', '3', 'b'));
	return slots[0] != slots[1];
}

/* TRUTH Wr4a call-site ExAllocatePoolWithTag uses4 via=level4,level3,level2,level1 */
/* TRUTH Wr4b call-site ExAllocatePoolWithTag uses4 via=level4,level3,level2,level1 */
NOINLINE ULONG uses4(PVOID *slots)
{
	slots[0] = level4(slots, 1, 2, 3, TAG('W', 'r', '4', 'a'));
	slots[1] = level4(slots + 2, 4, 5, 6, TAG('W', 'r', '4', 'b'));
	return slots[0] != slots[1];
}

static NOINLINE PVOID sixth(PVOID *slots, ULONG a, ULONG b, ULONG c, SIZE_T size, ULONG tag)
{
	slots[a] = ExAllocatePoolWithTag(b + c, size, tag);
	return slots[a];
}

/* TRUTH Wr6a call-site ExAllocatePoolWithTag uses_sixth via=sixth */
/* TRUTH Wr6b call-site ExAllocatePoolWithTag uses_sixth via=sixth */
NOINLINE ULONG uses_sixth(PVOID *slots, SIZE_T size)
{
	PVOID first = sixth(slots, 1, 0, 1, size, TAG('W', 'r', '6', 'a'));
	return first != sixth(slots, 2, 0x100, 0x100, size * 2, TAG('W', 'r', '6', 'b'));
}

/* A tail call keeps the parameters where they are. */
static NOINLINE PVOID same_order(ULONG type, SIZE_T size, ULONG tag)
{
	failures++;
	return ExAllocatePoolWithTag(type, size, tag);
}

/* TRUTH WrTa call-site ExAllocatePoolWithTag uses_tail via=same_order */
/* TRUTH WrTb call-site ExAllocatePoolWithTag uses_tail via=same_order */
NOINLINE ULONG uses_tail(PVOID *slots, SIZE_T size)
{
	slots[0] = same_order(PagedPool, size, TAG('W', 'r', 'T', 'a'));
	slots[1] = same_order(NonPagedPool, size, TAG('W', 'r', 'T', 'b'));
	return slots[0] != slots[1];
}

static NOINLINE PVOID with_default(SIZE_T size, ULONG tag)
{
	PVOID block = ExAllocatePoolWithTag(PagedPool, size, tag ? tag : TAG('W', 'r', 'D', 'f'));
	allocations += block != 0;
	return block;
}

/* TRUTH WrDf call-site ExAllocatePoolWithTag with_default */
/* TRUTH WrDa call-site ExAllocatePoolWithTag uses_default via=with_default */
NOINLINE ULONG uses_default(PVOID *slots, SIZE_T size)
{
	slots[0] = with_default(size, TAG('W', 'r', 'D', 'a'));
	slots[1] = with_default(size, 0);
	return slots[0] != slots[1];
}

static NOINLINE void release(PVOID block, ULONG line, ULONG tag)
{
	failures += line;
	ExFreePoolWithTag(block, tag);
	allocations--;
}

/* TRUTH WrFa free-site ExFreePoolWithTag uses_release via=release */
/* TRUTH WrFb free-site ExFreePoolWithTag uses_release via=release */
NOINLINE void uses_release(PVOID *slots)
{
	release(slots[0], 10, TAG('W', 'r', 'F', 'a'));
	release(slots[1], 20, TAG('W', 'r', 'F', 'b'));
}

/* The wrapper retries in a loop and keeps the tag across calls. */
static NOINLINE PVOID patient(SIZE_T size, ULONG tag, ULONG *seed)
{
	for (;;) {
		PVOID block = ExAllocatePool2(POOL_FLAG_NON_PAGED, size, tag);
		if (block || !RtlRandomEx(seed))
			return block;
		KeDelayExecutionThread(0, 0, seed);
	}
}

/* TRUTH WrPa call-site ExAllocatePool2 uses_patient via=patient */
/* TRUTH WrPb call-site ExAllocatePool2 uses_patient via=patient */
NOINLINE ULONG uses_patient(PVOID *slots, ULONG *seed)
{
	slots[0] = patient(0x70, TAG('W', 'r', 'P', 'a'), seed);
	slots[1] = patient(0x80, TAG('W', 'r', 'P', 'b'), seed);
	return slots[0] != slots[1];
}

static const PVOID dispatch[] = {
	(PVOID)uses1,        (PVOID)uses2,        (PVOID)uses3,
	(PVOID)uses4,        (PVOID)uses_sixth,   (PVOID)uses_tail,
	(PVOID)uses_default, (PVOID)uses_release, (PVOID)uses_patient,
};

/* TRUTH WrIn call-site ExAllocatePoolWithTag DriverEntry via=level1 */
IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	driver->slot[39] = level1(PagedPool, 0x400, TAG('W', 'r', 'I', 'n'));
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

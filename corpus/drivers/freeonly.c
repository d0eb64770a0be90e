/*
 * Test driver: frees what others allocated; untagged allocations; what the kernel allocates for it.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID blocks[8];

/* TRUTH FrEe free-site ExFreePoolWithTag frees */
NOINLINE ULONG frees(ULONG n)
{
	ExFreePoolWithTag(blocks[n & 7], TAG('F', 'r', 'E', 'e'));
	blocks[n & 7] = 0;
	return n;
}

/* TRUTH FrE2 free-site ExFreePool2 frees2 */
NOINLINE ULONG frees2(ULONG n)
{
	ExFreePool2(blocks[n & 7], TAG('F', 'r', 'E', '2'), 0, 0);
	blocks[n & 7] = 0;
	return n;
}

/* TRUTH FrMm free-site MmFreeMappingAddress unmaps */
NOINLINE ULONG unmaps(ULONG n)
{
	MmFreeMappingAddress(blocks[n & 7], TAG('F', 'r', 'M', 'm'));
	return n + 1;
}

/* Without a tag: nothing to find. */
NOINLINE ULONG frees_plain(ULONG n)
{
	ExFreePool(blocks[n & 7]);
	ExFreePoolWithTag(blocks[n & 3], 0);
	return n + 1;
}

/* The kernel chooses the tags. */
/* DECOY "Mdl " the kernel's */
/* DECOY "Irp " the kernel's */
/* DECOY IoWI the kernel's */
/* DECOY Driv the kernel's */
/* DECOY MmCm the kernel's */
NOINLINE ULONG for_others(PVOID device)
{
	blocks[0] = IoAllocateMdl(device, 0x1000, 0, 0, 0);
	blocks[1] = IoAllocateIrp(4, 0);
	blocks[2] = IoAllocateWorkItem(device);
	blocks[3] = MmAllocateContiguousMemory(0x2000, 0xFFFFFFFF);
	return (ULONG)IoAllocateDriverObjectExtension(device, blocks, 0x20, &blocks[4]);
}

/* Whom untagged memory belongs to: every caller of ExAllocatePool may use None. */
/* TRUTH None optional ExAllocatePool untagged */
NOINLINE PVOID untagged(SIZE_T size)
{
	blocks[5] = ExAllocatePool(NonPagedPoolNx, size);
	return blocks[5];
}

static const PVOID dispatch[] = {(PVOID)frees,       (PVOID)frees2,     (PVOID)unmaps,
				 (PVOID)frees_plain, (PVOID)for_others, (PVOID)untagged};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

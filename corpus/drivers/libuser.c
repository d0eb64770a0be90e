/*
 * Test driver: allocates through the exported wrappers of poollib.sys only.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

/* TRUTH LuA1 call-site LibAllocate/ExAllocatePoolWithTag uses */
/* TRUTH LuA2 call-site LibAllocate/ExAllocatePoolWithTag uses */
/* DECOY LibD the library's own */
NOINLINE ULONG uses(PVOID *slots, SIZE_T size)
{
	slots[0] = LibAllocate(size, TAG('L', 'u', 'A', '1'));
	slots[1] = LibAllocate(size + 8, TAG('L', 'u', 'A', '2'));
	slots[2] = LibAllocateDefault(size);
	return slots[0] != slots[1];
}

static NOINLINE PVOID own_wrapper(ULONG tag, ULONG pages)
{
	PVOID block = LibAllocate((SIZE_T)pages << 12, tag);
	return block ? block : LibAllocate(0x10, tag);
}

/* TRUTH LuW1 call-site LibAllocate/ExAllocatePoolWithTag uses_own via=own_wrapper */
/* TRUTH LuW2 call-site LibAllocate/ExAllocatePoolWithTag uses_own via=own_wrapper */
NOINLINE ULONG uses_own(PVOID *slots, ULONG pages)
{
	slots[0] = own_wrapper(TAG('L', 'u', 'W', '1'), pages);
	slots[1] = own_wrapper(TAG('L', 'u', 'W', '2'), pages + 1);
	return slots[0] != slots[1];
}

/* TRUTH LuF1 free-site LibFree/ExFreePoolWithTag releases */
NOINLINE ULONG releases(PVOID *slots)
{
	LibFree(TAG('L', 'u', 'F', '1'), slots[0]);
	slots[0] = 0;
	return 1;
}

static const PVOID dispatch[] = {(PVOID)uses, (PVOID)uses_own, (PVOID)releases};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

/*
 * Test driver: a storage miniport, whose allocator is a function with a function code.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID buffers[2];

/* TRUTH StPo call-site StorPortExtendedFunction allocate */
NOINLINE ULONG allocate(PVOID extension, ULONG size)
{
	ULONG status = StorPortExtendedFunction(ExtFunctionAllocatePool, extension, size,
						TAG('S', 't', 'P', 'o'), &buffers[0]);
	return status ? status : size;
}

/* Another function of the same export: its fourth argument is no tag. */
/* DECOY StNo the function code is not that of the allocator */
NOINLINE ULONG other(PVOID extension)
{
	return StorPortExtendedFunction(17, extension, 8, TAG('S', 't', 'N', 'o'), &buffers[1]) + 1;
}

static const PVOID dispatch[] = {(PVOID)allocate, (PVOID)other};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

/*
 * Test driver: two functions as many drivers carry them from static libraries (tags SeSd and PpRb:
 * sites there are real, but say little), and an allocation of its own.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID own;

/* TRUTH SeSd library/call-site ExAllocatePoolWithTag SepBuildDescriptor */
NOINLINE PVOID SepBuildDescriptor(SIZE_T length, const UCHAR *source)
{
	UCHAR *block = ExAllocatePoolWithTag(PagedPool, length, TAG('S', 'e', 'S', 'd'));
	for (SIZE_T i = 0; block && i < length; i++)
		block[i] = source[i];
	return block;
}

/* TRUTH PpRb library/call-site ExAllocatePoolWithTag PpRegistryBuffer */
NOINLINE PVOID PpRegistryBuffer(ULONG length)
{
	ULONG *block = ExAllocatePoolWithTag(PagedPool, length + 8, TAG('P', 'p', 'R', 'b'));
	if (block)
		block[0] = length;
	return block;
}

/* TRUTH StOw call-site ExAllocatePoolWithTag own_block */
NOINLINE PVOID own_block(SIZE_T size)
{
	own = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 't', 'O', 'w'));
	return own;
}

static const PVOID dispatch[] = {(PVOID)SepBuildDescriptor, (PVOID)PpRegistryBuffer,
				 (PVOID)own_block};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

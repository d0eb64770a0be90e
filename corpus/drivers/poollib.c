/*
 * Test driver: a library driver that exports allocators; it owns its default tag only.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

static ULONG count;

PVOID NTAPI LibAllocate(SIZE_T size, ULONG tag)
{
	PVOID block = ExAllocatePoolWithTag(NonPagedPoolNx, size, tag);
	count += block != 0;
	return block;
}

/* TRUTH LibD call-site ExAllocatePoolWithTag LibAllocateDefault */
PVOID NTAPI LibAllocateDefault(SIZE_T size)
{
	PVOID block = ExAllocatePoolWithTag(PagedPool, size, TAG('L', 'i', 'b', 'D'));
	count += block != 0;
	return block;
}

void NTAPI LibFree(ULONG tag, PVOID block)
{
	ExFreePoolWithTag(block, tag);
	count--;
}

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	return driver && path ? 0 : -1;
}

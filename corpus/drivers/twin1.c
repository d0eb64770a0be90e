/*
 * Test driver: one of two that use the same tag (Twin), beside one of its own.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID slots[2];

/* TRUTH Twin call-site ExAllocatePoolWithTag shared */
NOINLINE PVOID shared(SIZE_T size)
{
	slots[0] = ExAllocatePoolWithTag(PagedPool, size, TAG('T', 'w', 'i', 'n'));
	return slots[0];
}

/* TRUTH Twi1 call-site ExAllocatePoolWithTag alone */
NOINLINE PVOID alone(SIZE_T size)
{
	slots[1] = ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG('T', 'w', 'i', '1'));
	return slots[1];
}

static const PVOID dispatch[] = {(PVOID)shared, (PVOID)alone};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

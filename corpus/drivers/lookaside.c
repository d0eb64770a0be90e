/*
 * Test driver: lookaside lists, whose tag is the sixth or seventh argument.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

static ULONG64 nonpaged_list[16], paged_list[16], late_list[16], ex_list[16], paged_ex_list[16];

/* TRUTH LokE call-site ExInitializeLookasideListEx ex */
/* TRUTH LokP call-site ExInitializeLookasideListEx ex */
NOINLINE NTSTATUS ex(SIZE_T size)
{
	NTSTATUS status = ExInitializeLookasideListEx(ex_list, 0, 0, NonPagedPoolNx, 0, size,
						      TAG('L', 'o', 'k', 'E'), 0);
	if (status)
		return status;
	return ExInitializeLookasideListEx(paged_ex_list, 0, 0, PagedPool, 0, size * 2,
					   TAG('L', 'o', 'k', 'P'), 8);
}

/* TRUTH LokL call-site ExInitializeNPagedLookasideList late */
NOINLINE PVOID late(SIZE_T size)
{
	ExInitializeNPagedLookasideList(late_list, 0, 0, 0, size, TAG('L', 'o', 'k', 'L'), 0);
	return late_list;
}

static const PVOID dispatch[] = {(PVOID)ex, (PVOID)late};

/* TRUTH LokN call-site ExInitializeNPagedLookasideList DriverEntry */
/* TRUTH LokG call-site ExInitializePagedLookasideList DriverEntry */
IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	ExInitializeNPagedLookasideList(nonpaged_list, 0, 0, 0, 0x1C0, TAG('L', 'o', 'k', 'N'), 4);
	ExInitializePagedLookasideList(paged_list, 0, 0, 0, 0x90, TAG('L', 'o', 'k', 'G'), 4);
	DISPATCH(driver, dispatch);
	return 0;
}

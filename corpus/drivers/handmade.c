/*
 * Test driver: the frame of the sites in assembly (handmade-x64.S, -x86.S, -arm64.S), for shapes
 * that other compilers make and clang does not.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

/* TRUTH HWg0 call-site ExAllocatePoolWithTag from_global */
ULONG tag_variable = TAG('H', 'W', 'g', '0');
ULONG made_at_run_time;
/* The functions of the assembly file. */
extern const PVOID handmade[8];

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	made_at_run_time = tag_variable;
	DISPATCH(driver, handmade);
	return 0;
}

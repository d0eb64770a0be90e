/*
 * The entry point of stand-ins that only have exports.
 *
 * Does not: do anything.
 */
#include "corpus/drivers/wdk.h"

NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	return driver && path ? 0 : -1;
}

/*
 * Test driver: a file system filter, with tags in its registration's array of contexts.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID filter;

/* TRUTH FltS registration FltRegisterFilter contexts */
/* TRUTH FltH registration FltRegisterFilter contexts */
/* TRUTH FltI registration FltRegisterFilter contexts */
const struct flt_context_registration contexts[] = {
	{.type = 8, .size = 0x48, .tag = TAG('F', 'l', 't', 'S')},
	{.type = 0x10, .size = 0x30, .tag = TAG('F', 'l', 't', 'H')},
	{.type = 2, .size = (SIZE_T)-1, .tag = TAG('F', 'l', 't', 'I')},
	{.type = 0xFFFF}};

/* Behind the end of the list: not registered. */
/* DECOY FltX behind the end of the list of contexts */
const struct flt_context_registration not_registered[] = {
	{.type = 0xFFFF}, {.type = 4, .size = 0x20, .tag = TAG('F', 'l', 't', 'X')}};

static NTSTATUS NTAPI unload(ULONG flags)
{
	return (NTSTATUS)flags;
}

static const PVOID operations[] = {0, (PVOID)not_registered};

const struct flt_registration registration = {.size = sizeof(struct flt_registration),
					      .version = 0x203,
					      .contexts = contexts,
					      .operations = operations,
					      .callbacks = {(PVOID)unload}};

/* TRUTH FltA call-site FltAllocatePoolAlignedWithTag aligned */
NOINLINE PVOID aligned(PVOID instance, PVOID *slot, SIZE_T size)
{
	*slot = FltAllocatePoolAlignedWithTag(instance, NonPagedPool, size,
					      TAG('F', 'l', 't', 'A'));
	return *slot;
}

/* TRUTH FltF free-site FltFreePoolAlignedWithTag release */
NOINLINE PVOID release(PVOID instance, PVOID *slot)
{
	FltFreePoolAlignedWithTag(instance, *slot, TAG('F', 'l', 't', 'F'));
	*slot = 0;
	return slot;
}

/* The tag comes from the registration. */
NOINLINE NTSTATUS context(PVOID *slot)
{
	return FltAllocateContext(filter, 8, 0x48, PagedPool, slot) + 1;
}

static const PVOID dispatch[] = {(PVOID)aligned, (PVOID)release, (PVOID)context};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return FltRegisterFilter(driver, &registration, &filter);
}

/*
 * Test driver: KMDF. Allocators are reached through the framework's table of functions, the
 * driver's own tag stands in WDF_DRIVER_CONFIG.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

typedef NTSTATUS(NTAPI *driver_create)(PVOID globals, PVOID driver, PVOID path, PVOID attributes,
				       struct wdf_driver_config *config, PVOID *handle);
typedef NTSTATUS(NTAPI *memory_create)(PVOID globals, PVOID attributes, ULONG type, ULONG tag,
				       SIZE_T size, PVOID *memory, PVOID *buffer);
typedef NTSTATUS(NTAPI *lookaside_create)(PVOID globals, PVOID attributes, SIZE_T size, ULONG type,
					  PVOID memory_attributes, ULONG tag, PVOID *lookaside);

static const WCHAR component[] = {'K', 'm', 'd', 'f', 'L', 'i', 'b', 'r', 'a', 'r', 'y', 0};
PVOID *WdfFunctions;
PVOID WdfDriverGlobals;
PVOID handles[4];
static struct wdf_bind_info bind_info = {sizeof(bind_info),      component, 1, 15, 0, 440,
					 (PVOID *)&WdfFunctions, 0};

/* TRUTH KmMe call-site WdfMemoryCreate memory */
NOINLINE NTSTATUS memory(SIZE_T size)
{
	return ((memory_create)WdfFunctions[WDF_MEMORY_CREATE])(
		WdfDriverGlobals, 0, NonPagedPoolNx, TAG('K', 'm', 'M', 'e'), size, &handles[0], 0);
}

/* TRUTH KmLo call-site WdfLookasideListCreate lookaside */
NOINLINE NTSTATUS lookaside(SIZE_T size)
{
	return ((lookaside_create)WdfFunctions[WDF_LOOKASIDE_CREATE])(
		WdfDriverGlobals, 0, size, PagedPool, 0, TAG('K', 'm', 'L', 'o'), &handles[1]);
}

/* A framework driver may use the kernel's allocators as well. */
/* TRUTH KmEx call-site ExAllocatePoolWithTag plain */
NOINLINE PVOID plain(SIZE_T size)
{
	handles[2] = ExAllocatePoolWithTag(PagedPool, size, TAG('K', 'm', 'E', 'x'));
	return handles[2];
}

/* Filled in member by member, as WDF_DRIVER_CONFIG_INIT does; not in INIT, so that it can be found
 * in a dump. */
/* TRUTH KmCf registration/call-site WdfDriverCreate driver_create_call */
NOINLINE NTSTATUS driver_create_call(PVOID driver, PVOID path)
{
	volatile struct wdf_driver_config config;
	config.size = sizeof(config);
	config.device_add = (PVOID)memory;
	config.unload = (PVOID)plain;
	config.flags = 0;
	config.tag = TAG('K', 'm', 'C', 'f');
	return ((driver_create)WdfFunctions[WDF_DRIVER_CREATE])(WdfDriverGlobals, driver, path, 0,
								(struct wdf_driver_config *)&config,
								&handles[3]);
}

static const PVOID dispatch[] = {(PVOID)memory, (PVOID)lookaside, (PVOID)plain};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	NTSTATUS status = WdfVersionBind(driver, path, &bind_info, &WdfDriverGlobals);
	if (status)
		return status;
	DISPATCH(driver, dispatch);
	return driver_create_call(driver, path);
}

/*
 * Table of the routines that take a pool tag.
 */
#include "analyzer/owners/apis.h"

#include <string.h>
#include <strings.h>

#define ALLOC(name, argument)                                                                      \
	{                                                                                          \
		name, API_ALLOC, argument, argument, 0, 0, false                                   \
	}
/* Its first argument has 64 bits: two words on x86. */
#define ALLOC_WIDE(name, argument)                                                                 \
	{                                                                                          \
		name, API_ALLOC, argument, argument + 1, 0, 0, false                               \
	}
#define FREE(name, argument)                                                                       \
	{                                                                                          \
		name, API_FREE, argument, argument, 0, 0, false                                    \
	}
#define STRUCT(name, argument, offset, x86_offset)                                                 \
	{                                                                                          \
		name, API_STRUCT, argument, argument, offset, x86_offset, false                    \
	}
#define UNTAGGED(name)                                                                             \
	{                                                                                          \
		name, API_UNTAGGED, 0, 0, 0, 0, false                                              \
	}

static const struct api apis[] = {
	/* nt */
	ALLOC("ExAllocatePoolWithTag", 2),
	ALLOC("ExAllocatePoolWithQuotaTag", 2),
	ALLOC("ExAllocatePoolWithTagPriority", 2),
	ALLOC_WIDE("ExAllocatePool2", 2),
	ALLOC_WIDE("ExAllocatePool3", 2),
	UNTAGGED("ExAllocatePool"),
	UNTAGGED("ExAllocatePoolWithQuota"),
	FREE("ExFreePoolWithTag", 1),
	FREE("ExFreePool2", 1),
	ALLOC("ExInitializeNPagedLookasideList", 5),
	ALLOC("ExInitializePagedLookasideList", 5),
	ALLOC("ExInitializeLookasideListEx", 6),
	ALLOC("ExAllocateCacheAwareRundownProtection", 1),
	ALLOC("MmAllocateMappingAddress", 1),
	FREE("MmFreeMappingAddress", 1),
	FREE("MmFreeMappingAddress", 1),
	ALLOC("FsRtlAllocatePoolWithTag", 2),
	ALLOC("FsRtlAllocatePoolWithQuotaTag", 2),
	ALLOC("FsRtlAllocateExtraCreateParameter", 4),
	ALLOC("FsRtlInitExtraCreateParameterLookasideList", 3),
	/* fltmgr */
	ALLOC("FltAllocatePoolAlignedWithTag", 3),
	FREE("FltFreePoolAlignedWithTag", 2),
	ALLOC("FltAllocateExtraCreateParameter", 5),
	ALLOC("FltInitExtraCreateParameterLookasideList", 4),
	{"FltRegisterFilter", API_FILTER, 1, 1, 0, 0, false},
	/* ndis */
	ALLOC("NdisAllocateMemoryWithTag", 2),
	ALLOC("NdisAllocateMemoryWithTagPriority", 2),
	FREE("NdisFreeMemoryWithTag", 1),
	FREE("NdisFreeMemoryWithTagPriority", 2),
	ALLOC("NdisAllocateCloneOidRequest", 2),
	ALLOC("NdisAllocateGenericObject", 1),
	ALLOC("NdisInitializeNPagedLookasideList", 5),
	STRUCT("NdisAllocateNetBufferListPool", 1, 8, 8),
	STRUCT("NdisAllocateNetBufferPool", 1, 4, 4),
	STRUCT("NdisAllocateTimerObject", 1, 4, 4),
	/* storport; function 0 of many is ExtFunctionAllocatePool */
	{"StorPortExtendedFunction", API_ALLOC, 3, 3, 0, 0, true},
	/* videoprt */
	ALLOC("VideoPortAllocatePool", 3),
	/* win32k and its parts */
	ALLOC("EngAllocMem", 2),
	ALLOC("EngAllocUserMem", 1),
	ALLOC("AllocThreadBufferWithTag", 1),
	ALLOC("UserReAllocPool*", 3),
	ALLOC("Win32AllocPoolImpl", 2),
	ALLOC("Win32AllocPoolZInitImpl", 2),
	ALLOC("Win32AllocPoolNonPagedImpl", 2),
	ALLOC("Win32AllocPoolNonPagedZInitImpl", 2),
	ALLOC("Win32AllocPoolNonPagedNXImpl", 2),
	ALLOC("Win32AllocPoolWithQuotaImpl", 2),
	ALLOC("Win32AllocPoolWithQuotaZInitImpl", 2),
	ALLOC("Win32AllocPool*", 1),
};

enum { API_COUNT = sizeof(apis) / sizeof(*apis) };

/*
 * Indices in the function table of KMDF, for every minor version of 1.x: one framework serves the
 * drivers built with all earlier versions from one table, so entries are only ever added behind.
 * Source: the function enumeration of public KMDF headers. (UMDF has another table; its drivers run
 * in user mode.)
 */
struct wdf_row {
	unsigned index;
	struct api api;
};

static const struct wdf_row wdf_rows[] = {
	{116, STRUCT("WdfDriverCreate", 4, 0x1c, 0x10)},
	{192, ALLOC("WdfMemoryCreate", 3)},
	{198, ALLOC("WdfLookasideListCreate", 5)},
};

enum { WDF_COUNT = sizeof(wdf_rows) / sizeof(*wdf_rows) };

static const char *const providers[] = {
	"ntoskrnl.exe", "hal.dll",    "fltmgr.sys",     "ndis.sys",       "storport.sys",
	"videoprt.sys", "win32k.sys", "win32kbase.sys", "win32kfull.sys", "watchdog.sys",
};

static bool matches(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);

	if (length > 0 && pattern[length - 1] == '*')
		return strncmp(pattern, name, length - 1) == 0;
	return strcmp(pattern, name) == 0;
}

const struct api *api_by_name(const char *name)
{
	static const char verifier[] = "Verifier";

	if (strncmp(name, verifier, sizeof(verifier) - 1) == 0)
		name += sizeof(verifier) - 1;
	/* Most names of a kernel are none of these: the table is asked only where a row can match.
	 */
	if (!strchr("EMFNSVAUW", name[0]) || name[0] == '\0')
		return NULL;
	for (size_t i = 0; i < API_COUNT; i++) {
		if (apis[i].name[0] == name[0] && matches(apis[i].name, name))
			return &apis[i];
	}
	return NULL;
}

bool api_is_provider(const char *module)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
		if (strcasecmp(providers[i], module) == 0)
			return true;
	}
	return false;
}

const struct api *api_by_wdf_index(unsigned index)
{
	for (size_t i = 0; i < WDF_COUNT; i++) {
		if (wdf_rows[i].index == index)
			return &wdf_rows[i].api;
	}
	return NULL;
}

bool api_wdf_index(size_t place, unsigned *ret_index)
{
	if (place >= WDF_COUNT)
		return false;
	*ret_index = wdf_rows[place].index;
	return true;
}

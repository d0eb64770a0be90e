/*
 * The little of the kernel's programming interface that the test drivers use, declared here from
 * the public documentation so that nothing of a WDK is needed.
 *
 * Does not: declare anything that no test driver calls.
 */
#ifndef CORPUS_DRIVERS_WDK_H
#define CORPUS_DRIVERS_WDK_H

typedef unsigned char UCHAR;
typedef unsigned short USHORT, WCHAR;
typedef unsigned int ULONG;
typedef int LONG, NTSTATUS;
typedef unsigned long long ULONG64;
typedef __SIZE_TYPE__ SIZE_T, ULONG_PTR;
typedef void *PVOID;

#define NTAPI __stdcall
/* What a stand-in defines itself, it does not import. */
#if defined(STAND_IN)
#define NTSYSAPI
#else
#define NTSYSAPI __declspec(dllimport)
#endif
#define NOINLINE __attribute__((noinline))
#define IN_INIT  __attribute__((noinline, section("INIT")))
#define IN_PAGE  __attribute__((noinline, section("PAGE")))
/* The characters in the order in which they stand in memory. */
#define TAG(a, b, c, d) ((ULONG)(a) | (ULONG)(b) << 8 | (ULONG)(c) << 16 | (ULONG)(d) << 24)
/* The name that assembly gives to an import of `bytes` bytes of arguments. */
#if defined(__i386__)
#define IMPORT(name, bytes) "__imp__" #name "@" #bytes
#define SYMBOL(name)        "_" #name
#else
#define IMPORT(name, bytes) "__imp_" #name
#define SYMBOL(name)        #name
#endif

enum { NonPagedPool = 0, PagedPool = 1, NonPagedPoolNx = 0x200 };
enum { POOL_FLAG_NON_PAGED = 0x40, POOL_FLAG_PAGED = 0x100 };

struct driver_object {
	PVOID slot[40];
};

/* Makes the functions reachable, as a driver's dispatch table does. */
#define DISPATCH(driver, table)                                                                    \
	for (unsigned dispatch_i = 0; dispatch_i < sizeof(table) / sizeof(*(table)); dispatch_i++) \
	(driver)->slot[dispatch_i % 40] = (PVOID)(table)[dispatch_i]

typedef PVOID(NTAPI *lookaside_allocate)(ULONG type, SIZE_T size, ULONG tag);
typedef void(NTAPI *lookaside_free)(PVOID block);

NTSYSAPI PVOID NTAPI ExAllocatePool(ULONG type, SIZE_T size);
NTSYSAPI PVOID NTAPI ExAllocatePoolWithTag(ULONG type, SIZE_T size, ULONG tag);
NTSYSAPI PVOID NTAPI ExAllocatePoolWithQuotaTag(ULONG type, SIZE_T size, ULONG tag);
NTSYSAPI PVOID NTAPI ExAllocatePoolWithTagPriority(ULONG type, SIZE_T size, ULONG tag,
						   ULONG priority);
NTSYSAPI PVOID NTAPI ExAllocatePool2(ULONG64 flags, SIZE_T size, ULONG tag);
NTSYSAPI PVOID NTAPI ExAllocatePool3(ULONG64 flags, SIZE_T size, ULONG tag, PVOID parameters,
				     ULONG count);
NTSYSAPI void NTAPI ExFreePool(PVOID block);
NTSYSAPI void NTAPI ExFreePoolWithTag(PVOID block, ULONG tag);
NTSYSAPI void NTAPI ExFreePool2(PVOID block, ULONG tag, PVOID parameters, ULONG count);
NTSYSAPI void NTAPI ExInitializeNPagedLookasideList(PVOID list, lookaside_allocate allocate,
						    lookaside_free release, ULONG flags,
						    SIZE_T size, ULONG tag, USHORT depth);
NTSYSAPI void NTAPI ExInitializePagedLookasideList(PVOID list, lookaside_allocate allocate,
						   lookaside_free release, ULONG flags, SIZE_T size,
						   ULONG tag, USHORT depth);
NTSYSAPI NTSTATUS NTAPI ExInitializeLookasideListEx(PVOID list, PVOID allocate, PVOID release,
						    ULONG type, ULONG flags, SIZE_T size, ULONG tag,
						    USHORT depth);
NTSYSAPI PVOID NTAPI ExAllocateCacheAwareRundownProtection(ULONG type, ULONG tag);
NTSYSAPI PVOID NTAPI MmAllocateMappingAddress(SIZE_T size, ULONG tag);
NTSYSAPI void NTAPI MmFreeMappingAddress(PVOID address, ULONG tag);
NTSYSAPI PVOID NTAPI FsRtlAllocatePoolWithTag(ULONG type, SIZE_T size, ULONG tag);
NTSYSAPI PVOID NTAPI FsRtlAllocatePoolWithQuotaTag(ULONG type, SIZE_T size, ULONG tag);
NTSYSAPI PVOID NTAPI IoAllocateMdl(PVOID address, ULONG length, UCHAR secondary, UCHAR quota,
				   PVOID irp);
NTSYSAPI PVOID NTAPI IoAllocateIrp(UCHAR stack_size, UCHAR quota);
NTSYSAPI PVOID NTAPI IoAllocateWorkItem(PVOID device);
NTSYSAPI NTSTATUS NTAPI IoAllocateDriverObjectExtension(PVOID driver, PVOID id, ULONG size,
							PVOID *extension);
NTSYSAPI PVOID NTAPI MmAllocateContiguousMemory(SIZE_T size, ULONG64 highest);
NTSYSAPI void NTAPI IoInitializeRemoveLockEx(PVOID lock, ULONG tag, ULONG minutes, ULONG watermark,
					     ULONG size);
NTSYSAPI NTSTATUS NTAPI KeDelayExecutionThread(ULONG mode, ULONG alertable, PVOID interval);
NTSYSAPI void NTAPI KeBugCheckEx(ULONG code, ULONG_PTR a, ULONG_PTR b, ULONG_PTR c, ULONG_PTR d);
NTSYSAPI ULONG NTAPI RtlRandomEx(ULONG *seed);

/* ndis.sys */
struct ndis_header {
	UCHAR type, revision;
	USHORT size;
};
struct net_buffer_list_pool_parameters {
	struct ndis_header header;
	UCHAR protocol, allocate_net_buffer;
	USHORT context_size;
	ULONG tag, data_size;
};
struct net_buffer_pool_parameters {
	struct ndis_header header;
	ULONG tag, data_size;
};
NTSYSAPI LONG NTAPI NdisAllocateMemoryWithTag(PVOID *address, ULONG length, ULONG tag);
NTSYSAPI PVOID NTAPI NdisAllocateMemoryWithTagPriority(PVOID handle, ULONG length, ULONG tag,
						       ULONG priority);
NTSYSAPI PVOID NTAPI NdisAllocateNetBufferListPool(PVOID handle,
						   const struct net_buffer_list_pool_parameters *);
NTSYSAPI PVOID NTAPI NdisAllocateNetBufferPool(PVOID handle,
					       const struct net_buffer_pool_parameters *);
NTSYSAPI LONG NTAPI NdisAllocateCloneOidRequest(PVOID handle, PVOID request, ULONG tag,
						PVOID *clone);
NTSYSAPI PVOID NTAPI NdisAllocateGenericObject(PVOID driver, ULONG tag, USHORT size);

/* fltmgr.sys */
struct flt_context_registration {
	USHORT type, flags;
	PVOID cleanup;
	SIZE_T size;
	ULONG tag;
	PVOID allocate, release, reserved;
};
struct flt_registration {
	USHORT size, version;
	ULONG flags;
	const struct flt_context_registration *contexts;
	const PVOID *operations;
	PVOID callbacks[11];
};
NTSYSAPI NTSTATUS NTAPI FltRegisterFilter(struct driver_object *driver,
					  const struct flt_registration *registration,
					  PVOID *filter);
NTSYSAPI PVOID NTAPI FltAllocatePoolAlignedWithTag(PVOID instance, ULONG type, SIZE_T size,
						   ULONG tag);
NTSYSAPI void NTAPI FltFreePoolAlignedWithTag(PVOID instance, PVOID block, ULONG tag);
NTSYSAPI NTSTATUS NTAPI FltAllocateContext(PVOID filter, USHORT type, SIZE_T size, ULONG pool,
					   PVOID *context);

/* storport.sys */
enum { ExtFunctionAllocatePool = 0, ExtFunctionFreePool = 1 };
NTSYSAPI ULONG StorPortExtendedFunction(ULONG code, PVOID extension, ...);

/* wdfldr.sys: the kernel mode driver framework is reached through a table of functions */
struct wdf_bind_info {
	ULONG size;
	const WCHAR *component;
	ULONG major, minor, build;
	ULONG function_count;
	PVOID *function_table; /* points to the driver's pointer to the table */
	PVOID module;
};
struct wdf_driver_config {
	ULONG size;
	PVOID device_add, unload;
	ULONG flags, tag;
};
enum { WDF_DRIVER_CREATE = 116, WDF_MEMORY_CREATE = 192, WDF_LOOKASIDE_CREATE = 198 };
NTSYSAPI NTSTATUS NTAPI WdfVersionBind(struct driver_object *driver, PVOID path,
				       struct wdf_bind_info *info, PVOID *globals);

/* poollib.sys: test driver with allocators for others */
#ifdef POOL_LIBRARY
#define LIBAPI
#else
#define LIBAPI __declspec(dllimport)
#endif
LIBAPI PVOID NTAPI LibAllocate(SIZE_T size, ULONG tag);
LIBAPI PVOID NTAPI LibAllocateDefault(SIZE_T size);
LIBAPI void NTAPI LibFree(ULONG tag, PVOID block);

NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path);

#endif

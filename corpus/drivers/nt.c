/*
 * Stand-in for the kernel: what it allocates for others, with direct calls inside of the image.
 * All other exports only return (made from nt.def).
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

/* TRUTH None call-site ExAllocatePoolWithTag ExAllocatePool */
PVOID NTAPI ExAllocatePool(ULONG type, SIZE_T size)
{
	return ExAllocatePoolWithTag(type, size, TAG('N', 'o', 'n', 'e'));
}

/* TRUTH "Mdl " call-site ExAllocatePoolWithTag IoAllocateMdl */
PVOID NTAPI IoAllocateMdl(PVOID address, ULONG length, UCHAR secondary, UCHAR quota, PVOID irp)
{
	SIZE_T size = sizeof(PVOID) * (10 + (length >> 12));
	ULONG *mdl = ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG('M', 'd', 'l', ' '));
	if (mdl)
		mdl[0] = (ULONG)(ULONG_PTR)address + secondary + quota + (irp != 0);
	return mdl;
}

/* TRUTH "Irp " call-site ExAllocatePoolWithTag IoAllocateIrp */
/* TRUTH "Irp " call-site ExAllocatePoolWithQuotaTag IoAllocateIrp */
PVOID NTAPI IoAllocateIrp(UCHAR stack_size, UCHAR quota)
{
	SIZE_T size = 0xD0 + 0x48u * stack_size;
	if (quota)
		return ExAllocatePoolWithQuotaTag(NonPagedPoolNx, size, TAG('I', 'r', 'p', ' '));
	return ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG('I', 'r', 'p', ' '));
}

/* TRUTH IoWI call-site ExAllocatePoolWithTag IoAllocateWorkItem */
PVOID NTAPI IoAllocateWorkItem(PVOID device)
{
	PVOID *item = ExAllocatePoolWithTag(NonPagedPoolNx, 0x58, TAG('I', 'o', 'W', 'I'));
	if (item)
		*item = device;
	return item;
}

/* TRUTH Driv call-site ExAllocatePoolWithTag IoAllocateDriverObjectExtension */
NTSTATUS NTAPI IoAllocateDriverObjectExtension(PVOID driver, PVOID id, ULONG size, PVOID *extension)
{
	PVOID *block = ExAllocatePoolWithTag(NonPagedPoolNx, size + 0x10, TAG('D', 'r', 'i', 'v'));
	if (!block)
		return -1;
	block[0] = driver;
	block[1] = id;
	*extension = block + 2;
	return 0;
}

/* TRUTH MmCm call-site ExAllocatePoolWithTag MmAllocateContiguousMemory */
PVOID NTAPI MmAllocateContiguousMemory(SIZE_T size, ULONG64 highest)
{
	return highest ? ExAllocatePoolWithTag(NonPagedPool, size, TAG('M', 'm', 'C', 'm')) : 0;
}

/* Wrappers: the tag is the caller's. */
PVOID NTAPI FsRtlAllocatePoolWithTag(ULONG type, SIZE_T size, ULONG tag)
{
	PVOID block = ExAllocatePoolWithTag(type, size, tag);
	if (!block)
		KeBugCheckEx(0x22, type, size, tag, 0);
	return block;
}

PVOID NTAPI FsRtlAllocatePoolWithQuotaTag(ULONG type, SIZE_T size, ULONG tag)
{
	PVOID block = ExAllocatePoolWithQuotaTag(type, size, tag);
	if (!block)
		KeBugCheckEx(0x22, type, size, tag, 1);
	return block;
}

NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	return driver && path ? 0 : -1;
}

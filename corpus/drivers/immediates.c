/*
 * Test driver: the tag as an immediate at every allocator of the kernel.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

/* TRUTH Imm0 call-site ExAllocatePoolWithTag with_tag */
NOINLINE PVOID with_tag(SIZE_T size)
{
	ULONG *block = ExAllocatePoolWithTag(PagedPool, size, TAG('I', 'm', 'm', '0'));
	if (block)
		*block = 1;
	return block;
}

/* TRUTH Imm1 call-site ExAllocatePoolWithQuotaTag with_quota_tag */
NOINLINE PVOID with_quota_tag(SIZE_T size)
{
	ULONG *block = ExAllocatePoolWithQuotaTag(NonPagedPool, size, TAG('I', 'm', 'm', '1'));
	if (block)
		*block = 2;
	return block;
}

/* TRUTH Imm2 call-site ExAllocatePoolWithTagPriority with_priority */
NOINLINE PVOID with_priority(void)
{
	ULONG *block =
		ExAllocatePoolWithTagPriority(NonPagedPoolNx, 0x140, TAG('I', 'm', 'm', '2'), 16);
	if (block)
		*block = 3;
	return block;
}

/* TRUTH Imm3 call-site ExAllocatePool2 pool2 */
NOINLINE PVOID pool2(SIZE_T size)
{
	ULONG *block = ExAllocatePool2(POOL_FLAG_PAGED, size, TAG('I', 'm', 'm', '3'));
	if (block)
		*block = 4;
	return block;
}

/* TRUTH Imm4 call-site ExAllocatePool3 pool3 */
NOINLINE PVOID pool3(SIZE_T size)
{
	ULONG *block = ExAllocatePool3(POOL_FLAG_NON_PAGED, size, TAG('I', 'm', 'm', '4'), 0, 0);
	if (block)
		*block = 5;
	return block;
}

/* TRUTH Imm5 call-site ExAllocateCacheAwareRundownProtection rundown */
NOINLINE PVOID rundown(PVOID *slot)
{
	*slot = ExAllocateCacheAwareRundownProtection(NonPagedPoolNx, TAG('I', 'm', 'm', '5'));
	return *slot;
}

/* TRUTH Imm6 call-site MmAllocateMappingAddress mapping */
NOINLINE PVOID mapping(PVOID *slot)
{
	*slot = MmAllocateMappingAddress(0x10000, TAG('I', 'm', 'm', '6'));
	return *slot;
}

/* TRUTH Imm7 call-site FsRtlAllocatePoolWithTag fsrtl */
NOINLINE PVOID fsrtl(PVOID *slot, SIZE_T size)
{
	*slot = FsRtlAllocatePoolWithTag(PagedPool, size, TAG('I', 'm', 'm', '7'));
	return *slot;
}

/* TRUTH Imm8 call-site FsRtlAllocatePoolWithQuotaTag fsrtl_quota */
NOINLINE PVOID fsrtl_quota(PVOID *slot, SIZE_T size)
{
	*slot = FsRtlAllocatePoolWithQuotaTag(PagedPool, size, TAG('I', 'm', 'm', '8'));
	return *slot;
}

/* In a section that can be paged out. */
/* TRUTH ImPg call-site ExAllocatePoolWithTag in_page */
IN_PAGE PVOID in_page(PVOID *slot)
{
	*slot = ExAllocatePoolWithTag(PagedPool, 0x88, TAG('I', 'm', 'P', 'g'));
	return *slot;
}

/* A tag of three characters and a blank, one with bytes that are no characters. */
/* TRUTH "Im3 " call-site ExAllocatePoolWithTag three */
/* TRUTH I\xff\x01m call-site ExAllocatePoolWithTag three */
NOINLINE ULONG three(PVOID *slots)
{
	slots[0] = ExAllocatePoolWithTag(PagedPool, 0x20, TAG('I', 'm', '3', ' '));
	slots[1] = ExAllocatePoolWithTag(PagedPool, 0x30, TAG('I', 0xFF, 1, 'm'));
	return slots[0] && slots[1];
}

/* Protected: bit 31 is no part of the tag that the tables have. */
/* TRUTH ImPr call-site ExAllocatePoolWithTag protected_block */
/* TRUTH ImPr free-site ExFreePoolWithTag protected_block */
NOINLINE ULONG protected_block(PVOID *slot, SIZE_T size)
{
	*slot = ExAllocatePoolWithTag(PagedPool, size, TAG('I', 'm', 'P', 'r') | 0x80000000);
	if (!*slot)
		return 1;
	ExFreePoolWithTag(*slot, TAG('I', 'm', 'P', 'r') | 0x80000000);
	return 0;
}

static const PVOID dispatch[] = {(PVOID)with_tag, (PVOID)with_quota_tag, (PVOID)with_priority,
				 (PVOID)pool2,    (PVOID)pool3,          (PVOID)rundown,
				 (PVOID)mapping,  (PVOID)fsrtl,          (PVOID)fsrtl_quota,
				 (PVOID)in_page,  (PVOID)three,          (PVOID)protected_block};

/* Tags that are used only while the driver starts. */
/* TRUTH ImIn call-site ExAllocatePoolWithTag DriverEntry */
/* TRUTH Imm0 free-site ExFreePoolWithTag DriverEntry */
IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	PVOID block = ExAllocatePoolWithTag(PagedPool, 0x200, TAG('I', 'm', 'I', 'n'));
	if (!block || !path)
		return -1;
	ExFreePoolWithTag(block, TAG('I', 'm', 'm', '0'));
	DISPATCH(driver, dispatch);
	return 0;
}

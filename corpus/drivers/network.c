/*
 * Test driver: the allocators of NDIS, with tags as arguments and in parameter structures.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

static const struct net_buffer_pool_parameters fixed_parameters = {
	{0x80, 1, sizeof(fixed_parameters)}, TAG('N', 'd', 'S', 't'), 0x600};
PVOID pools[5];

/* TRUTH NdMe call-site NdisAllocateMemoryWithTag memory */
NOINLINE LONG memory(PVOID *slot)
{
	LONG status = NdisAllocateMemoryWithTag(slot, 0x120, TAG('N', 'd', 'M', 'e'));
	return status ? status : 1;
}

/* TRUTH NdPr call-site NdisAllocateMemoryWithTagPriority priority */
NOINLINE PVOID priority(PVOID handle)
{
	return NdisAllocateMemoryWithTagPriority(handle, 0x90, TAG('N', 'd', 'P', 'r'), 16);
}

/* TRUTH NdNl call-site/registration NdisAllocateNetBufferListPool list_pool */
NOINLINE PVOID list_pool(PVOID handle, USHORT context)
{
	volatile struct net_buffer_list_pool_parameters p;
	p.header.type = 0x80;
	p.header.revision = 1;
	p.header.size = sizeof(p);
	p.protocol = p.allocate_net_buffer = 1;
	p.context_size = context;
	p.tag = TAG('N', 'd', 'N', 'l');
	p.data_size = 0x5DC;
	pools[0] = NdisAllocateNetBufferListPool(
		handle, (const struct net_buffer_list_pool_parameters *)&p);
	return pools[0];
}

/* TRUTH NdNb call-site/registration NdisAllocateNetBufferPool buffer_pool */
NOINLINE PVOID buffer_pool(PVOID handle, ULONG size)
{
	struct net_buffer_pool_parameters p = {{0x80, 1, sizeof(p)}, TAG('N', 'd', 'N', 'b'), size};
	pools[1] = NdisAllocateNetBufferPool(handle, &p);
	return pools[1];
}

/* A constant structure: optimisers copy it to the stack in pieces of 16 bytes. */
/* TRUTH NdVe call-site/registration/bytes NdisAllocateNetBufferPool copied_pool */
NOINLINE PVOID copied_pool(PVOID handle)
{
	struct net_buffer_pool_parameters p[2] = {{{0x80, 1, 12}, TAG('N', 'd', 'V', 'e'), 0x700},
						  {{0x80, 1, 12}, 0, 0x800}};
	pools[3] = NdisAllocateNetBufferPool(handle, p);
	return pools[3];
}

/* TRUTH NdSt call-site/registration NdisAllocateNetBufferPool fixed_pool */
NOINLINE PVOID fixed_pool(PVOID handle)
{
	pools[2] = NdisAllocateNetBufferPool(handle, &fixed_parameters);
	return pools[2];
}

/* TRUTH NdOi call-site NdisAllocateCloneOidRequest oid */
NOINLINE LONG oid(PVOID handle, PVOID request, PVOID *clone)
{
	return NdisAllocateCloneOidRequest(handle, request, TAG('N', 'd', 'O', 'i'), clone) + 1;
}

/* TRUTH NdGo call-site NdisAllocateGenericObject object */
NOINLINE PVOID object(PVOID driver)
{
	pools[4] = NdisAllocateGenericObject(driver, TAG('N', 'd', 'G', 'o'), 0x40);
	return pools[4];
}

static const PVOID dispatch[] = {(PVOID)memory,      (PVOID)priority,   (PVOID)list_pool,
				 (PVOID)buffer_pool, (PVOID)fixed_pool, (PVOID)copied_pool,
				 (PVOID)oid,         (PVOID)object};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	DISPATCH(driver, dispatch);
	return 0;
}

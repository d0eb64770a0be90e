/*
 * Test driver: the ways in which compilers bring a tag to the call: kept imports, tail calls,
 * branches, switches, arithmetic, registers that survive calls, the stack, tables and variables.
 *
 * TRUTH lines: see README.md beside this file.
 */
#include "corpus/drivers/wdk.h"

PVOID kept[16];
ULONG counters[4];
const ULONG constant_tag = TAG('S', 'h', 'C', 'o');
static volatile const ULONG loaded_constant_tag = TAG('S', 'h', 'C', 'v');
ULONG writable_tag = TAG('S', 'h', 'W', 'r');
ULONG empty_tag; /* filled in while starting */

/* Four calls in a row: optimisers load the import once. */
/* TRUTH ShH0 call-site ExAllocatePoolWithTag hoisted */
/* TRUTH ShH1 call-site ExAllocatePoolWithTag hoisted */
/* TRUTH ShH2 call-site ExAllocatePoolWithTag hoisted */
/* TRUTH ShH3 call-site ExAllocatePoolWithTag hoisted */
NOINLINE void hoisted(SIZE_T size)
{
	kept[0] = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 'h', 'H', '0'));
	kept[1] = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 'h', 'H', '1'));
	kept[2] = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 'h', 'H', '2'));
	kept[3] = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 'h', 'H', '3'));
}

/* TRUTH ShTl call-site ExAllocatePoolWithTag tail */
NOINLINE PVOID tail(SIZE_T size)
{
	return ExAllocatePoolWithTag(NonPagedPoolNx, size, TAG('S', 'h', 'T', 'l'));
}

/* TRUTH ShT2 call-site ExAllocatePool2 tail2 */
NOINLINE PVOID tail2(SIZE_T size)
{
	return ExAllocatePool2(POOL_FLAG_NON_PAGED, size, TAG('S', 'h', 'T', '2'));
}

/* TRUTH ShBr call-site ExAllocatePoolWithTag branch */
/* TRUTH BraS call-site ExAllocatePoolWithTag branch */
NOINLINE PVOID branch(ULONG paged, SIZE_T size)
{
	ULONG tag = paged & 1 ? TAG('S', 'h', 'B', 'r') : TAG('B', 'r', 'a', 'S');
	kept[4] = ExAllocatePoolWithTag(paged, size, tag);
	return kept[4];
}

/* The tags differ in two bits: optimisers compute one of them from the condition. */
/* TRUTH ShCa call-site/bytes/optional ExAllocatePoolWithTag computed_branch */
/* TRUTH ShCb call-site/bytes/optional ExAllocatePoolWithTag computed_branch */
NOINLINE PVOID computed_branch(ULONG paged, SIZE_T size)
{
	ULONG tag = paged & 1 ? TAG('S', 'h', 'C', 'a') : TAG('S', 'h', 'C', 'b');
	kept[14] = ExAllocatePoolWithTag(paged, size, tag);
	return kept[14];
}

/* The arms do other work as well, so that no select can replace them. */
/* TRUTH ShSa call-site ExAllocatePoolWithTag arms */
/* TRUTH ShSb call-site ExAllocatePoolWithTag arms */
/* TRUTH ShSc call-site ExAllocatePoolWithTag arms */
/* TRUTH ShSd call-site ExAllocatePoolWithTag arms */
NOINLINE PVOID arms(ULONG kind, SIZE_T size)
{
	ULONG tag;
	switch (kind) {
	case 0:
		tag = TAG('S', 'h', 'S', 'a');
		counters[0] += 3;
		break;
	case 1:
		tag = TAG('S', 'h', 'S', 'b');
		counters[1] -= kind;
		size += 0x10;
		break;
	case 7:
		tag = TAG('S', 'h', 'S', 'c');
		size = (size + 15) & ~(SIZE_T)15;
		KeDelayExecutionThread(0, 0, counters);
		break;
	default: tag = TAG('S', 'h', 'S', 'd'); break;
	}
	kept[5] = ExAllocatePoolWithTag(PagedPool, size, tag);
	return kept[5];
}

/* Optimisers turn this into a table in .rdata that is indexed at run time. */
/* TRUTH ShT0 call-site/bytes ExAllocatePoolWithTag table */
/* TRUTH ShT1 call-site/bytes ExAllocatePoolWithTag table */
/* TRUTH ShT3 call-site/bytes ExAllocatePoolWithTag table */
/* TRUTH ShT4 call-site/bytes ExAllocatePoolWithTag table */
/* TRUTH ShT5 call-site/bytes ExAllocatePoolWithTag table */
NOINLINE PVOID table(ULONG kind, SIZE_T size)
{
	ULONG tag;
	switch (kind) {
	case 0: tag = TAG('S', 'h', 'T', '0'); break;
	case 1: tag = TAG('S', 'h', 'T', '1'); break;
	case 2: tag = TAG('S', 'h', 'T', '3'); break;
	case 3: tag = TAG('S', 'h', 'T', '4'); break;
	default: tag = TAG('S', 'h', 'T', '5'); break;
	}
	kept[6] = ExAllocatePoolWithTag(PagedPool, size, tag);
	return kept[6];
}

/* TRUTH ShAr call-site ExAllocatePoolWithTag arithmetic */
NOINLINE PVOID arithmetic(SIZE_T size)
{
	ULONG tag = TAG('S', 'h', 0, 0);
	tag |= (ULONG)'A' << 16;
	tag += (ULONG)'r' << 24;
	kept[7] = ExAllocatePoolWithTag(PagedPool, size, tag);
	return kept[7];
}

/* base | n << 24: which tags there are is known to the caller only. */
/* TRUTH ShN0 optional ExAllocatePoolWithTag numbered */
NOINLINE PVOID numbered(ULONG n, SIZE_T size)
{
	kept[8] = ExAllocatePoolWithTag(PagedPool, size, TAG('S', 'h', 'N', '0') + (n << 24));
	return kept[8];
}

/* TRUTH ShCo call-site ExAllocatePoolWithTag constant */
NOINLINE PVOID constant(SIZE_T size)
{
	kept[9] = ExAllocatePoolWithTag(PagedPool, size, constant_tag);
	return kept[9];
}

/* TRUTH ShCv call-site ExAllocatePoolWithTag loaded_constant */
NOINLINE PVOID loaded_constant(SIZE_T size)
{
	kept[10] = ExAllocatePoolWithTag(PagedPool, size, loaded_constant_tag);
	return kept[10];
}

/* The variable can be written; its value in the file is the only one there is. */
/* TRUTH ShWr call-site ExAllocatePoolWithTag writable */
NOINLINE PVOID writable(SIZE_T size)
{
	kept[11] = ExAllocatePoolWithTag(PagedPool, size, writable_tag);
	return kept[11];
}

/* The value is stored by DriverEntry. */
/* TRUTH ShEm call-site/bytes/optional ExAllocatePoolWithTag filled_in */
NOINLINE PVOID filled_in(SIZE_T size)
{
	kept[12] = ExAllocatePoolWithTag(PagedPool, size, empty_tag);
	return kept[12];
}

/* The tag is chosen before other calls and has to survive them. */
/* TRUTH ShKa call-site ExAllocatePoolWithTag survives */
/* TRUTH ShKb call-site ExAllocatePoolWithTag survives */
NOINLINE PVOID survives(ULONG kind, ULONG *seed)
{
	ULONG tag = TAG('S', 'h', 'K', 'a');
	if (kind) {
		tag = TAG('S', 'h', 'K', 'b');
		counters[2]++;
	}
	ULONG size = RtlRandomEx(seed) & 0xFFF;
	KeDelayExecutionThread(0, 0, seed);
	PVOID block = ExAllocatePoolWithTag(PagedPool, size, tag);
	while (!block && RtlRandomEx(seed)) {
		KeDelayExecutionThread(0, 0, seed);
		block = ExAllocatePoolWithTag(PagedPool, size, tag);
	}
	return block;
}

struct request {
	ULONG type;
	ULONG tag;
	SIZE_T size;
};

/* TRUTH ShSt call-site ExAllocatePoolWithTag on_stack */
NOINLINE PVOID on_stack(ULONG *seed)
{
	volatile struct request request = {PagedPool, TAG('S', 'h', 'S', 't'), 0x60};
	request.size += RtlRandomEx(seed);
	return ExAllocatePoolWithTag(request.type, request.size, request.tag);
}

/* A wrapper of its own that takes a structure: what stands in it, only its callers know. */
static NOINLINE PVOID by_request(const struct request *request)
{
	PVOID block = ExAllocatePoolWithTag(request->type, request->size, request->tag);
	counters[3] += block != 0;
	return block;
}

/* TRUTH ShRq call-site/bytes/optional ExAllocatePoolWithTag requests via=by_request */
NOINLINE PVOID requests(ULONG *seed)
{
	struct request request = {PagedPool, TAG('S', 'h', 'R', 'q'), RtlRandomEx(seed)};
	PVOID block = by_request(&request);
	request.size *= 2;
	return block ? block : by_request(&request);
}

/* One site in a loop over a table of structures. */
static const struct request table_of_requests[] = {{PagedPool, TAG('S', 'h', 'L', '0'), 0x10},
						   {NonPagedPoolNx, TAG('S', 'h', 'L', '1'), 0x20},
						   {PagedPool, TAG('S', 'h', 'L', '2'), 0x40}};

/* TRUTH ShL0 call-site/bytes ExAllocatePoolWithTag loop */
/* TRUTH ShL1 call-site/bytes ExAllocatePoolWithTag loop */
/* TRUTH ShL2 call-site/bytes ExAllocatePoolWithTag loop */
NOINLINE ULONG loop(PVOID *slots, ULONG count)
{
	for (ULONG i = 0; i < count; i++) {
		const struct request *r = &table_of_requests[i % 3];
		slots[i] = ExAllocatePoolWithTag(r->type, r->size, r->tag);
	}
	return count;
}

/* The allocator itself is chosen. */
/* TRUTH ShFp call-site ExAllocatePoolWithTag/ExAllocatePoolWithQuotaTag function_pointer */
NOINLINE PVOID function_pointer(ULONG quota, SIZE_T size)
{
	PVOID(NTAPI * allocate)
	(ULONG, SIZE_T, ULONG) = quota ? ExAllocatePoolWithQuotaTag : ExAllocatePoolWithTag;
	kept[13] = allocate(PagedPool, size, TAG('S', 'h', 'F', 'p'));
	return kept[13];
}

static const PVOID dispatch[] = {
	(PVOID)hoisted,
	(PVOID)tail,
	(PVOID)tail2,
	(PVOID)branch,
	(PVOID)computed_branch,
	(PVOID)arms,
	(PVOID)table,
	(PVOID)numbered,
	(PVOID)constant,
	(PVOID)loaded_constant,
	(PVOID)writable,
	(PVOID)survives,
	(PVOID)on_stack,
	(PVOID)requests,
	(PVOID)loop,
	(PVOID)function_pointer,
	(PVOID)arithmetic,
	(PVOID)filled_in,
};

IN_INIT NTSTATUS NTAPI DriverEntry(struct driver_object *driver, PVOID path)
{
	if (!path)
		return -1;
	empty_tag = TAG('S', 'h', 'E', 'm');
	DISPATCH(driver, dispatch);
	return 0;
}

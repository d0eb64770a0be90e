/*
 * Reads one KDDEBUGGER_DATA64: checks its head, then the fields that lie wholly inside its Size.
 *
 * Source of the offsets: KDDEBUGGER_DATA64 of the SDK header wdbgexts.h; they are the same on x86,
 * x64 and ARM64. Not supported: blocks that a running Windows 8 or later keeps encoded.
 */
#include "analyzer/kernel/kdbg.h"

#include <inttypes.h>

#include "base/bytes.h"

/* The head of the block: what every version has, and what tells it from other bytes. */
enum {
	HEAD_OWNER_TAG = 0x10,
	HEAD_SIZE_FIELD = 0x14,
	HEAD_KERN_BASE = 0x18,
	HEAD_BYTES = 0x20,
};

_Static_assert(KDBG_FIELDS <= 64, "a bit for each field");

static const uint32_t field_bytes = 8; /* on x86 too */

/* Every field used here is an address: of a list head, an array or a kernel variable. */
static const struct {
	uint32_t offset;
	const char *name;
} kdbg_layout[KDBG_FIELDS] = {
	[KDBG_PS_LOADED_MODULE_LIST] = {0x048, "PsLoadedModuleList"},
	[KDBG_PS_ACTIVE_PROCESS_HEAD] = {0x050, "PsActiveProcessHead"},
	[KDBG_POOL_TRACK_TABLE] = {0x1b8, "PoolTrackTable"},
	[KDBG_NONPAGED_POOL_START] = {0x110, "MmNonPagedPoolStart"},
	[KDBG_NONPAGED_POOL_END] = {0x118, "MmNonPagedPoolEnd"},
	[KDBG_PAGED_POOL_START] = {0x120, "MmPagedPoolStart"},
	[KDBG_PAGED_POOL_END] = {0x128, "MmPagedPoolEnd"},
	[KDBG_MM_MAXIMUM_NONPAGED_POOL] = {0x100, "MmMaximumNonPagedPoolInBytes"},
	[KDBG_MM_ALLOCATED_NONPAGED_POOL] = {0x250, "MmAllocatedNonPagedPool"},
	[KDBG_MM_SIZE_OF_PAGED_POOL] = {0x140, "MmSizeOfPagedPoolInBytes"},
	[KDBG_MM_HIGHEST_USER_ADDRESS] = {0x1c8, "MmHighestUserAddress"},
	[KDBG_MM_SYSTEM_RANGE_START] = {0x1d0, "MmSystemRangeStart"},
	[KDBG_MM_NUMBER_OF_PHYSICAL_PAGES] = {0x0f8, "MmNumberOfPhysicalPages"},
	[KDBG_NT_BUILD_LAB] = {0x208, "NtBuildLab"},
	[KDBG_CM_NT_CSD_VERSION] = {0x268, "CmNtCSDVersion"},
	[KDBG_KI_PROCESSOR_BLOCK] = {0x218, "KiProcessorBlock"},
	[KDBG_MM_UNLOADED_DRIVERS] = {0x220, "MmUnloadedDrivers"},
	[KDBG_MM_LAST_UNLOADED_DRIVER] = {0x228, "MmLastUnloadedDriver"},
	[KDBG_NONPAGED_POOL_DESCRIPTOR] = {0x1c0, "NonPagedPoolDescriptor"},
	[KDBG_PAGED_POOL_DESCRIPTOR] = {0x068, "ExpPagedPoolDescriptor"},
	[KDBG_NUMBER_OF_PAGED_POOLS] = {0x070, "ExpNumberOfPagedPools"},
	[KDBG_MM_PAGED_POOL_INFO] = {0x130, "MmPagedPoolInformation"},
	[KDBG_MM_PAGED_POOL_COMMIT] = {0x170, "MmPagedPoolCommit"},
	[KDBG_MM_TOTAL_COMMIT_LIMIT] = {0x148, "MmTotalCommitLimit"},
	[KDBG_MM_TOTAL_COMMITTED_PAGES] = {0x150, "MmTotalCommittedPages"},
	[KDBG_MM_PEAK_COMMITMENT] = {0x258, "MmPeakCommitment"},
	[KDBG_MM_SPECIAL_POOL_TAG] = {0x238, "MmSpecialPoolTag"},
	[KDBG_MM_VERIFIER_DATA] = {0x248, "MmVerifierData"},
	[KDBG_KI_BUGCHECK_DATA] = {0x088, "KiBugcheckData"},
	[KDBG_MM_PFN_DATABASE] = {0x0c0, "MmPfnDatabase"},
	[KDBG_MM_PHYSICAL_MEMORY_BLOCK] = {0x270, "MmPhysicalMemoryBlock"},
};

const char *kdbg_field_name(enum kdbg_field field)
{
	/* the block calls this one otherwise than the kernel does */
	return field == KDBG_MM_PAGED_POOL_INFO ? "MmPagedPoolInfo" : kdbg_layout[field].name;
}

static enum ps_status check_head(struct space *space, struct bytes *head, struct kdbg *kdbg,
				 struct ps_error *err)
{
	uint64_t va = kdbg->va;

	if (!bytes_equal(head, HEAD_OWNER_TAG, "KDBG", 4))
		return ps_fail_at(err, PS_CORRUPT, va,
				  "no KDBG at 0x%" PRIx64 ": the tag there is 0x%08" PRIx32, va,
				  bytes_u32(head, HEAD_OWNER_TAG));
	kdbg->size = bytes_u32(head, HEAD_SIZE_FIELD);
	if (kdbg->size < KDBG_MIN_SIZE || kdbg->size > KDBG_MAX_SIZE || kdbg->size % 4 != 0)
		return ps_fail_at(err, PS_CORRUPT, va,
				  "KDBG at 0x%" PRIx64 " says that its size is 0x%" PRIx32, va,
				  kdbg->size);
	kdbg->kernel_base = space_normalize(space, bytes_u64(head, HEAD_KERN_BASE));
	if (!space_is_kernel_address(space, kdbg->kernel_base) ||
	    kdbg->kernel_base % PAGE_SIZE != 0)
		return ps_fail_at(err, PS_CORRUPT, va,
				  "KDBG at 0x%" PRIx64 " has the impossible kernel base 0x%" PRIx64,
				  va, kdbg->kernel_base);
	return PS_OK;
}

static void take_field(struct space *space, struct kdbg *kdbg, unsigned field, uint64_t value)
{
	if (space_pointer_size(space) == 4)
		value &= UINT32_MAX; /* the upper half may hold the sign or anything else */
	if (value != 0 && !space_is_kernel_address(space, value)) {
		kdbg->rejected |= UINT64_C(1) << field;
		return;
	}
	kdbg->fields[field] = value;
}

/* Field by field, so that a block across two pages of which one is absent still serves. */
static void read_field(struct space *space, struct kdbg *kdbg, unsigned field)
{
	uint32_t offset = kdbg_layout[field].offset;
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t value = 0;

	if (offset + field_bytes > kdbg->size)
		return;
	if (space_read_u64(space, kdbg->va + offset, &value, &ignored) != PS_OK)
		kdbg->unreadable |= UINT64_C(1) << field;
	else
		take_field(space, kdbg, field, value);
}

enum ps_status kdbg_read(struct space *space, uint64_t va, struct kdbg *ret, struct ps_error *err)
{
	struct kdbg kdbg = {.va = space_normalize(space, va)};
	uint8_t raw[HEAD_BYTES];
	struct bytes head = bytes_of(raw, sizeof(raw));

	if (space_read(space, kdbg.va, raw, sizeof(raw), err) != PS_OK)
		return ps_wrap(err, "cannot read KDBG");
	if (check_head(space, &head, &kdbg, err) != PS_OK)
		return err->status;
	for (unsigned i = 0; i < KDBG_FIELDS; i++)
		read_field(space, &kdbg, i);
	*ret = kdbg;
	return PS_OK;
}

enum ps_status kdbg_from_copy(struct space *space, uint64_t va, const uint8_t *data, size_t size,
			      struct kdbg *ret, struct ps_error *err)
{
	struct kdbg kdbg = {.va = space_normalize(space, va)};
	struct bytes copy = bytes_of(data, size);

	if (check_head(space, &copy, &kdbg, err) != PS_OK)
		return err->status;
	for (unsigned i = 0; i < KDBG_FIELDS; i++) {
		uint32_t offset = kdbg_layout[i].offset;

		if (offset + field_bytes > kdbg.size)
			continue;
		if (bytes_has(&copy, offset, field_bytes))
			take_field(space, &kdbg, i, bytes_u64(&copy, offset));
		else
			kdbg.unreadable |= UINT64_C(1) << i;
	}
	*ret = kdbg;
	return PS_OK;
}

static enum ps_status field_absent(const struct kdbg *kdbg, enum kdbg_field field,
				   struct ps_error *err)
{
	const char *name = kdbg_layout[field].name;
	uint64_t at = kdbg->va + kdbg_layout[field].offset;

	if (kdbg->size == 0)
		return ps_fail_at(err, PS_ABSENT, 0, "there is no KDBG, and no symbols name %s",
				  name);
	if (kdbg->unreadable >> field & 1)
		return ps_fail_at(err, PS_ABSENT, at,
				  "the KDBG field %s at 0x%" PRIx64 " is not in the dump", name,
				  at);
	if (kdbg->rejected >> field & 1)
		return ps_fail_at(err, PS_CORRUPT, at,
				  "the KDBG field %s at 0x%" PRIx64 " holds no kernel address",
				  name, at);
	if (kdbg_layout[field].offset + field_bytes > kdbg->size)
		return ps_fail_at(err, PS_ABSENT, kdbg->va,
				  "this KDBG (0x%" PRIx32 " bytes) has no field %s", kdbg->size,
				  name);
	return ps_fail_at(err, PS_ABSENT, at, "the KDBG field %s is 0", name);
}

enum ps_status kdbg_variable(struct space *space, const struct kdbg *kdbg, enum kdbg_field field,
			     uint64_t *ret, struct ps_error *err)
{
	if (kdbg->fields[field] == 0)
		return field_absent(kdbg, field, err);
	if (space_read_pointer(space, kdbg->fields[field], ret, err) != PS_OK)
		return ps_wrap(err, "cannot read %s", kdbg_layout[field].name);
	return PS_OK;
}

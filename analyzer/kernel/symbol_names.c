/*
 * See symbol_names.h. The names are those of Microsoft's public PDBs.
 */
#include "analyzer/kernel/symbol_names.h"

#include <string.h>

const char *const symbol_names[SYMBOL_COUNT] = {
	[SYMBOL_POOL_TRACK_TABLE] = "PoolTrackTable",
	[SYMBOL_POOL_TRACK_TABLE_SIZE] = "PoolTrackTableSize",
	[SYMBOL_POOL_TRACK_TABLE_MASK] = "PoolTrackTableMask",
	[SYMBOL_POOL_TRACK_TABLE_EXPANSION] = "PoolTrackTableExpansion",
	[SYMBOL_POOL_TRACK_TABLE_EXPANSION_SIZE] = "PoolTrackTableExpansionSize",
	[SYMBOL_EX_POOL_TAG_TABLES] = "ExPoolTagTables",
	[SYMBOL_POOL_BIG_PAGE_TABLE] = "PoolBigPageTable",
	[SYMBOL_POOL_BIG_PAGE_TABLE_SIZE] = "PoolBigPageTableSize",
	[SYMBOL_PS_LOADED_MODULE_LIST] = "PsLoadedModuleList",
	[SYMBOL_KD_DEBUGGER_DATA_BLOCK] = "KdDebuggerDataBlock",
	[SYMBOLS_WITH_A_NUMBER] = "PoolBigPageTableHash",
	"ExpPoolBigEntriesInUse",
	"ExpSessionPoolTrackTable",
	"ExpSessionPoolTrackTableSize",
	"ExpSessionPoolTrackTableMask",
	"ExpSessionPoolBigPageTable",
	"ExpSessionPoolBigPageTableSize",
	"ExPoolState",
	"MiState",
	"MiVisibleState",
	"MiSystemPartition",
	"MmAllocatedNonPagedPool",
	"MmMaximumNonPagedPoolInBytes",
	"MmSizeOfPagedPoolInBytes",
	"MmSizeOfNonPagedPoolInBytes",
	"MmPagedPoolInfo",
	"NonPagedPoolDescriptor",
	"PsActiveProcessHead",
	"MmUnloadedDrivers",
	"MmLastUnloadedDriver",
	"KdpDataBlockEncoded",
	"KiWaitNever",
	"KiWaitAlways",
	"KdVersionBlock",
	"KdCopyDataBlock",
	"KiProcessorBlock",
	"MmNonPagedPoolStart",
	"MmNonPagedPoolEnd",
	"MmPagedPoolStart",
	"MmPagedPoolEnd",
	"MmHighestUserAddress",
	"MmSystemRangeStart",
	"MmNumberOfPhysicalPages",
	"NtBuildLab",
	"CmNtCSDVersion",
	"KeNumberProcessors",
	"ObHeaderCookie",
	"ObTypeIndexTable",
	"MmSessionSpace",
	"MmPagedPoolCommit",
	"MmTotalCommitLimit",
	"MmTotalCommittedPages",
	"MmPeakCommitment",
	"PsInitialSystemProcess",
	"ExpFreeListCount",
};

const struct symbol_field_name symbol_fields[SYMBOL_FIELD_COUNT] = {
	{"_POOL_TRACKER_TABLE", "Key"},
	{"_POOL_TRACKER_TABLE", "NonPagedAllocs"},
	{"_POOL_TRACKER_TABLE", "NonPagedFrees"},
	{"_POOL_TRACKER_TABLE", "NonPagedBytes"},
	{"_POOL_TRACKER_TABLE", "PagedAllocs"},
	{"_POOL_TRACKER_TABLE", "PagedFrees"},
	{"_POOL_TRACKER_TABLE", "PagedBytes"},
	{"_POOL_TRACKER_BIG_PAGES", "Va"},
	{"_POOL_TRACKER_BIG_PAGES", "Key"},
	{"_POOL_TRACKER_BIG_PAGES", "Pattern"},
	{"_POOL_TRACKER_BIG_PAGES", "PoolType"},
	{"_POOL_TRACKER_BIG_PAGES", "SlushSize"},
	{"_POOL_TRACKER_BIG_PAGES", "NumberOfPages"},
	{"_POOL_TRACKER_BIG_PAGES", "NumberOfBytes"},
	{"_POOL_TRACKER_BIG_PAGES", "ProcessBilled"},
	{"_EPROCESS", "Pcb"},
	{"_EPROCESS", "UniqueProcessId"},
	{"_EPROCESS", "ActiveProcessLinks"},
	{"_EPROCESS", "ImageFileName"},
	{"_EPROCESS", "InheritedFromUniqueProcessId"},
	{"_EPROCESS", "ObjectTable"},
	{"_EPROCESS", "Session"},
	{"_EPROCESS", "ExitStatus"},
	{"_EPROCESS", "ExitTime"},
	{"_EPROCESS", "CreateTime"},
	{"_EPROCESS", "ActiveThreads"},
	{"_EPROCESS", "Flags"},
	{"_EPROCESS", "ProcessExiting"},
	{"_EPROCESS", "ProcessDelete"},
	{"_EPROCESS", "Peb"},
	{"_KPROCESS", "DirectoryTableBase"},
	{"_KPROCESS", "Header"},
	{"_KPROCESS", "ThreadListHead"},
	{"_HANDLE_TABLE", "HandleCount"},
	{"_HANDLE_TABLE", "TableCode"},
	{"_HANDLE_TABLE", "FreeLists"},
	{"_HANDLE_TABLE", "UniqueProcessId"},
	{"_HANDLE_TABLE", "NextHandleNeedingPool"},
	{"_HANDLE_TABLE_FREE_LIST", "HandleCount"},
	{"_OBJECT_HEADER", "PointerCount"},
	{"_OBJECT_HEADER", "HandleCount"},
	{"_OBJECT_HEADER", "TypeIndex"},
	{"_OBJECT_HEADER", "Body"},
	{"_OBJECT_TYPE", "Name"},
	{"_OBJECT_TYPE", "TotalNumberOfObjects"},
	{"_OBJECT_TYPE", "TotalNumberOfHandles"},
	{"_OBJECT_TYPE", "Key"},
	{"_MI_SYSTEM_INFORMATION", "Pools"},
	{"_MI_SYSTEM_INFORMATION", "Vs"},
	{"_MI_POOL_STATE", "MaximumNonPagedPoolThreshold"},
	{"_MI_POOL_STATE", "AllocatedNonPagedPool"},
	{"_MI_VISIBLE_STATE", "MaximumNonPagedPoolInPages"},
	{"_MI_VISIBLE_STATE", "SizeOfPagedPoolInPages"},
	{"_MI_VISIBLE_STATE", "PagedPoolInfo"},
	{"_MI_VISIBLE_STATE", "NonPagedPoolCommit"},
	{"_MM_PAGED_POOL_INFO", "AllocatedPagedPool"},
	{"_MM_PAGED_POOL_INFO", "MaximumSize"},
	{"_MI_PARTITION", "Vp"},
	{"_MI_VISIBLE_PARTITION", "AvailablePages"},
	{"_MI_VISIBLE_PARTITION", "TotalCommittedPages"},
	{"_MI_VISIBLE_PARTITION", "TotalCommitLimit"},
	{"_MI_PARTITION", "Commit"},
	{"_MI_PARTITION_COMMIT", "PeakCommitment"},
	{"_MM_SESSION_SPACE", "SessionId"},
	{"_MM_SESSION_SPACE", "PoolTags"},
	{"_MM_SESSION_SPACE", "PoolTrackTableExpansion"},
	{"_MM_SESSION_SPACE", "PoolTrackTableExpansionSize"},
	{"_MM_SESSION_SPACE", "PoolTrackBigPages"},
	{"_MM_SESSION_SPACE", "PoolTrackBigPagesSize"},
	{"_KLDR_DATA_TABLE_ENTRY", "DllBase"},
	{"_KLDR_DATA_TABLE_ENTRY", "TimeDateStamp"},
	{"_KLDR_DATA_TABLE_ENTRY", "InLoadOrderLinks"},
	{"_KLDR_DATA_TABLE_ENTRY", "SizeOfImage"},
	{"_KLDR_DATA_TABLE_ENTRY", "FullDllName"},
	{"_KLDR_DATA_TABLE_ENTRY", "BaseDllName"},
	{"_KLDR_DATA_TABLE_ENTRY", SYMBOL_SIZE_OF},
	{"_POOL_TRACKER_TABLE", SYMBOL_SIZE_OF},
	{"_POOL_TRACKER_BIG_PAGES", SYMBOL_SIZE_OF},
	{"_MM_PAGED_POOL_INFO", SYMBOL_SIZE_OF},
	{"_POOL_HEADER", "PreviousSize"},
	{"_POOL_HEADER", "BlockSize"},
	{"_POOL_HEADER", "PoolType"},
	{"_POOL_HEADER", "PoolTag"},
	{"_POOL_HEADER", SYMBOL_SIZE_OF},
	{"_POOL_DESCRIPTOR", "TotalPages"},
	{"_POOL_DESCRIPTOR", "TotalBigPages"},
	{"_POOL_DESCRIPTOR", "TotalBytes"},
	{"_POOL_DESCRIPTOR", "BytesAllocated"},
	{"_POOL_DESCRIPTOR", "BytesDeallocated"},
	{"_POOL_DESCRIPTOR", SYMBOL_SIZE_OF},
};

static uint64_t hash_of(uint64_t hash, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3;
	return hash;
}

static const uint64_t seed = 0xcbf29ce484222325;

static uint64_t field_hash(const char *type, const char *name)
{
	uint64_t hash = hash_of(seed, type, strlen(type) + 1);

	return hash_of(hash, name, strlen(name));
}

bool symbol_index_init(struct symbol_index *index)
{
	bool good = true;

	memset(index->lengths, 0, sizeof(index->lengths));
	hash_init(&index->names);
	hash_init(&index->fields);
	for (unsigned i = 0; i < SYMBOL_COUNT; i++)
		index->lengths[(uint8_t)symbol_names[i][0]] |= UINT64_C(1)
							       << strlen(symbol_names[i]);
	for (unsigned i = 0; i < SYMBOL_COUNT && good; i++)
		good = hash_add(&index->names,
				hash_of(seed, symbol_names[i], strlen(symbol_names[i])), i);
	for (unsigned i = 0; i < SYMBOL_FIELD_COUNT && good; i++)
		good = hash_add(&index->fields,
				field_hash(symbol_fields[i].type, symbol_fields[i].name), i);
	if (!good)
		symbol_index_fini(index);
	return good;
}

void symbol_index_fini(struct symbol_index *index)
{
	hash_fini(&index->names);
	hash_fini(&index->fields);
}

unsigned symbol_index_name(const struct symbol_index *index, const char *name, size_t length)
{
	uint32_t i;

	/* Nearly all of the names in a PDB end here. */
	if (length == 0 || length >= 64 || !(index->lengths[(uint8_t)name[0]] >> length & 1))
		return SYMBOL_COUNT;
	if (!hash_find(&index->names, hash_of(seed, name, length), &i) ||
	    strlen(symbol_names[i]) != length || memcmp(symbol_names[i], name, length) != 0)
		return SYMBOL_COUNT;
	return i;
}

unsigned symbol_index_field(const struct symbol_index *index, const char *type, const char *name)
{
	uint32_t i;

	if (!hash_find(&index->fields, field_hash(type, name), &i) ||
	    strcmp(symbol_fields[i].type, type) != 0 || strcmp(symbol_fields[i].name, name) != 0)
		return SYMBOL_FIELD_COUNT;
	return i;
}

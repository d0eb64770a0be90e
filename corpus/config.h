/*
 * What a recipe asks for: the single values, with defaults by build and architecture, and the
 * lines that other files of mkdump read for themselves (tags, drivers, faults, ...).
 *
 * Does not: build anything.
 */
#ifndef CORPUS_CONFIG_H
#define CORPUS_CONFIG_H

#include "corpus/memory.h"
#include "corpus/recipe.h"

enum container {
	CONTAINER_FULL,        /* DumpType 1 */
	CONTAINER_SUMMARY,     /* DumpType 2, the old SUMMARY_DUMP */
	CONTAINER_BITMAP_ALL,  /* DumpType 5 */
	CONTAINER_BITMAP,      /* DumpType 6 */
	CONTAINER_AUTOMATIC,   /* DumpType 7: the body is chosen by `body=` */
	CONTAINER_RDMP_KERNEL, /* DumpType 8 */
	CONTAINER_RDMP_USER,   /* DumpType 9 */
	CONTAINER_RDMP_FULL,   /* DumpType 10 */
	CONTAINER_HEADER,      /* DumpType 3 */
	CONTAINER_MINIDUMP,    /* DumpType 4 */
	CONTAINER_RAW,         /* every byte of RAM written */
	CONTAINER_RAW_SPARSE,  /* what is absent is a hole of the file */
	CONTAINER_ELF,         /* ELF core */
	CONTAINER_HIBER,       /* Windows hibernation file */
	CONTAINER_LIME,        /* LiME image, or one that AVML writes plain */
	CONTAINER_AVML,        /* AVML image, packed */
	CONTAINER_VMRS,        /* saved state of Hyper-V */
	CONTAINER_VMWARE,      /* VMware state with its memory inside */
	CONTAINER_VMEM,        /* VMware memory with a state beside it */
};

/* Of DumpType 7: page bitmap, or page ranges whose list ends at page 0 or by a count. */
enum body { BODY_BITMAP, BODY_RANGES, BODY_COUNTED };

enum elf_writer { ELF_QEMU, ELF_VIRTUALBOX, ELF_PLAIN };

enum vmware_state { VMWARE_VMSS, VMWARE_VMSN, VMWARE_NO_STATE };
enum vmware_registers { REGISTERS_EACH, REGISTERS_BLOCK, REGISTERS_NONE };

enum kernel_code { CODE_STUBS, CODE_BUILT, CODE_NONE };
enum kdbg_form { KDBG_PLAIN, KDBG_ENCODED, KDBG_NONE };
enum cluster_order { CLUSTER_RANDOM, CLUSTER_WIN7_X86, CLUSTER_XP_X86 };
enum module_end { MODULES_PROPER, MODULES_LOOP, MODULES_NOWHERE };
enum process_list { PROCESSES_PROPER, PROCESSES_LOOP, PROCESSES_NOWHERE, PROCESSES_BACKLINK };
enum image_extent { IMAGE_TOUCHED, IMAGE_DATA, IMAGE_ALL };
enum swizzle { SWIZZLE_OFF, SWIZZLE_MASK, SWIZZLE_BIT };

/* The keys whose lines are kept for the file that knows them. */
enum line_list {
	LINES_TAG,
	LINES_TAGS,
	LINES_OVERFLOW,
	LINES_BIG,
	LINES_BLOCKS,
	LINES_PROTECTED,
	LINES_VIOLATE,
	LINES_PROCESS,
	LINES_DRIVER,
	LINES_UNLOADED,
	LINES_KERNEL_TAGS,
	LINES_GLOBAL,
	LINES_VALUE,
	LINES_WRITE,
	LINES_WINDOW,
	LINES_DECOYS,
	LINES_FAULT,
	LINES_HEADER,
	LINES_MM_STATE,
	LINES_SESSION_POOL,
	LINES_SESSION_TAG,
	LINES_SESSION_TAGS,
	LINES_LISTS,
};

struct lines {
	const struct line **line;
	size_t count;
	size_t capacity;
};

struct va_range {
	uint64_t start;
	uint64_t end;
};

struct config {
	uint64_t seed;
	enum arch arch;
	uint32_t build;
	uint32_t processors;
	uint32_t product; /* 1 workstation, 2 domain controller, 3 server */
	uint32_t service_pack;
	char *lab;
	char *system_root;
	int64_t time;    /* seconds since 1970 */
	uint64_t uptime; /* seconds */
	uint32_t bugcheck;
	uint64_t bugcheck_parameter[4];

	uint64_t physical; /* bytes of RAM; 0 with explicit runs */
	struct run *runs;
	size_t run_count;
	size_t run_capacity;
	struct run *gaps;
	size_t gap_count;
	size_t gap_capacity;

	enum container container;
	const struct line *container_line; /* borrowed */
	char signature[5];                 /* of a bitmap dump; empty: by type */
	char layout;                       /* of type 2: 'A' or 'B' */
	enum body body;
	bool minidump_mm;            /* the memory manager's totals are filled in */
	uint32_t minidump_secondary; /* items of secondary data */
	bool minidump_overlap;       /* some data blocks overlap */
	bool minidump_no_kdbg;
	bool present_all;
	enum elf_writer elf_writer;
	bool elf_32;
	bool elf_header;      /* a note holds the crash dump header */
	uint64_t elf_longest; /* pages of a segment; 0: any number */
	bool user_mode;       /* the first processor has the shadow root */
	bool vmrs_stored;     /* blocks are not packed */
	bool vmrs_no_ranges;  /* nothing says where the memory lies */
	bool vmrs_no_memory;
	bool lime_avml; /* in blocks, without those of zeros */
	enum vmware_state vmware_state;
	enum vmware_registers vmware_registers;
	uint32_t vmware_magic;
	bool vmware_sparse;     /* what is absent is a hole of the file */
	bool vmware_packed;     /* the memory is called compressed */
	bool vmware_disks_only; /* the state has no group of memory */
	int64_t bitmap_count_error;
	uint64_t truncate_bytes; /* UINT64_MAX: off */
	uint64_t truncate_parts; /* of a million; UINT64_MAX: off */

	uint64_t pcid;
	bool la57; /* five levels of page tables */
	bool low_stub;
	bool kuser;
	bool kvas;
	unsigned self_index; /* 0: by build */
	unsigned self_ref;
	enum swizzle swizzle;
	bool swizzle_set;

	uint64_t kernel_size;
	bool kernel_large;
	enum image_extent kernel_extent;
	enum kernel_code kernel_code;
	bool rearranged; /* structures as no Windows has them */
	char *kernel_pdb;
	uint8_t kernel_guid[16];
	bool kernel_guid_set;
	uint32_t kernel_age;
	enum kdbg_form kdbg;
	uint64_t kdbg_size; /* 0: by build */
	enum cluster_order cluster;
	enum module_end modules;
	enum process_list process_list;

	bool pool_large;
	bool user_3gb;
	struct va_range kernel, drivers, nonpaged, paged;

	uint64_t tracker_entries; /* 2^n, without the overflow slot; 0: by build */
	char hash;                /* 'A', 'B'; 0: by build */
	bool seeded;
	bool seeded_set;
	int64_t tag_tables; /* length of ExPoolTagTables; 0 none, -1 by build */
	uint32_t tag_tables_dead;
	uint32_t tag_tables_duplicate;
	uint64_t expansion_entries;
	uint64_t big_entries; /* 0: by build */
	uint64_t big_live;    /* parts of a million of the slots */
	uint64_t big_freed;

	struct lines lists[LINES_LISTS];
	const char *files; /* directory of driver files, or NULL: borrowed from the command line */
};

/* Reads all lines; whatever is unknown or wrong ends the program with status 2. */
void config_read(struct config *config, const struct recipe *recipe);
void config_fini(struct config *config);

bool config_is_64(const struct config *config);
unsigned config_pointer_width(const struct config *config);
/* Machine of a PE header, and MachineImageType of a crash header. */
uint32_t config_machine(const struct config *config);

#endif

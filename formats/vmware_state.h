/*
 * What a VMware state file (.vmss of a suspended machine, .vmsn of a snapshot) says of memory and
 * processors. Private to this room.
 *
 * A state is plain memory: it owns nothing and keeps no file.
 */
#ifndef PS_FORMATS_VMWARE_STATE_H
#define PS_FORMATS_VMWARE_STATE_H

#include "formats/dump.h"

/** Pages [ppn, ppn+count) of the machine lie back to back from page `place` of its memory on. */
struct vmware_region {
	uint64_t ppn, place, count;
	unsigned known; /* bits of the three */
};

/** Control registers of a processor; known: bit n for CRn. */
struct vmware_processor {
	uint64_t cr[5];
	unsigned known;
};

enum { VMWARE_REGIONS_MOST = 64 };

struct vmware_state {
	bool wide;                /* sizes of blocks have 8 bytes, not 4 */
	bool has_memory_group;    /* false: a snapshot of the disks only */
	bool has_block;           /* the memory lies in this file ... */
	bool compressed;          /* ... compressed */
	bool more_blocks;         /* there are blocks of memory behind the first */
	uint64_t block_at;        /* file offset of the memory */
	uint64_t block_size;      /* bytes */
	uint64_t region_count;    /* as stated; 0: the memory is not split */
	bool region_count_stated; /* false: the file may have ended before that */
	struct vmware_region regions[VMWARE_REGIONS_MOST];
	struct vmware_processor processors[CR3_MOST]; /* the first ones */
	bool cut;                                     /* a group goes on behind the file's end */
};

/** True when the file begins as such a file does. False as well when it cannot be read. */
bool vmware_is_state(struct file *file);

/**
 * Reads the groups "memory" and "cpu" of a file that vmware_is_state(). PS_ABSENT when it ends
 * before them, PS_CORRUPT when it is none after all. What it says is not checked against anything.
 */
enum ps_status vmware_state_read(struct file *file, struct vmware_state *ret, struct ps_error *err);

#endif

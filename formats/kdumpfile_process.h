/*
 * What the process that reads through libkdumpfile and its client share: a piece of memory, and a
 * socket on which one byte says "do it" and one byte back says "done". Private to kdumpfile.c,
 * kdumpfile_link.c and kdumpfile_process.c.
 *
 * Whoever holds the turn may touch the memory; but pages that were delivered stay where they are,
 * and the process writes only into the slots that the request names.
 */
#ifndef PS_FORMATS_KDUMPFILE_PROCESS_H
#define PS_FORMATS_KDUMPFILE_PROCESS_H

#include "formats/page_map.h"

enum {
	SHARED_SLOTS = 4096,                        /* pages kept: 16 MiB */
	SHARED_BATCH = 256,                         /* pages of one request */
	SHARED_BITS = SHARED_SLOTS * PAGE_SIZE * 8, /* of the page map, in one request */
};

/** shared.at before the first page is begun. */
#define SHARED_NOT_BEGUN UINT32_MAX

enum shared_task { TASK_OPEN, TASK_PAGES, TASK_BITS };

struct shared_page {
	uint64_t pfn;
	uint32_t slot;
	uint32_t state; /* answer: enum page_state */
};

struct shared {
	/* request */
	uint32_t task;  /* enum shared_task */
	uint32_t count; /* of pages, or bits */
	uint64_t first; /* bit */
	struct shared_page pages[SHARED_BATCH];
	/* answer */
	uint32_t at;     /* pages delivered; the next one is being read */
	uint32_t status; /* kdump_status of the task */
	char error[256]; /* the library's words; empty: none */
	/* pages, or bits from the first byte on */
	uint8_t data[SHARED_SLOTS][PAGE_SIZE];
};

/**
 * The life of the process: limits itself, opens the file, and answers requests until the socket is
 * closed. `parent` is the process that started it.
 */
_Noreturn void kdumpfile_process(int fd, int socket, int parent, struct shared *shared);

#endif

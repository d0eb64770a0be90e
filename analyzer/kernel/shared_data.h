/*
 * KUSER_SHARED_DATA: the page that the kernel shares with user mode. Private to this room; plain
 * values.
 *
 * Source of the layout: the WDK's ntddk.h.
 */
#ifndef PS_ANALYZER_KERNEL_SHARED_DATA_H
#define PS_ANALYZER_KERNEL_SHARED_DATA_H

#include "analyzer/memory/space.h"

/** What the page says; unknown where it is not in the dump or cannot be right. */
struct shared_data {
	struct fact build;      /* NtBuildNumber without flags: Windows 10 and later */
	struct fact free_build; /* 0xF free, 0xC checked: Windows 10 and later */
	struct fact product_type;
	struct fact suite_mask;
	uint32_t
		processors; /* at offset 0x3c0, where builds from 7600 on have their number; or 0 */
	struct fact system_time; /* FILETIME */
	struct fact uptime;      /* 100 ns */
};

/** Where the page lies. */
uint64_t shared_data_address(const struct space *space);

void shared_data_read(struct space *space, struct shared_data *ret);

#endif

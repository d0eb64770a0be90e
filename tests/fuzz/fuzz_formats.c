/*
 * libFuzzer: any bytes as a container of memory: opened, and pages of every stretch read. Without
 * the search for a kernel a run takes microseconds, so that headers and tables of containers are
 * damaged far more often than by fuzz_dump.
 *
 * Does not: write to disk; open files by their names (.vmem), whose state is read by itself.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/dump.h"
#include "formats/vmware_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first and the last page of each stretch, up to a number of stretches. */
static void read_pages(struct dump *dump)
{
	enum { STRETCHES = 64 };
	struct extent extent = {.pfn = 0};
	uint64_t pfn = 0;

	for (unsigned i = 0; i < STRETCHES && dump_next_present(dump, pfn, &extent); i++) {
		uint8_t page[PAGE_SIZE];

		dump_read(dump, extent.pfn << PAGE_SHIFT, page, sizeof(page));
		pfn = extent.pfn + extent.count;
		dump_read(dump, ((pfn - 1) << PAGE_SHIFT) + 7, page, 16);
		dump_prefetch(dump, extent.pfn, 2);
	}
}

static void open_container(const char *path)
{
	const struct dump_options options = {.reader = READER_NATIVE};
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	if (dump_open_with(path, &options, NULL, &dump, &err) != PS_OK) {
		if (err.text[0] == '\0')
			abort(); /* refused without a word */
		return;
	}
	if (!dump->title || !dump->kind)
		abort();
	read_pages(dump);
	dump_close(dump);
}

static void read_state(const char *path)
{
	struct ps_error err = PS_ERROR_INIT;
	struct file file = {.fd = -1};
	struct vmware_state state;

	if (file_open(&file, path, &err) != PS_OK)
		return;
	if (vmware_state_read(&file, &state, &err) == PS_OK && !vmware_is_state(&file))
		abort();
	file_close(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	/* A file through libkdumpfile starts a process, which costs more than all else. */
	if (size < 8 ||
	    (memcmp(data, "KDUMP   ", 8) != 0 && memcmp(data, "DISKDUMP", 8) != 0 &&
	     memcmp(data, "makedump", 8) != 0 && memcmp(data, "\xed\x23\x8f\x61", 4) != 0))
		open_container(path);
	read_state(path);
	close(fd);
	return 0;
}

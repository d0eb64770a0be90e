/*
 * libFuzzer: any bytes as a dump, through opening, finding and reporting, judged for
 * contradictions.
 *
 * Does not: write to disk; the file lives in memory.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("dump", MFD_CLOEXEC);
	struct ps_error refusal;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	judge(path, READER_ANY, JUDGE_OWNERS, NULL, NULL, &refusal);
	close(fd);
	return 0;
}

/*
 * libFuzzer: any bytes as a symbol table of Volatility 3 - plain or packed - and as an entry of the
 * symbol cache.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/kernel/symbol_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("isf", MFD_CLOEXEC);
	struct symbol_index index;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || !symbol_index_init(&index))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (unsigned i = 0; i < 2; i++) {
		struct ps_error err = PS_ERROR_INIT;
		struct symbol_set set;

		if ((i == 0 ? symbol_set_load_isf : symbol_set_load_entry)(&set, &index, path, NULL,
									   &err) != PS_OK &&
		    err.text[0] == '\0')
			abort();
		symbol_set_fini(&set);
	}
	symbol_index_fini(&index);
	close(fd);
	return 0;
}

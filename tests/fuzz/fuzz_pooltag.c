/*
 * libFuzzer: any bytes as a pooltag.txt.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "analyzer/texts/tag_names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t tags[] = {0x6b61654c, 0x20707249, 0, 0xffffffff};
	struct ps_error err = PS_ERROR_INIT;
	struct tag_names *names = NULL;
	int fd = memfd_create("pooltag", MFD_CLOEXEC);
	struct tag_name name;
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (tag_names_create(&names, &err) != PS_OK)
		abort();
	if (tag_names_load(names, path, NULL, &err) == PS_OK) {
		for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
			tag_names_find(names, tags[i], &name);
	} else if (err.text[0] == '\0') {
		abort();
	}
	tag_names_destroy(names);
	close(fd);
	return 0;
}

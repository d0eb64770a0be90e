/*
 * See pe_memory.h.
 */
#include "tests/fuzz/pe_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	TABLES = 4,      /* PFNs 1 to 4: page tables of four levels */
	FIRST_PAGE = 17, /* PFN of the image; at 64 KiB it could pass for a sadump */
	MOST_PAGES = 512,
	DOS_HEADER = 64,
	ABSENT_AT = 2, /* in the DOS header: a bit of 16 for each page */
	LIST_AT = 4,   /* pages that the list of modules has */
};
static const uint64_t image_va = 0xfffff80000000000;

void must_at(bool holds, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d does not hold\n", file, line);
	abort();
}

bool pe_memory_takes(size_t size)
{
	return size >= DOS_HEADER && size <= MOST_PAGES * PAGE_SIZE;
}

static int make_file(char path[32])
{
	int fd = memfd_create("pe", MFD_CLOEXEC);

	must(fd >= 0);
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	return fd;
}

int pe_memory_file(const uint8_t *data, size_t size, char path[32])
{
	int fd = make_file(path);

	must(write(fd, data, size) == (ssize_t)size);
	return fd;
}

static void put(int fd, uint64_t at, uint64_t value)
{
	must(pwrite(fd, &value, sizeof(value), (off_t)at) == (ssize_t)sizeof(value));
}

/*
 * Writes tables that map the pages of `data`, apart from those that `absent` names. A page of zeros
 * comes last, lest the bytes make the footer of a disk image.
 */
static void write_memory(int fd, const uint8_t *data, size_t size, unsigned absent)
{
	size_t pages = (size + PAGE_SIZE - 1) / PAGE_SIZE;

	must(ftruncate(fd, (off_t)((FIRST_PAGE + pages + 1) * PAGE_SIZE)) == 0);
	for (unsigned level = 1; level < TABLES; level++) {
		unsigned shift = 48 - 9 * level;

		put(fd, (uint64_t)level * PAGE_SIZE + (image_va >> shift & 0x1ff) * 8,
		    (uint64_t)(level + 1) * PAGE_SIZE | 0x63);
	}
	for (size_t i = 0; i < pages; i++) {
		if (!(absent >> i % 16 & 1))
			put(fd, (uint64_t)TABLES * PAGE_SIZE + i * 8,
			    (FIRST_PAGE + i) * PAGE_SIZE | 0x63);
	}
	must(pwrite(fd, data, size, (off_t)FIRST_PAGE * PAGE_SIZE) == (ssize_t)size);
}

void pe_memory_init(struct pe_memory *m, const uint8_t *data, size_t size)
{
	unsigned absent = (unsigned)(data[ABSENT_AT] | data[ABSENT_AT + 1] << 8) & 0xfffe;
	struct ps_error err = PS_ERROR_INIT;
	char path[32];

	m->fd = make_file(path);
	m->va = image_va;
	m->list_size = (uint64_t)(data[LIST_AT] | data[LIST_AT + 1] << 8) * PAGE_SIZE;
	write_memory(m->fd, data, size, absent);
	must(dump_open(path, NULL, &m->dump, &err) == PS_OK);
	must(space_create(m->dump, PAGING_X64, PAGE_SIZE, &m->space, &err) == PS_OK);
}

void pe_memory_fini(struct pe_memory *m)
{
	space_destroy(m->space);
	dump_close(m->dump);
	close(m->fd);
}

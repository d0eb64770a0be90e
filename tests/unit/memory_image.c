/* See memory_image.h. */
#include "memory_image.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };

void image_init(struct image *image)
{
	const char *parent = getenv("TMPDIR");

	memset(image, 0, sizeof(*image));
	snprintf(image->directory, sizeof(image->directory), "%s/poolscope-test-XXXXXX",
		 parent && *parent ? parent : P_tmpdir);
	if (!mkdtemp(image->directory))
		abort();
	snprintf(image->path, sizeof(image->path), "%s/memory", image->directory);
}

void image_fini(struct image *image)
{
	for (size_t i = 0; i < IMAGE_PAGES; i++)
		free(image->pages[i]);
	unlink(image->path);
	rmdir(image->directory);
}

uint8_t *image_page(struct image *image, uint64_t pfn)
{
	assert(pfn < IMAGE_PAGES);
	if (!image->pages[pfn])
		image->pages[pfn] = calloc(1, PAGE);
	if (!image->pages[pfn])
		abort();
	return image->pages[pfn];
}

static void put(uint8_t *to, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		to[i] = (uint8_t)(value >> 8 * i);
}

void image_put32(struct image *image, uint64_t pa, uint32_t value)
{
	put(image_page(image, pa / PAGE) + pa % PAGE, value, 4);
}

void image_put64(struct image *image, uint64_t pa, uint64_t value)
{
	put(image_page(image, pa / PAGE) + pa % PAGE, value, 8);
}

uint64_t image_get64(const struct image *image, uint64_t pa)
{
	const uint8_t *page = pa / PAGE < IMAGE_PAGES ? image->pages[pa / PAGE] : NULL;
	uint64_t value = 0;

	for (size_t i = 0; page && i < 8; i++)
		value |= (uint64_t)page[pa % PAGE + i] << 8 * i;
	return value;
}

void image_map_x64(struct image *image, uint64_t root, uint64_t va, uint64_t pte,
		   uint64_t *next_pfn)
{
	uint64_t table = root;

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t at = table + (va >> shift & 0x1ff) * 8;

		if (image_get64(image, at) == 0) {
			image_put64(image, at, *next_pfn * PAGE | 0x63);
			image_page(image, (*next_pfn)++);
		}
		table = image_get64(image, at) & 0x000ffffffffff000;
	}
	image_put64(image, table + (va >> 12 & 0x1ff) * 8, pte);
}

/* The runs of present pages, from `header + at`; returns how many. */
static uint32_t put_runs(const struct image *image, uint8_t *header, size_t at, size_t width,
			 uint32_t *ret_pages)
{
	uint32_t runs = 0;

	*ret_pages = 0;
	for (size_t i = 0; i < IMAGE_PAGES;) {
		size_t first = i;

		while (i < IMAGE_PAGES && image->pages[i])
			i++;
		if (i == first) {
			i++;
			continue;
		}
		assert(runs < 42);
		put(header + at + runs * 2 * width, first, width);
		put(header + at + runs * 2 * width + width, i - first, width);
		*ret_pages += (uint32_t)(i - first);
		runs++;
	}
	return runs;
}

static void header64(const struct image *image, uint8_t *header, uint64_t dtb)
{
	uint32_t pages, runs = put_runs(image, header, 0x98, 8, &pages);

	memcpy(header, "PAGEDU64", 8);
	put(header + 0x08, 15, 4);
	put(header + 0x0c, 17763, 4);
	put(header + 0x10, dtb, 8);
	put(header + 0x30, 0x8664, 4);
	put(header + 0x34, 1, 4);
	put(header + 0x88, runs, 8);
	put(header + 0x90, pages, 8);
	put(header + 0xf98, 1, 4);
}

static void header32(const struct image *image, uint8_t *header, uint64_t dtb, int pae)
{
	uint32_t pages, runs = put_runs(image, header, 0x6c, 4, &pages);

	memcpy(header, "PAGEDUMP", 8);
	put(header + 0x08, 15, 4);
	put(header + 0x0c, 2600, 4);
	put(header + 0x10, dtb, 4);
	put(header + 0x20, 0x14c, 4);
	put(header + 0x24, 1, 4);
	header[0x5c] = (uint8_t)pae;
	put(header + 0x64, runs, 4);
	put(header + 0x68, pages, 4);
	put(header + 0xf88, 1, 4);
}

void image_write_crash(struct image *image, unsigned bits, uint64_t dtb, int pae)
{
	uint8_t header[0x2000];
	size_t size = bits == 64 ? 0x2000 : 0x1000;
	FILE *file = fopen(image->path, "wb");

	if (!file)
		abort();
	for (size_t i = 0; i < sizeof(header); i += 4)
		memcpy(header + i, "PAGE", 4);
	if (bits == 64)
		header64(image, header, dtb);
	else
		header32(image, header, dtb, pae);
	if (fwrite(header, size, 1, file) != 1)
		abort();
	for (size_t i = 0; i < IMAGE_PAGES; i++)
		if (image->pages[i] && fwrite(image->pages[i], PAGE, 1, file) != 1)
			abort();
	if (fclose(file) != 0)
		abort();
}

void image_write_raw(struct image *image, uint64_t pages)
{
	FILE *file = fopen(image->path, "wb");

	if (!file || ftruncate(fileno(file), (off_t)(pages * PAGE)) != 0)
		abort();
	for (size_t i = 0; i < IMAGE_PAGES; i++)
		if (image->pages[i] && (fseek(file, (long)(i * PAGE), SEEK_SET) != 0 ||
					fwrite(image->pages[i], PAGE, 1, file) != 1))
			abort();
	if (fclose(file) != 0)
		abort();
}

uint64_t image_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

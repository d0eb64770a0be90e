/*
 * The file: crash dumps of all types for 32 and 64 bits (RDMP for 64 bits only), raw images,
 * ELF cores, hibernation files, LiME and AVML images, and what VMware and Hyper-V write.
 *
 * Does not: other hypervisors' formats.
 *
 * Pages that were never touched are not written: they are holes of the file and read as zeros,
 * which is what the machine had there. So a dump of 128 GiB costs a few MiB and a moment.
 */
#include "corpus/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "corpus/elf.h"
#include "corpus/header.h"
#include "corpus/hiber.h"
#include "corpus/lime.h"
#include "corpus/minidump.h"
#include "corpus/rdmp.h"
#include "corpus/vmrs.h"
#include "corpus/vmware.h"

enum { SUMMARY_32 = 0x20, SUMMARY_64 = 0x28, BITMAP_AT = 0x38 };

static int compare_pages(const void *a, const void *b)
{
	const struct page *const *x = a, *const *y = b;
	return ((*x)->pfn > (*y)->pfn) - ((*x)->pfn < (*y)->pfn);
}

/* All touched pages by PFN. */
static struct page **sorted_pages(const struct world *w)
{
	size_t count = w->memory.page_count;
	struct page **sorted = xcalloc(count, sizeof(*sorted));
	for (size_t i = 0; i < count; i++)
		sorted[i] = &w->memory.pages[i];
	qsort(sorted, count, sizeof(*sorted), compare_pages);
	return sorted;
}

static uint64_t write_full(struct world *w, struct output *file, struct page **sorted)
{
	size_t run_count;
	struct run *runs = output_present_runs(w, sorted, &run_count);
	uint8_t header[HEADER_ROOM];
	if (run_count > header_run_room(w))
		die("%zu physical runs do not fit the header (%zu): a type-1 dump with so many "
		    "absent pages cannot be",
		    run_count, header_run_room(w));
	uint64_t pages = output_pages_in(runs, run_count);
	uint32_t length = header_build(w, header, runs, run_count, pages);
	output_write(file, 0, header, length);
	output_runs(w, file, sorted, runs, run_count, length);
	free(runs);
	return pages;
}

/* VirtualBox writes what it cannot read as zeros: pages that hold only zeros say nothing. */
static void zeros_are_absent(struct world *w)
{
	static const uint8_t zeros[PAGE_SIZE];
	for (size_t i = 0; i < w->memory.page_count; i++) {
		struct page *page = &w->memory.pages[i];
		page->absent |= memcmp(page->data, zeros, PAGE_SIZE) == 0;
	}
}

static uint64_t write_elf(struct world *w, struct output *file, struct page **sorted)
{
	bool zeros = w->config->elf_writer == ELF_VIRTUALBOX;
	size_t run_count = w->memory.run_count, count;
	struct run *runs = zeros ? w->memory.runs : output_present_runs(w, sorted, &run_count);
	struct run *segments = elf_segments(w, runs, run_count, &count);
	uint8_t *head;
	uint64_t length = elf_head(w, segments, count, &head),
		 pages = output_pages_in(segments, count);
	output_write(file, 0, head, length);
	output_runs(w, file, sorted, segments, count, length);
	if (zeros)
		zeros_are_absent(w);
	else
		free(runs);
	free(segments);
	free(head);
	return pages;
}

/* Layout A: types 5 and 6, and later kernels' type 2. */
static void put_bitmap_header(const struct world *w, uint8_t *at, const struct bitmap *b,
			      uint64_t first_page)
{
	const char *signature = w->config->signature;
	if (!*signature)
		signature = w->config->container == CONTAINER_BITMAP_ALL ? "FDMP" : "SDMP";
	memset(at, 0, BITMAP_AT);
	memcpy(at, signature, 4);
	memcpy(at + 4, "DUMP", 4);
	put64(at + 0x20, first_page);
	put64(at + 0x28, b->present + (uint64_t)w->config->bitmap_count_error);
	put64(at + 0x30, b->bits);
}

/* Layout B: SUMMARY_DUMP with an RTL_BITMAP. */
static void put_summary_header(const struct world *w, uint8_t *at, const struct bitmap *b,
			       uint64_t first_page)
{
	bool is_64 = config_is_64(w->config);
	memset(at, 0, BITMAP_AT);
	memcpy(at, "SDMP", 4);
	memcpy(at + 4, "DUMP", 4);
	put32(at + 0x8, 1);
	put32(at + 0xC, first_page);
	put32(at + 0x10, b->bits);
	put32(at + 0x14, b->present + (uint64_t)w->config->bitmap_count_error);
	put32(at + 0x18, b->bits);
	if (is_64)
		put64(at + 0x20, w->config->nonpaged.start + 0x30);
	else
		put32(at + 0x1C, w->config->nonpaged.start + 0x30);
}

static uint64_t write_bitmap(struct world *w, struct output *file, struct page **sorted)
{
	bool summary = w->config->container == CONTAINER_SUMMARY && w->config->layout != 'A';
	struct bitmap b = output_bitmap(w);
	uint8_t header[HEADER_ROOM], sub[BITMAP_AT];
	uint32_t length =
		header_build(w, header, w->memory.runs, w->memory.run_count, w->memory.total_pages);
	uint64_t bits_at = length + (!summary                  ? BITMAP_AT
				     : config_is_64(w->config) ? SUMMARY_64
							       : SUMMARY_32);
	uint64_t first_page = round_up(bits_at + b.length, PAGE_SIZE);
	if (summary)
		put_summary_header(w, sub, &b, first_page);
	else
		put_bitmap_header(w, sub, &b, first_page);
	output_write(file, 0, header, length);
	output_write(file, length, sub, bits_at - length);
	output_write(file, bits_at, b.bytes, b.length);
	output_present(w, file, sorted, &b, first_page);
	uint64_t present = b.present;
	free(b.bytes);
	return present;
}

static uint64_t write_raw(struct world *w, struct output *file, struct page **sorted)
{
	const struct run *last = &w->memory.runs[w->memory.run_count - 1];
	uint64_t size = (last->base + last->count) << PAGE_SHIFT, pages = 0;
	if (w->config->container == CONTAINER_RAW)
		output_zeros(w, file, size);
	output_resize(file, size);
	for (size_t i = 0; i < w->memory.page_count; i++) {
		if (sorted[i]->absent)
			continue;
		output_page(file, sorted[i], sorted[i]->pfn << PAGE_SHIFT);
		pages++;
	}
	return w->config->container == CONTAINER_RAW ? w->memory.total_pages : pages;
}

static void write_header_only(struct world *w, struct output *file)
{
	uint8_t header[HEADER_ROOM];
	uint32_t length =
		header_build(w, header, w->memory.runs, w->memory.run_count, w->memory.total_pages);
	output_write(file, 0, header, length);
}

/* Returns whether the file was cut. */
static bool truncate_file(struct world *w, struct output *file)
{
	const struct config *c = w->config;
	uint64_t size = file->size;
	if (c->truncate_bytes != UINT64_MAX)
		size = c->truncate_bytes;
	else if (c->truncate_parts != UINT64_MAX)
		size = size / 1000000 * c->truncate_parts +
		       size % 1000000 * c->truncate_parts / 1000000;
	if (size >= file->size)
		return false;
	output_resize(file, size);
	for (size_t i = 0; i < w->memory.page_count; i++) {
		struct page *page = &w->memory.pages[i];
		page->absent |= page->offset + PAGE_SIZE > size;
	}
	return true;
}

struct container_result container_write(struct world *w, const char *path)
{
	struct output file = {.path = path};
	file.descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file.descriptor < 0)
		die("cannot create '%s': %s", path, strerror(errno));
	struct page **sorted = sorted_pages(w);
	struct container_result result = {.header = true};
	result.holds = "pages";
	switch (w->config->container) {
	case CONTAINER_FULL:
		result.format = "windows-full";
		result.pages = write_full(w, &file, sorted);
		break;
	case CONTAINER_SUMMARY:
		result.format = "windows-summary";
		result.pages = write_bitmap(w, &file, sorted);
		break;
	case CONTAINER_BITMAP_ALL:
	case CONTAINER_BITMAP:
		result.format = "windows-bitmap";
		result.pages = write_bitmap(w, &file, sorted);
		break;
	case CONTAINER_AUTOMATIC:
		if (w->config->body == BODY_BITMAP) {
			result.format = "windows-bitmap";
			result.pages = write_bitmap(w, &file, sorted);
			break;
		}
		/* fall through */
	case CONTAINER_RDMP_KERNEL:
	case CONTAINER_RDMP_USER:
	case CONTAINER_RDMP_FULL:
		result.format = "windows-rdmp";
		result.pages = rdmp_write(w, &file, sorted);
		break;
	case CONTAINER_HEADER:
		result.format = "windows-header";
		result.holds = "header";
		write_header_only(w, &file);
		break;
	case CONTAINER_MINIDUMP:
		result.format = "windows-triage";
		result.holds = "pieces";
		minidump_write(w, &file);
		break;
	case CONTAINER_RAW:
	case CONTAINER_RAW_SPARSE:
		result.format = "raw";
		result.pages = write_raw(w, &file, sorted);
		result.header = false;
		break;
	case CONTAINER_HIBER:
		result.format = "windows-hibernation";
		result.pages = hiber_write(w, &file, sorted);
		result.header = false;
		break;
	case CONTAINER_ELF:
		result.format = "elf";
		result.pages = write_elf(w, &file, sorted);
		result.header = w->config->elf_header;
		break;
	case CONTAINER_VMRS:
		result.format = "hyper-v";
		result.pages = vmrs_write(w, &file, sorted);
		result.header = false;
		break;
	case CONTAINER_LIME:
	case CONTAINER_AVML:
		result.format = w->config->container == CONTAINER_AVML ? "avml" : "lime";
		result.pages = lime_write(w, &file, sorted);
		result.header = false;
		break;
	case CONTAINER_VMWARE:
	case CONTAINER_VMEM:
		result.format = "vmware";
		result.pages = w->config->container == CONTAINER_VMWARE
				       ? vmware_write(w, &file, sorted)
				       : vmware_write_vmem(w, &file, sorted);
		result.header = false;
		break;
	}
	result.truncated = truncate_file(w, &file);
	result.file_size = file.size;
	free(sorted);
	if (close(file.descriptor))
		die("cannot write '%s': %s", path, strerror(errno));
	return result;
}

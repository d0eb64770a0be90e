/*
 * libFuzzer: any bytes as a driver file whose code is searched for tags: alone, and as the one
 * module of a machine's memory that lacks pages (words of the DOS header say which, as for
 * fuzz_pe), completed from the same file. Aborts when evidence lies outside the image, when grades
 * or their order are wrong, and when one driver takes longer than it may.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/owners/listing.h"
#include "analyzer/owners/owners.h"

enum {
	TABLES = 4,      /* PFNs 1 to 4: page tables of four levels */
	FIRST_PAGE = 16, /* PFN of the first page of the image */
	MOST_PAGES = 512,
	ABSENT_AT = 2,    /* in the DOS header: a bit of 16 for each page */
	LIST_AT = 4,      /* pages that the list of modules has */
	HEADER_AT = 0x3c, /* in the DOS header: where the PE header is */
	SIZE_AT = 0x50,   /* in the PE header: SizeOfImage */
	MOST_IMAGE = 16 << 20,
	LISTINGS = 16,     /* tags whose evidence is listed */
	MOST_SECONDS = 20, /* of processor time; ten times what a driver may take, for the checks of
			      sanitizers */
};
static const uint64_t image_va = 0xfffff80000000000;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(holds) must_at(holds, __LINE__)

static void must_at(bool holds, int line)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_owners.c:%d does not hold\n", line);
	abort();
}

static void check_candidate(const struct owners *owners, const struct owner_candidate *candidate,
			    bool list)
{
	struct ps_error err = PS_ERROR_INIT;
	struct listing listing;

	must(candidate->module < owners->image_count && candidate->grade < OWNER_GRADES);
	must(candidate->counts[candidate->grade] > 0 && candidate->evidence_count > 0);
	must(candidate->evidence_count <= OWNER_EVIDENCE_KEPT);
	for (size_t i = 0; i < candidate->evidence_count; i++) {
		const struct owner_evidence *evidence = &candidate->evidence[i];

		must(evidence->rva < PE_IMAGE_LIMIT && evidence->grade >= candidate->grade);
		must(memchr(evidence->section, 0, sizeof(evidence->section)));
		must(evidence->levels == 0 || evidence->wrapper_module < owners->image_count);
		if (!list)
			continue;
		must(listing_create(owners, candidate, evidence, &listing, &err) == PS_OK);
		listing_fini(&listing);
	}
}

static void check_owners(struct owners *owners)
{
	static const uint32_t wanted[] = {0x656e6f4e, 0x6b61654c, 0x20207049};
	struct ps_error err = PS_ERROR_INIT;

	must(owners_look_for_bytes(owners, wanted, 3, &err) == PS_OK);
	for (size_t i = 0; i < owners->tag_count; i++) {
		const struct owner_tag *tag = &owners->tags[i];

		must(i == 0 || tag[-1].tag < tag->tag);
		must(owners_find(owners, tag->tag) == tag && tag->candidate_count > 0);
		for (size_t j = 0; j < tag->candidate_count; j++) {
			must(j == 0 || tag->candidates[j - 1].grade <= tag->candidates[j].grade);
			check_candidate(owners, &tag->candidates[j], i < LISTINGS);
		}
	}
	for (size_t i = 0; i < owners->image_count; i++) {
		must(owners->images[i].sites_unresolved <= owners->images[i].sites);
		must(owners->images[i].code_present <= owners->images[i].code_bytes);
	}
}

static void as_file(const struct driver_files *files)
{
	struct ps_error err = PS_ERROR_INIT;
	struct owners *owners = NULL;
	struct progress progress;

	progress_init(&progress, false);
	must(owners_create_files(files, &progress, &owners, &err) == PS_OK);
	check_owners(owners);
	owners_destroy(owners);
}

static void put(int fd, uint64_t at, uint64_t value)
{
	must(pwrite(fd, &value, sizeof(value), (off_t)at) == (ssize_t)sizeof(value));
}

/* Tables that map the pages of `data`, apart from those that `absent` names. */
static void write_memory(int fd, const uint8_t *data, size_t size, unsigned absent)
{
	size_t pages = (size + PE_PAGE - 1) / PE_PAGE;

	must(ftruncate(fd, (off_t)((FIRST_PAGE + pages + 1) * PE_PAGE)) == 0);
	for (unsigned level = 1; level < TABLES; level++) {
		unsigned shift = 48 - 9 * level;

		put(fd, (uint64_t)level * PE_PAGE + (image_va >> shift & 0x1ff) * 8,
		    (uint64_t)(level + 1) * PE_PAGE | 0x63);
	}
	for (size_t i = 0; i < pages; i++) {
		if (!(absent >> i % 16 & 1))
			put(fd, (uint64_t)TABLES * PE_PAGE + i * 8,
			    (FIRST_PAGE + i) * PE_PAGE | 0x63);
	}
	must(pwrite(fd, data, size, (off_t)FIRST_PAGE * PE_PAGE) == (ssize_t)size);
}

static void as_memory(const uint8_t *data, size_t size, const struct driver_files *files)
{
	struct ps_error err = PS_ERROR_INIT;
	char name[] = "driver.sys", path[32];
	struct module module = {.name = name, .base = image_va};
	struct kernel kernel = {.pointer_size = 8, .arch = "x64", .base = image_va};
	unsigned absent = (unsigned)(data[ABSENT_AT] | data[ABSENT_AT + 1] << 8) & 0xfffe;
	struct owners *owners = NULL;
	struct dump *dump = NULL;
	struct progress progress;
	int fd = memfd_create("memory", MFD_CLOEXEC);

	must(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	module.size = (uint64_t)(data[LIST_AT] | data[LIST_AT + 1] << 8) * PE_PAGE;
	kernel.size = module.size;
	kernel.modules = (struct module_list){.items = &module, .count = 1};
	write_memory(fd, data, size, absent);
	must(dump_open(path, NULL, &dump, &err) == PS_OK);
	must(space_create(dump, PAGING_X64, PE_PAGE, &kernel.space, &err) == PS_OK);
	progress_init(&progress, false);
	must(owners_create(&kernel, files, &progress, &owners, &err) == PS_OK);
	check_owners(owners);
	owners_destroy(owners);
	space_destroy(kernel.space);
	dump_close(dump);
	close(fd);
}

/* A size that lies makes hundreds of megabytes of zeros, which sanitizers need a minute for. */
static bool is_vast(const uint8_t *data, size_t size)
{
	uint32_t header, image;

	memcpy(&header, data + HEADER_AT, sizeof(header));
	if (header > size || size - header < SIZE_AT + sizeof(image))
		return false;
	memcpy(&image, data + header + SIZE_AT, sizeof(image));
	return image > MOST_IMAGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files = NULL;
	clock_t begun = clock();
	char path[32];
	const char *const paths[] = {path};
	int fd;

	if (size < 64 || size > MOST_PAGES * PE_PAGE || is_vast(data, size))
		return 0;
	fd = memfd_create("driver", MFD_CLOEXEC);
	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (driver_files_create(paths, 1, &files, &err) == PS_OK)
		as_file(files);
	as_memory(data, size, files);
	driver_files_destroy(files);
	close(fd);
	must(clock() - begun < (clock_t)MOST_SECONDS * CLOCKS_PER_SEC);
	return 0;
}

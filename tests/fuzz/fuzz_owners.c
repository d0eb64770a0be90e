/*
 * libFuzzer: any bytes as a driver file whose code is searched for tags: alone, and as the one
 * module of a machine's memory that lacks pages (pe_memory.h), completed from the same file. Aborts
 * when evidence lies outside the image, when grades or their order are wrong, and when one driver
 * takes longer than it may.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/owners/listing.h"
#include "analyzer/owners/owners.h"
#include "tests/fuzz/pe_memory.h"

enum {
	HEADER_AT = 0x3c, /* in the DOS header: where the PE header is */
	SIZE_AT = 0x50,   /* in the PE header: SizeOfImage */
	MOST_IMAGE = 16 << 20,
	LISTINGS = 16,     /* tags whose evidence is listed */
	MOST_SECONDS = 20, /* of processor time; ten times what a driver may take, for the checks of
			      sanitizers */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	must(owners_create_files(files, 0, &progress, &owners, &err) == PS_OK);
	check_owners(owners);
	owners_destroy(owners);
}

static void as_memory(const uint8_t *data, size_t size, const struct driver_files *files)
{
	struct ps_error err = PS_ERROR_INIT;
	char name[] = "driver.sys";
	struct module module = {.name = name};
	struct kernel kernel = {.pointer_size = 8, .arch = "x64"};
	struct owners *owners = NULL;
	struct progress progress;
	struct pe_memory memory;

	pe_memory_init(&memory, data, size);
	kernel.space = memory.space;
	kernel.base = module.base = memory.va;
	kernel.size = module.size = memory.list_size;
	kernel.modules = (struct module_list){.items = &module, .count = 1};
	progress_init(&progress, false);
	must(owners_create(&kernel, files, 1, &progress, &owners, &err) == PS_OK);
	check_owners(owners);
	owners_destroy(owners);
	pe_memory_fini(&memory);
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

	if (!pe_memory_takes(size) || is_vast(data, size))
		return 0;
	fd = pe_memory_file(data, size, path);
	if (driver_files_create(paths, 1, &files, &err) == PS_OK)
		as_file(files);
	as_memory(data, size, files);
	driver_files_destroy(files);
	close(fd);
	must(clock() - begun < (clock_t)MOST_SECONDS * CLOCKS_PER_SEC);
	return 0;
}

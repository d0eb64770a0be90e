/*
 * Owners of tags: the table of routines, the meanings of addresses, and small x64 drivers written
 * by hand as files and as memory of a machine: immediates, wrappers, variables, structures, code of
 * static libraries, and what must not be taken for a tag.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/owners/apis.h"
#include "analyzer/owners/callees.h"
#include "analyzer/owners/listing.h"
#include "analyzer/owners/origin.h"
#include "analyzer/owners/owners.h"
#include "pe_writer.h"

enum {
	SLOT_ALLOC = MADE_RDATA + 0x00,
	SLOT_FREE = MADE_RDATA + 0x08,
	SLOT_UNTAGGED = MADE_RDATA + 0x10,
	FUNCTION = 0x40, /* bytes of each function of the drivers here */
	GLOBAL = MADE_DATA,
	FILTER = MADE_DATA + 0x100,
	CONTEXTS = MADE_DATA + 0x170,
};

struct fixture {
	struct made_pe pe;
	char path[64];
	struct owners *owners;
	uint32_t at; /* where code is written */
};

static uint32_t tag(const char *text)
{
	uint32_t value;

	memcpy(&value, text, 4);
	return value;
}

static void put_code(struct fixture *f, const void *bytes, size_t size)
{
	memcpy(f->pe.bytes + f->at, bytes, size);
	f->at += (uint32_t)size;
}

/* `bytes` ends in a 32-bit displacement to `target`. */
static void put_reference(struct fixture *f, const void *bytes, size_t size, uint32_t target)
{
	put_code(f, bytes, size);
	made_pe_put(&f->pe, f->at, target - f->at - 4, 4);
	f->at += 4;
}

static void put_constant(struct fixture *f, const void *bytes, size_t size, uint32_t value)
{
	put_code(f, bytes, size);
	made_pe_put(&f->pe, f->at, value, 4);
	f->at += 4;
}

static void begin(struct fixture *f, unsigned number)
{
	f->at = MADE_TEXT + number * FUNCTION;
	memset(f->pe.bytes + f->at, 0xcc, FUNCTION);
	put_code(f, "\x48\x83\xec\x28", 4); /* sub rsp, 28h */
}

static void call_slot(struct fixture *f, uint32_t slot)
{
	put_reference(f, "\xff\x15", 2, slot);
}

static void end(struct fixture *f)
{
	put_code(f, "\x48\x83\xc4\x28\xc3", 5); /* add rsp, 28h; ret */
}

static void put_import(struct fixture *f, unsigned index, const char *name)
{
	uint32_t text = MADE_INIT + 0x100 + 0x40 * index;

	made_pe_text(&f->pe, text + 2, name);
	made_pe_put(&f->pe, MADE_INIT + 0x80 + 8 * index, text, 8);
	made_pe_put(&f->pe, MADE_RDATA + 8 * index, text, 8);
}

static void put_imports(struct fixture *f)
{
	made_pe_put(&f->pe, MADE_INIT, MADE_INIT + 0x80, 4);      /* lookup table */
	made_pe_put(&f->pe, MADE_INIT + 12, MADE_INIT + 0x60, 4); /* name */
	made_pe_put(&f->pe, MADE_INIT + 16, MADE_RDATA, 4);
	made_pe_text(&f->pe, MADE_INIT + 0x60, "ntoskrnl.exe");
	put_import(f, 0, "ExAllocatePoolWithTag");
	put_import(f, 1, "ExFreePoolWithTag");
	put_import(f, 2, "ExAllocatePool");
	made_pe_directory(&f->pe, 1, MADE_INIT, 40);
	made_pe_directory(&f->pe, 12, MADE_RDATA, 0x20);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	made_pe_init(&f->pe, 0x8664);
	memset(f->pe.bytes + MADE_TEXT, 0xcc, 0x800);
	put_imports(f);
	strcpy(f->path, "/tmp/poolscope-owners-XXXXXX");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	owners_destroy(f->owners);
	free(f);
	return 0;
}

static void look(struct fixture *f)
{
	const char *path = f->path;
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files;
	struct progress progress;

	close(mkstemp(f->path));
	made_pe_write(&f->pe, f->path);
	progress_init(&progress, false);
	assert_int_equal(driver_files_create(&path, 1, &files, &err), PS_OK);
	assert_int_equal(owners_create_files(files, 0, &progress, &f->owners, &err), PS_OK);
	driver_files_destroy(files);
	unlink(f->path);
	assert_int_equal(f->owners->image_count, 1);
}

static const struct owner_evidence *evidence_of(const struct fixture *f, const char *text)
{
	const struct owner_tag *found = owners_find(f->owners, tag(text));

	if (!found)
		return NULL;
	assert_int_equal(found->candidate_count, 1);
	assert_int_equal(found->candidates[0].module, 0);
	return &found->candidates[0].evidence[0];
}

static void assert_evidence(const struct fixture *f, const char *text, enum owner_grade grade,
			    unsigned function, unsigned levels)
{
	const struct owner_evidence *evidence = evidence_of(f, text);

	assert_non_null(evidence);
	assert_int_equal(evidence->grade, grade);
	assert_int_equal(evidence->function, MADE_TEXT + function * FUNCTION);
	assert_int_equal(evidence->levels, levels);
	assert_true(evidence->from_file);
}

/* Function `number` allocates under a constant. */
static void put_immediate(struct fixture *f, unsigned number, const char *text)
{
	begin(f, number);
	put_constant(f, "\x41\xb8", 2, tag(text)); /* mov r8d, imm32 */
	call_slot(f, SLOT_ALLOC);
	end(f);
}

/* Function `number` (size, tag) hands its tag on to `callee`, another such function or 0. */
static void put_wrapper(struct fixture *f, unsigned number, unsigned callee)
{
	begin(f, number);
	if (callee) {
		put_reference(f, "\xe8", 1, MADE_TEXT + callee * FUNCTION);
	} else {
		put_code(f, "\x44\x8b\xc2\x48\x8b\xd1\x33\xc9", 8); /* r8d = edx; rdx = rcx */
		call_slot(f, SLOT_ALLOC);
	}
	end(f);
}

static void put_use(struct fixture *f, unsigned number, unsigned wrapper, const char *text)
{
	begin(f, number);
	put_constant(f, "\xba", 1, tag(text)); /* mov edx, imm32 */
	put_constant(f, "\xb9", 1, 0x100);     /* mov ecx, 100h */
	put_reference(f, "\xe8", 1, MADE_TEXT + wrapper * FUNCTION);
	end(f);
}

static void constants_at_calls(void **state)
{
	struct fixture *f = *state;

	put_immediate(f, 0, "Tst1");
	put_immediate(f, 3, "Tst2");
	begin(f, 5);
	put_constant(f, "\xba", 1, tag("Fre1"));
	call_slot(f, SLOT_FREE);
	end(f);
	look(f);
	assert_evidence(f, "Tst1", OWNER_CALL_SITE, 0, 0);
	assert_evidence(f, "Tst2", OWNER_CALL_SITE, 3, 0);
	assert_evidence(f, "Fre1", OWNER_FREE_SITE, 5, 0);
	assert_string_equal(evidence_of(f, "Tst1")->api, "ExAllocatePoolWithTag");
	assert_int_equal(evidence_of(f, "Tst1")->tag_from, MADE_TEXT + 4);
	assert_int_equal(evidence_of(f, "Tst1")->rva, MADE_TEXT + 10);
	assert_string_equal(evidence_of(f, "Tst1")->section, ".text");
	assert_int_equal(f->owners->tag_count, 3);
	assert_int_equal(f->owners->images[0].sites, 2);
	assert_int_equal(f->owners->images[0].sites_unresolved, 0);
}

static void protected_bit_is_no_part_of_the_tag(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	put_constant(f, "\x41\xb8", 2, tag("Prot") | 0x80000000);
	call_slot(f, SLOT_ALLOC);
	end(f);
	look(f);
	assert_evidence(f, "Prot", OWNER_CALL_SITE, 0, 0);
}

static void wrappers_are_followed_to_their_callers(void **state)
{
	struct fixture *f = *state;
	const struct owner_evidence *evidence;

	put_wrapper(f, 0, 0);
	put_wrapper(f, 1, 0);
	put_use(f, 2, 1, "Wrp1");
	put_wrapper(f, 4, 1);
	put_use(f, 6, 4, "Wrp2");
	look(f);
	assert_evidence(f, "Wrp1", OWNER_CALL_SITE, 2, 1);
	assert_evidence(f, "Wrp2", OWNER_CALL_SITE, 6, 2);
	evidence = evidence_of(f, "Wrp2");
	assert_int_equal(evidence->wrapper, MADE_TEXT + 4 * FUNCTION);
	assert_int_equal(f->owners->tag_count, 2);
	/* Nobody calls function 0: what it allocates is not known. */
	assert_int_equal(f->owners->images[0].sites, 3);
	assert_int_equal(f->owners->images[0].sites_unresolved, 1);
}

static void more_levels_than_the_bound_are_not_followed(void **state)
{
	struct fixture *f = *state;

	put_wrapper(f, 1, 0);
	for (unsigned i = 2; i <= CALLEE_LEVELS + 1; i++)
		put_wrapper(f, i, i - 1);
	put_use(f, 12, CALLEE_LEVELS, "Lev8");
	put_use(f, 13, CALLEE_LEVELS + 1, "Lev9");
	look(f);
	assert_evidence(f, "Lev8", OWNER_CALL_SITE, 12, CALLEE_LEVELS);
	assert_null(evidence_of(f, "Lev9"));
}

static void a_jump_through_an_import_is_no_level(void **state)
{
	struct fixture *f = *state;

	f->at = MADE_TEXT + FUNCTION;
	put_reference(f, "\xff\x25", 2, SLOT_ALLOC);
	begin(f, 3);
	put_constant(f, "\x41\xb8", 2, tag("Thnk"));
	put_reference(f, "\xe8", 1, MADE_TEXT + FUNCTION);
	end(f);
	look(f);
	assert_evidence(f, "Thnk", OWNER_CALL_SITE, 3, 0);
}

static void variables_and_structures_of_callers(void **state)
{
	struct fixture *f = *state;

	made_pe_put(&f->pe, GLOBAL, tag("Glb1"), 4);
	begin(f, 0);
	put_reference(f, "\x44\x8b\x05", 3, GLOBAL); /* mov r8d, [GLOBAL] */
	call_slot(f, SLOT_ALLOC);
	end(f);
	begin(f, 2);
	put_code(f, "\x44\x8b\x41\x08", 4); /* mov r8d, [rcx+8] */
	call_slot(f, SLOT_ALLOC);
	end(f);
	look(f);
	assert_evidence(f, "Glb1", OWNER_CALL_SITE, 0, 0);
	assert_int_equal(evidence_of(f, "Glb1")->tag_from, GLOBAL);
	assert_int_equal(f->owners->tag_count, 1);
	assert_int_equal(f->owners->images[0].sites_unresolved, 1);
}

static void wrappers_that_call_each_other(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	call_slot(f, SLOT_ALLOC);
	put_reference(f, "\xe8", 1, MADE_TEXT + FUNCTION);
	end(f);
	begin(f, 1);
	put_reference(f, "\xe8", 1, MADE_TEXT);
	end(f);
	begin(f, 2);
	put_constant(f, "\x41\xb8", 2, tag("Ring")); /* mov r8d, ... */
	put_reference(f, "\xe8", 1, MADE_TEXT + FUNCTION);
	end(f);
	look(f);
	assert_int_equal(evidence_of(f, "Ring")->grade, OWNER_CALL_SITE);
	assert_int_equal(f->owners->tag_count, 1);
	assert_true(f->owners->complete);
}

static void untagged_allocations_are_none(void **state)
{
	struct fixture *f = *state;

	begin(f, 0);
	call_slot(f, SLOT_UNTAGGED);
	end(f);
	look(f);
	assert_evidence(f, "None", OWNER_CALL_SITE, 0, 0);
	assert_true(owners_find(f->owners, tag("None"))->for_others);
	assert_null(owners_find(f->owners, tag("Ddk ")));
}

static void library_code_in_a_strange_driver_is_graded_down(void **state)
{
	struct fixture *f = *state;

	put_immediate(f, 0, "SeSd");
	look(f);
	assert_evidence(f, "SeSd", OWNER_LIBRARY, 0, 0);
}

static void put_filter(struct fixture *f, uint16_t version)
{
	uint64_t code = f->pe.base + MADE_TEXT;

	made_pe_put(&f->pe, FILTER, 0x70, 2);
	made_pe_put(&f->pe, FILTER + 2, version, 2);
	made_pe_put(&f->pe, FILTER + 8, f->pe.base + CONTEXTS, 8);
	made_pe_put(&f->pe, FILTER + 0x18, code, 8);
	made_pe_put(&f->pe, CONTEXTS, 8, 2); /* stream */
	made_pe_put(&f->pe, CONTEXTS + 0x18, tag("Ctx1"), 4);
	made_pe_put(&f->pe, CONTEXTS + 0x38, 0x10, 2); /* stream handle, allocator of its own */
	made_pe_put(&f->pe, CONTEXTS + 0x38 + 0x18, tag("CtxN"), 4);
	made_pe_put(&f->pe, CONTEXTS + 0x38 + 0x20, code, 8);
	made_pe_put(&f->pe, CONTEXTS + 0x70, 0xffff, 2);
}

static void contexts_of_a_filter_in_data(void **state)
{
	struct fixture *f = *state;

	put_filter(f, 0x203);
	look(f);
	assert_int_equal(evidence_of(f, "Ctx1")->grade, OWNER_REGISTRATION);
	assert_int_equal(evidence_of(f, "Ctx1")->rva, CONTEXTS + 0x18);
	assert_null(owners_find(f->owners, tag("CtxN")));
}

static void a_filter_of_no_known_version_is_none(void **state)
{
	struct fixture *f = *state;

	put_filter(f, 0x204);
	look(f);
	assert_int_equal(f->owners->tag_count, 0);
}

static void bytes_are_the_last_resort(void **state)
{
	struct fixture *f = *state;
	const uint32_t wanted[] = {tag("Byte"), tag("Tst1"), tag("Word"), 0x00000101};
	struct ps_error err = PS_ERROR_INIT;

	put_immediate(f, 0, "Tst1");
	made_pe_put(&f->pe, GLOBAL + 0x40, tag("Byte"), 4);
	made_pe_text(&f->pe, GLOBAL + 0x80, "Word of a longer text");
	made_pe_put(&f->pe, GLOBAL + 0xc0, 0x00000101, 4);
	look(f);
	assert_null(owners_find(f->owners, tag("Byte")));
	assert_int_equal(owners_look_for_bytes(f->owners, wanted, 4, &err), PS_OK);
	assert_int_equal(evidence_of(f, "Byte")->grade, OWNER_BYTES);
	assert_int_equal(evidence_of(f, "Byte")->rva, GLOBAL + 0x40);
	assert_evidence(f, "Tst1", OWNER_CALL_SITE, 0, 0);
	assert_int_equal(f->owners->tag_count, 2);
}

/* The search goes by blocks: a tag counts at every place of them, in code and at words of data. */
static void bytes_at_every_place(void **state)
{
	enum { PLACES = 160, CODE = 0x200 };
	struct fixture *f = *state;
	const uint32_t wanted = tag("Byte");

	for (uint32_t i = 0; i < 2 * PLACES; i++) {
		bool in_code = i < PLACES;
		uint32_t rva = in_code ? MADE_TEXT + CODE + i : GLOBAL + i - PLACES;
		uint64_t before = made_pe_get(&f->pe, rva, 4);
		struct ps_error err = PS_ERROR_INIT;

		made_pe_put(&f->pe, rva, wanted, 4);
		look(f);
		assert_int_equal(owners_look_for_bytes(f->owners, &wanted, 1, &err), PS_OK);
		if (in_code || rva % 4 == 0)
			assert_int_equal(evidence_of(f, "Byte")->rva, rva);
		else
			assert_null(owners_find(f->owners, wanted));
		owners_destroy(f->owners);
		f->owners = NULL;
		made_pe_put(&f->pe, rva, before, 4);
		strcpy(f->path, "/tmp/poolscope-owners-XXXXXX");
	}
}

static void listing_shows_site_and_tag(void **state)
{
	struct fixture *f = *state;
	struct ps_error err = PS_ERROR_INIT;
	const struct owner_tag *found;
	struct listing listing;
	unsigned sites = 0, tags = 0;

	put_immediate(f, 0, "Tst1");
	look(f);
	found = owners_find(f->owners, tag("Tst1"));
	assert_int_equal(listing_create(f->owners, &found->candidates[0],
					&found->candidates[0].evidence[0], &listing, &err),
			 PS_OK);
	assert_int_equal(listing.count, 5);
	for (size_t i = 0; i < listing.count; i++) {
		sites += listing.lines[i].is_site;
		tags += listing.lines[i].has_tag;
	}
	assert_int_equal(sites, 1);
	assert_int_equal(tags, 1);
	assert_string_equal(listing.lines[1].text, "mov r8d, 0x31747354");
	assert_string_equal(listing.lines[2].target, "ExAllocatePoolWithTag");
	listing_fini(&listing);
}

static void routines_by_name(void **state)
{
	unsigned index;

	(void)state;
	assert_int_equal(api_by_name("ExAllocatePoolWithTag")->argument, 2);
	assert_int_equal(api_by_name("ExAllocatePool2")->x86_word, 3);
	assert_ptr_equal(api_by_name("VerifierExAllocatePoolWithTag"),
			 api_by_name("ExAllocatePoolWithTag"));
	assert_int_equal(api_by_name("Win32AllocPoolZInit")->argument, 1);
	assert_int_equal(api_by_name("Win32AllocPoolImpl")->argument, 2);
	assert_int_equal(api_by_name("ExAllocatePool")->kind, API_UNTAGGED);
	assert_null(api_by_name("ExAllocatePoolWithTagX"));
	assert_null(api_by_name("IoInitializeRemoveLockEx"));
	assert_null(api_by_name(""));
	assert_string_equal(api_by_wdf_index(192)->name, "WdfMemoryCreate");
	assert_null(api_by_wdf_index(193));
	for (size_t i = 0; api_wdf_index(i, &index); i++)
		assert_non_null(api_by_wdf_index(index));
}

static void an_address_keeps_each_meaning_once(void **state)
{
	struct callee callee = {.va = 0x1000, .api = api_by_name("ExAllocatePoolWithTag")};
	struct callees callees;
	bool added;

	(void)state;
	callees_init(&callees);
	callee.argument = 2;
	assert_true(callees_add(&callees, &callee, &added));
	assert_true(added);
	assert_true(callees_add(&callees, &callee, &added));
	assert_false(added);
	callee.argument = 3;
	assert_true(callees_add(&callees, &callee, &added));
	assert_true(added);
	assert_int_equal(callees_find(&callees, 0x1000)->argument, 2);
	assert_int_equal(callees_next(&callees, callees_find(&callees, 0x1000))->argument, 3);
	assert_null(callees_find(&callees, 0x1001));
	for (unsigned i = 0; i < 100; i++) {
		callee.argument = i;
		assert_true(callees_add(&callees, &callee, NULL));
	}
	assert_int_equal(callees.count, CALLEES_AN_ADDRESS);
	callees_fini(&callees);
}

static void origin_by_company_then_name(void **state)
{
	struct pe_version version = {.present = true, .company = "Microsoft Corporation"};

	(void)state;
	assert_int_equal(origin_microsoft("x.sys", NULL, &version), MICROSOFT_YES);
	strcpy(version.company, "Contoso");
	assert_int_equal(origin_microsoft("ntfs.sys", NULL, &version), MICROSOFT_NO);
	version.present = false;
	assert_int_equal(
		origin_microsoft("NTFS.sys", "\\SystemRoot\\system32\\drivers\\NTFS.sys", &version),
		MICROSOFT_YES);
	assert_int_equal(origin_microsoft("ntfs.sys", "\\??\\C:\\temp\\ntfs.sys", &version),
			 MICROSOFT_UNKNOWN);
	assert_int_equal(origin_microsoft("x.sys", NULL, &version), MICROSOFT_UNKNOWN);
	assert_true(origin_for_others(tag("Irp ")));
	assert_false(origin_for_others(tag("Leak")));
	assert_null(origin_hint(tag("Leak")));
}

#define OWNERS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OWNERS_TEST(constants_at_calls),
		OWNERS_TEST(protected_bit_is_no_part_of_the_tag),
		OWNERS_TEST(wrappers_are_followed_to_their_callers),
		OWNERS_TEST(more_levels_than_the_bound_are_not_followed),
		OWNERS_TEST(a_jump_through_an_import_is_no_level),
		OWNERS_TEST(variables_and_structures_of_callers),
		OWNERS_TEST(wrappers_that_call_each_other),
		OWNERS_TEST(untagged_allocations_are_none),
		OWNERS_TEST(library_code_in_a_strange_driver_is_graded_down),
		OWNERS_TEST(contexts_of_a_filter_in_data),
		OWNERS_TEST(a_filter_of_no_known_version_is_none),
		OWNERS_TEST(bytes_are_the_last_resort),
		OWNERS_TEST(bytes_at_every_place),
		OWNERS_TEST(listing_shows_site_and_tag),
		cmocka_unit_test(routines_by_name),
		cmocka_unit_test(an_address_keeps_each_meaning_once),
		cmocka_unit_test(origin_by_company_then_name),
	};

	return cmocka_run_group_tests_name("owners", tests, NULL, NULL);
}

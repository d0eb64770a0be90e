/*
 * Bytes of arguments that x86 routines remove: by the names of imports, by the code that a dump's
 * import slots lead to, and what that brings the search for tags in a driver written by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/owners/owners.h"
#include "analyzer/owners/popped.h"
#include "analyzer/owners/stack_words.h"
#include "pe_writer.h"

enum { LOOKUP = MADE_INIT + 0x80, DLL = MADE_INIT + 0x60, NAMES = MADE_INIT + 0x100 };

static void words_by_name(void **state)
{
	static const struct {
		const char *name;
		int words;
	} known[] = {
		{"CcCanIWrite", 4},
		{"ExAllocatePool2", 4},
		{"ExAllocatePoolWithTag", 3},
		{"ExFreePool", 1},
		{"ExFreePoolWithTag", 2},
		{"ExInterlockedPushEntrySList", 1},
		{"FltRegisterFilter", 3},
		{"IofCompleteRequest", 0},
		{"KeInitializeEvent", 3},
		{"KeSetTimer", 4},
		{"RtlInitUnicodeString", 2},
		{"StorPortExtendedFunction", 0},
		{"ZwCreateFile", 11},
		{"ZwYieldExecution", 0},
		{"_alldiv", 4},
		{"memcpy", 0},
		{"wcsstr", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		assert_int_equal(stack_words("NTOSKRNL.exe", known[i].name), known[i].words);
	assert_int_equal(stack_words("ntoskrnl.exe", "ExAllocatePoolWithTa"), -1);
	assert_int_equal(stack_words("ntoskrnl.exe", ""), -1);
	assert_int_equal(stack_words("other.sys", "ZwClose"), -1);
	assert_int_equal(stack_words(NULL, "ZwClose"), -1);
}

static void decorated_names_tell_it(void **state)
{
	(void)state;
	assert_int_equal(stack_words("other.sys", "_Alloc@12"), 3);
	assert_int_equal(stack_words(NULL, "_Nothing@0"), 0);
	assert_int_equal(stack_words(NULL, "@Fast@4"), 0);
	assert_int_equal(stack_words(NULL, "@Fast@16"), 2);
	assert_int_equal(stack_words(NULL, "_Most@128"), STACK_WORDS_MAX);
	assert_int_equal(stack_words(NULL, "_Most@132"), -1);
	assert_int_equal(stack_words(NULL, "_Huge@99999999999999999999"), -1);
	assert_int_equal(stack_words(NULL, "_Odd@6"), -1);
	assert_int_equal(stack_words(NULL, "_Cut@"), -1);
	assert_int_equal(stack_words(NULL, "_Text@4x"), -1);
	assert_int_equal(stack_words(NULL, "@12"), -1);
	assert_int_equal(stack_words(NULL, "?Mangled@@YGXXZ@4"), -1);
}

/* ---- the code that slots lead to ---- */

enum { PAGES = 3, NT = 0x80400000, NT_POPS = 0x1000, NT_KEEPS = 0x1010, NT_ABSENT = 0x2000 };

struct loaded {
	uint8_t bytes[PAGES * PE_PAGE];
	struct pe_image image;
	struct pe_section section;
	uint64_t present;
};

static void load(struct loaded *at, uint64_t base)
{
	memset(at, 0, sizeof(*at));
	at->section = (struct pe_section){".text", PE_PAGE, 2 * PE_PAGE, 0x60000020, 1, 2};
	at->present = 3;
	at->image = (struct pe_image){.bytes = at->bytes,
				      .size = sizeof(at->bytes),
				      .base = base,
				      .machine = PE_X86,
				      .pointer_size = 4,
				      .sections = &at->section,
				      .section_count = 1,
				      .present = &at->present,
				      .pages = PAGES,
				      .pages_present = 2};
}

static void code_behind_slots(void **state)
{
	static struct loaded nt, driver;
	struct slot slots[] = {
		{.rva = 0x10, .value = NT + NT_POPS},
		{.rva = 0x14, .value = NT + NT_KEEPS},
		{.rva = 0x18, .value = NT + NT_ABSENT},
		{.rva = 0x1c, .value = 0x90000000},
		{.rva = 0x20, .value = NT + NT_KEEPS, .dll = "hal.dll", .name = "KfRaiseIrql"},
		{.rva = 0x24, .value = NT + NT_POPS},
		{.rva = 0x28},
	};
	const int want[] = {12, 0, -1, -1, 0, 12, -1};
	struct view views[] = {
		{.module = 0, .image = &nt.image},
		{.module = 1, .image = &driver.image, .slots = slots, .slot_count = 7},
	};
	struct owner_store store = {.views = views, .view_count = 2};
	struct flow_atom target = {.kind = FLOW_LOAD};

	(void)state;
	load(&nt, NT);
	load(&driver, 0x90100000);
	memcpy(nt.bytes + NT_POPS, "\x8b\xff\x55\x5d\xc2\x0c\x00", 7); /* ...; ret 12 */
	memcpy(nt.bytes + NT_KEEPS, "\x33\xc0\xc3", 3);                /* xor eax, eax; ret */
	assert_true(popped_find(&store));
	for (unsigned i = 0; i < 7; i++) {
		target.value = slots[i].rva;
		assert_int_equal(popped_of(&views[1], &target), want[i]);
	}
	target.value = 0x2c;
	assert_int_equal(popped_of(&views[1], &target), -1);
	target = (struct flow_atom){.kind = FLOW_CONST, .value = 0x10};
	assert_int_equal(popped_of(&views[1], &target), -1);
}

/* ---- a driver ---- */

static void put_imports(struct made_pe *pe, const char *const *names)
{
	made_pe_put(pe, MADE_INIT, LOOKUP, 4);
	made_pe_put(pe, MADE_INIT + 12, DLL, 4);
	made_pe_put(pe, MADE_INIT + 16, MADE_RDATA, 4);
	made_pe_text(pe, DLL, "ntoskrnl.exe");
	for (unsigned i = 0; names[i]; i++) {
		uint32_t text = NAMES + 0x40 * i;

		made_pe_text(pe, text + 2, names[i]);
		made_pe_put(pe, LOOKUP + 4 * i, text, 4);
		made_pe_put(pe, MADE_RDATA + 4 * i, text, 4);
	}
	made_pe_directory(pe, 1, MADE_INIT, 40);
	made_pe_directory(pe, 12, MADE_RDATA, 0x10);
}

/*
 * `add esp, 4` behind the call gives back the local, not an argument: taken for the caller's
 * cleaning, it would make the stack wrong and the tag, which stands in the local, unknown.
 */
static void put_driver(struct made_pe *pe)
{
	static const uint8_t code[] =
		"\x50"                         /* push eax: room for a local */
		"\xc7\x04\x24Popd"             /* mov [esp], tag */
		"\x6a\x00\x6a\x00\x6a\x00"     /* push 0, three times */
		"\xff\x15\x04\x20\x01\x00"     /* call [KeDelayExecutionThread] */
		"\xff\x34\x24\x6a\x10\x6a\x01" /* push [esp]; push 16; push 1 */
		"\xff\x15\x00\x20\x01\x00"     /* call [ExAllocatePoolWithTag] */
		"\x83\xc4\x04\xc3";            /* add esp, 4; ret */

	made_pe_init(pe, 0x14c);
	memset(pe->bytes + MADE_TEXT, 0xcc, 0x800);
	memcpy(pe->bytes + MADE_TEXT + 0x40, code, sizeof(code) - 1);
}

static struct owners *look(const struct made_pe *pe)
{
	char path[] = "/tmp/poolscope-popped-XXXXXX";
	const char *paths = path;
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files;
	struct owners *owners;
	struct progress progress;

	close(mkstemp(path));
	made_pe_write(pe, path);
	progress_init(&progress, false);
	assert_int_equal(driver_files_create(&paths, 1, &files, &err), PS_OK);
	assert_int_equal(owners_create_files(files, 0, &progress, &owners, &err), PS_OK);
	driver_files_destroy(files);
	unlink(path);
	return owners;
}

static void epilogue_is_no_cleaning_of_the_caller(void **state)
{
	static const char *const names[] = {"ExAllocatePoolWithTag", "KeDelayExecutionThread",
					    NULL};
	static struct made_pe pe;
	const struct owner_tag *found;
	struct owners *owners;
	uint32_t tag;

	(void)state;
	put_driver(&pe);
	put_imports(&pe, names);
	owners = look(&pe);
	memcpy(&tag, "Popd", 4);
	found = owners_find(owners, tag);
	assert_non_null(found);
	assert_int_equal(found->candidates[0].evidence[0].grade, OWNER_CALL_SITE);
	assert_int_equal(found->candidates[0].evidence[0].rva, MADE_TEXT + 0x40 + 27);
	assert_int_equal(owners->images[0].sites, 1);
	assert_int_equal(owners->images[0].sites_unresolved, 0);
	owners_destroy(owners);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_by_name),
		cmocka_unit_test(decorated_names_tell_it),
		cmocka_unit_test(code_behind_slots),
		cmocka_unit_test(epilogue_is_no_cleaning_of_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

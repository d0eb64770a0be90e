/* The kernel in a dump: its root, KDBG, identity and module lists; found, misled and absent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/kernel/kernel.h"
#include "analyzer/kernel/text.h"
#include "base/signals.h"
#include "kernel_image.h"

struct opened {
	struct dump *dump;
	struct kernel *kernel; /* NULL: error */
	struct ps_error error;
};

static struct opened open_path(const char *path)
{
	struct opened opened = {.error = PS_ERROR_INIT};
	struct progress progress;

	progress_init(&progress, false);
	if (dump_open(path, NULL, &opened.dump, &opened.error) != PS_OK)
		fail_msg("%s", opened.error.text);
	kernel_open(opened.dump, NULL, &progress, &opened.kernel, &opened.error);
	return opened;
}

static void close_all(struct opened *opened)
{
	kernel_close(opened->kernel);
	dump_close(opened->dump);
}

static struct opened open_crash(struct made *made, const struct made_header *header)
{
	made_write_crash(made, header);
	return open_path(made->image.path);
}

static struct opened open_true(struct made *made)
{
	struct made_header header = made_true_header(made);

	return open_crash(made, &header);
}

static struct opened open_raw(struct made *made)
{
	made_write_raw(made);
	return open_path(made->image.path);
}

static struct kernel *must(struct opened *opened)
{
	if (!opened->kernel)
		fail_msg("%s", opened->error.text);
	return opened->kernel;
}

static bool has_note(const struct kernel *kernel, const char *words)
{
	for (unsigned i = 0; i < kernel->note_count; i++)
		if (strstr(kernel->notes[i], words))
			return true;
	return false;
}

static void print_notes(const struct kernel *kernel)
{
	for (unsigned i = 0; i < kernel->note_count; i++)
		print_message("  note: %s\n", kernel->notes[i]);
}

static void assert_text(const char *text, const char *words)
{
	if (!strstr(text, words))
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static struct made *new_made(enum made_kind kind)
{
	struct made *made = malloc(sizeof(*made));

	assert_non_null(made);
	made_init(made, kind);
	return made;
}

static void free_made(struct made *made)
{
	made_fini(made);
	free(made);
}

static void assert_right_kernel(const struct kernel *kernel, const struct made *made)
{
	assert_int_equal(kernel->base, made->base);
	assert_int_equal(kernel->kdbg.va, made->base + AT_KDBG);
	assert_int_equal(kernel->kdbg.size, MADE_KDBG_BYTES);
	assert_int_equal(space_dtb(kernel->space), made->root);
	assert_int_equal(kernel->modules.count, MADE_MODULES);
	assert_true(kernel->modules.complete);
}

/* ---- everything there ---- */

static void check_identity(const struct kernel *kernel)
{
	assert_int_equal(kernel->size, MADE_IMAGE_BYTES);
	assert_true(kernel->image.headers_present);
	assert_int_equal(kernel->image.timestamp, 0x5f000001);
	assert_int_equal(kernel->image.checksum, 0xabcd);
	assert_true(kernel->image.pdb_present);
	assert_string_equal(kernel->image.pdb_name, "ntkrnlmp.pdb");
	assert_string_equal(kernel->image.guid_age, "20C711BBD4C21AA5C45BC774BC7E0472-1A");
	assert_int_equal(kernel->build.value, 17763);
	assert_string_equal(kernel->build_lab, "17763.1.fre.rs5_release");
	assert_string_equal(kernel->service_pack, "Service Pack 2");
	assert_int_equal(kernel->processors.value, 4);
	assert_string_equal(kernel_product_name(kernel), "Windows Server 2019");
}

static void check_modules(const struct kernel *kernel, const struct made *made)
{
	const struct module *modules = kernel->modules.items;

	assert_string_equal(modules[0].name, "ntoskrnl.exe");
	assert_string_equal(modules[4].name, "myfault.sys");
	assert_string_equal(modules[4].path, "\\SystemRoot\\myfault.sys");
	assert_int_equal(modules[4].base, made->bases[4]);
	assert_int_equal(modules[4].size, 0x3000);
	assert_true(modules[4].image.headers_present);
	assert_int_equal(modules[4].timestamp.value, 0x11110004);
	assert_false(modules[4].image.pdb_present);
	assert_false(modules[3].image.headers_present);
	assert_true(modules[3].timestamp.known);
	assert_ptr_equal(modules_find(&kernel->modules, made->bases[4] + 0x2fff), &modules[4]);
	assert_null(modules_find(&kernel->modules, made->bases[4] + 0x3000));
}

static void check_unloaded(const struct kernel *kernel)
{
	const struct module_list *list = &kernel->unloaded;

	assert_true(list->complete);
	assert_int_equal(list->count, 49);
	assert_string_equal(list->items[0].name, "gone3.sys");
	assert_string_equal(list->items[48].name, "gone2.sys");
	assert_int_equal(list->items[0].size, 0x5000);
	for (size_t i = 1; i < list->count; i++)
		assert_true(list->items[i].unloaded_at > list->items[i - 1].unloaded_at);
}

static const enum paging pagings[] = {[MADE_X86] = PAGING_X86,
				      [MADE_PAE] = PAGING_PAE,
				      [MADE_X64] = PAGING_X64,
				      [MADE_LA57] = PAGING_X64_LA57,
				      [MADE_ARM64] = PAGING_ARM64};

static void test_whole(void **state)
{
	static const char *const arch[] = {"x86", "x86-pae", "x64", "x64", "arm64"};

	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct opened opened = open_true(made);
		struct kernel *kernel = must(&opened);

		print_notes(kernel);
		assert_right_kernel(kernel, made);
		assert_string_equal(kernel->arch, arch[kind]);
		assert_int_equal(space_paging(kernel->space), pagings[kind]);
		assert_int_equal(kernel->pointer_size, made->pointer);
		assert_string_equal(kernel->dtb_found_by, "header");
		assert_string_equal(kernel->kdbg_found_by, "header");
		assert_string_equal(kernel->build_source, "header");
		assert_string_equal(kernel->processors_source, "header");
		assert_int_equal(kernel->kdbg.fields[KDBG_POOL_TRACK_TABLE],
				 made->base + AT_POOL_TRACK_TABLE);
		assert_int_equal(kernel->note_count, 0);
		check_identity(kernel);
		check_modules(kernel, made);
		check_unloaded(kernel);
		close_all(&opened);
		free_made(made);
	}
}

static void test_raw(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct opened opened = open_raw(made);
		struct kernel *kernel = must(&opened);

		assert_right_kernel(kernel, made);
		assert_string_equal(kernel->dtb_found_by, "self-map search");
		assert_string_equal(kernel->kdbg_found_by, "search of memory");
		assert_string_equal(kernel->build_source, "KUSER_SHARED_DATA");
		assert_string_equal(kernel->processors_source, "KiProcessorBlock");
		check_identity(kernel);
		check_unloaded(kernel);
		close_all(&opened);
		free_made(made);
	}
}

/* Windows before 10: no build in the shared page, no time stamp in the list. */
static void test_old_windows(void **state)
{
	struct made *made = new_made(MADE_PAE);
	struct opened opened;
	struct kernel *kernel;

	(void)state;
	made_put(made, 0xffdf0000 + 0x260, 0, 4);
	made_put(made, 0xffdf0000 + 0x26c, 5, 4);
	made_put_bytes(made, made->base + AT_BUILD_LAB, "3790.srv03_sp2_rtm", 19);
	opened = open_raw(made);
	kernel = must(&opened);
	assert_int_equal(kernel->build.value, 3790);
	assert_string_equal(kernel->build_source, "NtBuildLab");
	assert_string_equal(kernel_product_name(kernel), "Windows Server 2003");
	assert_int_equal(kernel->modules.items[4].timestamp.value, 0x5f000005);
	assert_false(kernel->modules.items[3].timestamp.known);
	close_all(&opened);
	free_made(made);
}

static void test_low_stub(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct opened opened;

	(void)state;
	image_put64(&made->image, 0x13000, 0x00000001000600e9);
	image_put64(&made->image, 0x13070, made->base + 0x7abc);
	image_put64(&made->image, 0x130a0, made->root);
	opened = open_raw(made);
	assert_right_kernel(must(&opened), made);
	assert_string_equal(opened.kernel->dtb_found_by, "low stub");
	assert_string_equal(opened.kernel->kdbg_found_by, "search of the kernel image");
	close_all(&opened);
	free_made(made);
}

/* ---- headers that say little or lie ---- */

static void test_header_without_kdbg(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		header.kdbg = 0;
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_string_equal(opened.kernel->kdbg_found_by, "search of the kernel image");
		close_all(&opened);
		header.module_list = 0;
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_string_equal(opened.kernel->dtb_found_by, "header");
		assert_string_equal(opened.kernel->kdbg_found_by, "search of memory");
		close_all(&opened);
		free_made(made);
	}
}

/*
 * Root and KDBG, but no machine: the tables of ARM64 could be walked as those of x64, and only the
 * kernel's own image tells.
 */
static void test_header_without_machine(void **state)
{
	(void)state;
	for (enum made_kind kind = MADE_X64; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		header.machine = 0;
		for (unsigned i = 0; i < 2; i++) {
			opened = open_crash(made, &header);
			assert_right_kernel(must(&opened), made);
			assert_string_equal(opened.kernel->dtb_found_by, "header");
			assert_int_equal(space_paging(opened.kernel->space), pagings[kind]);
			close_all(&opened);
			header.kdbg = header.module_list = 0;
		}
		free_made(made);
	}
}

static void test_wrong_dtb(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		header.dtb = 0x7ff000; /* of no page here */
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_string_equal(opened.kernel->dtb_found_by, "self-map search");
		assert_string_equal(opened.kernel->kdbg_found_by, "header");
		assert_true(has_note(opened.kernel, "does not lead to the kernel"));
		close_all(&opened);
		header.dtb = 0x201000; /* a page, but no root */
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		close_all(&opened);
		free_made(made);
	}
}

/* A root of user mode under KVA shadow: it maps some kernel pages, but neither KDBG nor the list.
 */
static void test_shadow_dtb(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	uint64_t shadow = made->next_pfn++;
	struct opened opened;

	(void)state;
	image_page(&made->image, shadow);
	image_map_x64(&made->image, shadow * MADE_PAGE, made->base,
		      made->pages[0].pfn * MADE_PAGE | 0x63, &made->next_pfn);
	header.dtb = shadow * MADE_PAGE | 2;
	opened = open_crash(made, &header);
	assert_right_kernel(must(&opened), made);
	assert_true(has_note(opened.kernel, "does not lead to the kernel"));
	close_all(&opened);
	free_made(made);
}

static void test_wrong_pae(void **state)
{
	(void)state;
	for (enum made_kind kind = MADE_X86; kind <= MADE_PAE; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		header.pae = 'P';
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_int_equal(opened.kernel->note_count, 0);
		close_all(&opened);
		header.pae = kind == MADE_X86;
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_true(has_note(opened.kernel, "the header says that PAE is"));
		close_all(&opened);
		free_made(made);
	}
}

static void test_wrong_addresses(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	struct opened opened;

	(void)state;
	header.kdbg = made->base + 0x100;
	opened = open_crash(made, &header);
	assert_right_kernel(must(&opened), made);
	assert_string_equal(opened.kernel->kdbg_found_by, "search of the kernel image");
	assert_true(has_note(opened.kernel, "not where the header says"));
	close_all(&opened);
	header.kdbg = 0x1234;
	header.module_list = made->base + 0x7000;
	opened = open_crash(made, &header);
	assert_right_kernel(must(&opened), made);
	assert_true(has_note(opened.kernel, "PsLoadedModuleList"));
	close_all(&opened);
	free_made(made);
}

static void test_disagreements(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	struct opened opened;

	(void)state;
	header.build = 9600;
	header.processors = 8;
	opened = open_crash(made, &header);
	assert_right_kernel(must(&opened), made);
	assert_int_equal(opened.kernel->build.value, 9600);
	assert_int_equal(opened.kernel->processors.value, 4);
	assert_string_equal(opened.kernel->processors_source, "KiProcessorBlock");
	assert_true(has_note(opened.kernel, "header says build 9600, but KUSER_SHARED_DATA says "
					    "17763"));
	assert_true(has_note(opened.kernel, "header says build 9600, but NtBuildLab says 17763"));
	assert_true(
		has_note(opened.kernel, "header says 8 processors, but KiProcessorBlock says 4"));
	close_all(&opened);
	header.build = 77;
	header.processors = 100000;
	opened = open_crash(made, &header);
	assert_int_equal(must(&opened)->build.value, 17763);
	assert_string_equal(opened.kernel->build_source, "KUSER_SHARED_DATA");
	assert_string_equal(opened.kernel->processors_source, "KiProcessorBlock");
	assert_true(has_note(opened.kernel, "no build of Windows"));
	assert_true(has_note(opened.kernel, "which cannot be"));
	close_all(&opened);
	free_made(made);
}

/* ---- KDBG ---- */

/* Blocks that look right and are not: bad size, bad base, another kernel's, no list of ours. */
static void put_decoys(struct made *made)
{
	uint64_t at = made->base + 0x2000;

	made_put_bytes(made, at + 0x10, "KDBG", 4);
	made_put_bytes(made, at + 0x7e, "KDBGKDBGKDBG", 12);
	made_put_bytes(made, at + 0xffc, "KDBG", 4);
	for (unsigned i = 1; i < 4; i++) {
		made_put_bytes(made, at + i * 0x400 + 0x10, "KDBG", 4);
		made_put(made, at + i * 0x400 + 0x14, 0x340, 4);
	}
	made_put(made, at + 0x418, made->base, 8); /* its list lies elsewhere */
	made_put(made, at + 0x448, made->bases[4], 8);
	made_put(made, at + 0x818, made->bases[4], 8);     /* a driver's image */
	made_put(made, at + 0xc18, 0x4547415045474150, 8); /* filler */
}

static void test_decoys(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		put_decoys(made);
		header.kdbg = made->base + 0x2400;
		header.module_list = 0;
		opened = open_crash(made, &header);
		must(&opened);
		close_all(&opened);
		header.kdbg = 0;
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		close_all(&opened);
		opened = open_raw(made);
		assert_right_kernel(must(&opened), made);
		close_all(&opened);
		free_made(made);
	}
}

static void expect_rejected(struct opened *opened, uint64_t va, enum ps_status status,
			    const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct kdbg kdbg;

	assert_int_equal(kdbg_read(must(opened)->space, va, &kdbg, &err), status);
	assert_text(err.text, words);
}

static void test_kdbg_checks(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct opened opened;
	uint64_t at;

	(void)state;
	put_decoys(made);
	at = made->base + 0x2000;
	made_put(made, at + 0x814, 0x204, 4);
	made_put(made, at + 0x414, 0x342, 4);
	opened = open_true(made);
	expect_rejected(&opened, at + 0x100, PS_CORRUPT, "no KDBG at 0xfffff80001202100");
	expect_rejected(&opened, at, PS_CORRUPT, "size is 0x0");
	expect_rejected(&opened, at + 0x400, PS_CORRUPT, "size is 0x342");
	expect_rejected(&opened, at + 0x800, PS_CORRUPT, "size is 0x204");
	expect_rejected(&opened, at + 0xc00, PS_CORRUPT, "impossible kernel base");
	expect_rejected(&opened, made->base + MADE_IMAGE_BYTES, PS_ABSENT, "cannot read KDBG: ");
	expect_rejected(&opened, UINT64_MAX - 8, PS_ABSENT, "cannot read KDBG: ");
	close_all(&opened);
	free_made(made);
}

struct traces {
	uint64_t last;
	unsigned count;
};

static bool count_trace(void *context, const struct kdbg_trace *trace)
{
	struct traces *traces = context;

	assert_true(trace->pa > traces->last);
	traces->count++;
	assert_int_equal(trace->size, 0x340);
	assert_int_equal(trace->kernel_base, 0xfffff80000000000 | trace->pa >> 4 << 12);
	traces->last = trace->pa;
	return false;
}

/* Heads at the borders of what is read at once, of pages and of extents; each is seen once. */
static void test_scan_borders(void **state)
{
	static const uint64_t tags[] = {0x10010,  0x10ff4,  0x10fffc, 0x20fff0,
					0x210000, 0x21ffe0, 0x300000};
	static const uint64_t unseen[] = {0x21fff8, 0x300ff4}; /* their end is not there */
	struct image *image = malloc(sizeof(*image));
	struct opened opened;
	struct traces traces = {0};
	struct progress progress;
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	assert_non_null(image);
	image_init(image);
	for (uint64_t pfn = 0x10; pfn < 0x220; pfn++)
		image_page(image, pfn);
	image_page(image, 0x300);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		uint64_t base = 0xfffff80000000000 | (tags[i] - 0x10) >> 4 << 12;
		const uint32_t words[] = {0x4742444b, 0x340, (uint32_t)base,
					  (uint32_t)(base >> 32)};

		for (unsigned w = 0; w < 4; w++)
			image_put32(image, tags[i] + w * 4, words[w]);
	}
	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		image_put32(image, unseen[i], 0x4742444b);
	image_write_raw(image, 0x301);
	opened = open_path(image->path);
	progress_init(&progress, false);
	assert_int_equal(kdbg_scan(opened.dump, count_trace, &traces, &progress, &err),
			 PS_NOT_FOUND);
	assert_int_equal(traces.last, tags[6] - 0x10);
	assert_int_equal(traces.count, 7);
	assert_text(err.text, "in 529 pages of memory");
	close_all(&opened);
	image_fini(image);
	free(image);
}

/* Fields beyond Size are absent; a smaller Size is an older Windows. */
static void test_kdbg_size(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct ps_error err = PS_ERROR_INIT;
	struct opened opened;
	uint64_t value;

	(void)state;
	made_put(made, made->base + AT_KDBG + 0x14, 0x220, 4);
	opened = open_true(made);
	must(&opened);
	assert_int_equal(opened.kernel->kdbg.fields[KDBG_KI_PROCESSOR_BLOCK],
			 made->base + AT_PROCESSOR_BLOCK);
	assert_int_equal(opened.kernel->kdbg.fields[KDBG_MM_UNLOADED_DRIVERS], 0);
	assert_int_equal(kdbg_variable(opened.kernel->space, &opened.kernel->kdbg,
				       KDBG_MM_UNLOADED_DRIVERS, &value, &err),
			 PS_ABSENT);
	assert_text(err.text, "this KDBG (0x220 bytes) has no field MmUnloadedDrivers");
	assert_null(opened.kernel->service_pack);
	assert_true(has_note(opened.kernel, "unloaded drivers is not complete"));
	close_all(&opened);
	free_made(made);
}

/* The page with the block's fields is not in the dump, the one with its head is. */
static void test_kdbg_cut(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	uint64_t at = made->base + 0x4e80; /* fields from 0x180 on lie in the next page */
	struct ps_error err = PS_ERROR_INIT;
	struct opened opened;
	uint64_t value;

	(void)state;
	made_put_bytes(made, at + 0x10, "KDBG", 4);
	made_put(made, at + 0x14, 0x380, 4);
	made_put(made, at + 0x18, made->base, 8);
	made_put(made, at + 0x48, made->base + AT_LIST, 8);
	made_put(made, at + 0x110, 0x1234, 8);
	made_drop(made, made->base + 0x5000);
	header.kdbg = at;
	opened = open_crash(made, &header);
	must(&opened);
	assert_int_equal(opened.kernel->modules.count, MADE_MODULES);
	assert_int_equal(kdbg_variable(opened.kernel->space, &opened.kernel->kdbg,
				       KDBG_POOL_TRACK_TABLE, &value, &err),
			 PS_ABSENT);
	assert_text(err.text, "PoolTrackTable at 0xfffff80001205038 is not in the dump");
	assert_int_equal(kdbg_variable(opened.kernel->space, &opened.kernel->kdbg,
				       KDBG_NONPAGED_POOL_START, &value, &err),
			 PS_CORRUPT);
	assert_text(err.text, "holds no kernel address");
	assert_int_equal(kdbg_variable(opened.kernel->space, &opened.kernel->kdbg,
				       KDBG_NONPAGED_POOL_END, &value, &err),
			 PS_ABSENT);
	assert_text(err.text, "is 0");
	close_all(&opened);
	free_made(made);
}

/* Without the block: the list of the header or by its first entry, and the ring by its look. */
static void test_no_kdbg(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	struct ps_error err = PS_ERROR_INIT;
	struct opened opened;
	uint64_t value;

	(void)state;
	made_put(made, made->base + AT_KDBG + 0x10, 0x1badb002, 4);
	opened = open_crash(made, &header);
	must(&opened);
	assert_int_equal(opened.kernel->kdbg.size, 0);
	assert_string_equal(opened.kernel->kdbg_found_by,
			    "none in memory; the header names PsLoadedModuleList");
	assert_int_equal(opened.kernel->modules.count, MADE_MODULES);
	assert_text(opened.kernel->notes[0], "the tag there is 0x1badb002");
	assert_text(opened.kernel->notes[1], "(8 of its 8 pages could be read)");
	assert_int_equal(kdbg_variable(opened.kernel->space, &opened.kernel->kdbg,
				       KDBG_POOL_TRACK_TABLE, &value, &err),
			 PS_ABSENT);
	assert_string_equal(err.text, "there is no KDBG, and no symbols name PoolTrackTable");
	close_all(&opened);
	opened = open_raw(made);
	must(&opened);
	assert_string_equal(opened.kernel->kdbg_found_by,
			    "none in memory; PsLoadedModuleList by its first entry");
	assert_int_equal(opened.kernel->modules.count, MADE_MODULES);
	close_all(&opened);
	free_made(made);
}

/* Encodes the block as Windows does, which is the inverse of fact sheet's KdDecodeDataBlock. */
static void encode_kdbg(struct made *made, uint64_t never, uint64_t always)
{
	uint64_t flag = made->base + AT_BUILD_LAB + 0x40;

	for (unsigned at = 0; at < MADE_KDBG_BYTES; at += 8) {
		uint64_t q = made_get_pointer(made, made->base + AT_KDBG + at);

		q = __builtin_bswap64(q ^ always) ^ flag;
		if (never % 64 != 0)
			q = q >> never % 64 | q << (64 - never % 64);
		made_put(made, made->base + AT_KDBG + at, q ^ never, 8);
	}
}

/* No code names the keys here: known plain text is what is left. */
static void test_encoded_kdbg(void **state)
{
	static const enum made_kind kinds[] = {MADE_X64, MADE_LA57, MADE_ARM64};
	static const uint64_t nevers[] = {0x123456789abcde40, 0xfedcba987654321f, 0x3f};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct made *made = new_made(kinds[i]);
		struct made_header header = made_true_header(made);
		struct opened opened;

		encode_kdbg(made, nevers[i], 0xa5a55a5ac3c33c3c);
		opened = open_crash(made, &header);
		must(&opened);
		assert_string_equal(opened.kernel->kdbg_found_by, "decoded by known plaintext");
		assert_true(has_note(opened.kernel, "as a running Windows 8 or later keeps it"));
		assert_right_kernel(opened.kernel, made);
		close_all(&opened);
		free_made(made);
	}
}

/* A block that decodes, but whose list of modules begins with another image, is turned down. */
static void test_encoded_of_another(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct made_header header = made_true_header(made);
	struct opened opened;

	(void)state;
	made_put_kdbg(made, 0x48, made->base + AT_LIST + 0x100);
	encode_kdbg(made, 0x123456789abcde57, 0xa5a55a5ac3c33c3c);
	opened = open_crash(made, &header);
	must(&opened);
	assert_int_equal(opened.kernel->kdbg.size, 0);
	assert_int_equal(opened.kernel->modules.count, MADE_MODULES);
	close_all(&opened);
	free_made(made);
}

/* Every mapped page, in order, and none that is not. */
static void test_mapped_pages(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened = open_crash(made, &header);
		uint64_t va = made->base, end = made->base + MADE_IMAGE_BYTES;
		struct translation at;
		unsigned count = 0;

		must(&opened);
		while (space_next_mapped(opened.kernel->space, va, end, &va, &at)) {
			assert_true(va == made->base + (uint64_t)count * MADE_PAGE);
			count++;
			va += MADE_PAGE;
		}
		assert_int_equal(count, MADE_IMAGE_BYTES / MADE_PAGE);
		/* From far below, over tables that are not there. */
		assert_true(space_next_mapped(opened.kernel->space,
					      made->base - (made->pointer == 8 ? 1ull << 36 : 0),
					      end, &va, &at));
		assert_true(va <= made->base);
		assert_false(space_next_mapped(opened.kernel->space, end, end, &va, &at));
		close_all(&opened);
		free_made(made);
	}
}

/* Nothing stands for the block: what was looked at is said. */
static void test_nothing(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct opened opened;

	(void)state;
	made_put(made, made->base + AT_KDBG + 0x10, 0x1badb002, 4);
	made_drop(made, made->base);
	opened = open_raw(made);
	assert_null(opened.kernel);
	assert_int_equal(opened.error.status, PS_NOT_FOUND);
	assert_text(opened.error.text, "pages begins a kernel's image");
	assert_text(opened.error.hint, "by its KDBG or by its image (ntoskrnl.exe)");
	close_all(&opened);
	free_made(made);
}

/* The page of the kernel's PE header is not in the dump: its list of modules vouches for it. */
static void test_no_kernel_header(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct made_header header = made_true_header(made);
		struct opened opened;

		made_drop(made, made->base);
		opened = open_crash(made, &header);
		assert_right_kernel(must(&opened), made);
		assert_false(opened.kernel->image.headers_present);
		assert_int_equal(opened.kernel->size, MADE_IMAGE_BYTES);
		close_all(&opened);
		opened = open_raw(made);
		assert_right_kernel(must(&opened), made);
		close_all(&opened);
		free_made(made);
	}
}

/* ---- lists ---- */

static void test_list_loop(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct opened opened;
	const struct module_list *list;

	(void)state;
	made_put_pointer(made, made->entries[3], made->entries[1]);
	opened = open_true(made);
	list = &must(&opened)->modules;
	assert_false(list->complete);
	assert_int_equal(list->count, MADE_MODULES);
	assert_string_equal(list->items[4].name, "myfault.sys");
	assert_string_equal(list->items[5].name, "http.sys");
	assert_text(list->note, "comes back to an entry it has been at; 4 modules reached "
				"forwards, 2 backwards, and the two ends meet");
	assert_true(has_note(opened.kernel, "list of modules is not complete"));
	close_all(&opened);
	made_put_pointer(made, made->entries[3], made->entries[3]);
	made_put_pointer(made, made->entries[4] + 8, made->entries[5]);
	opened = open_true(made);
	assert_int_equal(must(&opened)->modules.count, MADE_MODULES);
	close_all(&opened);
	free_made(made);
}

static void test_list_torn(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		struct opened opened;
		const struct module_list *list;

		made_drop(made, made->entries[2]);
		opened = open_true(made);
		list = &must(&opened)->modules;
		assert_false(list->complete);
		assert_int_equal(list->count, MADE_MODULES - 1);
		assert_string_equal(list->items[1].name, "hal.dll");
		assert_string_equal(list->items[2].name, "ntfs.sys");
		assert_string_equal(list->items[4].name, "http.sys");
		assert_text(list->note, "not in the dump");
		assert_text(list->note, "2 modules reached forwards, 3 backwards, and");
		close_all(&opened);
		made_drop(made, made->entries[4]);
		opened = open_true(made);
		list = &must(&opened)->modules;
		assert_int_equal(list->count, 3);
		assert_text(list->note, "2 modules reached forwards, 1 backwards");
		assert_null(strstr(list->note, "meet"));
		close_all(&opened);
		free_made(made);
	}
}

static void test_list_into_nowhere(void **state)
{
	static const uint64_t targets[] = {0, 0x1234, 0x4547415045474150, UINT64_MAX - 7,
					   0xfffffa8001000000};
	struct made *made = new_made(MADE_X64);

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct opened opened;

		made_put_pointer(made, made->entries[3], targets[i]);
		opened = open_true(made);
		assert_int_equal(must(&opened)->modules.count, MADE_MODULES);
		assert_false(opened.kernel->modules.complete);
		assert_true(opened.kernel->modules.note[0] != '\0');
		close_all(&opened);
	}
	free_made(made);
}

static void test_names(void **state)
{
	static const uint16_t odd[] = {'a', 0xd83d, 0xde00, 0xd800, 'b', 0xdc00, 0x7, 0xe4, 0x20ac};
	struct made *made = new_made(MADE_X64);
	struct opened opened;
	const struct module *modules;

	(void)state;
	made_put_string(made, made->entries[1] + 0x58, made->names + 0x180, odd, 9);
	made_put(made, made->entries[2] + 0x58, 7, 2);
	made_put(made, made->entries[3] + 0x58, 0x402, 2);
	made_put(made, made->entries[4] + 0x60, 0x1000, 8);
	made_put(made, made->entries[5] + 0x60, made->names + 0x2000 - 4, 8);
	opened = open_true(made);
	modules = must(&opened)->modules.items;
	assert_true(opened.kernel->modules.complete);
	assert_string_equal(modules[1].name, "a\xf0\x9f\x98\x80\xef\xbf\xbd"
					     "b\xef\xbf\xbd\xef\xbf\xbd\xc3\xa4\xe2\x82\xac");
	assert_null(modules[2].name);
	assert_null(modules[3].name);
	assert_null(modules[4].name);
	assert_null(modules[5].name);
	assert_string_equal(modules[5].path, "\\SystemRoot\\http.sys");
	close_all(&opened);
	free_made(made);
}

static void test_unloaded_ring(void **state)
{
	struct made *made = new_made(MADE_X86);
	struct opened opened;

	(void)state;
	made_put(made, made->ring + 5 * 0x18 + 0xc, 0x1000, 4); /* ends before it starts */
	made_put(made, made->base + AT_LAST_UNLOADED, 50, 4);
	opened = open_true(made);
	assert_int_equal(must(&opened)->unloaded.count, 48);
	assert_string_equal(opened.kernel->unloaded.items[0].name, "gone0.sys");
	assert_text(opened.kernel->unloaded.note, "1 of 50 slots for unloaded drivers hold no");
	close_all(&opened);
	made_put(made, made->base + AT_LAST_UNLOADED, 51, 4);
	made_put(made, made->ring + 5 * 0x18 + 0xc, 0xf7999000, 4);
	opened = open_true(made);
	assert_text(must(&opened)->unloaded.note, "the order of unloaded drivers is not known");
	close_all(&opened);
	made_drop(made, made->ring);
	opened = open_true(made);
	assert_int_equal(must(&opened)->unloaded.count, 0);
	assert_text(opened.kernel->unloaded.note, "50 of 50 slots for unloaded drivers cannot");
	close_all(&opened);
	made_put_pointer(made, made->base + AT_UNLOADED, 0);
	opened = open_true(made);
	assert_true(must(&opened)->unloaded.complete);
	assert_int_equal(opened.kernel->note_count, 0);
	close_all(&opened);
	free_made(made);
}

/* ---- PE images ---- */

static void expect_no_image(struct made *made, uint64_t offset, uint64_t value, unsigned width)
{
	struct ps_error err = PS_ERROR_INIT;
	struct pe_identity identity;
	struct opened opened;

	made_put(made, made->bases[4] + offset, value, width);
	opened = open_true(made);
	assert_int_equal(pe_identify(must(&opened)->space, made->bases[4], &identity, &err),
			 PS_CORRUPT);
	assert_text(err.text, "no PE image at 0x");
	close_all(&opened);
}

static void test_bad_images(void **state)
{
	struct made *made = new_made(MADE_X64);

	(void)state;
	expect_no_image(made, 0xf8 + 24 + 0x38, 0x80000000, 4); /* SizeOfImage */
	expect_no_image(made, 0xf8 + 24 + 0x38, 0x1ff, 4);      /* its headers end at 0x200 */
	expect_no_image(made, 0xf8 + 24, 0x107, 2);             /* magic */
	expect_no_image(made, 0xf8, 0x4550 + 1, 4);
	expect_no_image(made, 0x3c, 0xfffffff0, 4);
	expect_no_image(made, 0, 0, 2);
	free_made(made);
}

/* A debug directory that leaves the image, or whose record does, is as good as none. */
static void test_bad_debug_directory(void **state)
{
	static const struct {
		uint32_t offset;
		uint32_t value;
		bool pdb; /* GUID and age are still there */
	} cases[] = {
		{0xf8 + 24 + 0x70 + 48, 0x7ff0, false},      /* directory at the very end */
		{0xf8 + 24 + 0x70 + 52, 0xffffffff, false},  /* its size */
		{AT_DEBUG + 0x1c + 0x14, 0xfffffff0, false}, /* record's RVA */
		{AT_DEBUG + 0x1c + 0x10, 0x17, false},       /* record's size */
		{AT_RSDS, 0x3031424e, false},                /* NB10 */
		{AT_DEBUG + 0x1c + 0x10, 0x18 + 24, true},   /* name without its end */
		{0xf8 + 24 + 0x6c, 6, false},                /* NumberOfRvaAndSizes */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct made *made = new_made(MADE_X64);
		struct opened opened;

		made_put(made, made->base + cases[i].offset, cases[i].value, 4);
		opened = open_true(made);
		assert_true(must(&opened)->image.headers_present);
		assert_int_equal(opened.kernel->image.pdb_present, cases[i].pdb);
		assert_string_equal(opened.kernel->image.pdb_name, "");
		close_all(&opened);
		free_made(made);
	}
}

static void test_export_name(void **state)
{
	struct made *made = new_made(MADE_X64);
	struct ps_error err = PS_ERROR_INIT;
	struct opened opened = open_true(made);
	struct space *space = must(&opened)->space;
	char name[32];

	(void)state;
	assert_int_equal(pe_export_module_name(space, made->base, name, sizeof(name), &err), PS_OK);
	assert_string_equal(name, "ntoskrnl.exe");
	assert_int_equal(pe_export_module_name(space, made->base, name, 12, &err), PS_NOT_FOUND);
	assert_int_equal(pe_export_module_name(space, made->bases[4], name, sizeof(name), &err),
			 PS_NOT_FOUND);
	assert_int_equal(pe_export_module_name(space, made->bases[3], name, sizeof(name), &err),
			 PS_ABSENT);
	close_all(&opened);
	free_made(made);
}

/* ---- nothing there ---- */

static void test_no_kernel(void **state)
{
	struct image *image = malloc(sizeof(*image));
	uint64_t seed = 1;
	struct opened opened;

	(void)state;
	assert_non_null(image);
	image_init(image);
	/* Tables that map themselves at every level, and words that are KDBG and nothing else. */
	for (uint64_t pfn = 0x10; pfn < 0x50; pfn++)
		for (unsigned i = 0; i < 512; i++)
			image_put64(image, pfn * 4096 + i * 8, pfn * 4096 | 0x63);
	for (uint64_t pfn = 0x50; pfn < 0x200; pfn++)
		for (unsigned i = 0; i < 512; i++)
			image_put64(image, pfn * 4096 + i * 8, image_random(&seed));
	for (uint64_t at = 0x60010; at < 0x70000; at += 0x100) {
		image_put64(image, at, 0x000003404742444b);
		image_put64(image, at + 8, 0xfffff80000000000 | (at << 12));
	}
	image_write_raw(image, 0x200);
	opened = open_path(image->path);
	assert_null(opened.kernel);
	assert_int_equal(opened.error.status, PS_NOT_FOUND);
	print_message("  %s\n", opened.error.text);
	close_all(&opened);
	image_write_crash(image, 64, 0x10000, 0);
	opened = open_path(image->path);
	assert_null(opened.kernel);
	print_message("  %s\n", opened.error.text);
	assert_text(opened.error.text, "directory table base 0x10000 leads to none");
	close_all(&opened);
	image_fini(image);
	free(image);
}

static void test_root_absent(void **state)
{
	(void)state;
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		struct made *made = new_made(kind);
		uint8_t **page = &made->image.pages[made->root / MADE_PAGE];
		struct opened opened;

		free(*page);
		*page = NULL;
		opened = open_true(made);
		assert_null(opened.kernel);
		assert_int_equal(opened.error.status, PS_NOT_FOUND);
		assert_text(opened.error.text, "leads to none: its page is not in the dump");
		close_all(&opened);
		free_made(made);
	}
}

/* Bits flipped anywhere: an answer or an error, soon, and nothing read outside. */
static void flip_bits(struct made *made, uint64_t *seed, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint64_t pfn = 0x200 + image_random(seed) % (made->next_pfn - 0x200);
		uint64_t at = image_random(seed) % 4096;

		if (made->image.pages[pfn])
			made->image.pages[pfn][at] ^= (uint8_t)(1 << image_random(seed) % 8);
	}
}

static void test_flipped_bits(void **state)
{
	uint64_t seed = 7;
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 240; i++) {
		struct made *made = new_made(i % MADE_KINDS);
		struct timespec begin, end;
		struct opened opened;

		flip_bits(made, &seed, 1 << i % 11);
		clock_gettime(CLOCK_MONOTONIC, &begin);
		opened = i % 2 ? open_raw(made) : open_true(made);
		clock_gettime(CLOCK_MONOTONIC, &end);
		assert_true(end.tv_sec - begin.tv_sec < 5);
		found += opened.kernel != NULL;
		close_all(&opened);
		free_made(made);
	}
	print_message("  a kernel found in %u of 240\n", found);
}

/* ---- words ---- */

static void test_bugcheck_names(void **state)
{
	(void)state;
	assert_string_equal(bugcheck_name(0xe2), "MANUALLY_INITIATED_CRASH");
	assert_string_equal(bugcheck_name(0x19), "BAD_POOL_HEADER");
	assert_string_equal(bugcheck_name(0x1000007e), "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED");
	assert_string_equal(bugcheck_name(0xdeaddead), "MANUALLY_INITIATED_CRASH1");
	assert_string_equal(bugcheck_name(0x161), "LIVE_SYSTEM_DUMP");
	assert_null(bugcheck_name(0));
	assert_null(bugcheck_name(0xfffffffffful));
}

static void expect_product(struct made *made, uint32_t build, uint32_t type, uint32_t shared,
			   const char *name)
{
	struct made_header header = made_true_header(made);
	struct opened opened;

	header.build = build;
	header.product_type = type;
	made_put(made, 0xfffff78000000000 + 0x260, shared, 4);
	made_put(made, 0xfffff78000000000 + 0x264, 0, 4);
	opened = open_crash(made, &header);
	assert_string_equal(kernel_product_name(must(&opened)), name);
	close_all(&opened);
}

static void test_product_names(void **state)
{
	struct made *made = new_made(MADE_X64);

	(void)state;
	expect_product(made, 7601, 1, 0, "Windows 7");
	expect_product(made, 7601, 3, 0, "Windows Server 2008 R2");
	expect_product(made, 7601, 0, 0, "Windows 7 or Windows Server 2008 R2");
	expect_product(made, 3790, 1, 0, "Windows XP x64 Edition");
	expect_product(made, 20348, 2, 0, "Windows Server 2022");
	expect_product(made, 19041, 1, 19045, "Windows 10 version 22H2");
	expect_product(made, 19041, 1, 0, "Windows 10 version 2004 to 22H2");
	expect_product(made, 19041, 1, 19041, "Windows 10 version 2004");
	expect_product(made, 20000, 1, 0, "Windows build 20000");
	free_made(made);
}

/* ---- real memory ---- */

static const char real_files[] = "../shared/data/win10-17763-x64/";

static void check_real_modules(const struct module_list *list)
{
	char path[160], line[256], name[128];
	uint64_t base, size;
	size_t count = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%sexpected-modules.csv", real_files);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	while (fgets(line, sizeof(line), file)) {
		const struct module *module = &list->items[count];

		assert_int_equal(
			sscanf(line, "0x%" SCNx64 ",0x%" SCNx64 ",%127[^\r\n]", &base, &size, name),
			3);
		assert_true(count++ < list->count);
		assert_int_equal(module->base, base);
		assert_int_equal(module->size, size);
		assert_string_equal(module->name, name);
	}
	fclose(file);
	assert_int_equal(count, 198);
	assert_int_equal(list->count, 198);
	assert_true(list->complete);
}

static void check_real(const char *path, const char *kdbg_found_by)
{
	struct opened opened = open_path(path);
	struct kernel *kernel = must(&opened);
	uint64_t table, base = 0xfffff8051a09f000;
	struct ps_error err = PS_ERROR_INIT;

	print_notes(kernel);
	assert_int_equal(kernel->base, base);
	assert_int_equal(kernel->size, 0xa71000);
	assert_int_equal(kernel->kdbg.va, base + 0x3ff5e0);
	assert_int_equal(kernel->kdbg.size, 0x380);
	assert_string_equal(kernel->kdbg_found_by, kdbg_found_by);
	assert_int_equal(kernel->kdbg.fields[KDBG_POOL_TRACK_TABLE], base + 0x40a778);
	assert_int_equal(
		kdbg_variable(kernel->space, &kernel->kdbg, KDBG_POOL_TRACK_TABLE, &table, &err),
		PS_OK);
	assert_int_equal(table, 0xffffe38f36402000);
	assert_int_equal(kernel->image.timestamp, 0x6105701f);
	assert_string_equal(kernel->image.guid_age, "20C711BBD4C21AA5C45BC774BC7E0472-1");
	assert_int_equal(kernel->build.value, 17763);
	assert_string_equal(kernel->build_lab, "17763.1.amd64fre.rs5_release.180914-1434");
	assert_string_equal(kernel_product_name(kernel), "Windows 10 version 1809");
	assert_false(kernel->unloaded.complete);
	check_real_modules(&kernel->modules);
	close_all(&opened);
}

/* Unpacks into a fresh directory; false (and said) when the file is not here. */
static bool unpack(const char *name, bool tar, char directory[64], char path[96])
{
	char packed[160], command[512];

	snprintf(packed, sizeof(packed), "%s%s", real_files, name);
	if (access(packed, R_OK) != 0) {
		print_message("  skipped: %s is not here\n", packed);
		return false;
	}
	strcpy(directory, "/tmp/poolscope-test-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, 96, "%s/memory", directory);
	if (tar) /* makes the holes of the file again */
		snprintf(command, sizeof(command),
			 "zstd -dc %s | tar -xSf - -C %s && mv %s/*.raw %s", packed, directory,
			 directory, path);
	else
		snprintf(command, sizeof(command), "zstd -dc %s >%s", packed, path);
	assert_int_equal(system(command), 0);
	return true;
}

static void check_packed(const char *name, bool tar, const char *kdbg_found_by)
{
	char directory[64], path[96];

	if (!unpack(name, tar, directory, path))
		skip();
	check_real(path, kdbg_found_by);
	unlink(path);
	rmdir(directory);
}

static void test_real_bitmap(void **state)
{
	(void)state;
	check_packed("real-bitmap5.dmp.zst", false, "search of the kernel image");
}

static void test_real_raw(void **state)
{
	(void)state;
	check_packed("snapshot.raw.tar.zst", true, "search of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_old_windows),
		cmocka_unit_test(test_low_stub),
		cmocka_unit_test(test_header_without_kdbg),
		cmocka_unit_test(test_header_without_machine),
		cmocka_unit_test(test_wrong_dtb),
		cmocka_unit_test(test_shadow_dtb),
		cmocka_unit_test(test_wrong_pae),
		cmocka_unit_test(test_wrong_addresses),
		cmocka_unit_test(test_disagreements),
		cmocka_unit_test(test_decoys),
		cmocka_unit_test(test_kdbg_checks),
		cmocka_unit_test(test_scan_borders),
		cmocka_unit_test(test_kdbg_size),
		cmocka_unit_test(test_kdbg_cut),
		cmocka_unit_test(test_no_kdbg),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_encoded_kdbg),
		cmocka_unit_test(test_encoded_of_another),
		cmocka_unit_test(test_mapped_pages),
		cmocka_unit_test(test_no_kernel_header),
		cmocka_unit_test(test_list_loop),
		cmocka_unit_test(test_list_torn),
		cmocka_unit_test(test_list_into_nowhere),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unloaded_ring),
		cmocka_unit_test(test_bad_images),
		cmocka_unit_test(test_bad_debug_directory),
		cmocka_unit_test(test_export_name),
		cmocka_unit_test(test_no_kernel),
		cmocka_unit_test(test_root_absent),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_bugcheck_names),
		cmocka_unit_test(test_product_names),
		cmocka_unit_test(test_real_bitmap),
		cmocka_unit_test(test_real_raw),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

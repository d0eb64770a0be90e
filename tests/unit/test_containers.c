/*
 * ELF cores, kdump-compressed dumps and the process behind libkdumpfile: from files that the test
 * writes itself.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libkdumpfile/kdumpfile.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/signals.h"
#include "dump_writer.h"
#include "formats/dump.h"
#include "formats/kdumpfile.h"

enum { LOAD = 1, NOTE = 4, CORE = 4, AMD64 = 62, I386 = 3, ARM64 = 183 };

struct load {
	uint64_t offset, paddr, filesz, memsz;
};

static struct writer writer;

static int setup(void **state)
{
	(void)state;
	writer_init(&writer);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	writer_fini(&writer);
	return 0;
}

static struct dump *opened(void)
{
	writer_save(&writer);
	return writer_open(&writer);
}

static void refused(enum ps_status status, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;

	writer_save(&writer);
	assert_int_equal(dump_open(writer.path, NULL, &dump, &err), status);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" has no \"%s\"", err.text, words);
}

static bool has_note(const struct dump *dump, const char *words)
{
	for (unsigned i = 0; i < dump->note_count; i++)
		if (strstr(dump->notes[i], words))
			return true;
	return false;
}

/* ---- ELF ---- */

static void elf_header(unsigned class, unsigned machine, unsigned programs)
{
	writer_clear(&writer);
	writer_put_bytes(&writer, 0,
			 "\x7f"
			 "ELF",
			 4);
	writer_put(&writer, 4, class, 1);
	writer_put(&writer, 5, 1, 1);
	writer_put(&writer, 6, 1, 1);
	writer_put(&writer, 16, CORE, 2);
	writer_put(&writer, 18, machine, 2);
	writer_put(&writer, 20, 1, 4);
	if (class == 2) {
		writer_put(&writer, 32, 64, 8);
		writer_put(&writer, 54, 56, 2);
		writer_put(&writer, 56, programs, 2);
		writer_put(&writer, 58, 64, 2);
	} else {
		writer_put(&writer, 28, 52, 4);
		writer_put(&writer, 42, 32, 2);
		writer_put(&writer, 44, programs, 2);
		writer_put(&writer, 46, 40, 2);
	}
}

static void program(unsigned index, uint32_t type, const struct load *load)
{
	size_t at = 64 + (size_t)index * 56;

	writer_put(&writer, at, type, 4);
	writer_put(&writer, at + 8, load->offset, 8);
	writer_put(&writer, at + 24, load->paddr, 8);
	writer_put(&writer, at + 32, load->filesz, 8);
	writer_put(&writer, at + 40, load->memsz, 8);
}

static void load(unsigned index, uint64_t offset, uint64_t pfn, uint64_t pages)
{
	program(index, LOAD, &(struct load){offset, pfn << 12, pages << 12, pages << 12});
}

/* Pages of the pattern of their own numbers, from an offset that is not aligned. */
static void pages_at(size_t offset, uint64_t pattern, unsigned count)
{
	uint8_t page[4096];

	for (unsigned i = 0; i < count; i++) {
		writer_pattern(pattern + i, page);
		writer_put_bytes(&writer, offset + (size_t)i * 4096, page, sizeof(page));
	}
}

static void test_elf_unaligned(void **state)
{
	struct dump *dump;

	(void)state;
	elf_header(2, AMD64, 2);
	load(0, 1001, 0x10, 3);
	load(1, 1001 + 3 * 4096, 0x100000, 2);
	pages_at(1001, 0x10, 3);
	pages_at(1001 + 3 * 4096, 0x100000, 2);
	dump = opened();
	assert_string_equal(dump->kind, "elf");
	assert_string_equal(dump->title, "ELF core, 64-bit");
	assert_true(dump->complete);
	assert_int_equal(dump->map.pages, 5);
	expect_pattern(dump, 0x12, 0x12);
	expect_pattern(dump, 0x100001, 0x100001);
	expect_state(dump, 0x13, PAGE_NOT_IN_DUMP);
	assert_int_equal(dump->facts.machine, MACHINE_UNKNOWN);
	dump_close(dump);
}

static void test_elf_arm64(void **state)
{
	struct dump *dump;

	(void)state;
	elf_header(2, ARM64, 1);
	load(0, 0x754, 0x40000, 1);
	pages_at(0x754, 0x40000, 1);
	dump = opened();
	assert_int_equal(dump->facts.machine, MACHINE_ARM64);
	expect_pattern(dump, 0x40000, 0x40000);
	dump_close(dump);
}

static void test_elf_32(void **state)
{
	struct dump *dump;

	(void)state;
	elf_header(1, I386, 1);
	writer_put(&writer, 52, LOAD, 4);
	writer_put(&writer, 56, 777, 4);
	writer_put(&writer, 64, 0x20000, 4);
	writer_put(&writer, 68, 0x2000, 4);
	writer_put(&writer, 72, 0x2000, 4);
	pages_at(777, 0x20, 2);
	dump = opened();
	assert_string_equal(dump->title, "ELF core, 32-bit");
	expect_pattern(dump, 0x21, 0x21);
	dump_close(dump);
}

/* The same page listed more than once: aliases of one place, and of different ones. */
static void test_elf_overlaps(void **state)
{
	struct dump *dump;

	(void)state;
	elf_header(2, AMD64, 5);
	load(0, 4096, 0x10, 8);
	load(1, 4096 + 2 * 4096, 0x12, 3); /* inside the first */
	load(2, 4096 + 6 * 4096, 0x16, 4); /* goes on behind it */
	load(3, 4096, 0x10, 8);            /* the first again */
	load(4, 4096, 0x40, 1);            /* the same bytes elsewhere are no overlap */
	pages_at(4096, 0x10, 10);
	dump = opened();
	assert_int_equal(dump->map.pages, 11);
	assert_int_equal(dump->map.run_count, 2); /* neighbours joined */
	assert_int_equal(dump->note_count, 0);
	for (uint64_t pfn = 0x10; pfn < 0x1a; pfn++)
		expect_pattern(dump, pfn, pfn);
	expect_pattern(dump, 0x40, 0x10);
	dump_close(dump);

	elf_header(2, AMD64, 2);
	load(0, 4096, 0x10, 4);
	load(1, 4096, 0x12, 4);
	pages_at(4096, 0x10, 4);
	dump = opened();
	assert_int_equal(dump->map.pages, 6);
	expect_pattern(dump, 0x13, 0x13); /* of the one that begins first */
	expect_pattern(dump, 0x14, 0x12);
	assert_true(has_note(dump, "1 memory segments overlap others and have different bytes"));
	dump_close(dump);
}

static void test_elf_parts(void **state)
{
	struct dump *dump;

	(void)state;
	elf_header(2, AMD64, 3);
	/* half a page, two pages, half a page; the middle is whole */
	program(0, LOAD, &(struct load){500, 0x10800, 0x3000, 0x3000});
	/* four pages of memory, one of them in the file */
	program(1, LOAD, &(struct load){500 + 0x3000, 0x20000, 0x1000, 0x4000});
	/* as QEMU writes what it has no place for */
	program(2, LOAD, &(struct load){UINT64_MAX, 0xc0000000, 0xc0000, 0x80000000});
	pages_at(500 + 0x800, 0x11, 2);
	pages_at(500 + 0x3000, 0x20, 1);
	dump = opened();
	assert_int_equal(dump->map.pages, 3);
	assert_false(dump->complete);
	expect_pattern(dump, 0x11, 0x11);
	expect_pattern(dump, 0x12, 0x12);
	expect_state(dump, 0x10, PAGE_NOT_IN_DUMP);
	expect_state(dump, 0x13, PAGE_NOT_IN_DUMP);
	expect_pattern(dump, 0x20, 0x20);
	expect_state(dump, 0x21, PAGE_NOT_IN_DUMP);
	expect_state(dump, 0xc0000, PAGE_NOT_IN_DUMP);
	assert_true(has_note(dump, "1 memory segments have no place in the file"));
	assert_true(has_note(dump, "paging=off"));
	assert_true(has_note(dump, "3 pages of its segments have no bytes in the file"));
	assert_true(has_note(dump, "2 pages are there only in part"));
	dump_close(dump);
}

static void test_elf_truncated(void **state)
{
	(void)state;
	for (size_t size = 4096; size < 7 * 4096; size += 4096) {
		struct ps_error err = PS_ERROR_INIT;
		size_t left = (size - 3000) / 4096;
		struct dump *dump = NULL;

		elf_header(2, AMD64, 2);
		load(0, 3000, 1, 3);
		load(1, 3000 + 3 * 4096, 0x30, 4);
		pages_at(3000, 1, 3);
		pages_at(3000 + 3 * 4096, 0x30, 4);
		writer_save_part(&writer, size);
		assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_OK);
		assert_false(dump->complete);
		assert_int_equal(dump->map.pages_in_file, left);
		for (unsigned i = 0; i < 7; i++) {
			uint64_t pfn = i < 3 ? 1 + i : 0x30 + i - 3;

			if (i < left)
				expect_pattern(dump, pfn, pfn);
			else
				expect_state(dump, pfn, PAGE_BEYOND_EOF);
		}
		assert_true(has_note(dump, "the file ends"));
		dump_close(dump);
	}
}

/* More program headers than e_phnum can say. */
static void test_elf_many(void **state)
{
	enum { MANY = 70000, AT = 64 + 64 };
	size_t data = AT + (size_t)MANY * 56;
	struct dump *dump;

	(void)state;
	elf_header(2, AMD64, 0xffff);
	writer_put(&writer, 32, AT, 8);
	writer_put(&writer, 40, 64, 8);
	writer_put(&writer, 60, 1, 2);
	writer_put(&writer, 64 + 44, MANY, 4);
	writer_put(&writer, data + 4096, 0, 1); /* room at once */
	for (unsigned i = 0; i < MANY; i++) {
		size_t at = AT + (size_t)i * 56;

		writer_put(&writer, at, LOAD, 4);
		writer_put(&writer, at + 8, data, 8); /* all of them one page */
		writer_put(&writer, at + 24, (uint64_t)(i + 1) << 13, 8);
		writer_put(&writer, at + 32, 4096, 8);
		writer_put(&writer, at + 40, 4096, 8);
	}
	pages_at(data, 7, 1);
	dump = opened();
	assert_int_equal(dump->map.pages, MANY);
	expect_pattern(dump, MANY * 2, 7);
	dump_close(dump);
	writer_put(&writer, 64 + 44, 0x7fffffff, 4);
	refused(PS_CORRUPT, "it states 2147483647 program headers, which is beyond reason");
	writer_put(&writer, 40, 0, 8);
	refused(PS_CORRUPT, "no section header that counts them");
}

static void test_elf_refused(void **state)
{
	(void)state;
	elf_header(2, 8, 1);
	writer_put(&writer, 63, 0, 1);
	refused(PS_UNSUPPORTED, "a machine that runs no Windows (e_machine 8)");
	elf_header(2, AMD64, 1);
	writer_put(&writer, 54, 57, 2);
	writer_put(&writer, 63, 0, 1);
	refused(PS_CORRUPT, "its program headers have 57 bytes, which is no size of theirs");
	elf_header(2, AMD64, 1);
	writer_put(&writer, 63, 0, 1);
	refused(PS_ABSENT, "the file ends before its program headers");
	elf_header(2, AMD64, 1);
	load(0, 4096, UINT64_C(1) << 50, 1); /* no such address */
	writer_put(&writer, 9000, 0, 1);
	refused(PS_UNSUPPORTED, "none of whose memory segments has a place in the file");
}

/* ---- notes ---- */

static size_t add_note(size_t at, const char *name, uint32_t type, const uint8_t *body,
		       uint32_t size)
{
	uint32_t length = (uint32_t)strlen(name) + 1;

	writer_put(&writer, at, length, 4);
	writer_put(&writer, at + 4, size, 4);
	writer_put(&writer, at + 8, type, 4);
	writer_put_bytes(&writer, at + 12, name, length);
	at += 12 + (length + 3) / 4 * 4;
	if (size > 0)
		writer_put_bytes(&writer, at, body, size);
	writer_put(&writer, at + size + 3, 0, 1);
	return at + (size + 3) / 4 * 4;
}

static size_t add_state(size_t at, uint64_t cr0, uint64_t cr3, uint64_t cr4)
{
	uint8_t body[440] = {1};
	const uint64_t values[] = {cr0, 0, 0, cr3, cr4};

	for (unsigned i = 0; i < 5; i++)
		for (unsigned b = 0; b < 8; b++)
			body[392 + i * 8 + b] = (uint8_t)(values[i] >> 8 * b);
	return add_note(at, "QEMU", 0, body, sizeof(body));
}

static void core_with_notes(unsigned machine, size_t notes_end)
{
	enum { PAGES = 1 << 16 };

	program(0, NOTE, &(struct load){.offset = 512, .filesz = notes_end - 512});
	load(1, PAGES, 1, 1);
	pages_at(PAGES, 1, 1);
	writer_put(&writer, 18, machine, 2);
}

static void test_notes_cr3(void **state)
{
	struct dump *dump;
	size_t at;

	(void)state;
	elf_header(2, AMD64, 2);
	at = add_state(512, 0x80050033, 0x1aa000, 0x6f8);
	at = add_state(at, 0x80050033, 0x123000, 0x6f8);
	at = add_state(at, 0x80050033, 0x1aa000, 0x6f8);
	at = add_state(at, 0x10, 0x999000, 0); /* not started: no paging */
	core_with_notes(AMD64, at);
	dump = opened();
	assert_string_equal(dump->title, "ELF core, 64-bit, by QEMU");
	assert_int_equal(dump->facts.cr3_count, 2);
	assert_int_equal(dump->facts.cr3[0], 0x1aa000);
	assert_int_equal(dump->facts.cr3[1], 0x123000);
	assert_int_equal(dump->facts.machine, MACHINE_X64);
	assert_int_equal(dump->note_count, 0);
	dump_close(dump);

	elf_header(2, I386, 2);
	core_with_notes(I386, add_state(512, 0x80050033, 0x1aa020, 0x6d8));
	dump = opened();
	assert_int_equal(dump->facts.machine, MACHINE_X86);
	assert_int_equal(dump->facts.pae, TRI_NO);
	dump_close(dump);

	/* A machine that has not left real mode is called a 386, whatever it is. */
	elf_header(2, I386, 2);
	core_with_notes(I386, add_state(512, 0x10, 0, 0));
	dump = opened();
	assert_int_equal(dump->facts.machine, MACHINE_UNKNOWN);
	assert_int_equal(dump->facts.cr3_count, 0);
	dump_close(dump);
}

static void test_notes_header(void **state)
{
	uint8_t header[0x2000];
	struct dump *dump;

	(void)state;
	writer_header(&writer, 64, 1);
	writer_put(&writer, 0x0c, 19041, 4);
	writer_put(&writer, 0x10, 0x1ad000, 8);
	writer_put(&writer, 0x34, 6, 4);
	writer_put(&writer, 0x38, 0xd1, 4);
	writer_put(&writer, 0x80, 0xfffff80012345678, 8);
	memcpy(header, writer.data, sizeof(header));
	elf_header(2, AMD64, 2);
	core_with_notes(AMD64, add_note(512, "VMCOREINFO", 0, header, sizeof(header)));
	dump = opened();
	assert_string_equal(dump->title, "ELF core, 64-bit, with a Windows header");
	assert_int_equal(dump->facts.machine, MACHINE_X64);
	assert_int_equal(dump->facts.dtb.value, 0x1ad000);
	assert_int_equal(dump->facts.kdbg.value, 0xfffff80012345678);
	assert_int_equal(dump->facts.build.value, 19041);
	assert_int_equal(dump->facts.processors.value, 6);
	assert_int_equal(dump->facts.bugcheck_code.value, 0xd1);
	assert_false(dump->facts.dump_type.known);
	dump_close(dump);

	/* cut: no header, and no other harm */
	elf_header(2, AMD64, 2);
	core_with_notes(AMD64, add_note(512, "VMCOREINFO", 0, header, 0x1fff));
	dump = opened();
	assert_false(dump->facts.dtb.known);
	dump_close(dump);
}

static void test_notes_damaged(void **state)
{
	struct dump *dump;
	size_t at;

	(void)state;
	elf_header(2, AMD64, 2);
	at = add_state(512, 0x80050033, 0x1aa000, 0x6f8);
	writer_put(&writer, at, 0xfffffff0, 4); /* a name of 4 GiB */
	writer_put(&writer, at + 4, 8, 4);
	core_with_notes(AMD64, at + 100);
	dump = opened();
	assert_int_equal(dump->facts.cr3_count, 1);
	assert_true(has_note(dump, "its notes are damaged"));
	dump_close(dump);
	/* notes without end */
	elf_header(2, AMD64, 2);
	core_with_notes(AMD64, 600);
	program(0, NOTE, &(struct load){.offset = 512, .filesz = UINT64_MAX - 3});
	dump = opened();
	assert_true(has_note(dump, "its notes are damaged"));
	dump_close(dump);
}

static void test_virtualbox(void **state)
{
	uint8_t core[24] = {0xde, 0xc0, 0x1a, 0xc0}, cpu[704] = {0};
	struct dump *dump;
	size_t at;

	(void)state;
	cpu[291] = 0x80; /* CR0.PG */
	cpu[306] = 0x1a; /* CR3 0x1a0000 */
	elf_header(2, AMD64, 2);
	at = add_note(512, "VBCORE", 0xb00, core, sizeof(core));
	at = add_note(at, "VBCPU", 0xb01, cpu, sizeof(cpu));
	core_with_notes(AMD64, at);
	dump = opened();
	assert_string_equal(dump->title, "ELF core, 64-bit, by VirtualBox");
	assert_true(dump->zeros_suspect);
	assert_int_equal(dump->facts.machine, MACHINE_UNKNOWN); /* it calls every machine x64 */
	assert_int_equal(dump->facts.cr3_count, 1);
	assert_int_equal(dump->facts.cr3[0], 0x1a0000);
	dump_close(dump);
}

/* ---- the process behind libkdumpfile ---- */

static void sound_core(void)
{
	elf_header(2, AMD64, 1);
	load(0, 1001, 0x10, 300);
	pages_at(1001, 0x10, 300);
}

static struct dump *opened_through_kdumpfile(void)
{
	const struct dump_options options = {.reader = READER_KDUMPFILE};
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;

	writer_save(&writer);
	if (dump_open_with(writer.path, &options, NULL, &dump, &err) != PS_OK)
		fail_msg("%s", err.text);
	return dump;
}

static void test_kdumpfile_reads(void **state)
{
	struct dump *dump;
	uint8_t got[3 * 4096], want[4096];

	(void)state;
	sound_core();
	dump = opened_through_kdumpfile();
	dump_prefetch(dump, 0x10, 300);
	for (uint64_t pfn = 0x10; pfn < 0x10 + 300; pfn++)
		expect_pattern(dump, pfn, pfn);
	expect_state(dump, 0xf, PAGE_NOT_IN_DUMP);
	assert_int_equal(dump_read(dump, 0x20800, got, sizeof(got) - 4096), PAGE_PRESENT);
	writer_pattern(0x21, want);
	assert_memory_equal(got + 0x800, want, 4096);
	dump_close(dump);
}

/* The only child of this process. */
static pid_t child(void)
{
	char path[64];
	long pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "%ld", &pid) != 1)
			pid = 0;
		fclose(file);
	}
	return (pid_t)pid;
}

/* Killed between two pages: another process goes on, and no page is blamed. */
static void test_kdumpfile_killed(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	sound_core();
	dump = opened_through_kdumpfile();
	expect_pattern(dump, 0x10, 0x10);
	for (unsigned i = 0; i < 8; i++) {
		if (child() <= 0)
			skip();
		kill(child(), SIGKILL);
		expect_pattern(dump, 0x90 + i, 0x90 + i);
		assert_false(dump_reader_lost(dump, &err));
	}
	assert_int_equal(dump_bad_pages(dump, &err), 0);
	kill(child(), SIGKILL);
	expect_state(dump, 0xa0, PAGE_READER_LOST);
	expect_pattern(dump, 0x10, 0x10); /* what was delivered stays */
	assert_true(dump_reader_lost(dump, &err));
	assert_string_equal(err.text, "libkdumpfile crashed over it (signal 9, Killed)");
	expect_state(dump, 0xa1, PAGE_READER_LOST);
	dump_close(dump);
	assert_int_equal(child(), 0);
}

/* Takes the place of the library's, in the process too: pages of the first range crash it, those of
 * the second hang it. */
static uint64_t crash_from, crash_to, hang_from, hang_to;

kdump_status kdump_read(kdump_ctx_t *ctx, kdump_addrspace_t space, kdump_addr_t addr, void *buffer,
			size_t *plength)
{
	uint64_t pfn = addr >> PAGE_SHIFT;
	kdump_status (*next)(kdump_ctx_t *, kdump_addrspace_t, kdump_addr_t, void *, size_t *);
	void *symbol = dlsym(RTLD_NEXT, "kdump_read");

	if (pfn >= crash_from && pfn < crash_to)
		abort();
	while (pfn >= hang_from && pfn < hang_to)
		;
	memcpy(&next, &symbol, sizeof(next));
	return next(ctx, space, addr, buffer, plength);
}

static void test_kdumpfile_page_crashes(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	sound_core();
	crash_from = 0x20;
	crash_to = 0x22;
	dump = opened_through_kdumpfile();
	dump_prefetch(dump, 0x10, 300);
	for (uint64_t pfn = 0x10; pfn < 0x10 + 300; pfn++) {
		if (pfn >= crash_from && pfn < crash_to)
			expect_state(dump, pfn, PAGE_DAMAGED);
		else
			expect_pattern(dump, pfn, pfn);
	}
	dump_prefetch(dump, 0x20, 1); /* is not tried again */
	expect_state(dump, 0x20, PAGE_DAMAGED);
	assert_false(dump_reader_lost(dump, &err));
	assert_int_equal(dump_bad_pages(dump, &err), 2);
	assert_string_equal(err.text, "2 pages count as damaged, the last at physical 0x21000: "
				      "libkdumpfile crashed over it (signal 6, Aborted)");
	dump_close(dump);
	crash_to = crash_from;
	assert_int_equal(child(), 0);
}

static void test_kdumpfile_page_hangs(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	sound_core();
	hang_from = 0x30;
	hang_to = 0x31;
	dump = opened_through_kdumpfile();
	expect_state(dump, 0x30, PAGE_DAMAGED);
	expect_pattern(dump, 0x31, 0x31);
	assert_int_equal(dump_bad_pages(dump, &err), 1);
	assert_string_equal(err.text,
			    "the page at physical 0x30000 counts as damaged: libkdumpfile "
			    "hung over it and was ended after 3 seconds");
	dump_close(dump);
	hang_to = hang_from;
}

/* New processes are started a few times only. */
static void test_kdumpfile_many_pages_crash(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump;

	(void)state;
	sound_core();
	crash_from = 0x20;
	crash_to = 0x40;
	dump = opened_through_kdumpfile();
	for (uint64_t pfn = 0x20; pfn < 0x28; pfn++)
		expect_state(dump, pfn, PAGE_DAMAGED);
	expect_pattern(dump, 0x50, 0x50);
	assert_false(dump_reader_lost(dump, &err));
	expect_state(dump, 0x28, PAGE_DAMAGED);
	assert_true(dump_reader_lost(dump, &err));
	assert_string_equal(err.text, "libkdumpfile crashed over it (signal 6, Aborted)");
	expect_pattern(dump, 0x50, 0x50);
	expect_state(dump, 0x51, PAGE_READER_LOST);
	dump_close(dump);
	crash_to = crash_from;
	assert_int_equal(child(), 0);
}

static enum ps_status open_directly(struct ps_error *err)
{
	struct kdumpfile *k = NULL;
	struct file file;

	writer_save(&writer);
	assert_int_equal(file_open(&file, writer.path, err), PS_OK);
	if (kdumpfile_open(&file, &k, err) == PS_OK)
		kdumpfile_close(k);
	file_close(&file);
	assert_int_equal(child(), 0);
	return err->status;
}

/* A 64-bit core that calls itself 32-bit: the library believes it and its headers. */
static void test_kdumpfile_crashes(void **state)
{
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	elf_header(2, AMD64, 3);
	program(0, NOTE, &(struct load){.offset = 296, .filesz = 2448});
	load(1, 2744, 1, 0x9e);
	load(2, 2744 + 0x9e000, 0x100, 0x761);
	writer_put(&writer, 4, 1, 1);
	writer_put(&writer, 119, 0x67, 1);
	writer_put(&writer, 1 << 20, 0, 1);
	assert_int_equal(open_directly(&err), PS_CORRUPT);
	assert_string_equal(err.text,
			    "libkdumpfile crashed over it (signal 11, Segmentation fault)");
	refused(PS_UNSUPPORTED,
		"an ELF core without memory segments"); /* and so it is not given the file */
}

/* Forty million section headers: the library reads zeros behind the end of the file. */
static void test_kdumpfile_hangs(void **state)
{
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	sound_core();
	writer_put(&writer, 40, 0x8000, 8);
	writer_put(&writer, 60, 0, 2); /* e_shnum: as section header 0 says */
	writer_put(&writer, 0x8000 + 32, 40000000, 8);
	assert_int_equal(open_directly(&err), PS_CORRUPT);
	assert_string_equal(err.text, "libkdumpfile hung over it and was ended after 3 seconds");
}

/* ---- kdump-compressed ---- */

static void test_kdump_refused(void **state)
{
	(void)state;
	writer_clear(&writer);
	writer_put_bytes(&writer, 0, "KDUMP   ", 8);
	writer_put(&writer, 8, 6, 4);
	writer_put(&writer, 432, 1, 4);
	writer_put(&writer, 436, 2, 4);
	writer_put(&writer, 440, 100, 4);
	writer_put(&writer, 1 << 18, 0, 1);
	refused(PS_CORRUPT, "its header is damaged, or of a big-endian machine");
	writer_put(&writer, 428, 4096, 4);
	writer_put(&writer, 4096 + 96, 1 << 20, 8);
	refused(PS_CORRUPT, "it states 1048576 pages, but its map has only 65536 bits");
	writer_put(&writer, 4096 + 96, 100, 8);
	writer_put(&writer, 432, 1000, 4);
	refused(PS_ABSENT, "the file ends inside its map of pages");
}

/* Takes the place of the C library's: after so many bytes the disk is full. */
static size_t disk_room = SIZE_MAX;

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
	ssize_t (*next)(int, const void *, size_t, off_t);
	void *symbol = dlsym(RTLD_NEXT, "pwrite");

	if (disk_room == 0) {
		errno = ENOSPC;
		return -1;
	}
	memcpy(&next, &symbol, sizeof(next));
	length = length < disk_room ? length : disk_room;
	if (disk_room != SIZE_MAX)
		disk_room -= length;
	return next(fd, bytes, length, offset);
}

/* The disk fills up while the stream is rearranged, after a first look found room enough. */
static void test_flattened_disk_full(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct dump *dump = NULL;

	(void)state;
	writer_clear(&writer);
	writer_put_bytes(&writer, 0, "makedumpfile\0\0\0\0", 16);
	writer_put(&writer, 4096 + 14, 0x10, 1); /* big-endian: 4096 bytes at 0 */
	writer_put_bytes(&writer, 4096 + 16, "KDUMP   ", 8);
	writer_put(&writer, 4096 + 16 + 4096 - 1, 1, 1);
	for (size_t room = 0; room < 4096; room += 1365) {
		writer_save(&writer);
		disk_room = room;
		assert_int_equal(dump_open(writer.path, NULL, &dump, &err), PS_SYSTEM);
		disk_room = SIZE_MAX;
		assert_non_null(strstr(err.text, "cannot rearrange the flattened makedumpfile "
						 "stream: cannot write the rearranged file in "));
		assert_non_null(strstr(err.text, ": No space left on device"));
		assert_string_equal(err.hint, "set TMPDIR to a directory with room, or rearrange "
					      "it with makedumpfile -R");
		assert_null(dump);
		ps_error_clear(&err);
	}
}

static void test_flattened_refused(void **state)
{
	(void)state;
	writer_clear(&writer);
	writer_put_bytes(&writer, 0, "makedumpfile\0\0\0\0", 16);
	writer_put(&writer, 4096 + 15, 16, 1); /* big-endian: 16 bytes at 0 */
	writer_put_bytes(&writer, 4096 + 16, "KDUMP   KDUMP   ", 16);
	setenv("TMPDIR", "/nowhere/at/all", 1);
	refused(PS_SYSTEM, "cannot make a file in /nowhere/at/all");
	unsetenv("TMPDIR");
	refused(PS_ABSENT, "the file ends inside its headers");
	writer_put(&writer, 4096 + 8, 0x7f, 1);
	refused(PS_CORRUPT, "which cannot be");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_unaligned),
		cmocka_unit_test(test_elf_arm64),
		cmocka_unit_test(test_elf_32),
		cmocka_unit_test(test_elf_overlaps),
		cmocka_unit_test(test_elf_parts),
		cmocka_unit_test(test_elf_truncated),
		cmocka_unit_test(test_elf_many),
		cmocka_unit_test(test_elf_refused),
		cmocka_unit_test(test_notes_cr3),
		cmocka_unit_test(test_notes_header),
		cmocka_unit_test(test_notes_damaged),
		cmocka_unit_test(test_virtualbox),
		cmocka_unit_test(test_kdumpfile_reads),
		cmocka_unit_test(test_kdumpfile_killed),
		cmocka_unit_test(test_kdumpfile_page_crashes),
		cmocka_unit_test(test_kdumpfile_page_hangs),
		cmocka_unit_test(test_kdumpfile_many_pages_crash),
		cmocka_unit_test(test_kdumpfile_crashes),
		cmocka_unit_test(test_kdumpfile_hangs),
		cmocka_unit_test(test_kdump_refused),
		cmocka_unit_test(test_flattened_disk_full),
		cmocka_unit_test(test_flattened_refused),
	};

	signals_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}

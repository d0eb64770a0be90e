/* The index of driver files: what is found in folders, what is skipped, and which file matches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/kernel/driver_files.h"
#include "base/signals.h"
#include "pe_writer.h"

enum { MANY = 10000, NOBODY = 65534 };

static char root[256];

static const char *at(const char *name)
{
	static char paths[64][400];
	static unsigned next;
	char *path = paths[next++ % 64];

	snprintf(path, sizeof(paths[0]), "%s/%s", root, name);
	return path;
}

static int make_root(void **state)
{
	const char *parent = getenv("TMPDIR");

	(void)state;
	snprintf(root, sizeof(root), "%s/poolscope-test-XXXXXX",
		 parent && *parent ? parent : P_tmpdir);
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[600];

	(void)state;
	snprintf(command, sizeof(command), "chmod -R u+rwx '%s' && rm -rf '%s'", root, root);
	return system(command);
}

/* A driver of that time stamp; PDB age, or 0 for none. */
static void put_driver(const char *name, uint32_t timestamp, uint32_t age)
{
	struct made_pe *pe = calloc(1, sizeof(*pe));

	assert_non_null(pe);
	made_pe_init(pe, 0x8664);
	made_pe_put(pe, MADE_PE_NT + 8, timestamp, 4);
	if (age) {
		made_pe_debug(pe, MADE_RDATA, "made.pdb");
		made_pe_put(pe, MADE_RDATA + 0x40 + 0x14, age, 4);
	}
	made_pe_write(pe, at(name));
	free(pe);
}

static void put_text(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "wb");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static struct driver_files *index_of(const char *const *paths, size_t count)
{
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files = NULL;

	if (driver_files_create(paths, count, &files, &err) != PS_OK)
		fail_msg("%s", err.text);
	return files;
}

static void put_socket(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0 && strlen(at(name)) < sizeof(address.sun_path));
	strcpy(address.sun_path, at(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void test_folder(void **state)
{
	static const char *const want[] = {"b.sys", "deep/a.bin", "deep/er/c.sys"};
	const char *const paths[] = {at(""), at("b.sys")};
	struct driver_files *files;

	(void)state;
	assert_int_equal(mkdir(at("deep"), 0700), 0);
	assert_int_equal(mkdir(at("deep/er"), 0700), 0);
	put_driver("deep/er/c.sys", 3, 0);
	put_driver("deep/a.bin", 1, 7);
	put_driver("b.sys", 2, 0);
	put_text("readme.sys", "MZ is no driver");
	put_text("empty.sys", "");
	assert_int_equal(mkfifo(at("fifo.sys"), 0600), 0);
	put_socket("socket.sys");
	assert_int_equal(symlink("..", at("deep/loop")), 0);
	assert_int_equal(symlink("../b.sys", at("deep/link.sys")), 0);
	assert_int_equal(symlink("nowhere", at("deep/dangling.sys")), 0);
	files = index_of(paths, 1);
	assert_int_equal(files->count, 3);
	assert_int_equal(files->unreadable, 0);
	for (size_t i = 0; i < 3; i++) {
		const char *path = files->items[i].path;

		assert_string_equal(path + strlen(path) - strlen(want[i]), want[i]);
		assert_true(files->items[i].is_kernel);
		assert_int_equal(files->items[i].identity.size, 0x9000);
	}
	assert_string_equal(files->items[1].name, "a.bin");
	assert_string_equal(files->items[1].identity.pdb_name, "made.pdb");
	assert_string_equal(files->items[1].identity.guid_age,
			    "0403020106050807090A0B0C0D0E0F10-7");
	driver_files_destroy(files);
}

static void test_single_files(void **state)
{
	const char *const twice[] = {at("b.sys"), at("b.sys")};
	const char *const link[] = {at("link")}, *const folder_link[] = {at("folder-link")};
	struct driver_files *files;

	(void)state;
	put_driver("b.sys", 2, 0);
	assert_int_equal(mkdir(at("folder"), 0700), 0);
	put_driver("folder/c.sys", 2, 0);
	assert_int_equal(symlink("b.sys", at("link")), 0);
	assert_int_equal(symlink("folder", at("folder-link")), 0);
	files = index_of(twice, 2);
	assert_int_equal(files->count, 1);
	driver_files_destroy(files);
	files = index_of(link, 1);
	assert_int_equal(files->count, 1);
	assert_string_equal(files->items[0].name, "link");
	driver_files_destroy(files);
	files = index_of(folder_link, 1);
	assert_int_equal(files->count, 1);
	driver_files_destroy(files);
	files = index_of(NULL, 0);
	assert_int_equal(files->count, 0);
	driver_files_destroy(files);
}

static void refuse(const char *path, enum ps_status status, const char *words)
{
	const char *const paths[] = {root, path};
	struct ps_error err = PS_ERROR_INIT;
	struct driver_files *files = NULL;

	assert_int_equal(driver_files_create(paths, 2, &files, &err), status);
	assert_null(files);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_refused(void **state)
{
	(void)state;
	put_driver("b.sys", 2, 0);
	put_text("text.sys",
		 "This is a text, and no driver at all: long enough for a header it is");
	assert_int_equal(mkfifo(at("fifo.sys"), 0600), 0);
	assert_int_equal(symlink("nowhere", at("dangling.sys")), 0);
	refuse(at("absent.sys"), PS_SYSTEM, "/absent.sys: No such file or directory");
	refuse(at("dangling.sys"), PS_SYSTEM, "/dangling.sys: No such file or directory");
	refuse("", PS_SYSTEM, "No such file or directory");
	refuse(at("text.sys"), PS_CORRUPT, "/text.sys: no MZ");
	refuse(at("fifo.sys"), PS_UNSUPPORTED, "/fifo.sys is neither a folder nor a file");
}

static void test_unreadable(void **state)
{
	const char *const paths[] = {root};
	bool is_root = geteuid() == 0;
	struct driver_files *files;

	(void)state;
	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(mkdir(at("closed"), 0000), 0);
	put_driver("closed.sys", 1, 0);
	put_driver("open.sys", 1, 0);
	assert_int_equal(chmod(at("closed.sys"), 0), 0);
	if (is_root && seteuid(NOBODY) != 0) /* root reads everything */
		skip();
	files = index_of(paths, 1);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(files->count, 1);
	assert_int_equal(files->unreadable, 2);
	assert_non_null(strstr(files->first_unreadable, "cannot open "));
	assert_non_null(strstr(files->first_unreadable, ": Permission denied"));
	driver_files_destroy(files);
}

/* A symbol server's folder name.sys/TIMESTAMPsize/name.sys, with two versions. */
static void test_find(void **state)
{
	const char *const paths[] = {root};
	static const char guid[] = "0403020106050807090A0B0C0D0E0F10-7";
	struct pe_identity known = {.headers_present = true, .machine = 0x8664};
	const struct driver_file *found = NULL;
	struct driver_files *files;

	(void)state;
	assert_int_equal(mkdir(at("my.sys"), 0700), 0);
	assert_int_equal(mkdir(at("my.sys/000000019000"), 0700), 0);
	assert_int_equal(mkdir(at("my.sys/000000029000"), 0700), 0);
	put_driver("my.sys/000000019000/my.sys", 1, 0);
	put_driver("my.sys/000000029000/My.Sys", 2, 7);
	files = index_of(paths, 1);
	assert_int_equal(files->count, 2);

	/* by time and size, without regard to case */
	assert_int_equal(driver_files_find(files, "MY.SYS", NULL, 1, 0x9000, &found),
			 DRIVER_MATCHES);
	assert_ptr_equal(found, &files->items[0]);
	assert_int_equal(driver_files_find(files, "my.sys", NULL, 2, 0x8fff, &found),
			 DRIVER_MATCHES);
	assert_ptr_equal(found, &files->items[1]);
	assert_int_equal(driver_files_find(files, "my.sys", NULL, 2, 0, &found), DRIVER_MATCHES);
	assert_int_equal(driver_files_find(files, "my.sys", NULL, 1, 0xa000, &found),
			 DRIVER_DIFFERS);
	assert_int_equal(driver_files_find(files, "my.sys", NULL, 3, 0x9000, &found),
			 DRIVER_DIFFERS);
	assert_non_null(found);
	/* nothing, or a size alone, to compare */
	assert_int_equal(driver_files_find(files, "my.sys", NULL, 0, 0x9000, &found),
			 DRIVER_DIFFERS);
	assert_int_equal(driver_files_find(files, "my.sys", &known, 0, 0, &found), DRIVER_DIFFERS);
	/* another name with the same time and size */
	assert_int_equal(driver_files_find(files, "your.sys", NULL, 1, 0x9000, &found),
			 DRIVER_NO_FILE);

	/* the headers in the dump have the time and the size when the list has none */
	known.timestamp = 1;
	known.size = 0x9000;
	assert_int_equal(driver_files_find(files, "my.sys", &known, 0, 0, &found), DRIVER_MATCHES);
	assert_ptr_equal(found, &files->items[0]);
	known.machine = 0xaa64;
	assert_int_equal(driver_files_find(files, "my.sys", &known, 0, 0, &found), DRIVER_DIFFERS);
	known.machine = 0x8664;

	/* PDB: decides against the time stamp, and finds a renamed file */
	known.pdb_present = true;
	strcpy(known.guid_age, guid);
	assert_int_equal(driver_files_find(files, "my.sys", &known, 99, 0x9000, &found),
			 DRIVER_MATCHES);
	assert_ptr_equal(found, &files->items[1]);
	assert_int_equal(driver_files_find(files, "your.sys", &known, 99, 0x9000, &found),
			 DRIVER_MATCHES);
	assert_ptr_equal(found, &files->items[1]);
	assert_int_equal(driver_files_find(files, "your.sys", &known, 2, 0xa000, &found),
			 DRIVER_NO_FILE);
	known.guid_age[0] = 'F';
	assert_int_equal(driver_files_find(files, "my.sys", &known, 2, 0x9000, &found),
			 DRIVER_DIFFERS);
	assert_int_equal(driver_files_find(files, "your.sys", &known, 2, 0x9000, &found),
			 DRIVER_NO_FILE);
	known.headers_present = false; /* then none of its fields counts */
	assert_int_equal(driver_files_find(files, "my.sys", &known, 2, 0x9000, &found),
			 DRIVER_MATCHES);
	driver_files_destroy(files);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_many(void **state)
{
	const char *const paths[] = {root};
	struct driver_files *files;
	const struct driver_file *found;
	char name[64];
	double start;

	(void)state;
	put_driver("0.sys", 1, 7);
	for (unsigned i = 1; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u.sys", i);
		assert_int_equal(link(at("0.sys"), at(name)), 0);
	}
	start = seconds();
	files = index_of(paths, 1);
	assert_int_equal(files->count, MANY);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%u.sys", i);
		assert_int_equal(driver_files_find(files, name, NULL, 1, 0x9000, &found),
				 DRIVER_MATCHES);
		assert_string_equal(found->name, name);
	}
	print_message("  %d files and 300 questions: %.2f s\n", MANY, seconds() - start);
	assert_true(seconds() - start < 5);
	driver_files_destroy(files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_folder, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_single_files, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_refused, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_unreadable, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_find, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_many, make_root, remove_root),
	};

	signals_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The room base/: errors, checked reads, memory, hash, log, progress, processors, signals, times.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/processors.h"
#include "base/progress.h"
#include "base/signals.h"
#include "base/time.h"

static void test_error_grows_outward(void **state)
{
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	assert_int_equal(ps_fail_at(&err, PS_ABSENT, 0x1000, "page 0x%x: %s", 0x1000, "gone"),
			 PS_ABSENT);
	assert_true(err.has_at);
	assert_int_equal(err.at, 0x1000);
	assert_int_equal(ps_wrap(&err, "cannot read %s", "PoolTrackTable"), PS_ABSENT);
	assert_string_equal(err.text, "cannot read PoolTrackTable: page 0x1000: gone");
	ps_hint(&err, "inner %d", 1);
	ps_hint(&err, "outer %d", 2);
	assert_string_equal(err.hint, "inner 1");
	assert_int_equal(ps_fail(&err, PS_CORRUPT, "new"), PS_CORRUPT);
	assert_false(err.has_at);
	assert_string_equal(err.hint, "");
	ps_error_clear(&err);
	assert_int_equal(err.status, PS_OK);
	assert_string_equal(err.text, "");
}

static void test_error_of_the_system(void **state)
{
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	assert_int_equal(ps_fail_errno(&err, ENOENT, "cannot open %s", "x"), PS_SYSTEM);
	assert_string_equal(err.text, "cannot open x: No such file or directory");
	assert_int_equal(err.errnum, ENOENT);
	ps_wrap(&err, "the folder");
	assert_int_equal(err.errnum, ENOENT);
	assert_int_equal(ps_fail_memory(&err, "the page bitmap"), PS_NO_MEMORY);
	assert_string_equal(err.text, "out of memory for the page bitmap");
	assert_int_equal(err.errnum, 0);
}

static void test_error_too_long(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	char longest[2 * PS_ERROR_TEXT];

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	ps_fail(&err, PS_CORRUPT, "%s", longest);
	assert_int_equal(strlen(err.text), PS_ERROR_TEXT - 1);
	ps_wrap(&err, "%s", longest);
	assert_int_equal(strlen(err.text), PS_ERROR_TEXT - 1);
	ps_fail_errno(&err, EIO, "%s", longest);
	assert_int_equal(strlen(err.text), PS_ERROR_TEXT - 1);
}

static void test_status_words(void **state)
{
	(void)state;
	for (int i = PS_OK; i < PS_INTERNAL; i++) {
		for (int j = i + 1; j <= PS_INTERNAL; j++)
			assert_string_not_equal(ps_status_word((enum ps_status)i),
						ps_status_word((enum ps_status)j));
	}
	assert_string_equal(ps_status_word(PS_UNSUPPORTED), "unsupported");
}

static void test_bytes(void **state)
{
	const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 0x88, 9};
	struct bytes b = bytes_of(data, sizeof(data));

	(void)state;
	assert_int_equal(bytes_u8(&b, 8), 9);
	assert_int_equal(bytes_u16(&b, 1), 0x0302);
	assert_int_equal(bytes_u32(&b, 4), 0x88070605);
	assert_int_equal(bytes_u64(&b, 0), UINT64_C(0x8807060504030201));
	assert_int_equal(bytes_pointer(&b, 0, 4), 0x04030201);
	assert_false(b.overrun);
	assert_false(bytes_equal(&b, 8, "\x09\x00", 2));
	assert_false(b.overrun);
	assert_int_equal(bytes_u16(&b, 8), 0);
	assert_true(b.overrun);
	b.overrun = false;
	assert_int_equal(bytes_u64(&b, SIZE_MAX - 3), 0);
	assert_true(b.overrun);
}

static void test_memory(void **state)
{
	size_t capacity = 0;
	void *items = NULL;
	char *text;

	(void)state;
	assert_null(mem_array(SIZE_MAX / 2, 3));
	text = mem_strndup("tags and more", 4);
	assert_string_equal(text, "tags");
	free(text);
	text = mem_printf("%d-%s", 7, "x");
	assert_string_equal(text, "7-x");
	free(text);
	for (size_t i = 0; i < 1000; i++) {
		assert_true(mem_grow(&items, i, &capacity, sizeof(size_t)));
		((size_t *)items)[i] = i;
	}
	assert_true(capacity >= 1000);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(((size_t *)items)[i], i);
	capacity = SIZE_MAX / 2 + 1;
	assert_false(mem_grow(&items, capacity, &capacity, 1));
	assert_int_equal(((size_t *)items)[999], 999);
	free(items);
}

/* Of all that a process is bound to, whatever the machine has. */
static void test_processors(void **state)
{
	cpu_set_t before, one;
	unsigned count;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(processors_allowed(), CPU_COUNT(&before));
	CPU_ZERO(&one);
	for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &before))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	count = processors_allowed();
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
	assert_int_equal(count, 1);
}

static void test_io(void **state)
{
	enum { LENGTH = 200001 };
	int from = memfd_create("from", MFD_CLOEXEC), to = memfd_create("to", MFD_CLOEXEC);
	int folder = open("/", O_RDONLY | O_CLOEXEC),
	    full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	char *bytes = malloc(LENGTH), *back = malloc(LENGTH);
	uint64_t done;

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 31 >> 3);
	assert_true(io_write(from, bytes, LENGTH, 5));
	assert_int_equal(io_read(from, back, LENGTH, 10), LENGTH - 5);
	assert_memory_equal(back, bytes + 5, LENGTH - 5);
	assert_int_equal(io_read(from, back, LENGTH, LENGTH + 5), 0);
	assert_true(io_copy(to, 3, from, 5, UINT64_MAX, &done));
	assert_int_equal(done, LENGTH);
	assert_int_equal(io_read(to, back, LENGTH, 3), LENGTH);
	assert_memory_equal(back, bytes, LENGTH);
	assert_true(io_copy(to, 0, from, 105, 100000, &done));
	assert_int_equal(done, 100000);
	assert_int_equal(io_read(to, back, LENGTH, 0), LENGTH);
	assert_memory_equal(back, bytes + 100, 100000);
	assert_memory_equal(back + 100000, bytes + 99997, LENGTH - 100000);

	assert_int_equal(io_read(folder, back, 1, 0), -1);
	assert_int_equal(errno, EISDIR);
	assert_false(io_copy(to, 0, folder, 0, 1, &done));
	assert_int_equal(errno, EISDIR);
	assert_false(io_write(full, bytes, 1, 0));
	assert_int_equal(errno, ENOSPC);
	close(from);
	close(to);
	close(folder);
	close(full);
	free(bytes);
	free(back);
}

static void test_time(void **state)
{
	char text[TIME_ISO];

	(void)state;
	assert_int_equal(time_of_filetime(UINT64_C(116444736000000000)), 0);
	assert_int_equal(time_of_filetime(UINT64_C(116444736009999999)), 0);
	assert_int_equal(time_of_filetime(0), -INT64_C(11644473600));
	assert_true(time_to_iso(time_of_filetime(0), text));
	assert_string_equal(text, "1601-01-01T00:00:00Z");
	assert_true(time_to_iso(951782400, text));
	assert_string_equal(text, "2000-02-29T00:00:00Z");
	assert_true(time_to_iso(time_of_filetime(UINT64_MAX), text));
	assert_string_equal(text, "60056-05-28T05:36:10Z");
	assert_false(time_to_iso(INT64_MAX, text));
}

static void test_hash(void **state)
{
	enum { KEYS = 20000 };
	struct hash h;
	uint32_t index;

	(void)state;
	hash_init(&h);
	assert_false(hash_find(&h, 0, &index));
	/* Keys as addresses are: multiples of a page, and 0 among them. */
	for (uint32_t i = 0; i < KEYS; i++)
		assert_true(hash_add(&h, (uint64_t)i * 4096, i));
	for (uint32_t i = 0; i < KEYS; i++) {
		assert_true(hash_find(&h, (uint64_t)i * 4096, &index));
		assert_int_equal(index, i);
		assert_false(hash_find(&h, (uint64_t)i * 4096 + 1, &index));
	}
	assert_true(hash_add(&h, UINT64_MAX, UINT32_MAX - 1));
	assert_true(hash_find(&h, UINT64_MAX, &index));
	assert_int_equal(index, UINT32_MAX - 1);
	hash_fini(&h);
	assert_false(hash_find(&h, 0, &index));
}

/* Runs `work` with standard error going to `fd`. */
static void with_stderr(int fd, void (*work)(void))
{
	int saved = dup(STDERR_FILENO);

	fflush(stderr);
	assert_true(saved >= 0 && dup2(fd, STDERR_FILENO) >= 0);
	work();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void log_at_all_levels(void)
{
	const struct log quiet = {LOG_QUIET}, normal = {LOG_NORMAL}, verbose = {LOG_VERBOSE};

	log_warn(NULL, "nothing");
	log_info(NULL, "nothing");
	log_warn(&quiet, "nothing");
	log_info(&normal, "nothing");
	log_warn(&normal, "warned %d", 1);
	log_info(&verbose, "informed %d", 2);
}

static void begin_and_end_progress(void)
{
	const struct timespec pause = {.tv_nsec = 550000000};
	struct progress p;

	progress_init(&p, true);
	progress_begin(&p, "searching", 10);
	progress_advance(&p, 1); /* too early to be shown */
	assert_false(p.shown);
	if (p.enabled)
		nanosleep(&pause, NULL);
	progress_advance(&p, 4);
	assert_int_equal(p.shown, p.enabled);
	progress_end(&p);
	assert_false(p.shown);
}

static void test_log(void **state)
{
	char text[200] = "";
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	with_stderr(fileno(file), log_at_all_levels);
	assert_true(pread(fileno(file), text, sizeof(text) - 1, 0) > 0);
	assert_string_equal(text, "poolscope: warned 1\npoolscope: informed 2\n");
	fclose(file);
}

static void test_progress_is_silent_in_a_pipe(void **state)
{
	FILE *file = tmpfile();
	char byte;

	(void)state;
	assert_non_null(file);
	with_stderr(fileno(file), begin_and_end_progress);
	assert_int_equal(pread(fileno(file), &byte, 1, 0), 0);
	fclose(file);
}

static void test_progress_on_a_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	char text[200] = "";
	int slave;

	(void)state;
	if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) {
		print_message("no pseudo terminal here\n");
		skip();
	}
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	with_stderr(slave, begin_and_end_progress);
	assert_true(read(master, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "\r\033[Ksearching [###############...............] 50%"
				  "\r\033[K");
	close(slave);
	close(master);
}

/* A mapping of two pages whose file has lost the second one. */
static char *map_shrunken_file(FILE *file)
{
	char page[4096];
	char *map;

	memset(page, 'x', sizeof(page));
	assert_int_equal(fwrite(page, sizeof(page), 1, file), 1);
	assert_int_equal(fwrite(page, sizeof(page), 1, file), 1);
	fflush(file);
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(file), 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(ftruncate(fileno(file), 4096), 0);
	return map;
}

static void test_copy_survives_a_shrunken_file(void **state)
{
	FILE *file = tmpfile();
	char *map, to[8192];

	(void)state;
	signals_init(); /* the test framework has put its own handlers in place */
	assert_non_null(file);
	map = map_shrunken_file(file);
	for (int i = 0; i < 3; i++) { /* the handler serves again */
		assert_true(signals_copy(to, map, 4096));
		assert_memory_equal(to, "xxxx", 4);
		assert_false(signals_copy(to, map + 4096, 4096));
		assert_false(signals_copy(to, map, 8192));
		assert_false(signals_copy(to, map + 5000, 1));
	}
	munmap(map, 8192);
	fclose(file);
}

static void test_other_bus_errors_kill(void **state)
{
	FILE *file = tmpfile();
	char *map;
	int status;
	pid_t child;

	(void)state;
	signals_init(); /* the test framework has put its own handlers in place */
	assert_non_null(file);
	map = map_shrunken_file(file);
	child = fork();
	if (child == 0) {
		volatile char byte = map[4096];

		_exit(byte);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	munmap(map, 8192);
	fclose(file);
}

static void test_interrupt(void **state)
{
	pid_t child;
	int status;

	(void)state;
	assert_false(signals_interrupted());
	child = fork();
	if (child == 0) {
		raise(SIGINT);
		_exit(signals_interrupted() ? 7 : 8);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_grows_outward),
		cmocka_unit_test(test_error_of_the_system),
		cmocka_unit_test(test_error_too_long),
		cmocka_unit_test(test_status_words),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_io),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_processors),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_progress_is_silent_in_a_pipe),
		cmocka_unit_test(test_progress_on_a_terminal),
		cmocka_unit_test(test_copy_survives_a_shrunken_file),
		cmocka_unit_test(test_other_bus_errors_kill),
		cmocka_unit_test(test_interrupt),
	};

	signals_init();
	signals_init(); /* once more is harmless */
	return cmocka_run_group_tests(tests, NULL, NULL);
}

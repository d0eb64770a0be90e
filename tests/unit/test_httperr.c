/*
 * HTTPERR logs: lines of all versions of HTTP.SYS, files as servers and crashes leave them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "analyzer/texts/httperr.h"
#include "analyzer/texts/httperr_line.h"

static const char fields_2003[] =
	"#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri sc-status s-siteid "
	"s-reason s-queuename";
static const char refused_2003[] = "2009-08-26 03:40:01 - - - - - - - - - 3_Connections_Refused -";

static enum httperr_line_kind parse(const char *line, struct httperr_columns *columns,
				    struct httperr_event *ret)
{
	return httperr_parse_line(line, strlen(line), columns, ret);
}

static void expect_event(const char *line, struct httperr_columns *columns, const char *reason,
			 uint64_t count)
{
	struct httperr_event event;

	assert_int_equal(parse(line, columns, &event), HTTPERR_EVENT);
	assert_int_equal(event.reason_length, strlen(reason));
	assert_memory_equal(event.reason, reason, strlen(reason));
	assert_int_equal(event.count, count);
}

static void lines_with_fields(void **state)
{
	struct httperr_columns columns = {.known = false};
	struct httperr_event event;

	(void)state;
	assert_int_equal(parse(fields_2003, &columns, &event), HTTPERR_COMMENT);
	assert_true(columns.reason);
	expect_event(refused_2003, &columns, "Connections_Refused", 3);
	expect_event(
		"2009-08-26 03:40:02 10.0.0.5 1094 10.0.0.1 80 HTTP/1.1 GET /a_b 503 1 QueueFull "
		"Default_App_Pool",
		&columns, "QueueFull", 1);
	/* newer ones put the stream in between */
	assert_int_equal(
		parse("#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri "
		      "streamid sc-status s-siteid s-reason s-queuename",
		      &columns, &event),
		HTTPERR_COMMENT);
	expect_event(
		"2019-07-03 13:50:00 ::1%0 50000 ::1%0 443 HTTP/2 GET /x 5 - - Timer_ConnectionIdle "
		"-",
		&columns, "Timer_ConnectionIdle", 1);
	assert_int_equal(parse("2019-07-03 13:50:00 too short", &columns, &event), HTTPERR_BROKEN);
	assert_int_equal(
		parse("2019-13-03 13:50:00 a 1 b 2 HTTP/2 GET /x 5 - - URL -", &columns, &event),
		HTTPERR_BROKEN);
}

static void lines_without_fields(void **state)
{
	struct httperr_columns columns = {.known = false};
	struct httperr_event event;

	(void)state;
	expect_event(refused_2003, &columns, "Connections_Refused", 3);
	/* before the queue's name was added: the reason is the last field */
	expect_event(
		"2002-07-05 18:45:09 172.31.77.6 2094 172.31.77.6 80 HTTP/1.1 GET /qos/1kbfile.txt "
		"503 - ConnLimit",
		&columns, "ConnLimit", 1);
	/* a queue that looks like a reason */
	expect_event(
		"2009-08-26 03:40:02 10.0.0.5 1 10.0.0.1 80 HTTP/1.1 GET / 503 1 AppOffline My_Pool",
		&columns, "AppOffline", 1);
	assert_int_equal(parse("what is this", &columns, &event), HTTPERR_BROKEN);
	assert_int_equal(parse("", &columns, &event), HTTPERR_COMMENT);
	assert_int_equal(parse("   ", &columns, &event), HTTPERR_COMMENT);
}

static void times_are_utc(void **state)
{
	struct httperr_columns columns = {.known = false};
	struct httperr_event event;

	(void)state;
	assert_int_equal(parse(refused_2003, &columns, &event), HTTPERR_EVENT);
	assert_int_equal(event.time, 1251258001); /* date -u -d '2009-08-26 03:40:01' +%s */
	assert_int_equal(parse("2000-02-29 00:00:00 - - - - - - - - - URL -", &columns, &event),
			 HTTPERR_EVENT);
	assert_int_equal(event.time, 951782400);
}

/* A folder of its own for each test. */
struct folder {
	char path[64];
	char file[128];
};

static void folder_make(struct folder *f)
{
	snprintf(f->path, sizeof(f->path), "/tmp/poolscope-httperr-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

static const char *folder_file(struct folder *f, const char *name)
{
	snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	return f->file;
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, size, out), size);
	assert_int_equal(fclose(out), 0);
}

static void folder_remove(struct folder *f)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s", f->path);
	assert_int_equal(system(command), 0);
}

static const struct httperr_times no_times = {0, 0};

static enum ps_status read_one(const char *path, const struct httperr_times *times,
			       struct httperr **ret, struct ps_error *err)
{
	struct progress progress;

	progress_init(&progress, false);
	return httperr_create(&path, 1, times, &progress, ret, err);
}

static void a_log_beside_its_crash(void **state)
{
	static const char log[] =
		"#Software: Microsoft HTTP API 1.0\r\n"
		"2009-07-01 00:00:00 - - - - - - - - - 7_Connections_Refused -\r\n"
		"2009-08-26 02:00:00 - - - - - - - - - 5_Connections_Refused -\r\n"
		"2009-08-26 03:00:00 - - - - - - - - - 2_Connections_Refused -\r\n"
		"2009-08-26 03:00:01 - - - - - - - - - Timer_ConnectionIdle -\r\n"
		"2009-08-26 04:00:00 - - - - - - - - - 1_Connections_Refused -\r\n";
	/* up since 2009-07-15, crashed 2009-08-26 03:41:17 */
	const struct httperr_times times = {1247616000, 1251258077};
	struct ps_error err = PS_ERROR_INIT;
	const struct httperr_reason *refused;
	struct httperr *read;
	struct folder f;

	(void)state;
	folder_make(&f);
	write_file(folder_file(&f, "httperr1.log"), log, sizeof(log) - 1);
	assert_int_equal(read_one(f.file, &times, &read, &err), PS_OK);
	assert_int_equal(read->reason_count, 2);
	refused = httperr_find(read, "Connections_Refused");
	assert_ptr_equal(refused, &read->reasons[0]);
	assert_int_equal(refused->events, 15);
	assert_int_equal(refused->lines, 4);
	assert_int_equal(refused->before_boot, 7);
	assert_int_equal(refused->last_hour, 2);
	assert_int_equal(refused->after_crash, 1);
	assert_int_equal(read->lines, 5);
	assert_int_equal(read->broken_lines, 0);
	httperr_destroy(read);
	folder_remove(&f);
}

/* UTF-16, gzip, NUL bytes that a crash left, a broken line, a line too long, a foreign log. */
static void a_folder_of_logs(void **state)
{
	static const char utf8[] =
		"\xef\xbb\xbf#Fields: date time s-reason\n2020-01-01 00:00:00 URL\n";
	static const char foreign[] = "#Fields: date time cs-uri-stem sc-status\n"
				      "2020-01-01 00:00:00 /index.htm 200\n";
	struct ps_error err = PS_ERROR_INIT;
	struct httperr *read;
	struct folder f;
	char wide[2 * sizeof(refused_2003) + 2] = "\xff\xfe";
	char *longest = calloc(1, 300000);
	gzFile packed;

	(void)state;
	assert_non_null(longest);
	folder_make(&f);
	write_file(folder_file(&f, "a.log"), utf8, sizeof(utf8) - 1);
	for (size_t i = 0; i < sizeof(refused_2003) - 1; i++)
		wide[2 + 2 * i] = refused_2003[i];
	write_file(folder_file(&f, "b.log"), wide, 2 + 2 * (sizeof(refused_2003) - 1));
	packed = gzopen(folder_file(&f, "c.log.gz"), "wb");
	assert_true(gzprintf(packed, "%s\n%s\nbroken\n", refused_2003, refused_2003) > 0);
	assert_int_equal(gzclose(packed), Z_OK);
	memset(longest, 'x', 100000);
	snprintf(longest + 100000, 200, "\n%s\n", refused_2003);
	write_file(folder_file(&f, "d.log"), longest, 200000); /* NUL bytes behind */
	write_file(folder_file(&f, "u_ex.log"), foreign, sizeof(foreign) - 1);
	assert_int_equal(mkdir(folder_file(&f, "sub"), 0700), 0);

	assert_int_equal(read_one(f.path, &no_times, &read, &err), PS_OK);
	assert_int_equal(read->files, 4);
	assert_int_equal(read->foreign_files, 1);
	assert_string_equal(read->first_foreign, "u_ex.log");
	assert_int_equal(httperr_find(read, "Connections_Refused")->events, 12);
	assert_int_equal(httperr_find(read, "URL")->events, 1);
	assert_int_equal(read->broken_lines, 2);
	assert_string_equal(read->first_broken_file, "c.log.gz");
	assert_int_equal(read->first_broken, 3);
	assert_int_equal(read->cut_files, 0);
	httperr_destroy(read);
	folder_remove(&f);
	free(longest);
}

static void a_packed_log_that_ends_early(void **state)
{
	struct ps_error err = PS_ERROR_INIT;
	struct httperr *read;
	struct folder f;
	struct stat st;
	gzFile packed;

	(void)state;
	folder_make(&f);
	packed = gzopen(folder_file(&f, "x.gz"), "wb0");
	for (int i = 0; i < 2000; i++)
		assert_true(gzprintf(packed, "%s\n", refused_2003) > 0);
	assert_int_equal(gzclose(packed), Z_OK);
	assert_int_equal(stat(f.file, &st), 0);
	assert_int_equal(truncate(f.file, st.st_size / 2), 0);
	assert_int_equal(read_one(f.file, &no_times, &read, &err), PS_OK);
	assert_int_equal(read->cut_files, 1);
	assert_string_equal(read->first_cut, "x.gz");
	assert_in_range(httperr_find(read, "Connections_Refused")->lines, 900, 1100);
	httperr_destroy(read);
	folder_remove(&f);
}

static void expect_error(const char *path, enum ps_status status, const char *words)
{
	struct ps_error err = PS_ERROR_INIT;
	struct httperr *read;

	assert_int_equal(read_one(path, &no_times, &read, &err), status);
	assert_string_equal(err.text, words);
}

static void what_is_no_log(void **state)
{
	char words[256];
	struct folder f;

	(void)state;
	folder_make(&f);
	expect_error("/nowhere/x.log", PS_SYSTEM,
		     "cannot open /nowhere/x.log: No such file or directory");
	expect_error("/dev/null", PS_UNSUPPORTED, "/dev/null is neither a file nor a folder");
	snprintf(words, sizeof(words), "no file in %s", f.path);
	expect_error(f.path, PS_NOT_FOUND, words);
	write_file(folder_file(&f, "random"), "\x01\x02\n\x03\n", 5);
	snprintf(words, sizeof(words),
		 "no HTTPERR log in %s: random has no s-reason field and no line of that kind",
		 f.file);
	expect_error(f.file, PS_NOT_FOUND, words);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_with_fields), cmocka_unit_test(lines_without_fields),
		cmocka_unit_test(times_are_utc),     cmocka_unit_test(a_log_beside_its_crash),
		cmocka_unit_test(a_folder_of_logs),  cmocka_unit_test(a_packed_log_that_ends_early),
		cmocka_unit_test(what_is_no_log),
	};

	return cmocka_run_group_tests_name("httperr", tests, NULL, NULL);
}

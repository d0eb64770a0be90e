/*
 * What `make bench` cannot see from outside: the time of each part of the work, in this process,
 * and how many bytes of the file were read for how many bytes of tables. And what a whole command
 * costs: a child's peak RSS begins with that of the process it was forked from, so a large parent,
 * such as the script that judges, would be what is measured.
 *
 *   bench parts FILE      lines of NAME NUMBER: medians of processor time in ns, sizes in bytes
 *   bench resident FILE   how many bytes of the file are in the page cache
 *   bench run COMMAND...  a line of the command's processor time and elapsed time in ns, its peak
 * RSS in bytes, its exit status; what it prints is thrown away
 *
 * Does not: judge; tests/bench/bench.py does.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/desk/case.h"
#include "base/signals.h"

enum { ROUNDS = 9 };

enum part { PART_OPEN, PART_KERNEL, PART_POOLS, PART_TRACKER, PART_BIG, PARTS };

static const char *const part_names[PARTS] = {
	"open_ns", "kernel_ns", "pools_ns", "tracker_read_ns", "big_pages_read_ns",
};

struct measures {
	uint64_t times[PARTS][ROUNDS];
	uint64_t bytes_read, table_bytes;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t now(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The two tables once more, alone. */
static enum ps_status read_tables(struct measures *m, unsigned round, struct pools *pools,
				  struct progress *progress, struct ps_error *err)
{
	struct space *space = pools->kernel->space;
	struct tracker tracker = {0};
	struct big_pages big = {0};
	uint64_t started = now();

	if (tracker_read(space, &pools->globals, &tracker, err) != PS_OK)
		return err->status;
	m->times[PART_TRACKER][round] = now() - started;
	m->table_bytes = 0;
	for (size_t i = 0; i < tracker.table_count; i++)
		m->table_bytes += tracker.tables[i].pages_expected * PAGE_SIZE;
	tracker_fini(&tracker);
	started = now();
	if (big_pages_read(space, &pools->globals.big, progress, &big, err) != PS_OK)
		return err->status;
	m->times[PART_BIG][round] = now() - started;
	m->table_bytes += big.pages_expected * PAGE_SIZE;
	big_pages_fini(&big);
	return PS_OK;
}

static enum ps_status measure(const char *path, struct measures *m, unsigned round,
			      struct ps_error *err)
{
	uint64_t times[4] = {now(), 0, 0, 0};
	struct case_file c = {0};
	struct progress progress;
	enum ps_status status;

	progress_init(&progress, false);
	status = dump_open(path, NULL, &c.dump, err);
	times[1] = now();
	if (status == PS_OK)
		status = kernel_open(c.dump, NULL, &progress, &c.kernel, err);
	times[2] = now();
	if (status == PS_OK)
		status = pools_open(c.kernel, &progress, &c.pools, err);
	times[3] = now();
	for (unsigned i = 0; i < 3; i++)
		m->times[i][round] = times[i + 1] - times[i];
	if (status == PS_OK) {
		m->bytes_read = c.dump->file.bytes_read;
		status = read_tables(m, round, c.pools, &progress, err);
	}
	case_fini(&c);
	return status;
}

static int show_parts(const char *path)
{
	struct ps_error err = PS_ERROR_INIT;
	struct measures m = {.bytes_read = 0};

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (measure(path, &m, i, &err) != PS_OK) {
			fprintf(stderr, "%s: %s\n", path, err.text);
			return 1;
		}
	}
	for (unsigned i = 0; i < PARTS; i++) {
		qsort(m.times[i], ROUNDS, sizeof(uint64_t), compare);
		printf("%s %" PRIu64 "\n", part_names[i], m.times[i][ROUNDS / 2]);
	}
	printf("bytes_read %" PRIu64 "\ntable_bytes %" PRIu64 "\n", m.bytes_read, m.table_bytes);
	return 0;
}

/* Data only: a hole of the file is not asked about, mincore() of 128 GiB would take its time. */
static uint64_t resident_bytes(int fd, off_t start, off_t end)
{
	size_t length = (size_t)(end - start), pages = (length + PAGE_SIZE - 1) / PAGE_SIZE;
	void *map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, start);
	unsigned char *flags = malloc(pages);
	uint64_t bytes = 0;

	if (map != MAP_FAILED && flags && mincore(map, length, flags) == 0) {
		for (size_t i = 0; i < pages; i++)
			bytes += flags[i] & 1 ? PAGE_SIZE : 0;
	}
	if (map != MAP_FAILED)
		munmap(map, length);
	free(flags);
	return bytes;
}

static int show_resident(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;
	off_t start = 0, end;

	if (fd < 0)
		return 1;
	while ((start = lseek(fd, start, SEEK_DATA)) >= 0) {
		end = lseek(fd, start, SEEK_HOLE);
		bytes += resident_bytes(fd, start, end);
		start = end;
	}
	close(fd);
	printf("%" PRIu64 "\n", bytes);
	return 0;
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

static int show_run(char **command)
{
	uint64_t started = clock_ns(CLOCK_MONOTONIC);
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);

		if (null >= 0 && dup2(null, STDOUT_FILENO) >= 0)
			execv(command[0], command);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child) {
		perror(command[0]);
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 " %ld %d\n",
	       timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime),
	       clock_ns(CLOCK_MONOTONIC) - started, usage.ru_maxrss * 1024,
	       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

int main(int argc, char **argv)
{
	signals_init();
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return show_run(argv + 2);
	if (argc == 3 && strcmp(argv[1], "parts") == 0)
		return show_parts(argv[2]);
	if (argc == 3 && strcmp(argv[1], "resident") == 0)
		return show_resident(argv[2]);
	fprintf(stderr, "usage: bench parts|resident FILE, bench run COMMAND...\n");
	return 2;
}

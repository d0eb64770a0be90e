/*
 * Where the time of one case of `poolscope batch` goes: each part of its work, in a process of its
 * own as the batch makes them, with one thread.
 *
 *   case FILE   lines of NAME NUMBER: medians of processor time in ns
 *
 * The parts follow each other and make up the whole; `images_ns` is again a part of `owners_ns`.
 * Does not: judge, or ask for pages and listings.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyzer/desk/case.h"
#include "analyzer/kernel/pe_image.h"
#include "analyzer/report/render.h"
#include "analyzer/report/summary.h"
#include "base/signals.h"

enum { ROUNDS = 15, OUTPUT_BUFFER = 256 << 10, SHOWN = 8, EVIDENCE = 4 };

enum part {
	PART_TABLES, /* dump, kernel, tables of tags and big pages, processes */
	PART_OWNERS,
	PART_REPORT,
	PART_JSON,
	PART_SUMMARY,
	PART_END,    /* what is left: starting the process, freeing, ending it */
	PART_IMAGES, /* of PART_OWNERS */
	PARTS
};

static const char *const part_names[PARTS] = {
	"tables_ns", "owners_ns", "report_ns", "json_ns", "summary_ns", "end_ns", "images_ns",
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_usec * 1000;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* As `analyze` asks. */
static const struct selection selection = {
	.view = VIEW_ANALYZE,
	.sections = SECTION_SYSTEM | SECTION_MODULES | SECTION_TRACKER | SECTION_TAGS |
		    SECTION_TOP | SECTION_BIG | SECTION_BIG_TAGS | SECTION_TOTALS |
		    SECTION_PROCESSES | SECTION_FINDINGS | SECTION_OWNERS | SECTION_DRIVERS,
	.top_each = SHOWN,
	.processes = SHOWN,
	.drivers = SHOWN,
	.evidence = EVIDENCE,
	.with_empty = true,
};

struct clock {
	uint64_t *times, last;
};

static void end_part(struct clock *clock, enum part part)
{
	uint64_t time = now();

	clock->times[part] = time - clock->last;
	clock->last = time;
}

static enum ps_status read_case(const char *path, struct case_file *c, struct clock *clock,
				struct ps_error *err)
{
	const struct owner_options how = {.threads = 1};
	struct log log = {LOG_QUIET};
	struct progress progress;
	enum ps_status status;

	progress_init(&progress, false);
	status = case_init(c, path, CASE_POOLS, READER_ANY, &log, &progress, err);
	if (status == PS_OK)
		status = case_read_processes(c, err);
	end_part(clock, PART_TABLES);
	if (status == PS_OK)
		status = case_find_owners(c, &how, &progress, err);
	end_part(clock, PART_OWNERS);
	return status;
}

static enum ps_status write_case(const struct report *report, struct clock *clock,
				 struct ps_error *err)
{
	FILE *out = fdopen(memfd_create("report", 0), "w");

	if (!out)
		return ps_fail_memory(err, "the report");
	setvbuf(out, NULL, _IOFBF, OUTPUT_BUFFER);
	render_json_line(report, out, err);
	fflush(out);
	end_part(clock, PART_JSON);
	if (err->status == PS_OK)
		render_summary(report, out, err);
	fclose(out);
	end_part(clock, PART_SUMMARY);
	return err->status;
}

/* The child: the parts of one case. */
static int run_case(const char *path, uint64_t *times)
{
	struct clock clock = {times, now()};
	struct ps_error err = PS_ERROR_INIT;
	struct case_texts texts = {.names = NULL};
	struct tag_names *names = NULL;
	struct report *report = NULL;
	struct case_file c = {0};
	enum ps_status status = tag_names_create(&names, &err);

	texts.names = names;
	if (status == PS_OK)
		status = read_case(path, &c, &clock, &err);
	if (status == PS_OK)
		status = case_report(&c, &selection, &texts, &report, &err);
	end_part(&clock, PART_REPORT);
	if (status == PS_OK)
		status = write_case(report, &clock, &err);
	report_destroy(report);
	case_fini(&c);
	tag_names_destroy(names);
	if (status != PS_OK)
		fprintf(stderr, "%s: %s\n", path, err.text);
	return status == PS_OK ? 0 : 1;
}

/* Another child: the images alone. */
static int run_images(const char *path, uint64_t *times)
{
	struct ps_error err = PS_ERROR_INIT;
	struct log log = {LOG_QUIET};
	struct progress progress;
	struct case_file c = {0};
	struct clock clock;
	enum ps_status status;

	progress_init(&progress, false);
	status = case_init(&c, path, CASE_KERNEL, READER_ANY, &log, &progress, &err);
	clock = (struct clock){times, now()};
	for (size_t i = 0; status == PS_OK && c.kernel && i < c.kernel->modules.count; i++) {
		const struct module *module = &c.kernel->modules.items[i];
		struct pe_image *image;

		/* Kept, as the search for owners keeps them; the child ends. */
		pe_image_open_memory(c.kernel->space, module->base, module->size, &image, &err);
	}
	end_part(&clock, PART_IMAGES);
	return status == PS_OK ? 0 : 1;
}

typedef int child(const char *path, uint64_t *times);

/* Processor time of the whole child; 0 when it failed. */
static uint64_t run(child *what, const char *path, uint64_t *times)
{
	struct rusage usage;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(what(path, times));
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
		return 0;
	return timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
}

static int show(const char *path, uint64_t times[PARTS], uint64_t all[PARTS][ROUNDS])
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint64_t whole = run(run_case, path, times), parts = 0;

		if (whole == 0 || run(run_images, path, times) == 0)
			return 1;
		for (unsigned p = 0; p < PART_END; p++)
			parts += times[p];
		times[PART_END] = whole > parts ? whole - parts : 0;
		for (unsigned p = 0; p < PARTS; p++)
			all[p][i] = times[p];
	}
	for (unsigned p = 0; p < PARTS; p++) {
		qsort(all[p], ROUNDS, sizeof(uint64_t), compare);
		printf("%s %" PRIu64 "\n", part_names[p], all[p][ROUNDS / 2]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t all[PARTS][ROUNDS];
	void *shared;

	if (argc != 2) {
		fprintf(stderr, "usage: case FILE\n");
		return 2;
	}
	signals_init();
	shared = mmap(NULL, PARTS * sizeof(uint64_t), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("case");
		return 1;
	}
	return show(argv[1], shared, all);
}

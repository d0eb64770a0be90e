/*
 * Damages a dump in thousands of ways and runs the program over each, many cases a process.
 *
 *   mutate [--words] MODE ...
 *   mutate cut-pages    DUMP COPY EXPECTED             the file cut at every 4 KiB
 *   mutate cut-anywhere DUMP COPY EXPECTED SEED COUNT  the file cut at COUNT random lengths
 *   mutate flip         DUMP COPY - SEED COUNT         one to four random bits in the structures
 *   mutate head         DUMP COPY - SEED COUNT BYTES [kdumpfile]
 *                                                      bits and bytes of the first BYTES, or of
 *                                                      the whole of a smaller file; read
 *                                                      through libkdumpfile when asked for
 *
 * COPY is a scratch file. Half of the random lengths lie in the last eighth of the file, where a
 * cut leaves something to be judged. --words prints why a case has no figures, a line a case. A
 * case fails by a crash, a sanitizer's report, five seconds, memory above the limit (only without
 * sanitizers, and then with one process a case), or a wrong judgement.
 *
 * Does not: damage bytes outside of the structures, where nothing reads them.
 */
#include <errno.h>
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

#include "base/signals.h"
#include "tests/fuzz/aim.h"
#include "tests/fuzz/judge.h"

enum {
	PAGE = 4096,
	SECONDS = 5,
	MOST_BITS = 4,
	TRIES = 8,
	MOST_SHOWN = 10,
	OWNERS_EVERY = 20, /* cases: looking through the drivers costs most */
	RSS_LIMIT_KIB = 256 << 10
};

#ifdef __SANITIZE_ADDRESS__
enum { CASES_A_PROCESS = 256, MEASURE_MEMORY = 0 };
#else
enum { CASES_A_PROCESS = 1, MEASURE_MEMORY = 1 };
#endif

struct flip {
	uint64_t offset;
	uint8_t mask;
};

/* Written by the process that runs cases, read by the one that waits for it. */
struct progress_shared {
	size_t next; /* case to be run, or being run */
	uint64_t outcomes[OUTCOMES];
	uint64_t slowest_ns;
	size_t slowest;
};

struct work {
	const char *dump, *copy;
	struct expected expected;
	bool has_expected;
	struct targets targets;
	bool head; /* whole bytes are damaged too */
	enum dump_reader reader;
	uint64_t seed;
	size_t count;
	uint64_t *lengths; /* owned, descending; NULL: flips */
	uint64_t size;     /* of the dump */
	uint8_t *map;      /* of the copy, for flips */
	struct progress_shared *shared;
	struct rendered rendered; /* by the process that runs cases */
	bool words;               /* refusals are printed */
	size_t failures;
	long most_rss; /* KiB */
};

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
	z = (z ^ z >> 27) * 0x94D049BB133111EB;
	return z ^ z >> 31;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- flips ---- */

static enum target_kind flip_kind(const struct work *w, size_t number)
{
	for (unsigned i = 0; i < TARGET_KINDS; i++) {
		enum target_kind kind = (enum target_kind)((number + i) % TARGET_KINDS);

		if (w->targets.count[kind])
			return kind;
	}
	return TARGET_HEADER;
}

/* A byte of the structure, rather one that is not zero: most of a table is empty. */
static uint64_t flip_place(const struct work *w, enum target_kind kind, uint64_t *random)
{
	uint64_t offset = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		const struct target *t =
			&w->targets.items[kind][random_next(random) % w->targets.count[kind]];

		offset = t->offset + random_next(random) % t->length;
		if (offset < w->size && w->map[offset])
			break;
	}
	return offset < w->size ? offset : 0;
}

/* The same flips for the same seed and case, whatever ran before. */
static unsigned make_flips(const struct work *w, size_t number, struct flip flips[MOST_BITS])
{
	uint64_t random = w->seed * 0x100000001 + number;
	enum target_kind kind = flip_kind(w, number);
	unsigned count = random_next(&random) % 4 ? 1 : MOST_BITS;

	for (unsigned i = 0; i < count; i++) {
		flips[i].offset = flip_place(w, kind, &random);
		flips[i].mask = (uint8_t)(1u << random_next(&random) % 8);
		if (w->head && random_next(&random) % 2)
			flips[i].mask = (uint8_t)(random_next(&random) % 255 + 1);
	}
	return count;
}

static void apply_flips(const struct work *w, const struct flip *flips, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		w->map[flips[i].offset] ^= flips[i].mask;
}

/* ---- one case ---- */

static void describe(const struct work *w, size_t number, FILE *out)
{
	struct flip flips[MOST_BITS];
	unsigned count;

	if (w->lengths) {
		fprintf(out, "cut to %" PRIu64 " bytes", w->lengths[number]);
		return;
	}
	count = make_flips(w, number, flips);
	fprintf(out, "case %zu, %s:", number, target_name(flip_kind(w, number)));
	for (unsigned i = 0; i < count; i++)
		fprintf(out, " 0x%" PRIx64 "^%02x", flips[i].offset, flips[i].mask);
}

static enum outcome judge_copy(struct work *w, size_t number, const struct expected *expected)
{
	enum judge_depth depth = number % OWNERS_EVERY == 0 ? JUDGE_OWNERS : JUDGE_POOLS;
	struct ps_error refusal = PS_ERROR_INIT;
	enum outcome outcome = judge(w->copy, w->reader, depth, expected, &w->rendered, &refusal);

	if (w->words && refusal.text[0] != '\0')
		printf("%s\t%s\n", refusal.text, refusal.hint);
	return outcome;
}

static enum outcome run_case(struct work *w, size_t number)
{
	struct flip flips[MOST_BITS];
	unsigned count;
	enum outcome outcome;

	if (w->lengths) {
		if (truncate(w->copy, (off_t)w->lengths[number]) != 0) {
			perror(w->copy);
			_Exit(1);
		}
		return judge_copy(w, number, &w->expected);
	}
	count = make_flips(w, number, flips);
	apply_flips(w, flips, count);
	outcome = judge_copy(w, number, NULL);
	apply_flips(w, flips, count);
	return outcome;
}

static _Noreturn void run_some(struct work *w)
{
	struct progress_shared *s = w->shared;

	for (unsigned i = 0; i < CASES_A_PROCESS && s->next < w->count; i++) {
		uint64_t started = now();

		alarm(SECONDS);
		s->outcomes[run_case(w, s->next)]++;
		alarm(0);
		if (now() - started > s->slowest_ns) {
			s->slowest_ns = now() - started;
			s->slowest = s->next;
		}
		s->next++;
	}
	fflush(stdout);
	_Exit(0);
}

/* ---- all cases ---- */

static void report_failure(struct work *w, const char *words)
{
	if (w->failures++ < MOST_SHOWN) {
		printf("failed: ");
		describe(w, w->shared->next, stdout);
		printf(": %s\n", words);
	}
}

/* What a process that died was doing is taken back, so that its successor begins clean. */
static void after_death(struct work *w, int status)
{
	struct flip flips[MOST_BITS];
	char words[64];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(words, sizeof(words), "longer than %d s", SECONDS);
	else if (WIFSIGNALED(status))
		snprintf(words, sizeof(words), "signal %d", WTERMSIG(status));
	else
		snprintf(words, sizeof(words), "exit status %d", WEXITSTATUS(status));
	report_failure(w, words);
	if (!w->lengths)
		apply_flips(w, flips, make_flips(w, w->shared->next, flips));
	w->shared->next++;
}

static bool run_all(struct work *w)
{
	fflush(stdout);
	while (w->shared->next < w->count) {
		struct rusage usage;
		int status;
		pid_t child = fork();

		if (child < 0) {
			perror("fork");
			return false;
		}
		if (child == 0)
			run_some(w);
		if (wait4(child, &status, 0, &usage) != child)
			return false;
		if (usage.ru_maxrss > w->most_rss)
			w->most_rss = usage.ru_maxrss;
		if (status != 0) {
			after_death(w, status);
		} else if (MEASURE_MEMORY && usage.ru_maxrss > RSS_LIMIT_KIB) {
			w->shared->next--;
			report_failure(w, "memory above 256 MiB");
			w->shared->next++;
		}
	}
	return true;
}

/* ---- preparation ---- */

static bool copy_file(const char *from, const char *to, uint64_t *ret_size)
{
	static char buffer[1 << 20];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t got = in >= 0 && out >= 0 ? 1 : -1;

	*ret_size = 0;
	while (got > 0) {
		got = read(in, buffer, sizeof(buffer));
		if (got > 0 && write(out, buffer, (size_t)got) != got)
			got = -1;
		if (got > 0)
			*ret_size += (uint64_t)got;
	}
	if (got < 0)
		perror("cannot copy the dump");
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return got == 0;
}

static int descending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x < *y) - (*x > *y);
}

/* Descending, so that cutting never needs bytes back. */
static bool make_lengths(struct work *w, bool anywhere)
{
	if (!anywhere)
		w->count = (size_t)((w->size - 1) / PAGE + 1);
	w->lengths = calloc(w->count, sizeof(*w->lengths));
	if (!w->lengths)
		return false;
	for (size_t i = 0; i < w->count; i++) {
		uint64_t from = i % 2 ? w->size - w->size / 8 : 0;

		w->lengths[i] =
			anywhere ? from + random_next(&w->seed) % (w->size - from) : i * PAGE;
	}
	qsort(w->lengths, w->count, sizeof(*w->lengths), descending);
	return true;
}

static bool map_copy(struct work *w)
{
	int fd = open(w->copy, O_RDWR | O_CLOEXEC);
	void *map = fd < 0 ? MAP_FAILED
			   : mmap(NULL, w->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		close(fd);
	w->map = map == MAP_FAILED ? NULL : map;
	return w->map != NULL;
}

/* The one target of `head`: what stands at the beginning of the file. */
static bool aim_at_head(struct work *w, const char *bytes)
{
	struct target *target = calloc(1, sizeof(*target));

	if (!target)
		return false;
	*target = (struct target){0, strtoull(bytes, NULL, 0)};
	if (target->length > w->size)
		target->length = w->size;
	w->targets.items[TARGET_HEADER] = target;
	w->targets.count[TARGET_HEADER] = 1;
	w->head = true;
	return target->length > 0;
}

static bool prepare(struct work *w, int argc, char **argv)
{
	bool flip = strcmp(argv[1], "flip") == 0, anywhere = strcmp(argv[1], "cut-anywhere") == 0;

	w->dump = argv[2];
	w->copy = argv[3];
	w->seed = argc > 5 ? strtoull(argv[5], NULL, 0) : 0;
	w->count = argc > 6 ? strtoull(argv[6], NULL, 0) : 0;
	w->shared = mmap(NULL, sizeof(*w->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (w->shared == MAP_FAILED || !copy_file(w->dump, w->copy, &w->size))
		return false;
	if (argc > 8 && strcmp(argv[8], "kdumpfile") == 0)
		w->reader = READER_KDUMPFILE;
	if (strcmp(argv[1], "head") == 0)
		return argc > 7 && aim_at_head(w, argv[7]) && map_copy(w);
	if (flip)
		return targets_find(w->dump, &w->targets) && map_copy(w);
	return expected_read(argv[4], &w->expected) && make_lengths(w, anywhere);
}

int main(int argc, char **argv)
{
	struct work w = {0};
	bool good;

	if (argc > 1 && strcmp(argv[1], "--words") == 0) {
		w.words = true;
		argc--;
		argv++;
	}
	if (argc < 5 || argc == 6 || argc > 9) {
		fprintf(stderr,
			"usage: mutate [--words] cut-pages|cut-anywhere|flip|head DUMP COPY EXPECTED|- "
			"[SEED COUNT [BYTES [kdumpfile]]]\n");
		return 2;
	}
	signals_init();
	good = prepare(&w, argc, argv) && run_all(&w);
	if (good) {
		const struct progress_shared *s = w.shared;

		printf("%zu cases: %" PRIu64 " complete, %" PRIu64 " incomplete, %" PRIu64
		       " refused; slowest %.2f s; most memory %ld MiB\n",
		       w.count, s->outcomes[OUTCOME_COMPLETE], s->outcomes[OUTCOME_INCOMPLETE],
		       s->outcomes[OUTCOME_REFUSED], (double)s->slowest_ns / 1e9, w.most_rss >> 10);
	}
	if (w.failures)
		printf("%zu failed\n", w.failures);
	targets_fini(&w.targets);
	expected_fini(&w.expected);
	free(w.lengths);
	unlink(w.copy);
	return good && w.failures == 0 ? 0 : 1;
}

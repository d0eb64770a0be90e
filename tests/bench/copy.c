/*
 * The baseline of `make bench`: copies N bytes with memcpy, ROUNDS times, and prints the median
 * processor time in nanoseconds. Both buffers were touched before, and each copy begins with cold
 * processor caches, as the bytes of a file do.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 9, FLUSH = 64 << 20 };

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int main(int argc, char **argv)
{
	size_t size = argc == 2 ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t times[ROUNDS];
	unsigned char *from, *to, *other;

	if (!size)
		return 2;
	from = malloc(size);
	to = malloc(size);
	other = malloc(FLUSH);
	if (!from || !to || !other)
		return 1;
	memset(from, 1, size);
	memset(to, 2, size);
	for (unsigned i = 0; i < ROUNDS; i++) {
		memset(other, (int)i, FLUSH);
		times[i] = now();
		memcpy(to, from, size);
		times[i] = now() - times[i];
		from[0] = to[size - 1]; /* keeps the copy from being optimised away */
	}
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("%llu\n", (unsigned long long)times[ROUNDS / 2]);
	free(from);
	free(to);
	free(other);
	return 0;
}

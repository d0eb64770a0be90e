/*
 * A progress bar on standard error, redrawn in place with carriage returns.
 */
#include "base/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { BAR_CELLS = 30 };

static const uint64_t FIRST_DRAW_NS = UINT64_C(500000000);
static const uint64_t REDRAW_NS = UINT64_C(100000000);

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* done / total in thousandths without overflow for any 64-bit units. */
static unsigned thousandths(uint64_t done, uint64_t total)
{
	if (total == 0 || done >= total)
		return 1000;
	return (unsigned)((double)done / (double)total * 1000.0);
}

static void draw(struct progress *p)
{
	unsigned part = thousandths(p->done, p->total);
	char bar[BAR_CELLS + 1];

	for (unsigned i = 0; i < BAR_CELLS; i++)
		bar[i] = i * 1000 < part * BAR_CELLS ? '#' : '.';
	bar[BAR_CELLS] = '\0';
	fprintf(stderr, "\r\033[K%s [%s] %u%%", p->what, bar, part / 10);
	fflush(stderr);
	p->shown = true;
}

void progress_init(struct progress *p, bool enabled)
{
	*p = (struct progress){.enabled = enabled && isatty(STDERR_FILENO)};
}

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
	if (!p->enabled)
		return;
	progress_end(p);
	p->what = what;
	p->total = total;
	p->done = 0;
	p->started_ns = now_ns();
	p->drawn_ns = 0;
}

void progress_advance(struct progress *p, uint64_t units)
{
	uint64_t now;

	if (!p->enabled || !p->what)
		return;
	p->done += units;
	now = now_ns();
	if (now - p->started_ns < FIRST_DRAW_NS || now - p->drawn_ns < REDRAW_NS)
		return;
	p->drawn_ns = now;
	draw(p);
}

void progress_end(struct progress *p)
{
	if (p->shown) {
		fputs("\r\033[K", stderr);
		fflush(stderr);
	}
	p->shown = false;
	p->what = NULL;
}

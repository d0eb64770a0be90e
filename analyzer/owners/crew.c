/*
 * Threads over images.
 */
#include "analyzer/owners/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "analyzer/owners/exchange.h"
#include "analyzer/owners/lookups.h"
#include "analyzer/owners/scan.h"
#include "base/memory.h"
#include "base/processors.h"
#include "base/signals.h"

enum { THREADS_MAX = 8, MACHINES = 3 };

static const uint16_t machines[MACHINES] = {PE_X86, PE_X64, PE_ARM64};

struct crew {
	struct view *views;
	size_t count;
	const size_t *order; /* of the views */
	unsigned threads;
	const struct structs_kernel *kernel;
	const struct market
		*market;           /* NULL in the first round, in which structures are looked for */
	struct progress *progress; /* advanced by the caller's thread only */
	atomic_size_t next;
	atomic_uint_fast64_t done; /* bytes of images */
	atomic_bool no_memory;
};

/* One per machine type and thread, made when the first image of that type comes. */
struct flows {
	struct flow *flow[MACHINES];
};

static struct flow *flow_for(struct crew *crew, struct flows *flows, uint16_t machine)
{
	for (unsigned i = 0; i < MACHINES; i++) {
		struct ps_error err = PS_ERROR_INIT;

		if (machines[i] != machine)
			continue;
		if (!flows->flow[i] && flow_create(machine, &flows->flow[i], &err) != PS_OK)
			crew->no_memory |= err.status == PS_NO_MEMORY;
		return flows->flow[i];
	}
	return NULL;
}

static void scan_one(struct crew *crew, struct flows *flows, struct view *view)
{
	struct flow *flow = flow_for(crew, flows, view->image->machine);

	if (!flow)
		return;
	if (crew->market ? !exchange_tell(crew->market, view)
			 : !structs_scan(view, crew->kernel) || !lookups_by_name(view))
		crew->no_memory = true;
	if (!scan_view(view, flow))
		crew->no_memory = true;
}

static void work(struct crew *crew, struct progress *progress)
{
	struct flows flows = {0};
	uint64_t told = 0;
	size_t i;

	while ((i = crew->next++) < crew->count && !crew->no_memory && !signals_interrupted()) {
		struct view *view = &crew->views[crew->order[i]];

		scan_one(crew, &flows, view);
		crew->done += view->image->size;
		if (progress && !crew->market) {
			uint64_t done = crew->done;

			progress_advance(progress, done - told);
			told = done;
		}
	}
	for (unsigned m = 0; m < MACHINES; m++)
		flow_destroy(flows.flow[m]);
}

static void *thread_main(void *context)
{
	work(context, NULL);
	return NULL;
}

static unsigned thread_count(unsigned wanted, size_t jobs)
{
	unsigned count = wanted > 0 ? wanted : processors_allowed();

	if (count > THREADS_MAX)
		count = THREADS_MAX;
	return count < jobs ? count : (unsigned)jobs;
}

static void run(struct crew *crew)
{
	pthread_t threads[THREADS_MAX];
	unsigned started = 0;

	crew->next = 0;
	while (started + 1 < crew->threads &&
	       pthread_create(&threads[started], NULL, thread_main, crew) == 0)
		started++;
	work(crew, crew->progress);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

static uint64_t total_bytes(const struct view *views, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += views[i].image->size;
	return total;
}

struct weight {
	uint64_t bytes;
	size_t view;
};

static int heavier(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->view < y->view ? -1 : x->view > y->view;
}

/* Those with most code first, lest one thread begins with a large one when the others are done. */
static bool make_order(const struct view *views, size_t count, size_t *order)
{
	struct weight *weights = mem_array(count, sizeof(*weights));

	if (!weights)
		return false;
	for (size_t i = 0; i < count; i++)
		weights[i] = (struct weight){view_code_bytes(&views[i]), i};
	if (count > 0)
		qsort(weights, count, sizeof(*weights), heavier);
	for (size_t i = 0; i < count; i++)
		order[i] = weights[i].view;
	free(weights);
	return true;
}

/* A level may cross images twice: through a jump and through a wrapper. */
static bool all_rounds(struct crew *crew, const char *const *names)
{
	struct market *market = NULL;
	bool ok = true;

	for (unsigned round = 0; ok && round <= 2 * CALLEE_LEVELS; round++) {
		run(crew);
		exchange_close(market);
		market = NULL;
		ok = !crew->no_memory && !signals_interrupted() &&
		     exchange_open(crew->views, crew->count, names, &market);
		if (!market)
			break;
		crew->market = market;
	}
	exchange_close(market);
	return ok;
}

enum ps_status crew_scan(struct view *views, size_t count, const char *const *names,
			 const struct structs_kernel *kernel, unsigned threads,
			 struct progress *progress, struct ps_error *err)
{
	size_t *order = mem_array(count, sizeof(*order));
	struct crew crew = {.views = views,
			    .count = count,
			    .order = order,
			    .threads = thread_count(threads, count),
			    .kernel = kernel,
			    .progress = progress};
	bool ok;

	progress_begin(progress, "looking for the owners of tags", total_bytes(views, count));
	ok = order && make_order(views, count, order) && all_rounds(&crew, names);
	progress_end(progress);
	free(order);
	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED,
			       "interrupted while looking for the owners of tags");
	if (!ok)
		return ps_fail_memory(err, "the owners of tags");
	for (size_t i = 0; i < count; i++)
		scan_finish(&views[i]);
	return PS_OK;
}

/*
 * From the outputs of a worker that has ended to the results of a batch.
 *
 * A worker that ends makes room for the next at once. Its result waits for those of the cases
 * before it, so that the lines come in order and need not be sorted; but not for long ones: when
 * many wait they are kept as they are, and sorted in the end. What is kept within a second is one
 * transaction, which writes the pages of the indices once for all of it; when everything ends, it
 * is done again.
 */
#include <sys/stat.h>

#include "analyzer/desk/batch_internal.h"

static const uint64_t together_ns = 1000000000; /* in one transaction */

static uint64_t bytes_of_outputs(const struct worker *worker)
{
	uint64_t bytes = 0;
	struct stat st;

	for (unsigned i = 0; i < WORKER_OUTPUTS; i++)
		if (fstat(worker->outputs[i], &st) == 0)
			bytes += (uint64_t)st.st_size;
	return bytes;
}

enum ps_status batch_judge(struct batch *b, struct ps_error *err)
{
	for (unsigned i = 0; i < b->slot_count && err->status == PS_OK; i++) {
		struct slot *slot = &b->slots[i];

		if (!slot->ended || slot->judged)
			continue;
		slot->judged = true;
		slot->bytes = bytes_of_outputs(&slot->worker);
		b->waiting++;
		b->waiting_bytes += slot->bytes;
		outcome_init(&slot->outcome, &b->found.files[b->todo[slot->place]], &slot->worker,
			     err);
	}
	return err->status;
}

/* Of the results that wait the one whose case comes first; NULL: none waits. */
static struct slot *first_waiting(const struct batch *b)
{
	struct slot *first = NULL;

	for (unsigned i = 0; i < b->slot_count && b->waiting > 0; i++)
		if (b->slots[i].judged && (!first || b->slots[i].place < first->place))
			first = &b->slots[i];
	return first;
}

/* NULL: none waits that is to be kept. */
static struct slot *next_to_keep(const struct batch *b)
{
	struct slot *slot = first_waiting(b);
	size_t due = b->due;

	while (slot && due < slot->place && b->kept[due])
		due++;
	return slot && (due == slot->place || batch_is_full(b)) ? slot : NULL;
}

bool batch_can_keep(const struct batch *b)
{
	return next_to_keep(b) != NULL;
}

static enum ps_status begin(struct batch *b, struct ps_error *err)
{
	if (b->writing)
		return PS_OK;
	if (store_begin(b->store, err) != PS_OK)
		return err->status;
	b->writing = true;
	b->writing_ns = worker_now();
	return PS_OK;
}

static enum ps_status end(struct batch *b, struct ps_error *err)
{
	if (!b->writing)
		return PS_OK;
	b->writing = false;
	return store_commit(b->store, err);
}

/* Behind one that cannot be kept: those before it are done. */
static enum ps_status end_early(struct batch *b, const struct ps_error *err)
{
	struct ps_error second = PS_ERROR_INIT;

	end(b, &second);
	return err->status;
}

static enum ps_status keep(struct batch *b, struct slot *slot, struct ps_error *err)
{
	const struct outcome *outcome = &slot->outcome;

	if (begin(b, err) != PS_OK)
		return err->status;
	b->waiting--;
	b->waiting_bytes -= slot->bytes;
	b->kept[slot->place] = true;
	while (b->due < b->todo_count && b->kept[b->due])
		b->due++;
	if (outcome_keep(&slot->outcome, b->options, &b->results, b->store, err) != PS_OK)
		return end_early(b, err);
	b->report->results[outcome->result]++;
	b->report->done_now++;
	log_info(b->log, "%s: %s", batch_path(b, slot), case_result_word(outcome->result));
	batch_slot_fini(slot);
	return PS_OK;
}

enum ps_status batch_keep(struct batch *b, struct ps_error *err)
{
	struct slot *slot = next_to_keep(b);

	if (slot && keep(b, slot, err) != PS_OK)
		return err->status;
	return b->writing && worker_now() - b->writing_ns >= together_ns ? end(b, err) : PS_OK;
}

enum ps_status batch_keep_all(struct batch *b, struct ps_error *err)
{
	struct slot *slot;

	while ((slot = first_waiting(b)) && keep(b, slot, err) == PS_OK)
		;
	return err->status == PS_OK ? end(b, err) : err->status;
}

/*
 * The big allocations themselves, row by row while the report is printed, in table order.
 */
#include "plugins/plugin.h"

struct big_list {
	struct big_iterator it; /* owned */
	const struct selection *selection;
	size_t printed;
};

static bool is_asked_for(const struct selection *s, const struct big_entry *e)
{
	if (e->freed && !s->with_freed)
		return false;
	if (s->filter == FILTER_NONPAGED && e->kind == POOL_PAGED)
		return false;
	if (s->filter == FILTER_PAGED && e->kind == POOL_NONPAGED)
		return false;
	return selection_has_tag(s, e->tag);
}

static int paged_flag(enum pool_kind kind)
{
	switch (kind) {
	case POOL_NONPAGED: return 0;
	case POOL_PAGED: return 1;
	case POOL_KIND_UNKNOWN: return -1;
	}
	return -1;
}

static enum ps_status next(void *context, struct report_big_row *ret, bool *ret_found,
			   struct ps_error *err)
{
	struct big_list *list = context;
	struct big_entry e;
	enum ps_status status;

	*ret_found = false;
	if (list->selection->top && list->printed == list->selection->top)
		return PS_OK;
	for (;;) {
		status = big_iterator_next(&list->it, &e, ret_found, err);
		if (status != PS_OK || !*ret_found)
			return status;
		if (!is_asked_for(list->selection, &e))
			continue;
		*ret = (struct report_big_row){
			.index = e.index,
			.va = e.va,
			.bytes = e.bytes,
			.tag = e.tag,
			.type = e.type,
			.freed = e.freed,
			.is_protected = e.is_protected,
			.paged = paged_flag(e.kind),
		};
		list->printed++;
		return PS_OK;
	}
}

static void finish(void *context)
{
	struct big_list *list = context;

	big_iterator_fini(&list->it);
}

enum ps_status plugin_big_list(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	struct big_list *list;
	enum ps_status status;

	if (!input->pools || !input->pools->big_available)
		return PS_OK;
	list = report_array(report, 1, sizeof(*list));
	if (!list)
		return ps_fail_memory(err, "the list of big allocations");
	list->selection = input->selection;
	status = big_iterator_init(&list->it, &input->pools->big, err);
	if (status != PS_OK)
		return status;
	report->big_rows = (struct report_big_source){next, finish, list};
	return PS_OK;
}

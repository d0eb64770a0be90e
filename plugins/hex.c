/*
 * The first bytes of one big allocation, for a look at who filled it. Only live allocations: what a
 * freed one held may belong to somebody else by now.
 */
#include "plugins/plugin.h"

#include <inttypes.h>
#include <string.h>

/* What lies at an address that is not a live allocation. */
struct near_miss {
	bool freed;  /* a freed entry begins here */
	bool inside; /* `around` covers it */
	struct big_entry around;
};

static void look(const struct big_entry *e, uint64_t va, struct near_miss *miss)
{
	if (e->freed && e->va == va)
		miss->freed = true;
	if (!e->freed && va > e->va && va - e->va < e->bytes) {
		miss->inside = true;
		miss->around = *e;
	}
}

static enum ps_status refuse(const struct big_pages *big, uint64_t va, const struct near_miss *miss,
			     struct ps_error *err)
{
	char tag[TAG_TEXT];

	ps_fail_at(err, PS_NOT_FOUND, va,
		   "0x%016" PRIx64 " is not the start of a live big allocation", va);
	if (miss->inside)
		ps_hint(err,
			"it lies inside the allocation at 0x%016" PRIx64 " (tag %s, %" PRIu64
			" bytes); give that address",
			miss->around.va, tag_text(miss->around.tag, tag), miss->around.bytes);
	else if (miss->freed)
		ps_hint(err, "a big allocation there has been freed; its bytes may be anyone's");
	else if (!big->complete)
		ps_hint(err,
			"only %" PRIu64 " of %" PRIu64
			" pages of the big-page table are in the dump; the address may stand "
			"in the missing ones",
			big->pages_present, big->pages_expected);
	else
		ps_hint(err,
			"`poolscope big FILE --list` prints the addresses; smaller allocations "
			"are not in the big-page table");
	return err->status;
}

static enum ps_status find(const struct big_pages *big, uint64_t va, struct big_entry *ret,
			   struct ps_error *err)
{
	struct near_miss miss = {.freed = false};
	struct big_iterator it;
	struct big_entry e = {.freed = false};
	bool more = true, found = false;
	enum ps_status status = big_iterator_init(&it, big, err);

	if (status != PS_OK)
		return status;
	while (!found && more && status == PS_OK) {
		status = big_iterator_next(&it, &e, &more, err);
		if (status != PS_OK || !more)
			break;
		found = !e.freed && e.va == va;
		if (!found)
			look(&e, va, &miss);
	}
	big_iterator_fini(&it);
	if (status != PS_OK)
		return status;
	if (!found)
		return refuse(big, va, &miss, err);
	*ret = e;
	return PS_OK;
}

static bool read_bytes(struct space *space, struct report *report, struct report_hex *hex)
{
	uint8_t *data = report_array(report, hex->size, 1);
	bool *present = report_array(report, hex->size, sizeof(*present));
	struct holes holes;
	char text[240];

	if (!data || !present)
		return false;
	holes_init(&holes);
	space_read_partial(space, hex->va, data, hex->size, &holes);
	memset(present, !holes.overflow, hex->size);
	for (size_t i = 0; i < holes.count; i++)
		memset(present + (holes.items[i].va - hex->va), 0, holes.items[i].length);
	if (holes.count > 0)
		hex->note = report_text(report, "%s",
					hole_describe(&holes.items[0], text, sizeof(text)));
	holes_fini(&holes);
	hex->data = data;
	hex->present = present;
	return !holes.overflow && (holes.count == 0 || hex->note);
}

enum ps_status plugin_hex(const struct plugin_input *input, struct report *report,
			  struct ps_error *err)
{
	const struct selection *s = input->selection;
	struct report_hex *hex = &report->hex;
	struct big_entry e = {.freed = false};
	enum ps_status status;

	if (!input->pools || !input->pools->big_available)
		return PS_OK;
	status = find(&input->pools->big, space_normalize(input->kernel->space, s->dump_va), &e,
		      err);
	if (status != PS_OK)
		return status;
	hex->va = e.va;
	hex->tag = e.tag;
	hex->allocation_bytes = e.bytes;
	hex->paged = e.kind == POOL_KIND_UNKNOWN ? -1 : e.kind == POOL_PAGED;
	hex->size = e.bytes < s->dump_bytes ? (size_t)e.bytes : s->dump_bytes;
	if (!read_bytes(input->kernel->space, report, hex))
		return ps_fail_memory(err, "the bytes of the allocation");
	hex->available = true;
	if (hex->note)
		report->incomplete = true;
	return PS_OK;
}

/*
 * Handle tables: how many handles a process has open, and which of them are to processes that have
 * ended.
 *
 * Up to 6.1 HANDLE_TABLE has one count. From 6.2 on there is a list of free entries a processor,
 * each with a signed count; their sum is the number of handles (ObGetProcessHandleCount of public
 * kernels does it so), and ExpFreeListCount says how many lists there are. Where no symbols name
 * that variable the table's pool header tells its size, which must be the same for all tables; a
 * newer pool may have rounded it up, so entries in use are counted instead where all are there.
 *
 * Entries: the object's header, above the lock bit; on x64 from 6.2 on shifted. A table has up to
 * three levels (low bits of TableCode).
 */
#include "analyzer/kernel/processes.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/signals.h"

enum {
	MOST_LISTS = 2048,      /* processors of the largest Windows machine */
	TABLE_TAG = 0x6274624f, /* "Obtb" */
	TAG_MASK = 0x7fffffff,  /* without the bit of protected pool */
	HANDLE_STEP = 4,        /* values of handles are multiples of it */
	LEVEL_MASK = 3,
	LEVELS = 3,
	HOLDER_PAGES = 1 << 16, /* of handle tables that are looked at: 16 million handles on x64 */
	HEADER_POINTERS = 6,    /* OBJECT_HEADER is so many pointers long */
};

/* Lists by the size of the table's block in the pool; 0 when it has no pool header. */
static unsigned lists_by_pool_header(struct kernel *kernel, const struct handle_offsets *h,
				     uint64_t table)
{
	unsigned granule = kernel->pointer_size * 2;
	struct ps_error ignored = PS_ERROR_INIT;
	uint8_t raw[8];
	struct bytes header = bytes_of(raw, sizeof(raw));
	uint64_t size;

	if (table % PAGE_SIZE < granule ||
	    space_read(kernel->space, table - granule, raw, sizeof(raw), &ignored) != PS_OK ||
	    (bytes_u32(&header, 4) & TAG_MASK) != (TABLE_TAG & TAG_MASK))
		return 0;
	size = kernel->pointer_size == 8 ? bytes_u8(&header, 2) : bytes_u16(&header, 2) & 0x1ff;
	size *= granule;
	if (size < (uint64_t)granule + h->lists + h->list_size)
		return 0;
	return (unsigned)((size - granule - h->lists) / h->list_size);
}

/* Sum over the lists; false when one is not in the dump. */
static bool sum_lists(struct kernel *kernel, const struct handle_offsets *h, uint64_t table,
		      unsigned lists, int64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t part;

	*ret = 0;
	for (unsigned i = 0; i < lists; i++) {
		uint64_t at = table + h->lists + (uint64_t)i * h->list_size + h->list_count;

		if (space_read_u32(kernel->space, at, &part, &ignored) != PS_OK)
			return false;
		*ret += (int32_t)part;
	}
	return true;
}

static const char *count_lists(struct kernel *kernel, const struct handle_offsets *h,
			       uint64_t table, unsigned *lists, int64_t *ret)
{
	unsigned own;

	if (*lists == 0) {
		own = lists_by_pool_header(kernel, h, table);
		if (own == 0 || own > MOST_LISTS)
			return "how many lists of free entries its handle table has is not known";
		*lists = own;
	}
	own = lists_by_pool_header(kernel, h, table);
	if (own != 0 && own != *lists)
		return "its handle table is not as long as the others";
	if (!sum_lists(kernel, h, table, *lists, ret))
		return "its handle table is not in the dump";
	return NULL;
}

static const char *count_one(struct kernel *kernel, const struct handle_offsets *h, uint64_t table,
			     int64_t *ret)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t count;

	if (space_read_u32(kernel->space, table + h->count, &count, &ignored) != PS_OK)
		return "its handle table is not in the dump";
	*ret = (int32_t)count;
	return NULL;
}

void process_count_handles(struct kernel *kernel, uint64_t table, unsigned *lists,
			   struct process *process)
{
	struct handle_offsets h = handle_layout(kernel);
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t owner = 0;
	uint32_t limit = 0;
	int64_t count = 0;

	process->handles_note = "the layout of handle tables is not known for this build";
	if (!h.known)
		return;
	process->handles_note = "its handle table is not in the dump";
	if (space_read_pointer(kernel->space, table + h.pid, &owner, &ignored) != PS_OK ||
	    space_read_u32(kernel->space, table + h.capacity, &limit, &ignored) != PS_OK)
		return;
	process->handles_note = "what ObjectTable leads to is not its handle table";
	if (owner != process->pid)
		return;
	process->room = limit / HANDLE_STEP;
	process->handles_note = h.count ? count_one(kernel, &h, table, &count)
					: count_lists(kernel, &h, table, lists, &count);
	if (!process->handles_note && (count < 0 || (uint64_t)count > process->room))
		process->handles_note = "its handle table counts more handles than it has room for";
	if (!process->handles_note)
		process->handles = (struct fact){true, (uint64_t)count};
}

/* A walk through all handle tables. */
struct holders {
	struct kernel *kernel;
	struct process_list *list;
	struct handle_offsets layout;
	struct hash headers; /* of exited processes */
	bool counts;         /* entries say how many handles there are */
	bool decodes;        /* what an entry points to is known */
	size_t pages_left;
	/* of the table that is looked at */
	uint64_t entries, holds;
	bool whole;
};

static uint64_t object_of(const struct holders *s, uint64_t entry)
{
	if (entry == 0)
		return 0;
	if (s->layout.shift == 0)
		return entry & ~UINT64_C(7);
	/* the sign of the address fills what is shifted out; the low four bits are no address */
	return (uint64_t)((int64_t)entry >> s->layout.shift) & ~UINT64_C(0xf);
}

/* One page of entries, or of pointers to pages of the level below. False ends the table. */
static bool look_at(struct holders *s, uint64_t va, unsigned level)
{
	unsigned width = s->kernel->pointer_size;
	uint8_t page[PAGE_SIZE];
	struct bytes bytes = bytes_of(page, sizeof(page));
	struct ps_error ignored = PS_ERROR_INIT;
	uint32_t index;

	if (!space_is_kernel_address(s->kernel->space, va) || va % PAGE_SIZE != 0)
		return false;
	if (s->pages_left == 0 || signals_interrupted() ||
	    space_read(s->kernel->space, va, page, sizeof(page), &ignored) != PS_OK) {
		s->whole = false;
		return true;
	}
	s->pages_left--;
	if (level == 0) {
		for (size_t at = 2 * width; at < PAGE_SIZE; at += 2 * width) {
			uint64_t object = object_of(s, bytes_pointer(&bytes, at, width));

			s->entries += object != 0;
			s->holds += object != 0 && hash_find(&s->headers, object, &index);
		}
		return true;
	}
	for (size_t at = 0; at < PAGE_SIZE; at += width) {
		if (!look_at(s, bytes_pointer(&bytes, at, width), level - 1))
			break;
	}
	return true;
}

static void look_through(struct holders *s, struct process *process)
{
	struct ps_error ignored = PS_ERROR_INIT;
	uint64_t table, code;

	s->entries = s->holds = 0;
	s->whole = true;
	if (process->room == 0 ||
	    space_read_pointer(s->kernel->space, process->va + s->list->offsets.table, &table,
			       &ignored) != PS_OK ||
	    space_read_pointer(s->kernel->space, table + s->layout.code, &code, &ignored) !=
		    PS_OK ||
	    (code & LEVEL_MASK) >= LEVELS ||
	    !look_at(s, code & ~(uint64_t)(PAGE_SIZE - 1), (unsigned)(code & LEVEL_MASK)))
		return;
	if (s->counts && s->whole && s->entries <= process->room) {
		process->handles = (struct fact){true, s->entries};
		process->handles_note = NULL;
	}
	/* of a table of which nothing is there, nothing is known */
	if (s->decodes && s->list->exited > 0 && (s->whole || s->holds > 0)) {
		process->holds = (struct fact){true, s->holds};
		process->holds_at_least = !s->whole;
	}
}

/* The larger the table, the likelier it is the one. */
static int by_handles(const void *a, const void *b)
{
	const struct process *x = *(const struct process *const *)a,
			     *y = *(const struct process *const *)b;

	if (x->handles.value != y->handles.value)
		return x->handles.value < y->handles.value ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static enum ps_status collect(struct holders *s, struct process **ret_order, size_t *ret_count,
			      struct ps_error *err)
{
	struct process_list *list = s->list;
	uint32_t index;

	for (size_t i = 0; i < list->count; i++) {
		struct process *p = &list->items[i];
		uint64_t header = p->va - HEADER_POINTERS * s->kernel->pointer_size;

		if (p->state != PROCESS_EXITED) {
			ret_order[(*ret_count)++] = p;
		} else if (!hash_find(&s->headers, header, &index) &&
			   !hash_add(&s->headers, header, 0)) {
			return ps_fail_memory(err, "the processes that have ended");
		}
	}
	return PS_OK;
}

enum ps_status process_find_holders(struct kernel *kernel, struct process_list *list,
				    struct ps_error *err)
{
	struct holders s = {.kernel = kernel,
			    .list = list,
			    .layout = handle_layout(kernel),
			    .pages_left = HOLDER_PAGES};
	struct process **order;
	enum ps_status status;
	size_t count = 0;

	/* how an address of 57 bits stands in an entry is not published */
	s.decodes = space_paging(kernel->space) != PAGING_X64_LA57;
	s.counts = s.layout.lists && !list->lists_by_symbol;
	if (!s.layout.known || list->offsets.table == 0 || list->count == 0 ||
	    (list->exited == 0 && !s.counts))
		return PS_OK;
	order = mem_array(list->count, sizeof(struct process *));
	if (!order)
		return ps_fail_memory(err, "the processes by their handles");
	hash_init(&s.headers);
	status = collect(&s, order, &count, err);
	if (status == PS_OK && count > 1)
		qsort(order, count, sizeof(struct process *), by_handles);
	for (size_t i = 0; i < count && status == PS_OK; i++) {
		look_through(&s, order[i]);
		if (signals_interrupted())
			status = ps_fail(err, PS_INTERRUPTED, "interrupted");
	}
	hash_fini(&s.headers);
	free(order);
	return status;
}

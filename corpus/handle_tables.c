/*
 * Handle tables of processes: HANDLE_TABLE with its counts, and entries for what a process holds.
 *
 * From Windows 8 on handles are counted per list of free ones, a list a processor: a handle closed
 * on another processor than it was opened on makes a count negative. Entries: header of the object
 * with the lock bit; on x64 from Windows 8 on shifted (8.0: by 19; later: without its low four
 * bits, by 20). Does not: entries for other objects than processes; the third level.
 */
#include "corpus/handle_tables.h"

#include <string.h>

#include "corpus/pool.h"
#include "corpus/process_layout.h"

enum { LEVELS_SHIFT = 2 };

uint32_t handle_tables_lists(const struct world *w)
{
	return layout_handle_table(w->config)->lists ? w->config->processors : 0;
}

static uint64_t entry_of(const struct world *w, uint64_t header)
{
	bool is_64 = config_is_64(w->config);
	if (!is_64 || w->config->build < 9200)
		return header | 1;
	if (w->config->build == 9200)
		return header << 19 | 1;
	return header >> 4 << 20 | 1;
}

static uint64_t new_page(struct world *w)
{
	return pool_block(w, SIDE_PAGED, PAGE_SIZE, "Obtb");
}

/* Entries of the exited processes of that name; the others stay free. Returns TableCode. */
static uint64_t write_entries(struct world *w, const struct process *holder, uint64_t *ret_capacity)
{
	unsigned width = world_pointer(w);
	uint64_t per_page = PAGE_SIZE / (2 * width), used = 1;
	uint64_t directory = 0, first = new_page(w), page = first, pages = 1;
	for (size_t i = 0; i < w->process_count; i++) {
		struct process *p = &w->processes[i];
		if (!p->exited || strcmp(p->name, holder->holds) != 0)
			continue;
		if (used == per_page) {
			if (!directory) {
				directory = new_page(w);
				memory_put(&w->memory, directory, first, width);
			}
			page = new_page(w);
			memory_put(&w->memory, directory + pages++ * width, page, width);
			world_add_region(w, "handles", -1, holder->name, page, PAGE_SIZE);
			used = 1; /* the first entry of a page is not for handles */
		}
		uint64_t entry = page + used++ * 2 * width;
		memory_put(&w->memory, entry, entry_of(w, p->va - 6 * width), width);
		memory_put(&w->memory, entry + width, 0x1FFFFF, 4);
		p->held++;
	}
	world_add_region(w, "handles", -1, holder->name, first, PAGE_SIZE);
	*ret_capacity = pages * per_page;
	return directory ? directory | 1 : first;
}

static void write_counts(struct world *w, const struct process *p, struct rng *rng)
{
	const struct handle_table_layout *l = layout_handle_table(w->config);
	uint32_t lists = handle_tables_lists(w);
	if (!lists) {
		memory_put(&w->memory, p->table + l->count, p->handles, 4);
		return;
	}
	int64_t left = (int64_t)p->handles;
	for (uint32_t i = 0; i < lists; i++) {
		uint64_t at = p->table + l->lists + i * l->list_size + l->list_count;
		int64_t part = (int64_t)rng_below(rng, p->handles + 20) - 10;
		part = i + 1 == lists ? left : part;
		memory_put(&w->memory, at, (uint64_t)part, 4);
		left -= part;
	}
}

static void write_table(struct world *w, struct process *p, struct rng *rng)
{
	const struct handle_table_layout *l = layout_handle_table(w->config);
	unsigned width = world_pointer(w);
	uint32_t lists = handle_tables_lists(w);
	uint64_t size = l->size + (lists > 1 ? (lists - 1) * l->list_size : 0);
	uint64_t per_page = PAGE_SIZE / (2 * width);
	uint64_t capacity = round_up(p->handles + p->handles / 128 + 2, per_page), code = 0;
	p->table = pool_block(w, SIDE_PAGED, size, "Obtb");
	if (p->holds)
		code = write_entries(w, p, &capacity);
	else
		code = pool_reserve(w, SIDE_PAGED, PAGE_SIZE, rng);
	memory_put(&w->memory, p->table + l->code, code, width);
	memory_put(&w->memory, p->table + l->quota, p->pid == 4 ? 0 : p->va, width);
	memory_put(&w->memory, p->table + l->pid, p->pid, width);
	memory_put(&w->memory, p->table + l->next_needing_pool, capacity << LEVELS_SHIFT, 4);
	write_counts(w, p, rng);
	world_add_region(w, "handle-table", -1, p->name, p->table, size);
}

static uint64_t count_of(const struct world *w, const char *name)
{
	uint64_t count = 0;
	for (size_t i = 0; i < w->process_count; i++)
		count += w->processes[i].exited && strcmp(w->processes[i].name, name) == 0;
	return count;
}

void handle_tables_write(struct world *w, struct rng *rng)
{
	for (size_t i = 0; i < w->process_count; i++) {
		struct process *p = &w->processes[i];
		if (p->holds)
			p->handles = count_of(w, p->holds);
		if (!p->exited)
			write_table(w, p, rng);
	}
}

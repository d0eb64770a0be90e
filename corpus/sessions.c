/*
 * See sessions.h.
 */
#include "corpus/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/pool.h"
#include "corpus/process_layout.h"
#include "corpus/tracker.h"

enum { TABLE_OFFSET = 0x10000, EXPANSION_OFFSET = 0x30000, MOST_SESSIONS = 16 };

/* MM_SESSION_SPACE; 0 where it has no such member. */
struct space_layout {
	uint32_t from; /* this build and later ones, to the next row */
	uint32_t size;
	uint32_t tags, tags_size; /* PoolTags: the table itself; size 0: a pointer to it */
	uint32_t expansion;       /* PoolTrackTableExpansion; its size follows */
};

static const struct space_layout spaces_x64[] = {
	{3790, 0x1D80, 0, 0, 0},
	{6000, 0x1DE0, 0, 0, 0x1DB8},
	{6001, 0x1E00, 0, 0, 0x1DD8},
	{7600, 0x1F80, 0, 0, 0x1F30},
	{9200, 0x1F80, 0, 0, 0x1F40},
	{9600, 0x2000, 0, 0, 0x1F98},
	{10240, 0x2000, 0, 0, 0x1EF0},
	{14393, 0x4000, 0x2000, 0x2000, 0x1F78},
	{15063, 0x4000, 0x2000, 0x2000, 0x1FB0},
	{17134, 0x5000, 0x3000, 0x2000, 0x2028},
	{18362, 0x5000, 0x1000, 0x4000, 0x4E8},
	{19041, 0x5000, 0x1000, 0x4000, 0x3D0},
	{22000, 0x3C0, 0x380, 0, 0x328},
};

static const struct space_layout spaces_x86[] = {
	{3790, 0x1D00, 0, 0, 0},
	{7600, 0x2000, 0, 0, 0x1FC8},
	{7602, 0x2000, 0, 0, 0},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct space_layout *layout_of(const struct config *c, const struct line *line)
{
	bool is_64 = config_is_64(c);
	const struct space_layout *rows = is_64 ? spaces_x64 : spaces_x86;
	size_t i = is_64 ? COUNT(spaces_x64) : COUNT(spaces_x86);
	if (c->build < 3790 || c->build > 22000 || !layout_process(c).session)
		line_fail(line, "nobody published where build %u has its session pool", c->build);
	while (rows[--i].from > c->build)
		;
	return &rows[i];
}

struct session *sessions_find(const struct world *w, uint64_t id)
{
	for (size_t i = 0; i < w->session_count; i++) {
		if (w->sessions[i].id == id)
			return &w->sessions[i];
	}
	return NULL;
}

/* The same addresses in all sessions, in a top-level slot that nothing else has. */
static uint64_t range_of(const struct config *c)
{
	struct rng rng = rng_fork(c->seed, "sessions");
	uint64_t slot = 0x120 + rng_below(&rng, 0x20);
	if (!config_is_64(c))
		return 0xBC000000;
	if (c->build < 14393)
		return UINT64_C(0xFFFFF90000000000);
	return c->la57 ? UINT64_C(0xFE00000000000000) | slot << 48
		       : UINT64_C(0xFFFF000000000000) | slot << 39;
}

/* As many entries as PoolTags has room for. */
static uint64_t usual_entries(const struct world *w, const struct space_layout *l)
{
	uint64_t entries = 256;
	while (l->tags_size && (entries + 1) * layout_tracker(w->config)->size > l->tags_size)
		entries /= 2;
	return entries;
}

static void read_pool(struct world *w, const struct line *line)
{
	const struct space_layout *l = layout_of(w->config, line);
	const char *entries = line_option(line, "entries"),
		   *expansion = line_option(line, "expansion");
	uint64_t id = parse_number(line, line_word(line, 1, "the number of the session"));
	if (sessions_find(w, id) || w->session_count == MOST_SESSIONS)
		line_fail(line, "the session is there already, or there are too many");
	w->sessions[w->session_count++] = (struct session){
		.id = id,
		.entries = (entries ? parse_number(line, entries) : usual_entries(w, l)) + 1,
		.expansion_entries = expansion ? parse_number(line, expansion) : 0,
		.line = line,
	};
	if (w->sessions[0].entries != w->sessions[w->session_count - 1].entries)
		line_fail(line, "all sessions have tables of one size");
	if (expansion && !l->expansion)
		line_fail(line, "nobody published where this build has the expansion table");
}

static struct tag *add_tag(struct session *s, const struct line *line, uint32_t key)
{
	for (size_t i = 0; i < s->tag_count; i++) {
		if (s->tags[i].key == key)
			line_fail(line, "the session has the tag already");
	}
	s->tags = grow(s->tags, s->tag_count, &s->tag_capacity, sizeof(*s->tags));
	s->tags[s->tag_count] = (struct tag){.key = key, .in_tracker = true};
	return &s->tags[s->tag_count++];
}

/* session-tag ID NAME [np A F B] [paged A F B] [expansion] */
static void read_tag(struct world *w, const struct line *line)
{
	uint64_t id = parse_number(line, line_word(line, 1, "the number of the session"));
	struct session *s = sessions_find(w, id);
	if (!s)
		line_fail(line, "no line session-pool has that session");
	struct tag *tag = add_tag(s, line, parse_tag(line, line_word(line, 2, "a tag")));
	tracker_read_sides(w, line, tag->side);
	tag->expansion = line_has(line, "expansion");
	if (tag->expansion && !s->expansion_entries)
		line_fail(line, "the session has no expansion table");
}

/* session-tags ID random=N: made-up tags of paged pool */
static void read_tags(struct world *w, const struct line *line, struct rng *rng)
{
	uint64_t id = parse_number(line, line_word(line, 1, "the number of the session"));
	const char *count = line_option(line, "random");
	struct session *s = sessions_find(w, id);
	if (!s || !count)
		line_fail(line, "wants a session that has a pool, and random=N");
	for (uint64_t i = 0; i < parse_number(line, count); i++) {
		struct tag *tag = add_tag(s, line, tracker_random_key(w, rng));
		uint64_t live = rng_below(rng, 500), frees = rng_below(rng, 100000);
		tag->side[SIDE_PAGED] =
			(struct side){live + frees, frees, live * (16 + 16 * rng_below(rng, 40))};
	}
}

void session_enter(struct world *w, struct session *s)
{
	if (s)
		memory_view_swap(&w->memory, &s->view);
}

void session_leave(struct world *w, struct session *s)
{
	session_enter(w, s);
}

/* MM_SESSION_SPACE has an address of its own, and one that is the same in each session. */
static void place_space(struct world *w, struct session *s, const struct space_layout *l)
{
	uint64_t range = range_of(w->config), size = round_up(l->size, PAGE_SIZE);
	s->space = pool_pages(w, size);
	memory_put(&w->memory, s->space + layout_session_id(w->config), s->id, 4);
	s->dtb = s->view.root;
	for (uint64_t at = 0; at < size; at += PAGE_SIZE) {
		uint64_t pfn = memory_pfn(&w->memory, s->space + at);
		session_enter(w, s);
		memory_map_frame(&w->memory, range + at, pfn);
		session_leave(w, s);
	}
	uint64_t bytes = s->entries * layout_tracker(w->config)->size;
	if (l->tags_size && bytes > l->tags_size)
		line_fail(s->line, "PoolTags has no room for so many entries");
	s->table = l->tags_size ? range + l->tags : range + TABLE_OFFSET;
	s->expansion = s->expansion_entries ? range + EXPANSION_OFFSET : 0;
}

static void place_tags(const struct world *w, struct session *s)
{
	uint32_t mask = (uint32_t)(s->entries - 2), in_expansion = 0;
	uint8_t *used = xcalloc(s->entries, 1);
	for (size_t i = 0; i < s->tag_count; i++) {
		struct tag *tag = &s->tags[i];
		if (tag->expansion || i > mask) {
			tag->expansion = true;
			tag->slot = in_expansion++;
			if (in_expansion >= s->expansion_entries)
				line_fail(s->line,
					  "the session's tables have no room for its tags");
			continue;
		}
		tag->slot = layout_hash_slot(layout_hash(w->config), tag->key, mask);
		while (used[tag->slot])
			tag->slot = (tag->slot + 1) & mask;
		used[tag->slot] = 1;
	}
	free(used);
}

static void write_table(struct world *w, struct session *s, uint64_t table, uint64_t entries,
			bool expansion)
{
	uint64_t size = layout_tracker(w->config)->size;
	uint8_t *bytes = xcalloc(entries, size);
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct tag *tag = &s->tags[i];
		if (tag->expansion == expansion)
			tracker_put_entry(w, bytes + tag->slot * size, tag->key, tag->side);
	}
	memory_write(&w->memory, table, bytes, entries * size);
	free(bytes);
}

static void add_region(struct world *w, struct session *s, const char *kind, uint64_t va,
		       uint64_t length, bool own)
{
	struct region *r = world_add_region(w, kind, (int)s->id, NULL, va, length);
	r->session = own ? s : NULL;
}

static void write_session(struct world *w, struct session *s, const struct space_layout *l)
{
	unsigned width = world_pointer(w);
	uint64_t bytes = s->entries * layout_tracker(w->config)->size;
	place_space(w, s, l);
	place_tags(w, s);
	if (l->expansion) {
		memory_put(&w->memory, s->space + l->expansion, s->expansion, width);
		memory_put(&w->memory, s->space + l->expansion + width, s->expansion_entries,
			   width);
	}
	if (l->tags && !l->tags_size)
		memory_put(&w->memory, s->space + l->tags, s->table, width);
	session_enter(w, s);
	write_table(w, s, s->table, s->entries, false);
	if (s->expansion)
		write_table(w, s, s->expansion, s->expansion_entries, true);
	session_leave(w, s);
	add_region(w, s, "session-space", s->space, l->size, false);
	add_region(w, s, "session-table", s->table, bytes, true);
	if (s->expansion)
		add_region(w, s, "session-expansion", s->expansion,
			   s->expansion_entries * layout_tracker(w->config)->size, true);
}

void sessions_plan(struct world *w)
{
	const struct lines *pools = &w->config->lists[LINES_SESSION_POOL];
	const struct lines *tags = &w->config->lists[LINES_SESSION_TAG];
	w->sessions = pools->count ? xcalloc(MOST_SESSIONS, sizeof(*w->sessions)) : NULL;
	for (size_t i = 0; i < pools->count; i++)
		read_pool(w, pools->line[i]);
	for (size_t i = 0; i < tags->count; i++)
		read_tag(w, tags->line[i]);
	const struct lines *random = &w->config->lists[LINES_SESSION_TAGS];
	struct rng rng = rng_fork(w->config->seed, "session tags");
	for (size_t i = 0; i < random->count; i++)
		read_tags(w, random->line[i], &rng);
	for (size_t i = 0; i < w->session_count; i++) {
		struct session *s = &w->sessions[i];
		memory_view_init(&w->memory, &s->view);
		write_session(w, s, layout_of(w->config, s->line));
	}
	if (!w->session_count)
		return;
	global_set(w, "ExpSessionPoolTrackTable", w->sessions[0].table);
	global_set(w, "ExpSessionPoolTrackTableSize", w->sessions[0].entries);
	global_set(w, "ExpSessionPoolTrackTableMask", w->sessions[0].entries - 2);
}

void sessions_finish(struct world *w)
{
	for (size_t i = 0; i < w->session_count; i++)
		memory_view_finish(&w->memory, &w->sessions[i].view);
}

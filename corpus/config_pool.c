/*
 * The keys of a recipe that say how large the pool's tables are, and how they are filled.
 *
 * Does not: read the tags; tracker.c and bigpages.c do.
 */
#include "corpus/config_keys.h"

#include <string.h>

static void read_pool_pages(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"small", 0}, {"large", 1}, {0}};
	c->pool_large = line_choice(line, choices);
}

static bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static void read_tracker_entries(struct config *c, const struct line *line)
{
	c->tracker_entries = line_number(line, 1, 64, 1 << 20);
	if (!is_power_of_two(c->tracker_entries))
		line_fail(line, "must be a power of two (the overflow slot is added)");
}

static void read_hash(struct config *c, const struct line *line)
{
	static const struct word_value choices[] = {{"A", 'A'}, {"B", 'B'}, {0}};
	c->hash = (char)line_choice(line, choices);
}

static void read_seeded(struct config *c, const struct line *line)
{
	c->seeded = line_switch(line);
	c->seeded_set = true;
}

static void read_tag_tables(struct config *c, const struct line *line)
{
	bool none = strcmp(line_word(line, 1, "a length or none"), "none") == 0;
	c->tag_tables = none ? 0 : (int64_t)line_number(line, 1, 1, 2048);
}

static void read_tag_tables_dead(struct config *c, const struct line *line)
{
	c->tag_tables_dead = (uint32_t)line_number(line, 1, 0, 64);
}

static void read_tag_tables_duplicate(struct config *c, const struct line *line)
{
	c->tag_tables_duplicate = (uint32_t)line_number(line, 1, 0, 64);
}

static void read_expansion(struct config *c, const struct line *line)
{
	c->expansion_entries = line_number(line, 1, 2, 1 << 20);
}

static void read_bigpages(struct config *c, const struct line *line)
{
	const char *size = line_option(line, "size");
	const char *fill = line_option(line, "fill");
	const char *live = line_option(line, "live");
	const char *freed = line_option(line, "freed");
	if (!size && !fill && !live && !freed)
		line_fail(line, "wants size=N, live=P%% or freed=P%%");
	if (size || fill) {
		c->big_entries = parse_number(line, size ? size : fill);
		if (!is_power_of_two(c->big_entries) || c->big_entries < 64 ||
		    c->big_entries > 1 << 24)
			line_fail(line, "the size must be a power of two from 64 to 16M");
	}
	if (live)
		c->big_live = parse_percent(line, live);
	if (freed)
		c->big_freed = parse_percent(line, freed);
	if (c->big_live + c->big_freed > 990000)
		line_fail(line, "live and freed entries together must leave 1%% of the slots");
}

const struct config_key pool_keys[] = {
	{"pool-pages", read_pool_pages},
	{"tracker-entries", read_tracker_entries},
	{"hash", read_hash},
	{"seeded", read_seeded},
	{"tag-tables", read_tag_tables},
	{"tag-tables-dead", read_tag_tables_dead},
	{"tag-tables-duplicate", read_tag_tables_duplicate},
	{"expansion", read_expansion},
	{"bigpages", read_bigpages},
	{0},
};

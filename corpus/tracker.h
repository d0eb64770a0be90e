/*
 * Pool tags and the tracker tables that count them: every processor's copy, the expansion table,
 * the array of tables.
 *
 * Does not: session pool, the limit table of newer builds.
 */
#ifndef CORPUS_TRACKER_H
#define CORPUS_TRACKER_H

#include "corpus/world.h"

enum { KEY_POOL = 0x6C6F6F50, KEY_OVERFLOW = 0x6C66764F };

/* Reads the recipe's tags, adds seeded and random ones. */
void tracker_read_tags(struct world *w);
/* Takes the addresses of the tables. */
void tracker_plan(struct world *w);
/* Splits the counters over the processors and writes all tables and their globals. */
void tracker_write(struct world *w);

/* Charges the tags of pool_block()'s allocations. */
void tracker_charge_blocks(struct world *w);

struct tag *tracker_find(const struct world *w, uint32_t key);
/* "np ALLOCS FREES BYTES" and "paged ALLOCS FREES BYTES" of a line. */
void tracker_read_sides(const struct world *w, const struct line *line, struct side *sides);
/* A new tag of the tracker table without counts. `line` may be NULL. */
struct tag *tracker_add(struct world *w, const struct line *line, uint32_t key);
/* An unused key of letters and digits. */
uint32_t tracker_random_key(const struct world *w, struct rng *rng);

/* Writes one entry into `at`; counters are cut to the width of the build. */
void tracker_put_entry(const struct world *w, uint8_t *at, uint32_t key, const struct side *side);
uint64_t tracker_count_mask(const struct world *w);
uint64_t tracker_table_bytes(const struct world *w);

#endif

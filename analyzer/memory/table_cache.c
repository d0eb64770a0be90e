/* A direct-mapped cache of 64-byte pieces of page tables. */
#include "analyzer/memory/table_cache.h"

#include "base/bytes.h"

void table_cache_init(struct table_cache *cache, struct dump *dump)
{
	cache->dump = dump;
	for (size_t i = 0; i < sizeof(cache->blocks) / sizeof(cache->blocks[0]); i++)
		cache->blocks[i].number = UINT64_MAX;
}

static void fill(struct table_cache *cache, struct table_block *block, uint64_t number)
{
	uint8_t raw[TABLE_BLOCK_BYTES];
	struct bytes bytes = bytes_of(raw, sizeof(raw));

	block->number = number;
	block->state = dump_read(cache->dump, number * TABLE_BLOCK_BYTES, raw, sizeof(raw));
	for (size_t i = 0; block->state == PAGE_PRESENT && i < TABLE_BLOCK_WORDS; i++)
		block->words[i] = bytes_u64(&bytes, i * 8);
}

enum page_state table_cache_entry(struct table_cache *cache, uint64_t pa, unsigned entry_size,
				  uint64_t *ret)
{
	uint64_t number = pa / TABLE_BLOCK_BYTES;
	/* Multiplicative hashing: the same place in different tables must not share a slot. */
	size_t slot = (size_t)(number * 0x9e3779b97f4a7c15 >> (64 - TABLE_BLOCKS_LOG2));
	struct table_block *block = &cache->blocks[slot];
	uint64_t word;

	if (block->number != number)
		fill(cache, block, number);
	if (block->state != PAGE_PRESENT)
		return block->state;
	word = block->words[pa / 8 % TABLE_BLOCK_WORDS];
	*ret = entry_size == 8 ? word : (uint32_t)(pa & 4 ? word >> 32 : word);
	return PAGE_PRESENT;
}

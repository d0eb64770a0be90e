/*
 * Turns structures of symbols into layouts. See symbol_layouts.h.
 */
#include "analyzer/pool/symbol_layouts.h"

#include <stdio.h>

const char tracker_type_name[] = "_POOL_TRACKER_TABLE";
const char big_type_name[] = "_POOL_TRACKER_BIG_PAGES";
const char header_type_name[] = "_POOL_HEADER";

enum { ENTRY_MOST = 0xf8, TYPE_BITS = 12, PATTERN_BITS = 8 };

static const char by_symbols[] = "by symbols of this kernel";

static enum structure_result refuse(char why[STRUCTURE_WHY], const char *words)
{
	snprintf(why, STRUCTURE_WHY, "%s", words);
	return STRUCTURE_NONSENSE;
}

static struct field field_of(const struct symbol_member *m)
{
	return (struct field){(uint8_t)m->offset, m->width};
}

/* Says once what came of it; true when the layout is to be used. */
static bool settle(struct kernel *kernel, const char *type, enum structure_result result,
		   const char *why)
{
	if (result == STRUCTURE_NONSENSE)
		symbol_structure_used(kernel, type, why);
	return result == STRUCTURE_KNOWN;
}

enum tracker_member { KEY, NP_ALLOCS, NP_FREES, NP_BYTES, P_ALLOCS, P_FREES, P_BYTES };

/* Exchanged names would make plausible figures that are wrong: every Windows has this order. */
static enum structure_result check_tracker(const struct symbol_member *m, char why[STRUCTURE_WHY])
{
	uint8_t width = m[NP_ALLOCS].width;

	if (m[KEY].offset != 0)
		return refuse(why, "it does not begin with Key");
	if (m[NP_FREES].width != width || m[P_ALLOCS].width != width || m[P_FREES].width != width)
		return refuse(why, "its counters are not of one width");
	for (unsigned np = NP_ALLOCS; np <= NP_BYTES; np++)
		for (unsigned p = P_ALLOCS; p <= P_BYTES; p++)
			if (m[np].offset > m[p].offset)
				return refuse(why, "paged counters stand before nonpaged ones");
	if (m[NP_ALLOCS].offset > m[NP_FREES].offset || m[P_ALLOCS].offset > m[P_FREES].offset)
		return refuse(why, "frees stand before allocations");
	return STRUCTURE_KNOWN;
}

static bool read_tracker(struct kernel *kernel, struct tracker_layout *ret)
{
	struct symbol_member m[] = {
		[KEY] = SYMBOL_MEMBER("Key", WIDTH_4),
		[NP_ALLOCS] = SYMBOL_MEMBER("NonPagedAllocs", WIDTH_4 | WIDTH_8),
		[NP_FREES] = SYMBOL_MEMBER("NonPagedFrees", WIDTH_4 | WIDTH_8),
		[NP_BYTES] = SYMBOL_MEMBER("NonPagedBytes", WIDTH_POINTER),
		[P_ALLOCS] = SYMBOL_MEMBER("PagedAllocs", WIDTH_4 | WIDTH_8),
		[P_FREES] = SYMBOL_MEMBER("PagedFrees", WIDTH_4 | WIDTH_8),
		[P_BYTES] = SYMBOL_MEMBER("PagedBytes", WIDTH_POINTER),
	};
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result = symbol_structure(
		kernel, tracker_type_name, m, sizeof(m) / sizeof(m[0]), ENTRY_MOST, &size, why);

	if (result == STRUCTURE_KNOWN)
		result = check_tracker(m, why);
	if (!settle(kernel, tracker_type_name, result, why))
		return false;
	*ret = (struct tracker_layout){
		.name = by_symbols,
		.pointer_size = (uint8_t)kernel->pointer_size,
		.entry_size = (uint8_t)size,
		.last_build = UINT32_MAX,
		.nonpaged = {field_of(&m[NP_ALLOCS]), field_of(&m[NP_FREES]),
			     field_of(&m[NP_BYTES])},
		.paged = {field_of(&m[P_ALLOCS]), field_of(&m[P_FREES]), field_of(&m[P_BYTES])},
	};
	return true;
}

enum big_member { VA, BIG_KEY, BIG_SIZE, BIG_TYPE };

struct big_type {
	enum big_type_kind kind;
	struct bit_range bits; /* of its dword; BIG_TYPE_FIELD */
};

/* PoolType is a dword (Vista to 8.1) or 12 bits of one, behind Pattern; 26100 calls the 12 bits by
 * another name. */
static struct big_type find_big_type(const struct kernel *kernel, struct symbol_member *member)
{
	struct symbol_offset named;

	if (symbols_type_offset(kernel->symbols, big_type_name, "PoolType", &named)) {
		*member = (struct symbol_member){.name = "PoolType",
						 .widths = named.bit_length ? WIDTH_BITS : WIDTH_4};
		return (struct big_type){named.bit_length ? BIG_TYPE_FIELD : BIG_TYPE_WORD,
					 {PATTERN_BITS, TYPE_BITS}};
	}
	if (!symbol_structure_has(kernel, big_type_name, "Pattern"))
		return (struct big_type){BIG_TYPE_NONE, {0, 0}};
	*member = (struct symbol_member){.name = "Pattern", .widths = WIDTH_BITS};
	return (struct big_type){BIG_TYPE_FIELD, {0, PATTERN_BITS}};
}

static bool bits_are_right(const struct symbol_member *m, const struct big_type *type)
{
	return type->kind != BIG_TYPE_FIELD ||
	       (m->offset % 4 * 8 + m->bit == type->bits.first && m->bits == type->bits.count);
}

static bool read_big(struct kernel *kernel, struct big_layout *ret)
{
	bool pages = symbol_structure_has(kernel, big_type_name, "NumberOfPages");
	struct symbol_member m[] = {
		[VA] = SYMBOL_MEMBER("Va", WIDTH_POINTER),
		[BIG_KEY] = SYMBOL_MEMBER("Key", WIDTH_4),
		[BIG_SIZE] = SYMBOL_MEMBER(pages ? "NumberOfPages" : "NumberOfBytes",
					   pages ? WIDTH_4 : WIDTH_POINTER),
		[BIG_TYPE] = SYMBOL_MEMBER("PoolType", WIDTH_4),
	};
	struct big_type type = find_big_type(kernel, &m[BIG_TYPE]);
	bool has_type = type.kind != BIG_TYPE_NONE || !pages;
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result =
		symbol_structure(kernel, big_type_name, m, has_type ? BIG_TYPE + 1 : BIG_TYPE,
				 ENTRY_MOST, &size, why);

	if (result == STRUCTURE_KNOWN && m[VA].offset != 0)
		result = refuse(why, "it does not begin with Va");
	if (result == STRUCTURE_KNOWN && has_type && !bits_are_right(&m[BIG_TYPE], &type))
		result = refuse(why, "the bits of the type are at another place");
	if (!settle(kernel, big_type_name, result, why))
		return false;
	*ret = (struct big_layout){
		.name = by_symbols,
		.pointer_size = (uint8_t)kernel->pointer_size,
		.entry_size = (uint8_t)size,
		.last_build = UINT32_MAX,
		.key_offset = (uint8_t)m[BIG_KEY].offset,
		.size = field_of(&m[BIG_SIZE]),
		.unit = pages ? BIG_PAGES : BIG_BYTES,
		.type_kind = type.kind,
		.type_offset = (uint8_t)(m[BIG_TYPE].offset & ~3u),
	};
	return true;
}

void symbol_layouts_read(struct kernel *kernel, struct symbol_layouts *ret)
{
	*ret = (struct symbol_layouts){.has_tracker = false};
	if (!symbols_layout_refused(kernel->symbols, tracker_type_name))
		ret->has_tracker = read_tracker(kernel, &ret->tracker);
	if (!symbols_layout_refused(kernel->symbols, big_type_name))
		ret->has_big = read_big(kernel, &ret->big);
}

enum header_member { PREVIOUS, BLOCKS, TYPE, TAG };

static struct bit_range bits_of(const struct symbol_member *m)
{
	return (struct bit_range){(uint8_t)(m->offset * 8 + m->bit), m->bits};
}

struct header_layout symbol_header_layout(struct kernel *kernel)
{
	const struct header_layout *built_in =
		kernel->pointer_size == 8 ? &header_layout_x64 : &header_layout_x86;
	struct symbol_member m[] = {
		[PREVIOUS] = SYMBOL_MEMBER("PreviousSize", WIDTH_BITS),
		[BLOCKS] = SYMBOL_MEMBER("BlockSize", WIDTH_BITS),
		[TYPE] = SYMBOL_MEMBER("PoolType", WIDTH_BITS),
		[TAG] = SYMBOL_MEMBER("PoolTag", WIDTH_4),
	};
	char why[STRUCTURE_WHY];
	uint32_t size;
	enum structure_result result = symbol_structure(
		kernel, header_type_name, m, sizeof(m) / sizeof(m[0]), built_in->size, &size, why);

	/* The pool's granule is the header's size; a page's blocks need eight bits or nine. */
	if (result == STRUCTURE_KNOWN && size != built_in->size)
		result = refuse(why, "it has another size than the pool's blocks are counted in");
	if (result == STRUCTURE_KNOWN &&
	    (m[BLOCKS].bits < 8 || m[BLOCKS].bits > 16 || m[PREVIOUS].bits != m[BLOCKS].bits))
		result = refuse(why, "its sizes have bits that they cannot have");
	if (!settle(kernel, header_type_name, result, why))
		return *built_in;
	symbol_structure_used(kernel, header_type_name, NULL);
	return (struct header_layout){.size = (uint8_t)size,
				      .previous = bits_of(&m[PREVIOUS]),
				      .blocks = bits_of(&m[BLOCKS]),
				      .type = bits_of(&m[TYPE]),
				      .tag_offset = (uint8_t)m[TAG].offset};
}

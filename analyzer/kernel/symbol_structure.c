/*
 * Layouts by symbols, checked. See symbol_structure.h.
 */
#include "analyzer/kernel/symbol_structure.h"

#include <inttypes.h>
#include <string.h>

enum { PATH_WORDS = 60, BYTE_BITS = 8 };

struct reading {
	const struct kernel *kernel;
	const char *type;
	struct symbol_member *members;
	uint32_t size;
	char *why;
};

static enum structure_result wrong(struct reading *r, const char *member, const char *words)
{
	snprintf(r->why, STRUCTURE_WHY, "%s %s", member, words);
	return STRUCTURE_NONSENSE;
}

static bool is_possible_width(const struct kernel *kernel, unsigned widths, uint8_t width)
{
	return (width < 16 && widths >> width & 1) ||
	       (widths & WIDTH_POINTER && width == kernel->pointer_size);
}

static enum structure_result read_bits(struct reading *r, struct symbol_member *m,
				       const struct symbol_offset *from)
{
	unsigned bit = from->bit_position;

	if (from->bit_length == 0)
		return wrong(r, m->name, "is no bit field");
	m->offset = from->offset + bit / BYTE_BITS;
	m->bit = bit % BYTE_BITS;
	m->bits = from->bit_length;
	if ((uint64_t)from->offset * BYTE_BITS + bit + m->bits > (uint64_t)r->size * BYTE_BITS)
		return wrong(r, m->name, "reaches beyond its end");
	return STRUCTURE_KNOWN;
}

static enum structure_result read_number(struct reading *r, struct symbol_member *m,
					 const struct symbol_offset *from)
{
	if (from->bit_length != 0)
		return wrong(r, m->name, "is a bit field");
	m->offset = from->offset;
	m->width = m->widths == WIDTH_ANY ? 0 : from->width;
	if (m->offset >= r->size || m->width > r->size - m->offset)
		return wrong(r, m->name, "reaches beyond its end");
	if (m->widths == WIDTH_ANY)
		return STRUCTURE_KNOWN;
	if (from->width == 0)
		return STRUCTURE_UNKNOWN;
	if (!is_possible_width(r->kernel, m->widths, from->width))
		return wrong(r, m->name, "has a width that it cannot have");
	return m->offset % m->width == 0 ? STRUCTURE_KNOWN : wrong(r, m->name, "is not aligned");
}

static enum structure_result read_member(struct reading *r, struct symbol_member *m)
{
	struct symbol_offset from;

	if (!symbols_type_offset(r->kernel->symbols, r->type, m->name, &from))
		return wrong(r, m->name, "is missing");
	return m->widths == WIDTH_BITS ? read_bits(r, m, &from) : read_number(r, m, &from);
}

static uint64_t first_bit(const struct symbol_member *m)
{
	return (uint64_t)m->offset * BYTE_BITS + m->bit;
}

/* Of WIDTH_ANY only the beginning is known. */
static uint64_t end_bit(const struct symbol_member *m)
{
	unsigned bits = m->bits ? m->bits : m->width * BYTE_BITS;

	return first_bit(m) + (bits ? bits : 1);
}

static bool overlap(const struct symbol_member *a, const struct symbol_member *b)
{
	return first_bit(a) < end_bit(b) && first_bit(b) < end_bit(a);
}

static enum structure_result find_overlap(struct reading *r, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			if (overlap(&r->members[i], &r->members[k])) {
				snprintf(r->why, STRUCTURE_WHY, "%s lies on %s", r->members[k].name,
					 r->members[i].name);
				return STRUCTURE_NONSENSE;
			}
	return STRUCTURE_KNOWN;
}

enum structure_result symbol_structure(const struct kernel *kernel, const char *type,
				       struct symbol_member *members, size_t count, uint32_t most,
				       uint32_t *ret_size, char why[STRUCTURE_WHY])
{
	struct reading r = {.kernel = kernel, .type = type, .members = members, .why = why};
	struct symbol_offset size;

	if (!symbols_type_offset(kernel->symbols, type, SYMBOL_SIZE_OF, &size))
		return STRUCTURE_UNKNOWN;
	*ret_size = r.size = size.offset;
	if (r.size == 0 || r.size > most || r.size % 4 != 0) {
		snprintf(why, STRUCTURE_WHY, "it cannot take %" PRIu32 " bytes", r.size);
		return STRUCTURE_NONSENSE;
	}
	for (size_t i = 0; i < count; i++) {
		enum structure_result result = read_member(&r, &members[i]);

		if (result != STRUCTURE_KNOWN)
			return result;
	}
	return find_overlap(&r, count);
}

bool symbol_structure_has(const struct kernel *kernel, const char *type, const char *member)
{
	struct symbol_offset unused;

	return symbols_type_offset(kernel->symbols, type, member, &unused);
}

void symbol_structure_used(struct kernel *kernel, const char *type, const char *why)
{
	const struct symbol_set *set = &kernel->symbols->set;
	size_t length = strlen(set->origin);

	if (!symbols_layout(kernel->symbols, type, why) || !why)
		return;
	kernel_note(kernel, "the layout of %s in %s %s is not used, the built-in one is: %.100s",
		    type, symbol_source_word(set->source),
		    length > PATH_WORDS ? set->origin + length - PATH_WORDS : set->origin, why);
}

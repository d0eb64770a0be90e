/*
 * Joins the evidence of several kinds into one ordered list of candidates a tag.
 */
#include "analyzer/owners/claims.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "analyzer/owners/origin.h"
#include "base/memory.h"

bool owner_grade_proves(enum owner_grade grade)
{
	return grade <= OWNER_FREE_SITE;
}

size_t ownership_best(const struct owner_tag *tag)
{
	size_t count = 0;

	while (tag && count < tag->candidate_count &&
	       tag->candidates[count].grade == tag->candidates[0].grade)
		count++;
	return count;
}

bool ownership_is_proved(const struct owner_tag *tag)
{
	return ownership_best(tag) == 1 && owner_grade_proves(tag->candidates[0].grade);
}

enum ownership ownership_of(const struct owner_tag *tag)
{
	if (tag && tag->for_others)
		return OWNERSHIP_FOR_OTHERS;
	if (!tag || tag->candidate_count == 0)
		return OWNERSHIP_NONE;
	if (!owner_grade_proves(tag->candidates[0].grade))
		return OWNERSHIP_PERHAPS;
	return ownership_is_proved(tag) ? OWNERSHIP_ONE : OWNERSHIP_SEVERAL;
}

static struct owner_candidate *add(struct claims *claims, struct ps_error *err)
{
	void *items = claims->tag.candidates;

	if (!mem_grow(&items, claims->tag.candidate_count, &claims->capacity,
		      sizeof(*claims->tag.candidates))) {
		ps_fail_memory(err, "the candidates of a tag");
		return NULL;
	}
	claims->tag.candidates = items;
	return &claims->tag.candidates[claims->tag.candidate_count++];
}

enum ps_status claims_init(struct claims *claims, uint32_t tag, const struct owner_tag *found,
			   struct ps_error *err)
{
	*claims = (struct claims){.tag = {.tag = tag}};
	claims->tag.for_others = origin_for_others(tag);
	claims->tag.hint = origin_hint(tag);
	if (!found)
		return PS_OK;
	claims->tag.for_others = found->for_others;
	claims->tag.hint = found->hint;
	for (size_t i = 0; i < found->candidate_count; i++) {
		struct owner_candidate *to = add(claims, err);

		if (!to)
			return err->status;
		*to = found->candidates[i];
	}
	return PS_OK;
}

void claims_fini(struct claims *claims)
{
	free(claims->tag.candidates);
	*claims = (struct claims){.capacity = 0};
}

static int compare(const void *left, const void *right)
{
	const struct owner_candidate *a = left, *b = right;
	unsigned sites_a = a->counts[a->grade], sites_b = b->counts[b->grade];

	if (a->grade != b->grade)
		return a->grade < b->grade ? -1 : 1;
	if (sites_a != sites_b)
		return sites_a > sites_b ? -1 : 1;
	if (a->where != b->where)
		return a->where < b->where ? -1 : 1;
	return a->module < b->module ? -1 : a->module > b->module;
}

static void sort(struct claims *claims)
{
	if (claims->tag.candidate_count > 1)
		qsort(claims->tag.candidates, claims->tag.candidate_count,
		      sizeof(*claims->tag.candidates), compare);
}

/* The candidate of that driver, new with that grade when it is not there yet. */
static struct owner_candidate *candidate(struct claims *claims, enum owner_where where,
					 size_t module, enum owner_grade grade,
					 struct ps_error *err)
{
	struct owner_candidate *c;

	for (size_t i = 0; i < claims->tag.candidate_count; i++) {
		c = &claims->tag.candidates[i];
		if (c->where == where && c->module == module)
			return c;
	}
	c = add(claims, err);
	if (c)
		*c = (struct owner_candidate){.where = where, .module = module, .grade = grade};
	return c;
}

static bool has_name(const struct module *m, const char *name, size_t length)
{
	return m->name && strlen(m->name) == length && strncasecmp(m->name, name, length) == 0;
}

static enum ps_status add_named(struct claims *claims, const struct module_list *list,
				enum owner_where where, const char *name, size_t length,
				bool *ret_found, struct ps_error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct owner_candidate *c;

		/* "nt" is the kernel whatever its file's name is */
		if (!has_name(&list->items[i], name, length) &&
		    !(where == OWNER_LOADED && i == 0 && length == 2 &&
		      strncasecmp(name, "nt", 2) == 0))
			continue;
		c = candidate(claims, where, i, OWNER_TAG_LIST, err);
		if (!c)
			return err->status;
		c->counts[OWNER_TAG_LIST]++;
		*ret_found = true;
	}
	return PS_OK;
}

enum ps_status claims_add_list(struct claims *claims, const struct kernel *kernel,
			       const char *image, struct ps_error *err)
{
	static const char between[] = " \t,;/!()<>";
	enum ps_status status = PS_OK;

	while (*image != '\0' && status == PS_OK) {
		size_t length = strcspn(image, between);
		bool found = false;

		if (length > 0) {
			status = add_named(claims, &kernel->modules, OWNER_LOADED, image, length,
					   &found, err);
			if (status == PS_OK && !found)
				status = add_named(claims, &kernel->unloaded, OWNER_UNLOADED, image,
						   length, &found, err);
		}
		image += length;
		image += strspn(image, between);
	}
	sort(claims);
	return status;
}

enum ps_status claims_add_contents(struct claims *claims, const struct contents *contents,
				   struct ps_error *err)
{
	for (size_t i = 0; i < contents->hit_count; i++) {
		const struct contents_hit *hit = &contents->hits[i];
		struct owner_candidate *c =
			candidate(claims, hit->where, hit->module, OWNER_CONTENTS, err);

		if (!c)
			return err->status;
		c->counts[OWNER_CONTENTS] += hit->blocks;
		c->pointers = hit->blocks;
		c->sampled = contents->sampled;
	}
	sort(claims);
	return PS_OK;
}

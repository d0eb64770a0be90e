/*
 * Sorting evidence by tag and driver, and grading.
 */
#include "analyzer/owners/collect.h"

#include <stdlib.h>
#include <string.h>

#include "analyzer/owners/origin.h"
#include "base/memory.h"

struct piece {
	uint32_t tag;
	uint32_t module;
	struct owner_evidence evidence;
};

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* What makes two pieces one comes first: tag, driver, grade, place, routine. */
static int compare_identity(const struct piece *x, const struct piece *y)
{
	int result = order(x->tag, y->tag);

	if (result == 0)
		result = order(x->module, y->module);
	if (result == 0)
		result = order(x->evidence.grade, y->evidence.grade);
	if (result == 0)
		result = order(x->evidence.rva, y->evidence.rva);
	if (result == 0 && x->evidence.api && y->evidence.api)
		result = strcmp(x->evidence.api, y->evidence.api);
	return result;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	int result = compare_identity(x, y);

	if (result == 0)
		result = order(x->evidence.from_file, y->evidence.from_file);
	if (result == 0)
		result = order(x->evidence.levels, y->evidence.levels);
	if (result == 0)
		result = order(x->evidence.function, y->evidence.function);
	if (result == 0)
		result = order(x->evidence.tag_from, y->evidence.tag_from);
	return result;
}

/* Best first: certain before one of several, direct before wrapped. */
static int compare_evidence(const void *a, const void *b)
{
	const struct owner_evidence *x = a, *y = b;
	int result = order(x->grade, y->grade);

	if (result == 0)
		result = order(x->one_of_several, y->one_of_several);
	if (result == 0)
		result = order(x->levels, y->levels);
	return result ? result : order(x->rva, y->rva);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct owner_candidate *x = a, *y = b;
	int result = order(x->grade, y->grade);

	for (unsigned i = 0; result == 0 && i < OWNER_GRADES; i++)
		result = order(y->counts[i], x->counts[i]);
	return result ? result : order(x->module, y->module);
}

static void grade_library(const struct owners *owners, struct piece *piece)
{
	if (piece->evidence.grade == OWNER_CALL_SITE && origin_static_library(piece->tag) &&
	    owners->images[piece->module].microsoft != MICROSOFT_YES)
		piece->evidence.grade = OWNER_LIBRARY;
}

static struct piece *gather(const struct view *views, size_t count, const struct owners *owners,
			    size_t *ret_count)
{
	size_t total = 0, at = 0;
	struct piece *pieces;

	for (size_t i = 0; i < count; i++)
		total += views[i].finding_count;
	pieces = mem_array(total, sizeof(*pieces));
	if (!pieces)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < views[i].finding_count; j++) {
			const struct finding *finding = &views[i].findings[j];

			pieces[at] =
				(struct piece){finding->tag, views[i].module, finding->evidence};
			grade_library(owners, &pieces[at++]);
		}
	}
	*ret_count = total;
	return pieces;
}

static size_t sort_unique(struct piece *pieces, size_t count)
{
	size_t kept = 0;

	if (count == 0)
		return 0;
	qsort(pieces, count, sizeof(*pieces), compare_pieces);
	for (size_t i = 1; i < count; i++) {
		if (compare_identity(&pieces[kept], &pieces[i]) != 0)
			pieces[++kept] = pieces[i];
	}
	return kept + 1;
}

/* One driver's pieces of one tag. */
static bool fill_candidate(struct owner_candidate *candidate, const struct piece *pieces,
			   size_t count)
{
	struct owner_evidence *all = mem_array(count, sizeof(*all));

	if (!all)
		return false;
	for (size_t i = 0; i < count; i++) {
		all[i] = pieces[i].evidence;
		candidate->counts[all[i].grade]++;
	}
	qsort(all, count, sizeof(*all), compare_evidence);
	candidate->where = OWNER_LOADED;
	candidate->module = pieces[0].module;
	candidate->grade = all[0].grade;
	candidate->evidence = all;
	candidate->evidence_count = count < OWNER_EVIDENCE_KEPT ? count : OWNER_EVIDENCE_KEPT;
	return true;
}

static size_t run_length(const struct piece *pieces, size_t count, bool same_module)
{
	size_t length = 1;

	while (length < count && pieces[length].tag == pieces[0].tag &&
	       (!same_module || pieces[length].module == pieces[0].module))
		length++;
	return length;
}

static bool fill_tag(struct owner_tag *tag, const struct piece *pieces, size_t count)
{
	size_t candidates = 0, length;

	for (size_t i = 0; i < count; i += run_length(pieces + i, count - i, true))
		candidates++;
	tag->tag = pieces[0].tag;
	tag->for_others = origin_for_others(tag->tag);
	tag->hint = origin_hint(tag->tag);
	tag->candidates = mem_array(candidates, sizeof(*tag->candidates));
	if (!tag->candidates)
		return false;
	for (size_t i = 0; i < count; i += length) {
		length = run_length(pieces + i, count - i, true);
		if (!fill_candidate(&tag->candidates[tag->candidate_count], pieces + i, length))
			return false;
		tag->candidate_count++;
	}
	qsort(tag->candidates, candidates, sizeof(*tag->candidates), compare_candidates);
	return true;
}

static bool fill(struct owners *owners, const struct piece *pieces, size_t count)
{
	size_t tags = 0, length;

	for (size_t i = 0; i < count; i += run_length(pieces + i, count - i, false))
		tags++;
	owners->tags = mem_array(tags, sizeof(*owners->tags));
	if (!owners->tags)
		return false;
	for (size_t i = 0; i < count; i += length) {
		length = run_length(pieces + i, count - i, false);
		/* Counted first, so that what is half-filled is freed with the rest. */
		if (!fill_tag(&owners->tags[owners->tag_count++], pieces + i, length))
			return false;
	}
	return true;
}

enum ps_status collect(const struct view *views, size_t count, struct owners *owners,
		       struct ps_error *err)
{
	size_t piece_count;
	struct piece *pieces = gather(views, count, owners, &piece_count);
	bool ok = pieces != NULL;

	if (ok) {
		piece_count = sort_unique(pieces, piece_count);
		ok = fill(owners, pieces, piece_count);
	}
	free(pieces);
	return ok ? PS_OK : ps_fail_memory(err, "the owners of tags");
}

void collect_fini(struct owners *owners)
{
	for (size_t i = 0; i < owners->tag_count; i++) {
		struct owner_tag *tag = &owners->tags[i];

		for (size_t j = 0; j < tag->candidate_count; j++)
			free(tag->candidates[j].evidence);
		free(tag->candidates);
	}
	free(owners->tags);
	owners->tags = NULL;
	owners->tag_count = 0;
}

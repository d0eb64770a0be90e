/*
 * Who owns the tags that are printed: candidates from code, tag lists and contents, in words.
 *
 * Allocations are sampled for tags that no code explains, of those that weigh most, or for all that
 * were asked for by name. "Owner of the tag" is not "cause of the growth": the words keep them
 * apart.
 */
#include "plugins/owning.h"

#include <inttypes.h>
#include <stdlib.h>

#include "analyzer/owners/origin.h"
#include "base/memory.h"

/* Sampled allocations of some tags. */
struct samples {
	struct blocks blocks;
	bool taken;
};

static bool add_name(uint32_t tags[OWNING_TAGS], size_t *count, uint32_t tag)
{
	for (size_t i = 0; i < *count; i++) {
		if (tags[i] == tag)
			return true;
	}
	if (*count == OWNING_TAGS)
		return false;
	tags[(*count)++] = tag;
	return true;
}

static bool is_explained(const struct plugin_input *input, uint32_t tag)
{
	enum ownership ownership = ownership_of(owners_find(input->owners, tag));

	return ownership != OWNERSHIP_NONE && ownership != OWNERSHIP_PERHAPS;
}

static void choose_lines(const struct plugin_input *input, const struct report *report,
			 const struct report_lines *lines, uint32_t tags[OWNING_TAGS],
			 size_t *count)
{
	for (size_t i = 0; i < lines->count; i++) {
		uint32_t tag = report->tags[lines->items[i].tag].tag;

		if (!is_explained(input, tag) && !add_name(tags, count, tag))
			return;
	}
}

static size_t choose_tags(const struct plugin_input *input, const struct report *report,
			  uint32_t tags[OWNING_TAGS])
{
	size_t count = 0;

	choose_lines(input, report, &report->top_nonpaged, tags, &count);
	choose_lines(input, report, &report->top_paged, tags, &count);
	for (size_t i = 0; input->selection->with_contents && i < report->tag_count; i++) {
		if (!add_name(tags, &count, report->tags[i].tag))
			break;
	}
	return count;
}

static enum ps_status take_samples(const struct plugin_input *input, const struct report *report,
				   struct samples *samples, struct ps_error *err)
{
	uint32_t tags[OWNING_TAGS];
	size_t count;

	if (!input->pools)
		return PS_OK;
	count = choose_tags(input, report, tags);
	if (count == 0)
		return PS_OK;
	samples->taken = true;
	return blocks_sample(input->pools, tags, count, &samples->blocks, err);
}

static const struct block_sample *sample_of(const struct samples *samples, uint32_t tag)
{
	for (size_t i = 0; i < samples->blocks.count; i++) {
		if (samples->blocks.samples[i].tag == tag)
			return &samples->blocks.samples[i];
	}
	return NULL;
}

static enum ps_status weigh_contents(struct owning *o, struct ps_error *err)
{
	const struct block_sample *s = o->sample;
	struct contents_block blocks[2 * BLOCK_SAMPLE];
	enum ps_status status;

	if (!s || s->count == 0)
		return PS_OK;
	for (size_t i = 0; i < s->count; i++)
		blocks[i] = (struct contents_block){s->items[i].va, s->items[i].bytes};
	status = contents_weigh(o->input->kernel, blocks, s->count, &o->contents, err);
	if (status != PS_OK)
		return status;
	return claims_add_contents(&o->claims, &o->contents, err);
}

static enum ps_status gather(struct owning *o, uint32_t tag, struct ps_error *err)
{
	const struct plugin_input *input = o->input;
	struct tag_name name = {NULL, NULL, NULL};
	enum ps_status status;

	status = claims_init(&o->claims, tag, owners_find(input->owners, tag), err);
	if (status == PS_OK && input->kernel && input->names &&
	    tag_names_find(input->names, tag, &name) && name.image)
		status = claims_add_list(&o->claims, input->kernel, name.image, err);
	return status == PS_OK ? weigh_contents(o, err) : status;
}

static enum report_ownership ownership_in_report(enum ownership ownership)
{
	switch (ownership) {
	case OWNERSHIP_NONE: return OWNED_BY_NOBODY;
	case OWNERSHIP_ONE: return OWNED_BY_ONE;
	case OWNERSHIP_SEVERAL: return OWNED_BY_SEVERAL;
	case OWNERSHIP_PERHAPS: return OWNED_PERHAPS;
	case OWNERSHIP_FOR_OTHERS: return OWNED_FOR_OTHERS;
	}
	return OWNED_BY_NOBODY;
}

static bool kernel_is_best(const struct report_owner *owner, size_t best)
{
	for (size_t i = 0; i < best; i++) {
		if (owner->candidates[i].kernel_itself)
			return true;
	}
	return false;
}

/* For a column: "nt", "a.sys or b.sys", "a.sys +3", "a.sys ?", "nt *". */
static const char *short_words(struct report *report, const struct report_owner *owner, size_t best)
{
	const struct report_candidate *c = owner->candidates;
	bool proof = best > 0 && c[0].proof, others = owner->ownership == OWNED_FOR_OTHERS;
	const char *mark = proof ? (others ? " *" : "") : (others ? " * ?" : " ?");

	/* what the kernel does for others is well known */
	if (others && (best == 0 || (kernel_is_best(owner, best) && (best > 1 || !proof))))
		return "nt *";
	if (best == 0)
		return "-";
	if (best == 1)
		return report_text(report, "%s%s%s", c[0].module, c[0].unloaded ? " unloaded" : "",
				   mark);
	if (best == 2)
		return report_text(report, "%s or %s%s", c[0].module, c[1].module, mark);
	return report_text(report, "%s +%zu%s", c[0].module, best - 1, mark);
}

static const char *sample_words(const struct owning *o)
{
	const struct block_sample *s = o->sample;
	const char *kernel = "", *absent = "";

	if (s->count == 0)
		return report_text(o->report, "Contents: no live allocation of the tag was found "
					      "to look into.");
	if (o->contents.kernel > 0)
		kernel = report_text(o->report,
				     " %u point into the kernel or the HAL, which says nothing.",
				     o->contents.kernel);
	if (o->contents.absent > 0)
		absent = report_text(o->report, " %u are not in the dump.", o->contents.absent);
	if (!kernel || !absent)
		return NULL;
	return report_text(o->report,
			   "Contents: sampled %zu of %" PRIu64
			   " allocations of a page and more, and %zu smaller ones.%s%s",
			   s->big_count, s->big_live, s->small_count, kernel, absent);
}

static bool contents_notes(const struct owning *o, const struct samples *samples,
			   struct report_owner *owner)
{
	const char *why = samples->blocks.note;

	if (!o->sample)
		return true;
	if (!add_note(o->report, &owner->notes, sample_words(o)))
		return false;
	return why[0] == '\0' ||
	       add_note(o->report, &owner->notes, report_text(o->report, "Contents: %s.", why));
}

/* Drivers whose code was not read whole: what could still be the owner. */
static size_t discarded_images(const struct owners *owners)
{
	size_t count = 0;

	for (size_t i = 0; i < owners->image_count; i++)
		count += owners->images[i].discarded && !owners->images[i].path;
	return count;
}

/* Drivers apart from the candidates whose code could use the tag without anybody seeing it: since
 * it is not there, or since it was not examined. */
static size_t unseen_images(const struct owners *owners, const struct owner_tag *tag,
			    size_t *ret_unexamined)
{
	size_t unread = 0, unexamined = 0;

	for (size_t i = 0; i < owners->image_count; i++) {
		unread += owners->images[i].unread;
		unexamined += owners->images[i].unexamined;
	}
	for (size_t i = 0; i < tag->candidate_count; i++) {
		const struct owner_candidate *c = &tag->candidates[i];

		if (c->where != OWNER_LOADED)
			continue;
		unread -= owners->images[c->module].unread;
		unexamined -= owners->images[c->module].unexamined;
	}
	*ret_unexamined = unexamined;
	return unread;
}

static const char *unexamined_words(struct report *report, size_t count, bool candidates)
{
	return report_text(report,
			   "The code of %zu %sdriver%s was not examined whole: it asks for more "
			   "work than one image may cost. %s uses the tag is not known.",
			   count, candidates ? "other " : "", count == 1 ? "" : "s",
			   count == 1 ? "Whether it" : "Whether one of them");
}

static const char *unread_words(struct report *report, size_t count, bool candidates)
{
	return report_text(report,
			   "The code of %zu %sdriver%s is not in the dump or not whole: %s uses "
			   "the tag is not known. --drivers DIR with copies of the driver files "
			   "fills the holes.",
			   count, candidates ? "other " : "", count == 1 ? "" : "s",
			   count == 1 ? "whether it" : "whether one of them");
}

static const char *for_others_words(const struct owning *o)
{
	const char *hint = o->claims.tag.hint;

	if (origin_default_tag(o->claims.tag.tag))
		return report_text(
			o->report,
			"This is the tag of allocations without one of their own (ExAllocatePool): "
			"all drivers that make such share it. A driver named here makes some "
			"untagged allocation; how many of these are its own is not known.");
	return report_text(
		o->report,
		"This tag is allocated on behalf of others: whoever keeps the objects makes "
		"it grow. %s%s.",
		hint ? "How to look on: " : "Look at who holds them", hint ? hint : "");
}

static bool notes(const struct owning *o, const struct samples *samples, struct report_owner *owner)
{
	size_t discarded = discarded_images(o->input->owners);
	size_t unexamined;
	size_t unread = unseen_images(o->input->owners, &o->claims.tag, &unexamined);
	bool fits = true;

	if (owner->ownership == OWNED_FOR_OTHERS)
		fits = add_note(o->report, &owner->notes, for_others_words(o));
	if (fits && owner->ownership == OWNED_PERHAPS)
		fits = add_note(o->report, &owner->notes,
				"This is weaker evidence only: enough to look closer, not enough "
				"to blame a driver.");
	if (fits && discarded > 0 &&
	    (owner->ownership == OWNED_BY_NOBODY || owner->ownership == OWNED_PERHAPS))
		fits = add_note(
			o->report, &owner->notes,
			report_text(o->report,
				    "%zu drivers gave back their start-up code (INIT) and a tag "
				    "used only there cannot be found in memory: --drivers DIR "
				    "with copies of the driver files looks there too.",
				    discarded));
	if (fits && unread > 0 && o->input->dump && owner->ownership != OWNED_FOR_OTHERS)
		fits = add_note(o->report, &owner->notes,
				unread_words(o->report, unread, owner->candidate_count > 0));
	if (fits && unexamined > 0 && owner->ownership != OWNED_FOR_OTHERS)
		fits = add_note(
			o->report, &owner->notes,
			unexamined_words(o->report, unexamined, owner->candidate_count > 0));
	return fits && contents_notes(o, samples, owner);
}

static bool word(const struct owning *o, const struct samples *samples, struct report_owner *owner)
{
	const struct owner_tag *tag = &o->claims.tag;
	bool fits = true;

	*owner = (struct report_owner){.tag = tag->tag};
	owner->ownership = ownership_in_report(ownership_of(tag));
	owner->candidates =
		report_array(o->report, tag->candidate_count, sizeof(*owner->candidates));
	if (!owner->candidates)
		return false;
	for (size_t i = 0; i < tag->candidate_count && fits; i++)
		fits = owning_candidate(o, &tag->candidates[i],
					&owner->candidates[owner->candidate_count++]);
	if (!fits)
		return false;
	owner->words = short_words(o->report, owner, ownership_best(tag));
	return owner->words && notes(o, samples, owner);
}

static enum ps_status one_tag(const struct plugin_input *input, struct report *report,
			      const struct samples *samples, uint32_t tag, struct ps_error *err)
{
	struct owning o = {.input = input, .report = report};
	const struct function_names *names = input->functions;
	unsigned noted = names ? names->note_count : 0;
	enum ps_status status;

	o.sample = sample_of(samples, tag);
	status = gather(&o, tag, err);
	if (status == PS_OK && !word(&o, samples, &report->owners[report->owner_count++]))
		status = ps_fail_memory(err, "the owners of the report");
	/* PDBs are read when the first place in their image is worded. */
	if (status == PS_OK && names && names->note_count > noted &&
	    !add_notes(report, &report->owners[report->owner_count - 1].notes, names->notes[noted],
		       sizeof(names->notes[0]), names->note_count - noted))
		status = ps_fail_memory(err, "the owners of the report");
	contents_fini(&o.contents);
	claims_fini(&o.claims);
	return status;
}

/* Before any tag is worded: the search moves owners->tags. */
static enum ps_status look_for_bytes(const struct plugin_input *input, const struct report *report,
				     struct ps_error *err)
{
	uint32_t *tags = mem_array(report->tag_count, sizeof(*tags));
	enum ps_status status;
	size_t count = 0;

	if (!tags)
		return ps_fail_memory(err, "the tags of the report");
	for (size_t i = 0; i < report->tag_count; i++) {
		if (!is_explained(input, report->tags[i].tag))
			tags[count++] = report->tags[i].tag;
	}
	status = owners_look_for_bytes(input->owners, tags, count, err);
	free(tags);
	return status;
}

/* Tags of the drivers' code that were never used, as far as the tables are there. */
static enum ps_status add_unused(const struct plugin_input *input, struct report *report,
				 const struct samples *samples, struct ps_error *err)
{
	const struct owners *owners = input->owners;
	bool whole = input->pools && input->pools->tracker.complete;
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < owners->tag_count && status == PS_OK; i++) {
		uint32_t tag = owners->tags[i].tag;

		if (!selection_has_tag(input->selection, tag) ||
		    (input->pools && pools_row(input->pools, tag)))
			continue;
		status = one_tag(input, report, samples, tag, err);
		if (status == PS_OK &&
		    !add_note(report, &report->owners[report->owner_count - 1].notes,
			      whole ? "The tag tables do not count this tag: it is not in use."
				    : "The tag tables, as far as they are there, do not count this "
				      "tag."))
			status = ps_fail_memory(err, "the owners of the report");
	}
	return status;
}

/* With a dump: the tags that are printed. */
static enum ps_status of_dump(const struct plugin_input *input, struct report *report,
			      struct ps_error *err)
{
	struct samples samples = {.taken = false};
	enum ps_status status;

	status = look_for_bytes(input, report, err);
	report->owners = report_array(report, report->tag_count + input->owners->tag_count,
				      sizeof(*report->owners));
	if (status == PS_OK && !report->owners)
		status = ps_fail_memory(err, "the owners of the report");
	if (status == PS_OK)
		status = take_samples(input, report, &samples, err);
	for (size_t i = 0; i < report->tag_count && status == PS_OK; i++) {
		status = one_tag(input, report, &samples, report->tags[i].tag, err);
		report->tags[i].owner = report->owner_count;
	}
	if (status == PS_OK && input->selection->with_unused)
		status = add_unused(input, report, &samples, err);
	blocks_fini(&samples.blocks);
	return status;
}

static int compare_tags(const void *left, const void *right)
{
	uint32_t a = __builtin_bswap32(((const struct report_owner *)left)->tag);
	uint32_t b = __builtin_bswap32(((const struct report_owner *)right)->tag);

	return a < b ? -1 : a > b;
}

/* Without one: all tags that the drivers of the folder have, in the order of their bytes. */
static enum ps_status of_files(const struct plugin_input *input, struct report *report,
			       struct ps_error *err)
{
	const struct owners *owners = input->owners;
	const struct samples none = {.taken = false};
	enum ps_status status = PS_OK;

	report->owners = report_array(report, owners->tag_count, sizeof(*report->owners));
	if (!report->owners)
		return ps_fail_memory(err, "the owners of the report");
	for (size_t i = 0; i < owners->tag_count && status == PS_OK; i++) {
		if (selection_has_tag(input->selection, owners->tags[i].tag))
			status = one_tag(input, report, &none, owners->tags[i].tag, err);
	}
	qsort(report->owners, report->owner_count, sizeof(*report->owners), compare_tags);
	return status;
}

enum ps_status plugin_owners(const struct plugin_input *input, struct report *report,
			     struct ps_error *err)
{
	enum ps_status status;

	if (!input->owners) {
		report->owners_note = error_text(report, input->owners_error);
		return report->owners_note ? PS_OK : ps_fail_memory(err, "the report");
	}
	status = input->dump ? of_dump(input, report, err) : of_files(input, report, err);
	report->has_owners = status == PS_OK;
	return status;
}

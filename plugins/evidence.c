/*
 * The evidence for one candidate in words: what stands where, and how it was found.
 */
#include "plugins/owning.h"

#include <inttypes.h>
#include <stdio.h>

#include "analyzer/owners/listing.h"

enum { LISTED_SITES = 3 /* the best of a candidate; the others are one line each */ };

/* "LeakPool+0x12" where a PDB of the image says so; NULL where none does. *ret_bad: memory is out.
 */
static const char *function_at(const struct owning *o, size_t module, uint32_t rva, bool *ret_bad)
{
	uint32_t offset = 0;
	const char *name, *words;

	if (module >= o->input->owners->image_count)
		return NULL;
	name = function_names_find(o->input->functions, module,
				   &o->input->owners->images[module].identity, rva, &offset);
	if (!name)
		return NULL;
	words = offset ? report_text(o->report, "%s+0x%" PRIx32, name, offset)
		       : report_text(o->report, "%s", name);
	*ret_bad |= words == NULL;
	return words;
}

/* "myfault.sys+0x1030 (.text)", "LeakPool+0x12 (myfault.sys+0x1030, .text)" */
static const char *place(const struct owning *o, const struct owner_candidate *c, uint32_t rva,
			 const char *section, const char *function)
{
	const char *name = image_name(o->input, c->where, c->module);
	const char *comma = section[0] ? ", " : "";

	if (function)
		return report_text(o->report, "%s (%s+0x%" PRIx32 "%s%s)", function, name, rva,
				   comma, section);
	if (section[0] == '\0')
		return report_text(o->report, "%s+0x%" PRIx32, name, rva);
	return report_text(o->report, "%s+0x%" PRIx32 " (%s)", name, rva, section);
}

static const char *through(const struct owning *o, const struct owner_evidence *e)
{
	const char *name, *function, *open, *close;
	bool bad = false;

	if (e->levels == 0)
		return "";
	name = image_name(o->input, OWNER_LOADED, e->wrapper_module);
	function = function_at(o, e->wrapper_module, e->wrapper, &bad);
	if (bad)
		return NULL;
	open = function ? " (" : "";
	close = function ? ")" : "";
	if (e->levels == 1)
		return report_text(o->report, ", through the wrapper %s%s%s+0x%" PRIx32 "%s",
				   function ? function : "at ", open, name, e->wrapper, close);
	return report_text(o->report, ", through %u wrappers, first %s%s%s+0x%" PRIx32 "%s",
			   e->levels, function ? function : "the one at ", open, name, e->wrapper,
			   close);
}

/* One sentence a grade. `at` is the place; NULL when memory is out. */
static const char *sentence(const struct owning *o, const struct owner_evidence *e, const char *at)
{
	const char *api = e->api ? e->api : "an allocator";
	const char *by = through(o, e);
	const char *several = e->one_of_several ? "; the same place can pass other tags too" : "";

	if (!at || !by)
		return NULL;
	switch (e->grade) {
	case OWNER_CALL_SITE:
		return report_text(o->report, "passes the tag to %s at %s%s%s", api, at, by,
				   several);
	case OWNER_REGISTRATION:
		return report_text(o->report, "has the tag in data for %s at %s%s", api, at,
				   several);
	case OWNER_FREE_SITE:
		return report_text(o->report, "passes the tag to %s at %s%s%s", api, at, by,
				   several);
	case OWNER_LIBRARY:
		return report_text(o->report,
				   "passes the tag to %s at %s%s, in code of a Microsoft library "
				   "that many drivers carry",
				   api, at, by);
	case OWNER_BYTES: return report_text(o->report, "has the four bytes at %s", at);
	case OWNER_TAG_LIST:
	case OWNER_CONTENTS: break;
	}
	return report_text(o->report, "%s", owner_grade_words(e->grade));
}

static struct report_number address_of(const struct owning *o, const struct owner_candidate *c,
				       uint32_t rva)
{
	if (!o->input->kernel || c->where != OWNER_LOADED)
		return (struct report_number){false, 0, "without a dump there is no address"};
	return (struct report_number){
		true,
		space_normalize(o->input->kernel->space,
				o->input->kernel->modules.items[c->module].base + rva),
		NULL};
}

static bool place_evidence(const struct owning *o, const struct owner_candidate *c,
			   const struct owner_evidence *e, struct report_evidence *to)
{
	const struct owner_image *image = &o->input->owners->images[c->module];
	bool bad = false;

	*to = (struct report_evidence){
		.kind = owner_grade_words(e->grade),
		.address = address_of(o, c, e->rva),
		.rva = e->rva,
		.source = "dump",
		.levels = e->levels,
		.one_of_several = e->one_of_several,
	};
	to->api = e->api ? report_text(o->report, "%s", e->api) : NULL;
	to->section = e->section[0] ? report_text(o->report, "%s", e->section) : NULL;
	if (e->from_file)
		to->source = report_text(o->report, "%s", image->path ? image->path : image->name);
	to->function = function_at(o, c->module, e->rva, &bad);
	to->text = sentence(o, e, place(o, c, e->rva, e->section, to->function));
	return !bad && to->text && to->source && (!e->api || to->api) &&
	       (!e->section[0] || to->section);
}

/* ">0xfffff80b7c2f1030  e8deadbeef  call 0x..." */
static const char *listing_line(struct report *report, const struct listing_line *line)
{
	char bytes[2 * LISTING_BYTES + 1] = "";
	unsigned length = line->length < LISTING_BYTES ? line->length : LISTING_BYTES;

	for (unsigned i = 0; i < length; i++)
		snprintf(bytes + (size_t)2 * i, 3, "%02x", line->bytes[i]);
	return report_text(report, "%s0x%016" PRIx64 "  %-20s  %s%s%s",
			   line->is_site   ? "> "
			   : line->has_tag ? "# "
					   : "  ",
			   line->va, bytes, line->text[0] ? line->text : "(data)",
			   line->target[0] ? "  ; " : "", line->target);
}

/* Lines that cannot be had are no fault: the bytes may not be there any more. */
static enum ps_status add_listing(const struct owning *o, const struct owner_candidate *c,
				  const struct owner_evidence *e, struct report_evidence *to,
				  struct ps_error *err)
{
	struct listing listing = {.lines = NULL};
	enum ps_status status = listing_create(o->input->owners, c, e, &listing, err);

	if (status == PS_OK) {
		to->listing = report_array(o->report, 2 * listing.count, sizeof(*to->listing));
		status = to->listing ? PS_OK : PS_NO_MEMORY;
	}
	for (size_t i = 0; i < listing.count && status == PS_OK; i++) {
		const char *line = listing_line(o->report, &listing.lines[i]);

		if (listing.lines[i].gap_before && to->listing_count > 0)
			to->listing[to->listing_count++] = "  ...";
		to->listing[to->listing_count++] = line;
		status = line ? PS_OK : PS_NO_MEMORY;
	}
	listing_fini(&listing);
	return status == PS_NO_MEMORY ? status : PS_OK;
}

static bool list_evidence(const struct owning *o, struct report_evidence *to)
{
	struct tag_name name = {NULL, NULL, NULL};

	tag_names_find(o->input->names, o->claims.tag.tag, &name);
	*to = (struct report_evidence){
		.kind = owner_grade_words(OWNER_TAG_LIST),
		.address = {false, 0, "a tag list names no place"},
	};
	to->text = report_text(o->report, "is what the tag list (%s) names: %s",
			       name.source ? name.source : "unknown", name.image ? name.image : "");
	return to->text != NULL;
}

static const struct contents_hit *hit_of(const struct owning *o, const struct owner_candidate *c)
{
	for (size_t i = 0; i < o->contents.hit_count; i++) {
		const struct contents_hit *hit = &o->contents.hits[i];

		if (hit->where == c->where && hit->module == c->module)
			return hit;
	}
	return NULL;
}

static bool contents_evidence(const struct owning *o, const struct contents_hit *hit,
			      struct report_evidence *to)
{
	const char *at = "", *objects = "";

	if (hit->at_offset > 0 && o->contents.sampled > 1)
		at = report_text(o->report, "; %u of them at offset 0x%" PRIx32 "%s",
				 hit->at_offset, hit->offset,
				 hit->fixed ? ", to its code or read-only data" : "");
	if (hit->objects > 0)
		objects =
			report_text(o->report, "; %u to its driver or device object", hit->objects);
	*to = (struct report_evidence){
		.kind = owner_grade_words(OWNER_CONTENTS),
		.address = {false, 0, "counted over many allocations"},
	};
	if (at && objects)
		to->text = report_text(o->report,
				       "%s inference: %u of %u sampled allocations point to it%s%s",
				       hit->strong ? "strong" : "weak", hit->blocks,
				       o->contents.sampled, at, objects);
	return to->text != NULL;
}

static size_t kept(const struct owning *o, const struct owner_candidate *c)
{
	size_t most = o->input->selection->evidence;

	return most && most < c->evidence_count ? most : c->evidence_count;
}

static bool is_among(const struct report *report, const struct report_lines *lines, size_t first,
		     uint32_t tag)
{
	for (size_t i = 0; i < first && i < lines->count; i++) {
		if (report->tags[lines->items[i].tag].tag == tag)
			return true;
	}
	return false;
}

/* How many pieces of evidence of a candidate get disassembled lines. */
static size_t listed(const struct owning *o)
{
	const struct selection *s = o->input->selection;
	uint32_t tag = o->claims.tag.tag;

	if (s->sections & SECTION_EVIDENCE ||
	    is_among(o->report, &o->report->top_nonpaged, s->listings, tag) ||
	    is_among(o->report, &o->report->top_paged, s->listings, tag))
		return LISTED_SITES;
	return 0;
}

static bool all_evidence(const struct owning *o, const struct owner_candidate *from,
			 struct report_candidate *to)
{
	const struct contents_hit *hit = hit_of(o, from);
	size_t listings = listed(o);
	struct ps_error ignored = PS_ERROR_INIT;
	size_t count = kept(o, from);
	bool fits = true;

	to->evidence = report_array(o->report, count + 2, sizeof(*to->evidence));
	if (!to->evidence)
		return false;
	for (size_t i = 0; i < count && fits; i++)
		fits = place_evidence(o, from, &from->evidence[i],
				      &to->evidence[to->evidence_count++]) &&
		       (i >= listings || from->evidence[i].grade >= OWNER_BYTES ||
			add_listing(o, from, &from->evidence[i], &to->evidence[i], &ignored) ==
				PS_OK);
	for (unsigned grade = 0; grade < OWNER_TAG_LIST; grade++)
		to->evidence_left_out += from->counts[grade];
	to->evidence_left_out -= to->evidence_left_out < count ? to->evidence_left_out : count;
	if (fits && from->counts[OWNER_TAG_LIST])
		fits = list_evidence(o, &to->evidence[to->evidence_count++]);
	if (fits && hit)
		fits = contents_evidence(o, hit, &to->evidence[to->evidence_count++]);
	return fits;
}

bool owning_candidate(const struct owning *o, const struct owner_candidate *from,
		      struct report_candidate *to)
{
	bool loaded = from->where == OWNER_LOADED;

	_Static_assert((int)REPORT_GRADES == (int)OWNER_GRADES,
		       "a grade has no place in the report");
	*to = (struct report_candidate){
		.module = report_text(o->report, "%s",
				      image_name(o->input, from->where, from->module)),
		.unloaded = !loaded,
		.kernel_itself = loaded && o->input->owners->images[from->module].kernel_itself,
		.grade = owner_grade_words(from->grade),
		.rank = from->grade,
		.proof = owner_grade_proves(from->grade),
		.pointers = from->pointers,
		.sampled = from->sampled,
	};
	for (unsigned grade = 0; grade < OWNER_GRADES; grade++)
		to->sites[grade] = from->counts[grade];
	if (loaded)
		to->version = image_version(o->input, o->report, from->module);
	return to->module && (!loaded || to->version) && all_evidence(o, from, to);
}

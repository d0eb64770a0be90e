/*
 * JSON of owners: candidates with their evidence, pool bytes per driver, driver files.
 */
#include "analyzer/report/json_build.h"

#include <stdio.h>

#include "analyzer/report/owner_cells.h"

static const char not_asked[] = "not asked for: poolscope owners prints them";

static json_t *json_version(struct builder *b, const struct report_version *v)
{
	json_t *o = build_object(b);

	put_string(b, o, "company", &v->company);
	put_string(b, o, "product", &v->product);
	put_string(b, o, "description", &v->description);
	put_string(b, o, "file_version", &v->file_version);
	put_string(b, o, "original_name", &v->original_name);
	return o;
}

void put_version(struct builder *b, json_t *o, const struct report_version *v)
{
	if (v && v->available)
		put(b, o, "version", json_version(b, v));
	else
		put_null(b, o, "version", v && v->note ? v->note : "the image was not read");
}

static void put_text_or(struct builder *b, json_t *o, const char *key, const char *text,
			const char *note)
{
	if (text)
		put_text(b, o, key, text);
	else
		put_null(b, o, key, note);
}

static json_t *json_evidence(struct builder *b, const struct report_evidence *e)
{
	static const char no_place[] = "this kind of evidence is no place in an image";
	struct report_notes listing = {e->listing, e->listing_count};
	json_t *o = build_object(b);

	put_text(b, o, "kind", e->kind);
	put_address_number(b, o, "address", &e->address);
	if (e->source)
		put_count(b, o, "rva", e->rva);
	else
		put_null(b, o, "rva", no_place);
	put_text_or(b, o, "api", e->api, "no routine is called there");
	put_text_or(b, o, "section", e->section, no_place);
	put_text_or(b, o, "function", e->function,
		    e->source ? "no PDB of the driver names it" : no_place);
	put_text_or(b, o, "read_in", e->source, no_place);
	put_count(b, o, "wrappers", e->levels);
	put_bool(b, o, "one_of_several_tags", e->one_of_several);
	put_text(b, o, "text", e->text);
	put_notes(b, o, "listing", &listing);
	return o;
}

static json_t *json_sites(struct builder *b, const struct report_candidate *c)
{
	static const char *const keys[REPORT_GRADES] = {
		"call_sites", "registrations", "free_sites", "library_sites",
		"bytes",      "tag_lists",     "contents",
	};
	json_t *o = build_object(b);

	for (unsigned i = 0; i < REPORT_GRADES; i++)
		put_count(b, o, keys[i], c->sites[i]);
	return o;
}

static json_t *json_candidate(struct builder *b, const struct report_candidate *c)
{
	json_t *o = build_object(b), *evidence = build_array(b);

	put_text(b, o, "module", c->module);
	put_bool(b, o, "unloaded", c->unloaded);
	put_text(b, o, "grade", c->grade);
	put_count(b, o, "rank", c->rank + 1);
	put_bool(b, o, "proves", c->proof);
	put(b, o, "counts", json_sites(b, c));
	put_count(b, o, "sampled_allocations", c->sampled);
	put_count(b, o, "pointing_allocations", c->pointers);
	put_version(b, o, c->version);
	for (size_t i = 0; i < c->evidence_count; i++)
		append(b, evidence, json_evidence(b, &c->evidence[i]));
	put(b, o, "evidence", evidence);
	put_count(b, o, "evidence_left_out", c->evidence_left_out);
	return o;
}

json_t *json_owner(struct builder *b, const struct report_owner *owner)
{
	json_t *o = build_object(b), *candidates = build_array(b);

	put_tag(b, o, owner->tag);
	put_text(b, o, "ownership", ownership_word(owner->ownership));
	put_bool(b, o, "for_others", owner->ownership == OWNED_FOR_OTHERS);
	for (size_t i = 0; i < owner->candidate_count && !b->failed; i++)
		append(b, candidates, json_candidate(b, &owner->candidates[i]));
	put(b, o, "candidates", candidates);
	put_notes(b, o, "notes", &owner->notes);
	return o;
}

/* Of a tag's row: the names of the best candidates, and what they are worth. */
void put_tag_owners(struct builder *b, json_t *o, const struct report_owner *owner)
{
	json_t *names;
	size_t best;

	if (!owner) {
		put_null(b, o, "owners", "owners were not asked for, or could not be looked for");
		put_null(b, o, "ownership",
			 "owners were not asked for, or could not be looked for");
		return;
	}
	names = build_array(b);
	best = owner_best(owner);
	for (size_t i = 0; i < best; i++)
		append_text(b, names, owner->candidates[i].module);
	put(b, o, "owners", names);
	put_text(b, o, "ownership", ownership_word(owner->ownership));
}

void put_owners(struct builder *b, json_t *root, const struct report *report)
{
	/* The writer replaces the value by the rows, one after the other. */
	if (report->has_owners)
		put(b, root, "owners", build_array(b));
	else
		put_null(b, root, "owners", report->owners_note ? report->owners_note : not_asked);
	put_notes(b, root, "owner_notes", &report->owner_notes);
}

static json_t *json_tags(struct builder *b, const uint32_t *tags, const char *const *names,
			 size_t count)
{
	json_t *array = build_array(b);

	for (size_t i = 0; i < count && !b->failed; i++) {
		json_t *o = build_object(b);

		put_tag(b, o, tags[i]);
		if (names)
			put_text(b, o, "modules", names[i]);
		append(b, array, o);
	}
	return array;
}

static json_t *json_driver(struct builder *b, const struct report_driver *d)
{
	json_t *o = build_object(b);

	put_text(b, o, "module", d->module);
	if (d->microsoft >= 0)
		put_bool(b, o, "microsoft", d->microsoft == 1);
	else
		put_null(b, o, "microsoft", "nothing in the image says whose it is");
	put_signed(b, o, "nonpaged_bytes", d->nonpaged);
	put_signed(b, o, "paged_bytes", d->paged);
	put_signed(b, o, "nonpaged_bytes_for_others", d->others_nonpaged);
	put_signed(b, o, "paged_bytes_for_others", d->others_paged);
	put(b, o, "tags", json_tags(b, d->tags, NULL, d->tag_count));
	put_version(b, o, &d->version);
	return o;
}

static json_t *json_remainder(struct builder *b, const struct report_remainder *r, bool named)
{
	json_t *o = build_object(b);

	put_signed(b, o, "nonpaged_bytes", r->nonpaged);
	put_signed(b, o, "paged_bytes", r->paged);
	put(b, o, "tags", json_tags(b, r->tags, named ? r->names : NULL, r->tag_count));
	return o;
}

void put_drivers(struct builder *b, json_t *root, const struct report *report)
{
	const struct report_drivers *d = &report->drivers;
	json_t *array, *rest;

	if (!d->available) {
		const char *why =
			d->note ? d->note : "not asked for: poolscope analyze prints them";

		put_null(b, root, "drivers", why);
		put_null(b, root, "drivers_rest", why);
		return;
	}
	array = build_array(b);
	for (size_t i = 0; i < d->count && !b->failed; i++)
		append(b, array, json_driver(b, &d->items[i]));
	put(b, root, "drivers", array);
	rest = build_object(b);
	put(b, rest, "shared", json_remainder(b, &d->shared, true));
	put(b, rest, "no_owner", json_remainder(b, &d->unowned, false));
	put_text(b, rest, "trust", trust_word(d->trust));
	put_count(b, rest, "images_read", d->modules_read);
	put_count(b, rest, "images_read_in_part", d->modules_in_part);
	put(b, root, "drivers_rest", rest);
}

static json_t *json_driver_file(struct builder *b, const struct report_driver_file *f)
{
	json_t *o = build_object(b);

	put_text(b, o, "name", f->name);
	put_text(b, o, "path", f->path);
	put_number(b, o, "timestamp", &f->timestamp);
	put_count(b, o, "size", f->size);
	put_pdb(b, o, "pdb", &f->pdb_name, &f->pdb_guid_age);
	put_version(b, o, &f->version);
	put_count(b, o, "sites", f->sites);
	put_count(b, o, "sites_without_tag", f->sites_unresolved);
	if (f->note)
		put_text(b, o, "note", f->note);
	return o;
}

void put_driver_files(struct builder *b, json_t *root, const struct report *report)
{
	json_t *array;

	if (!report->no_file) {
		put_null(b, root, "driver_files",
			 "not asked for: poolscope owners --drivers DIR lists them");
		return;
	}
	array = build_array(b);
	for (size_t i = 0; i < report->driver_file_count && !b->failed; i++)
		append(b, array, json_driver_file(b, &report->driver_files[i]));
	put(b, root, "driver_files", array);
}

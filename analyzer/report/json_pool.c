/*
 * JSON of the pools: tables, tags, big allocations, totals, and of the findings.
 */
#include "analyzer/report/json_build.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyzer/report/owner_cells.h"

static json_t *json_tracker(struct builder *b, const struct report_tracker *t)
{
	char hash[2] = {t->hash, '\0'};
	json_t *o = build_object(b);

	put_address(b, o, "address", t->address);
	put_count(b, o, "entry_size", t->entry_size);
	put_count(b, o, "entries", t->entries);
	if (t->hash == 'A' || t->hash == 'B')
		put_text(b, o, "hash", hash);
	else
		put_null(b, o, "hash", "no tag hash is proved by where the tags sit");
	put_count(b, o, "processors_merged", t->processors_merged);
	put_count(b, o, "pages_expected", t->pages_expected);
	put_count(b, o, "pages_present", t->pages_present);
	put_bool(b, o, "complete", t->complete);
	if (!t->complete)
		put_text(b, o, "complete_note", t->incomplete_reason);
	return o;
}

static void put_tracker(struct builder *b, json_t *pool, const struct report *report)
{
	const struct report_tracker *t = &report->tracker;

	if (t->available)
		put(b, pool, "tracker", json_tracker(b, t));
	else
		put_null(b, pool, "tracker",
			 t->note ? t->note : "not asked for: poolscope tags prints it");
}

static json_t *json_side(struct builder *b, const struct report_side *side)
{
	json_t *o = build_object(b);

	put_count(b, o, "allocs", side->allocs);
	put_count(b, o, "frees", side->frees);
	put_signed(b, o, "diff", side->diff);
	put_signed(b, o, "bytes", side->bytes);
	return o;
}

static json_t *json_trust(struct builder *b, bool complete)
{
	const char *bound = trust_word(complete ? FIGURE_EXACT : FIGURE_AT_LEAST);
	const char *about = trust_word(complete ? FIGURE_EXACT : FIGURE_ABOUT);
	json_t *o = build_object(b);

	put_text(b, o, "allocs", bound);
	put_text(b, o, "frees", bound);
	put_text(b, o, "diff", about);
	put_text(b, o, "bytes", about);
	return o;
}

json_t *json_tag(struct builder *b, const struct report *report, const struct report_tag *t)
{
	json_t *o = build_object(b);

	put_tag(b, o, t->tag);
	put(b, o, "nonpaged", json_side(b, &t->nonpaged));
	put(b, o, "paged", json_side(b, &t->paged));
	put_bool(b, o, "complete", t->complete);
	put(b, o, "trust", json_trust(b, t->complete));
	put_bool(b, o, "overflow", t->overflow);
	put_tag_owners(b, o, owner_of_tag(report, t));
	put_string(b, o, "description", &t->description);
	if (t->image)
		put_text(b, o, "image", t->image);
	else
		put_null(b, o, "image", "no tag list that was read names one");
	if (t->description_source)
		put_text(b, o, "description_source", t->description_source);
	else
		put_null(b, o, "description_source", "there is no description");
	return o;
}

static void put_tags(struct builder *b, json_t *pool, const struct report *report)
{
	/* The writer replaces the value by the rows, one after the other. */
	if (report->has_tags)
		put(b, pool, "tags", build_array(b));
	else
		put_null(b, pool, "tags",
			 report->tracker.note ? report->tracker.note
					      : "not asked for: poolscope tags prints them");
}

static json_t *count_and_bytes(struct builder *b, uint64_t count, uint64_t bytes)
{
	json_t *o = build_object(b);

	put_count(b, o, "count", count);
	put_count(b, o, "bytes", bytes);
	return o;
}

static json_t *json_big_tag(struct builder *b, const struct report_big_tag *t)
{
	json_t *o = build_object(b);

	put_tag(b, o, t->tag);
	put(b, o, "nonpaged", count_and_bytes(b, t->nonpaged_count, t->nonpaged_bytes));
	put(b, o, "paged", count_and_bytes(b, t->paged_count, t->paged_bytes));
	put(b, o, "either", count_and_bytes(b, t->unknown_count, t->unknown_bytes));
	put_string(b, o, "description", &t->description);
	return o;
}

json_t *json_big_row(struct builder *b, const struct report_big_row *row)
{
	json_t *o = build_object(b);

	put_count(b, o, "index", row->index);
	put_address(b, o, "address", row->va);
	put_tag(b, o, row->tag);
	put_count(b, o, "bytes", row->bytes);
	if (row->paged < 0)
		put_null(b, o, "pool", "the kernel's pool ranges are not known");
	else
		put_text(b, o, "pool", row->paged ? "paged" : "nonpaged");
	put_count(b, o, "type", row->type);
	put_bool(b, o, "freed", row->freed);
	put_bool(b, o, "protected", row->is_protected);
	return o;
}

/* Two digits a byte, ?? for a byte that is not in the dump. */
static void put_hex_bytes(struct builder *b, json_t *o, const struct report_hex *hex)
{
	char *text = malloc(2 * hex->size + 1);
	json_t *value;

	if (!text) {
		b->failed = true;
		return;
	}
	text[0] = '\0';
	for (size_t i = 0; i < hex->size; i++) {
		if (hex->present[i])
			snprintf(text + 2 * i, 3, "%02x", hex->data[i]);
		else
			snprintf(text + 2 * i, 3, "??");
	}
	value = json_string_nocheck(text);
	free(text);
	put(b, o, "data", value);
}

static void put_dump(struct builder *b, json_t *big, const struct report_hex *hex)
{
	json_t *o;

	if (!hex->available) {
		put_null(b, big, "dump", "not asked for: poolscope big --dump VA prints it");
		return;
	}
	o = build_object(b);
	put_address(b, o, "address", hex->va);
	put_tag(b, o, hex->tag);
	put_count(b, o, "bytes", hex->allocation_bytes);
	put_count(b, o, "bytes_shown", hex->size);
	put_bool(b, o, "complete", !hex->note);
	if (hex->note)
		put_text(b, o, "complete_note", hex->note);
	put_hex_bytes(b, o, hex);
	put(b, big, "dump", o);
}

static void put_by_tag(struct builder *b, json_t *o, const struct report_big *big)
{
	json_t *array;

	if (!big->has_tags) {
		put_null(b, o, "by_tag", "not asked for: poolscope big prints it");
		return;
	}
	array = build_array(b);
	for (size_t i = 0; i < big->tag_count && !b->failed; i++)
		append(b, array, json_big_tag(b, &big->tags[i]));
	put(b, o, "by_tag", array);
}

static json_t *json_big(struct builder *b, const struct report *report)
{
	const struct report_big *big = &report->big;
	const char *remark = big->remark;
	struct report_notes notes = {&remark, remark ? 1 : 0};
	json_t *o = build_object(b);

	put_address(b, o, "address", big->address);
	put_count(b, o, "entry_size", big->entry_size);
	put_count(b, o, "entries", big->entries);
	put_count(b, o, "in_use", big->in_use);
	put_count(b, o, "freed", big->freed);
	put_count(b, o, "pages_expected", big->pages_expected);
	put_count(b, o, "pages_present", big->pages_present);
	put_bool(b, o, "complete", big->complete);
	if (!big->complete)
		put_text(b, o, "complete_note", big->incomplete_reason);
	put_text(b, o, "trust", trust_word(big->complete ? FIGURE_EXACT : FIGURE_AT_LEAST));
	put_notes(b, o, "notes", &notes);
	put_by_tag(b, o, big);
	put_dump(b, o, &report->hex);
	/* Last: the writer replaces the value by the rows, one after the other. */
	if (report->sections & SECTION_BIG_LIST)
		put(b, o, "allocations", build_array(b));
	else
		put_null(b, o, "allocations", "not asked for: poolscope big --list prints them");
	return o;
}

static void put_big(struct builder *b, json_t *pool, const struct report *report)
{
	if (report->big.available)
		put(b, pool, "big_pages", json_big(b, report));
	else
		put_null(b, pool, "big_pages",
			 report->big.note ? report->big.note
					  : "not asked for: poolscope big prints it");
}

static void put_total(struct builder *b, json_t *o, const char *key,
		      const struct report_total *total)
{
	json_t *value;

	if (!total->number.has_value) {
		put_null(b, o, key, total->number.note);
		return;
	}
	value = build_object(b);
	put_count(b, value, "bytes", total->number.value);
	put_text(b, value, "source", total->source);
	put_text(b, value, "trust", basis_word(total->basis));
	if (total->remark)
		put_text(b, value, "remark", total->remark);
	put(b, o, key, value);
}

static void put_sums(struct builder *b, json_t *o, const struct report_totals *t)
{
	if (t->sums_note) {
		put_null(b, o, "nonpaged_bytes", t->sums_note);
		put_null(b, o, "paged_bytes", t->sums_note);
		put_null(b, o, "trust", t->sums_note);
	} else {
		put_signed(b, o, "nonpaged_bytes", t->nonpaged.tag_bytes);
		put_signed(b, o, "paged_bytes", t->paged.tag_bytes);
		put_text(b, o, "trust", trust_word(t->trust));
	}
}

static void put_untracked(struct builder *b, json_t *o, const char *key,
			  const struct report_pool_total *total)
{
	if (total->has_untracked)
		put_signed(b, o, key, total->untracked);
	else
		put_null(b, o, key,
			 "it takes a trusted total of the kernel and complete sums over tags");
}

static void add_doubtful(struct builder *b, json_t *list, const char *figure,
			 const struct report_total *total)
{
	json_t *o;

	if (!total->number.has_value || total->basis != BASIS_DOUBTFUL)
		return;
	o = build_object(b);
	put_text(b, o, "figure", figure);
	put_count(b, o, "bytes", total->number.value);
	put_text(b, o, "source", total->source);
	put_text(b, o, "remark", total->remark);
	append(b, list, o);
}

/* All that was read and cannot be right, also where something better was found. */
static json_t *json_doubtful(struct builder *b, const struct report_totals *t)
{
	json_t *list = build_array(b);

	for (size_t i = 0; i < t->nonpaged.rejected_count; i++)
		add_doubtful(b, list, "nonpaged_allocated", &t->nonpaged.rejected[i]);
	for (size_t i = 0; i < t->paged.rejected_count; i++)
		add_doubtful(b, list, "paged_allocated", &t->paged.rejected[i]);
	add_doubtful(b, list, "nonpaged_maximum", &t->nonpaged.maximum);
	add_doubtful(b, list, "paged_maximum", &t->paged.maximum);
	add_doubtful(b, list, "nonpaged_address_space", &t->nonpaged.space);
	add_doubtful(b, list, "paged_address_space", &t->paged.space);
	add_doubtful(b, list, "committed", &t->committed);
	add_doubtful(b, list, "committed_peak", &t->committed_peak);
	add_doubtful(b, list, "commit_limit", &t->commit_limit);
	return list;
}

static json_t *json_totals(struct builder *b, const struct report_totals *t)
{
	json_t *o = build_object(b);
	json_t *reported = build_object(b), *limits = build_object(b);

	put_sums(b, o, t);
	put_total(b, reported, "nonpaged_allocated", &t->nonpaged.allocated);
	put_total(b, reported, "paged_allocated", &t->paged.allocated);
	put_total(b, reported, "committed", &t->committed);
	put_total(b, reported, "committed_peak", &t->committed_peak);
	put_total(b, limits, "nonpaged_maximum", &t->nonpaged.maximum);
	put_total(b, limits, "paged_maximum", &t->paged.maximum);
	put_total(b, limits, "nonpaged_address_space", &t->nonpaged.space);
	put_total(b, limits, "paged_address_space", &t->paged.space);
	put_total(b, limits, "commit_limit", &t->commit_limit);
	put(b, o, "reported", reported);
	put(b, o, "limits", limits);
	put(b, o, "doubtful", json_doubtful(b, t));
	put_untracked(b, o, "nonpaged_untracked_bytes", &t->nonpaged);
	put_untracked(b, o, "paged_untracked_bytes", &t->paged);
	return o;
}

static void put_totals(struct builder *b, json_t *pool, const struct report *report)
{
	const struct report_totals *t = &report->totals;

	if (t->available)
		put(b, pool, "totals", json_totals(b, t));
	else
		put_null(b, pool, "totals",
			 t->note ? t->note : "not asked for: poolscope analyze prints them");
}

static json_t *json_session(struct builder *b, const struct report *report,
			    const struct report_session *s)
{
	json_t *o = build_object(b), *tags;

	put_count(b, o, "session", s->id);
	if (s->process) {
		put_text(b, o, "process", s->process);
		put_count(b, o, "pid", s->pid);
	} else {
		put_null(b, o, "process", s->note);
		put_null(b, o, "pid", s->note);
	}
	put_bool(b, o, "available", s->available);
	if (!s->available) {
		put_text(b, o, "available_note", s->note);
		return o;
	}
	put_address(b, o, "address", s->address);
	put_count(b, o, "entries", s->entries);
	put_count(b, o, "entry_size", s->entry_size);
	put_text(b, o, "located_by", s->source);
	put_count(b, o, "pages_expected", s->pages_expected);
	put_count(b, o, "pages_present", s->pages_present);
	put_bool(b, o, "complete", s->complete);
	if (!s->complete)
		put_text(b, o, "complete_note", s->complete_note);
	put_signed(b, o, "nonpaged_bytes", s->nonpaged_bytes);
	put_signed(b, o, "paged_bytes", s->paged_bytes);
	tags = build_array(b);
	for (size_t i = 0; i < s->tag_count; i++)
		append(b, tags, json_tag(b, report, &s->tags[i]));
	put(b, o, "tags", tags);
	return o;
}

static void put_sessions(struct builder *b, json_t *pool, const struct report *report)
{
	const struct report_sessions *s = &report->sessions;
	json_t *list;

	if (!s->available) {
		put_null(b, pool, "sessions", "not asked for: poolscope tags --sessions prints it");
		return;
	}
	list = build_array(b);
	for (size_t i = 0; i < s->count; i++)
		append(b, list, json_session(b, report, &s->items[i]));
	put(b, pool, "sessions", list);
}

json_t *json_pool(struct builder *b, const struct report *report)
{
	json_t *pool = build_object(b);

	put_tracker(b, pool, report);
	put_tags(b, pool, report);
	put_big(b, pool, report);
	put_totals(b, pool, report);
	put_sessions(b, pool, report);
	put_notes(b, pool, "notes", &report->pool_notes);
	return pool;
}

static json_t *json_finding(struct builder *b, const struct report_finding *f)
{
	json_t *o = build_object(b);

	put_text(b, o, "id", f->id);
	put_text(b, o, "severity", severity_word(f->severity));
	put_text(b, o, "title", f->title);
	put_text(b, o, "detail", f->detail);
	if (f->next_step)
		put_text(b, o, "next_step", f->next_step);
	else
		put_null(b, o, "next_step", "nothing to do about it in the dump");
	put_notes(b, o, "evidence", &f->evidence);
	return o;
}

void put_findings(struct builder *b, json_t *root, const struct report *report)
{
	json_t *array;

	if (!(report->sections & SECTION_FINDINGS)) {
		put_null(b, root, "findings", "not asked for: poolscope analyze prints them");
		return;
	}
	array = build_array(b);
	for (size_t i = 0; i < report->finding_count; i++)
		append(b, array, json_finding(b, &report->findings[i]));
	put(b, root, "findings", array);
}

/*
 * JSON of the file, the program, the machine and its modules.
 */
#include "analyzer/report/json_build.h"

#include <inttypes.h>
#include <stdio.h>

static json_t *json_header(struct builder *b, const struct report_header *h)
{
	json_t *o = build_object(b);

	put_number(b, o, "dump_type", &h->dump_type);
	put_string(b, o, "machine", &h->machine);
	put_number(b, o, "build", &h->build);
	put_number(b, o, "major_version", &h->free_build);
	put_number(b, o, "processors", &h->processors);
	put_address_number(b, o, "directory_table_base", &h->directory_table_base);
	put_address_number(b, o, "pfn_database", &h->pfn_database);
	put_address_number(b, o, "module_list", &h->module_list);
	put_address_number(b, o, "process_list", &h->process_list);
	put_address_number(b, o, "kdbg", &h->kdbg);
	put_number(b, o, "product_type", &h->product_type);
	put_number(b, o, "suite_mask", &h->suite_mask);
	put_number(b, o, "attributes", &h->attributes);
	return o;
}

static json_t *json_secondary(struct builder *b, const struct report_secondary *s)
{
	json_t *o = build_object(b);

	put_text(b, o, "guid", s->guid);
	put_count(b, o, "bytes", s->bytes);
	put_string(b, o, "name", &s->name);
	return o;
}

static json_t *json_minidump(struct builder *b, const struct report_minidump *m)
{
	json_t *o = build_object(b), *secondary = build_array(b);

	put_count(b, o, "pieces", m->pieces);
	put_count(b, o, "bytes", m->bytes);
	put_bool(b, o, "context", m->context);
	put_bool(b, o, "exception", m->exception);
	put_bool(b, o, "processor", m->processor);
	put_bool(b, o, "process", m->process);
	put_bool(b, o, "thread", m->thread);
	put_count(b, o, "stack_bytes", m->stack_bytes);
	put_count(b, o, "kdbg_bytes", m->kdbg_bytes);
	for (size_t i = 0; i < m->secondary_count && !b->failed; i++)
		append(b, secondary, json_secondary(b, &m->secondary[i]));
	put(b, o, "secondary_data", secondary);
	return o;
}

static json_t *json_packed(struct builder *b, const struct report_packed *p)
{
	json_t *o = build_object(b);

	put_text(b, o, "member", p->member);
	put_text(b, o, "packing", p->packing);
	put_count(b, o, "size", p->size);
	put_number(b, o, "elapsed_ms", &p->elapsed_ms);
	put_number(b, o, "processor_ms", &p->processor_ms);
	return o;
}

static void put_contents(struct builder *b, json_t *o, const struct report_file *f)
{
	if (f->header.available)
		put(b, o, "header", json_header(b, &f->header));
	else
		put_null(b, o, "header", "the file has no crash dump header");
	if (f->minidump.available)
		put(b, o, "minidump", json_minidump(b, &f->minidump));
	else
		put_null(b, o, "minidump", "the file is no minidump");
	if (f->packed.available)
		put(b, o, "packed", json_packed(b, &f->packed));
	else
		put_null(b, o, "packed", "the file is not packed");
}

json_t *json_file(struct builder *b, const struct report *report)
{
	const struct report_file *f = &report->file;
	json_t *o = build_object(b);

	put_text(b, o, "path", f->path);
	put_count(b, o, "size", f->size);
	put_text(b, o, "format", f->format);
	put_text(b, o, "title", f->title);
	put_bool(b, o, "complete", f->complete);
	put_count(b, o, "pages_listed", f->pages_listed);
	put_count(b, o, "pages_in_file", f->pages_in_file);
	put_count(b, o, "pages_damaged", f->pages_damaged);
	put_contents(b, o, f);
	put_notes(b, o, "notes", &f->notes);
	return o;
}

json_t *json_tool(struct builder *b, const struct report *report)
{
	struct report_notes options = {report->options, report->option_count};
	json_t *o = build_object(b);

	put_text(b, o, "name", "poolscope");
	put_text(b, o, "version", POOLSCOPE_VERSION);
	put_notes(b, o, "options", &options);
	return o;
}

static void put_bugcheck(struct builder *b, json_t *o, const struct report_bugcheck *bugcheck)
{
	json_t *value, *parameters;
	char text[24];

	if (!bugcheck->known) {
		put_null(b, o, "bugcheck", bugcheck->note);
		return;
	}
	value = build_object(b);
	parameters = build_array(b);
	snprintf(text, sizeof(text), "0x%08" PRIx32, bugcheck->code);
	put_text(b, value, "code", text);
	put_string(b, value, "name", &bugcheck->name);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "0x%016" PRIx64, bugcheck->parameters[i]);
		append(b, parameters, json_string(text));
	}
	put(b, value, "parameters", parameters);
	put(b, o, "bugcheck", value);
}

void put_pdb(struct builder *b, json_t *o, const char *key, const struct report_string *name,
	     const struct report_string *guid_age)
{
	json_t *value;

	if (!name->value && !guid_age->value) {
		put_null(b, o, key, name->note);
		return;
	}
	value = build_object(b);
	put_string(b, value, "name", name);
	put_string(b, value, "guid_age", guid_age);
	put(b, o, key, value);
}

static json_t *json_symbol_sources(struct builder *b, const struct report_symbols *symbols)
{
	json_t *array = build_array(b);

	for (size_t i = 0; i < symbols->source_count && !b->failed; i++) {
		const struct report_symbol_source *s = &symbols->sources[i];
		json_t *o = build_object(b);

		put_text(b, o, "source", s->source);
		put_text(b, o, "result", s->result);
		put_text(b, o, "where", s->where);
		put_text(b, o, "words", s->words);
		append(b, array, o);
	}
	return array;
}

static json_t *json_symbol_layouts(struct builder *b, const struct report_symbols *symbols)
{
	json_t *array = build_array(b);

	for (size_t i = 0; i < symbols->layout_count && !b->failed; i++) {
		const struct report_symbol_layout *l = &symbols->layouts[i];
		struct report_string why = {l->why, "it is used"};
		json_t *o = build_object(b);

		put_text(b, o, "structure", l->structure);
		put_bool(b, o, "used", l->used);
		put_string(b, o, "refused", &why);
		append(b, array, o);
	}
	return array;
}

static json_t *json_symbols(struct builder *b, const struct report_symbols *symbols)
{
	struct report_string used = {symbols->used, "no source has this kernel"};
	json_t *o = build_object(b);

	put_string(b, o, "used", &used);
	put_count(b, o, "variables", symbols->variables);
	put_count(b, o, "offsets", symbols->offsets);
	put(b, o, "sources", json_symbol_sources(b, symbols));
	put(b, o, "layouts", json_symbol_layouts(b, symbols));
	return o;
}

json_t *json_system(struct builder *b, const struct report *report)
{
	const struct report_system *s = &report->system;
	json_t *o = build_object(b);

	put_string(b, o, "product", &s->product);
	put_string(b, o, "service_pack", &s->service_pack);
	put_string(b, o, "computer_name", &s->computer_name);
	put_string(b, o, "arch", &s->arch);
	put_number(b, o, "build", &s->build);
	put_string(b, o, "build_lab", &s->build_lab);
	put_number(b, o, "processors", &s->processors);
	put_number(b, o, "physical_pages", &s->physical_pages);
	put_string(b, o, "crash_time", &s->crash_time);
	put_number(b, o, "uptime_seconds", &s->uptime_seconds);
	put_bugcheck(b, o, &s->bugcheck);
	put_address_number(b, o, "directory_table_base", &s->directory_table_base);
	put_address_number(b, o, "kernel_base", &s->kernel_base);
	put_address_number(b, o, "kdbg", &s->kdbg);
	put_pdb(b, o, "kernel_pdb", &s->kernel_pdb_name, &s->kernel_pdb_guid_age);
	put_string(b, o, "located_by", &s->located_by);
	if (report->symbols.available)
		put(b, o, "symbols", json_symbols(b, &report->symbols));
	else
		put_null(b, o, "symbols", report->symbols.note);
	put_notes(b, o, "notes", &s->notes);
	return o;
}

static void put_module_pool(struct builder *b, json_t *o, const struct report *report,
			    const struct report_module *m)
{
	const struct report_drivers *d = &report->drivers;
	json_t *pool;

	if (!d->available) {
		put_null(b, o, "pool",
			 d->note ? d->note : "not asked for: poolscope modules prints it");
		return;
	}
	pool = build_object(b);
	put_signed(b, pool, "nonpaged_bytes", m->driver ? d->items[m->driver - 1].nonpaged : 0);
	put_signed(b, pool, "paged_bytes", m->driver ? d->items[m->driver - 1].paged : 0);
	put_text(b, pool, "trust", trust_word(d->trust));
	put(b, o, "pool", pool);
}

static json_t *json_module(struct builder *b, const struct report *report,
			   const struct report_module *m)
{
	json_t *o = build_object(b);

	put_address(b, o, "base", m->base);
	put_count(b, o, "size", m->size);
	put_string(b, o, "name", &m->name);
	put_string(b, o, "path", &m->path);
	put_number(b, o, "timestamp", &m->timestamp);
	put_number(b, o, "checksum", &m->checksum);
	put_pdb(b, o, "pdb", &m->pdb_name, &m->pdb_guid_age);
	put_version(b, o, &m->version);
	if (m->code_note)
		put_text(b, o, "code_note", m->code_note);
	put_module_pool(b, o, report, m);
	return o;
}

static json_t *json_unloaded(struct builder *b, const struct report *report,
			     const struct report_module *m)
{
	json_t *o = build_object(b);

	(void)report;
	put_address(b, o, "base", m->base);
	put_count(b, o, "size", m->size);
	put_string(b, o, "name", &m->name);
	put_string(b, o, "unloaded_at", &m->unloaded_at);
	return o;
}

static void put_list(struct builder *b, json_t *root, const char *key, const struct report *report,
		     const struct report_modules *list,
		     json_t *(*value)(struct builder *, const struct report *,
				      const struct report_module *))
{
	char sibling[64];
	json_t *array;

	if (!list->available) {
		put_null(b, root, key,
			 list->note ? list->note : "not asked for: poolscope modules prints it");
		return;
	}
	array = build_array(b);
	for (size_t i = 0; i < list->count && !b->failed; i++)
		append(b, array, value(b, report, &list->items[i]));
	put(b, root, key, array);
	snprintf(sibling, sizeof(sibling), "%s_complete", key);
	put_bool(b, root, sibling, list->complete);
	if (!list->complete) {
		snprintf(sibling, sizeof(sibling), "%s_note", key);
		put_text(b, root, sibling, list->note);
	}
}

void put_modules(struct builder *b, json_t *root, const struct report *report)
{
	put_list(b, root, "modules", report, &report->modules, json_module);
	put_list(b, root, "unloaded_modules", report, &report->unloaded, json_unloaded);
}

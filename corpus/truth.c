/*
 * The truth about a made dump, as JSON (documented in corpus/README.md).
 *
 * Does not: look at the file; it reports what was built.
 */
#include "corpus/truth.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "corpus/globals.h"
#include "corpus/machine.h"
#include "corpus/minidump.h"
#include "corpus/mm_state.h"
#include "corpus/process_layout.h"
#include "corpus/sessions.h"
#include "corpus/tag_truth.h"
#include "corpus/tracker.h"

enum { ADDRESS_DIGITS = 16, CODE_DIGITS = 8 };

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		die("cannot make the truth: out of memory");
}

static void append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		die("cannot make the truth: out of memory");
}

static json_t *hex(uint64_t value, int digits)
{
	return json_sprintf("0x%0*llx", digits, (unsigned long long)value);
}

static json_t *address(uint64_t value)
{
	return hex(value, ADDRESS_DIGITS);
}

static json_t *integer(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *utc(int64_t time)
{
	struct tm tm;
	char text[32];
	time_t seconds = (time_t)time;
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

static void set_tag_names(json_t *object, uint32_t key)
{
	char text[17] = "", digits[9];
	for (unsigned i = 0; i < 4; i++) {
		unsigned byte = key >> (8 * i) & 0xFF;
		bool printable = byte >= 0x20 && byte <= 0x7E;
		snprintf(text + strlen(text), 5, printable ? "%c" : "\\x%02x", byte);
		snprintf(digits + 2 * i, 3, "%02x", byte);
	}
	set(object, "tag", json_string(text));
	set(object, "tag_hex", json_string(digits));
}

static json_t *pdb_of(const char *name, const uint8_t guid[16], uint32_t age)
{
	json_t *pdb = json_object();
	char *text = image_guid_age(guid, age);
	set(pdb, "name", json_string(name));
	set(pdb, "guid_age", json_string(text));
	free(text);
	return pdb;
}

static json_t *make_system(const struct world *w)
{
	const struct config *c = w->config;
	static const char *const arches[] = {"x86", "x86-pae", "x64", "arm64"};
	static const char *const products[] = {"", "workstation", "dc", "server"};
	json_t *system = json_object(), *bugcheck = json_object(), *parameters = json_array();
	set(system, "product_type", json_string(products[c->product]));
	set(system, "service_pack", integer(c->service_pack));
	set(system, "arch", json_string(arches[c->arch]));
	set(system, "la57", json_boolean(c->la57));
	set(system, "build", integer(c->build));
	set(system, "build_lab", json_string(c->lab));
	set(system, "processors", integer(c->processors));
	set(system, "physical_pages", integer(w->memory.total_pages));
	set(system, "crash_time", utc(c->time));
	set(system, "uptime_seconds", integer(c->uptime));
	set(bugcheck, "code", hex(c->bugcheck, CODE_DIGITS));
	for (unsigned i = 0; i < 4; i++)
		append(parameters, address(c->bugcheck_parameter[i]));
	set(bugcheck, "parameters", parameters);
	set(system, "bugcheck", bugcheck);
	set(system, "directory_table_base", address(machine_cr3(w)));
	set(system, "kernel_base", address(w->kernel.image.base));
	uint64_t kdbg = c->kdbg == KDBG_NONE ? 0 : global_address(w, "KdDebuggerDataBlock");
	set(system, "kdbg", kdbg ? address(kdbg) : json_null());
	const struct image *image = &w->kernel.image;
	set(system, "kernel_pdb", pdb_of(image->pdb, image->guid, image->age));
	return system;
}

static json_t *make_modules(const struct world *w)
{
	json_t *modules = json_array();
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		json_t *module = json_object();
		set(module, "base", address(m->base));
		set(module, "size", integer(m->size));
		set(module, "name", json_string(m->name));
		set(module, "path", json_string(m->path));
		set(module, "timestamp", integer(m->timestamp));
		set(module, "pdb", pdb_of(m->pdb, m->guid, m->age));
		set(module, "version", m->version ? json_string(m->version) : json_null());
		set(module, "description",
		    m->description ? json_string(m->description) : json_null());
		set(module, "company", m->company ? json_string(m->company) : json_null());
		set(module, "tags", tag_truth_json(w, m));
		set(module, "patched_sites", integer(m->patched));
		append(modules, module);
	}
	return modules;
}

static json_t *make_unloaded(const struct world *w)
{
	json_t *list = json_array();
	for (size_t i = 0; i < w->unloaded_count; i++) {
		json_t *driver = json_object();
		set(driver, "name", json_string(w->unloaded[i].name));
		set(driver, "start", address(w->unloaded[i].start));
		set(driver, "end", address(w->unloaded[i].end));
		set(driver, "time", utc(w->unloaded[i].time));
		append(list, driver);
	}
	return list;
}

static const struct region *find_region(const struct world *w, const char *kind, int processor)
{
	for (size_t i = 0; i < w->region_count; i++) {
		const struct region *r = &w->regions[i];
		if (strcmp(r->kind, kind) == 0 && r->processor == processor)
			return r;
	}
	return NULL;
}

static uint64_t present_pages(const struct region *region)
{
	uint64_t present = 0;
	for (uint32_t i = 0; region && i < region->pages; i++)
		present += region->state[i] == PAGE_PRESENT || region->state[i] == PAGE_TRANSITION;
	return present;
}

static bool entry_is_readable(const struct region *region, uint64_t va, uint64_t length)
{
	for (uint64_t page = (va - region->va) / PAGE_SIZE;
	     page <= (va + length - 1 - region->va) / PAGE_SIZE; page++) {
		uint8_t state = region->state[page];
		if (state != PAGE_PRESENT && state != PAGE_TRANSITION)
			return false;
	}
	return true;
}

/* Which tags have counters, or could have some, in pages that are absent. */
static void find_touched_tags(struct world *w)
{
	uint64_t size = layout_tracker(w->config)->size;
	const struct region *expansion = find_region(w, "expansion", -1);
	for (uint32_t cpu = 0; cpu < w->table_count; cpu++) {
		const struct region *table = find_region(w, "tracker", (int)cpu);
		if (present_pages(table) == table->pages)
			continue;
		for (size_t i = 0; i < w->tag_count; i++) {
			struct tag *tag = &w->tags[i];
			if (tag->expansion || !tag->in_tracker ||
			    entry_is_readable(table, w->tables[cpu] + tag->slot * size, size))
				continue;
			tag->reach_of_missing = true;
			tag->touched_by_missing |= cpu == 0 || (tag->processors >> cpu & 1);
		}
	}
	for (size_t i = 0; i < w->tag_count && expansion; i++) {
		struct tag *tag = &w->tags[i];
		if (tag->expansion &&
		    !entry_is_readable(expansion, w->expansion + tag->slot * size, size))
			tag->touched_by_missing = tag->reach_of_missing = true;
	}
}

static json_t *make_side(const struct world *w, const struct side *side)
{
	json_t *object = json_object();
	set(object, "allocs", integer(side->allocs));
	set(object, "frees", integer(side->frees));
	set(object, "diff", integer((side->allocs - side->frees) & tracker_count_mask(w)));
	set(object, "bytes", integer(side->bytes));
	return object;
}

static json_t *make_tags(const struct world *w)
{
	json_t *tags = json_array();
	for (size_t i = 0; i < w->tag_count; i++) {
		const struct tag *tag = &w->tags[i];
		json_t *object = json_object();
		set_tag_names(object, tag->key);
		set(object, "nonpaged", make_side(w, &tag->side[SIDE_NONPAGED]));
		set(object, "paged", make_side(w, &tag->side[SIDE_PAGED]));
		set(object, "slot", integer(tag->slot));
		set(object, "expansion", json_boolean(tag->expansion));
		set(object, "touched_by_missing", json_boolean(tag->touched_by_missing));
		set(object, "in_reach_of_missing", json_boolean(tag->reach_of_missing));
		append(tags, object);
	}
	return tags;
}

static json_t *make_tracker(const struct world *w)
{
	json_t *tracker = json_object();
	uint64_t expected = 0, present = 0;
	for (uint32_t i = 0; i < w->table_count; i++) {
		const struct region *table = find_region(w, "tracker", (int)i);
		expected += table->pages;
		present += present_pages(table);
	}
	set(tracker, "address", address(w->tables[0]));
	set(tracker, "entry_size", integer(layout_tracker(w->config)->size));
	set(tracker, "entries", integer(w->table_entries));
	set(tracker, "hash", json_sprintf("%c", layout_hash(w->config)));
	set(tracker, "processors_merged", integer(w->table_count));
	set(tracker, "pages_expected", integer(expected));
	set(tracker, "pages_present", integer(present));
	const struct region *expansion = find_region(w, "expansion", -1);
	set(tracker, "expansion_address", w->expansion ? address(w->expansion) : json_null());
	set(tracker, "expansion_entries", integer(w->config->expansion_entries));
	set(tracker, "expansion_pages", integer(expansion ? expansion->pages : 0));
	set(tracker, "expansion_pages_present", integer(present_pages(expansion)));
	bool complete =
		present == expected && (!expansion || present_pages(expansion) == expansion->pages);
	set(tracker, "complete", json_boolean(complete));
	json_t *tables = json_array();
	for (uint32_t i = 0; i < w->table_count; i++)
		append(tables, address(w->tables[i]));
	set(tracker, "tables", tables);
	return tracker;
}

static json_t *make_big_side(const struct side *side)
{
	json_t *object = json_object();
	set(object, "count", integer(side->allocs));
	set(object, "bytes", integer(side->bytes));
	return object;
}

static json_t *make_big(const struct world *w)
{
	json_t *big = json_object(), *by_tag = json_array();
	const struct region *table = find_region(w, "big", -1);
	set(big, "address", address(w->big_table));
	set(big, "entry_size", integer(layout_big(w->config)->size));
	set(big, "entries", integer(w->config->big_entries));
	set(big, "in_use", integer(w->big_live));
	set(big, "freed", integer(w->big_freed));
	set(big, "pages_expected", integer(table->pages));
	set(big, "pages_present", integer(present_pages(table)));
	set(big, "complete", json_boolean(present_pages(table) == table->pages));
	for (size_t i = 0; i < w->tag_count; i++) {
		const struct tag *tag = &w->tags[i];
		if (!tag->big[SIDE_NONPAGED].allocs && !tag->big[SIDE_PAGED].allocs)
			continue;
		json_t *object = json_object();
		set_tag_names(object, tag->key);
		set(object, "nonpaged", make_big_side(&tag->big[SIDE_NONPAGED]));
		set(object, "paged", make_big_side(&tag->big[SIDE_PAGED]));
		append(by_tag, object);
	}
	set(big, "by_tag", by_tag);
	return big;
}

static json_t *make_contents(const struct world *w)
{
	json_t *array = json_array();
	for (size_t i = 0; i < w->content_count; i++) {
		const struct content *c = &w->contents[i];
		json_t *object = json_object();
		set_tag_names(object, c->key);
		set(object, "module", json_string(c->name));
		set(object, "unloaded", json_boolean(c->unloaded));
		set(object, "blocks", integer(c->blocks));
		set(object, "pointers", integer(c->pointers));
		append(array, object);
	}
	return array;
}

/* In bytes; null where the build has no such member. */
static json_t *make_mm_state(const struct world *w)
{
	uint64_t counts[MM_STATE_COUNTS];
	json_t *object = json_object();
	mm_state_counts(w, counts);
	for (unsigned i = 0; i < MM_STATE_COUNTS; i++) {
		char *key = xstrdup(mm_state_name(i));
		for (char *at = strchr(key, '-'); at; at = strchr(at, '-'))
			*at = '_';
		set(object, key,
		    counts[i] == UINT64_MAX ? json_null() : integer(counts[i] << PAGE_SHIFT));
		free(key);
	}
	return object;
}

static json_t *make_session(const struct world *w, const struct session *s)
{
	json_t *object = json_object(), *tags = json_array();
	uint64_t bytes[SIDES] = {0};
	for (size_t i = 0; i < s->tag_count; i++) {
		const struct tag *tag = &s->tags[i];
		json_t *row = json_object();
		set_tag_names(row, tag->key);
		set(row, "nonpaged", make_side(w, &tag->side[SIDE_NONPAGED]));
		set(row, "paged", make_side(w, &tag->side[SIDE_PAGED]));
		set(row, "slot", integer(tag->slot));
		set(row, "expansion", json_boolean(tag->expansion));
		append(tags, row);
		bytes[SIDE_NONPAGED] += tag->side[SIDE_NONPAGED].bytes;
		bytes[SIDE_PAGED] += tag->side[SIDE_PAGED].bytes;
	}
	set(object, "id", integer(s->id));
	set(object, "space", address(s->space));
	set(object, "directory_table_base", address(s->dtb));
	set(object, "address", address(s->table));
	set(object, "entries", integer(s->entries));
	set(object, "entry_size", integer(layout_tracker(w->config)->size));
	set(object, "nonpaged_bytes", integer(bytes[SIDE_NONPAGED]));
	set(object, "paged_bytes", integer(bytes[SIDE_PAGED]));
	set(object, "tags", tags);
	return object;
}

static json_t *make_sessions(const struct world *w)
{
	json_t *sessions = json_array();
	for (size_t i = 0; i < w->session_count; i++)
		append(sessions, make_session(w, &w->sessions[i]));
	return sessions;
}

static json_t *make_pool(struct world *w)
{
	json_t *pool = json_object(), *totals = json_object();
	uint64_t bytes[SIDES] = {0};
	for (size_t i = 0; i < w->tag_count; i++) {
		bytes[SIDE_NONPAGED] += w->tags[i].side[SIDE_NONPAGED].bytes;
		bytes[SIDE_PAGED] += w->tags[i].side[SIDE_PAGED].bytes;
	}
	set(totals, "nonpaged_bytes", integer(bytes[SIDE_NONPAGED]));
	set(totals, "paged_bytes", integer(bytes[SIDE_PAGED]));
	find_touched_tags(w);
	set(pool, "tracker", make_tracker(w));
	set(pool, "tags", make_tags(w));
	set(pool, "big_pages", make_big(w));
	set(pool, "totals", totals);
	set(pool, "contents", make_contents(w));
	set(pool, "sessions", make_sessions(w));
	set(pool, "mm_state", mm_state_size(w->config) ? make_mm_state(w) : json_null());
	return pool;
}

static json_t *make_process(const struct world *w, const struct process *p)
{
	json_t *object = json_object();
	uint64_t size = layout_process(w->config).size;
	uint64_t table = layout_handle_table(w->config)->size;
	bool has_session = p->session != NO_SESSION && layout_process(w->config).session;
	set(object, "address", address(p->va));
	set(object, "name", json_string(p->name));
	set(object, "pid", integer(p->pid));
	set(object, "parent", integer(p->parent));
	set(object, "session", has_session ? integer(p->session) : json_null());
	set(object, "exited", json_boolean(p->exited));
	set(object, "created", utc(p->created));
	set(object, "ended", p->exited ? utc(p->ended) : json_null());
	set(object, "handles", p->exited ? json_null() : integer(p->handles));
	set(object, "held", integer(p->held));
	set(object, "threads", integer(p->threads));
	set(object, "readable", json_boolean(world_readable(w, p->va, size)));
	set(object, "table_readable", json_boolean(p->table && world_readable(w, p->table, table)));
	set(object, "session_readable",
	    json_boolean(p->session_space && world_readable(w, p->session_space, 0x10)));
	return object;
}

/* null where the recipe has none. */
static json_t *make_processes(const struct world *w)
{
	if (!w->process_count)
		return json_null();
	json_t *array = json_array();
	for (size_t i = 0; i < w->process_count; i++)
		append(array, make_process(w, &w->processes[i]));
	return array;
}

static json_t *make_globals(const struct world *w)
{
	json_t *globals = json_object();
	for (size_t i = 0; i < w->kernel.global_count; i++) {
		const struct global *g = &w->kernel.globals[i];
		set(globals, g->name, address(w->kernel.image.base + g->rva));
	}
	return globals;
}

static void add_missing(json_t *missing, json_t *counts, const struct region *r, uint32_t page)
{
	static const char *const reasons[] = {"present", "absent", "transition", "pagefile",
					      "demand-zero"};
	json_t *object = json_object();
	set(object, "structure", json_string(r->kind));
	set(object, "name", r->name ? json_string(r->name) : json_null());
	set(object, "processor", r->processor < 0 ? json_null() : json_integer(r->processor));
	set(object, "page", integer(page));
	set(object, "address", address(r->va + (uint64_t)page * PAGE_SIZE));
	set(object, "state", json_string(reasons[r->state[page]]));
	append(missing, object);
	if (r->state[page] != PAGE_TRANSITION)
		set(counts, r->kind,
		    json_integer(json_integer_value(json_object_get(counts, r->kind)) + 1));
}

static void set_missing(json_t *root, const struct world *w)
{
	json_t *missing = json_array(), *counts = json_object();
	for (size_t i = 0; i < w->region_count; i++) {
		for (uint32_t p = 0; p < w->regions[i].pages; p++) {
			if (w->regions[i].state[p] != PAGE_PRESENT)
				add_missing(missing, counts, &w->regions[i], p);
		}
	}
	set(root, "missing", missing);
	set(root, "missing_counts", counts);
}

/* What only a minidump says. */
static json_t *make_minidump(const struct world *w)
{
	static const char *const names[MM_COUNTS] = {
		"nonpaged_maximum", "nonpaged_allocated", "paged_maximum", "paged_allocated",
		"committed",        "committed_peak",     "commit_limit"};
	json_t *object = json_object(), *totals = json_object();
	uint64_t counts[MM_COUNTS];
	minidump_totals(w, counts);
	for (unsigned i = 0; i < MM_COUNTS; i++)
		set(totals, names[i], integer(counts[i] << PAGE_SHIFT));
	set(object, "totals", w->config->minidump_mm ? totals : json_null());
	if (!w->config->minidump_mm)
		json_decref(totals);
	set(object, "secondary_data", integer(w->config->minidump_secondary));
	set(object, "kdbg",
	    json_boolean(w->config->kdbg != KDBG_NONE && !w->config->minidump_no_kdbg));
	return object;
}

static json_t *make_file(const struct container_result *file)
{
	json_t *object = json_object();
	set(object, "format", json_string(file->format));
	set(object, "size", integer(file->file_size));
	set(object, "holds", json_string(file->holds));
	set(object, "pages", integer(file->pages));
	set(object, "has_header", json_boolean(file->header));
	set(object, "truncated", json_boolean(file->truncated));
	return object;
}

void truth_write(struct world *w, const struct container_result *file, const char *recipe,
		 const char *path)
{
	const char *slash = strrchr(recipe, '/');
	json_t *root = json_object();
	set(root, "schema", json_string("mkdump-truth/1"));
	set(root, "recipe", json_string(slash ? slash + 1 : recipe));
	set(root, "seed", integer(w->config->seed));
	set(root, "file", make_file(file));
	set(root, "system", make_system(w));
	set(root, "modules", make_modules(w));
	set(root, "unloaded_modules", make_unloaded(w));
	set(root, "globals", make_globals(w));
	if (strcmp(file->holds, "pages") == 0) {
		set(root, "processes", make_processes(w));
		set(root, "pool", make_pool(w));
		set_missing(root, w);
	} else {
		set(root, "pool", json_null());
		set(root, "minidump",
		    strcmp(file->holds, "pieces") == 0 ? make_minidump(w) : json_null());
	}
	if (json_dump_file(root, path, JSON_INDENT(1)))
		die("cannot write '%s': %s", path, strerror(errno));
	json_decref(root);
}

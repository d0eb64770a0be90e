/*
 * The truth about a made dump, as JSON (documented in corpus/README.md). The pool's part is
 * truth_pool.c's.
 *
 * Does not: look at the file; it reports what was built.
 */
#include "corpus/truth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/globals.h"
#include "corpus/machine.h"
#include "corpus/minidump.h"
#include "corpus/process_layout.h"
#include "corpus/tag_truth.h"
#include "corpus/truth_json.h"
#include "corpus/truth_pool.h"

enum { CODE_DIGITS = 8 };

static json_t *pdb_of(const char *name, const uint8_t guid[16], uint32_t age)
{
	json_t *pdb = json_object();
	char *text = image_guid_age(guid, age);
	truth_set(pdb, "name", json_string(name));
	truth_set(pdb, "guid_age", json_string(text));
	free(text);
	return pdb;
}

static json_t *make_system(const struct world *w)
{
	const struct config *c = w->config;
	static const char *const arches[] = {"x86", "x86-pae", "x64", "arm64"};
	static const char *const products[] = {"", "workstation", "dc", "server"};
	json_t *system = json_object(), *bugcheck = json_object(), *parameters = json_array();
	truth_set(system, "product_type", json_string(products[c->product]));
	truth_set(system, "service_pack", truth_integer(c->service_pack));
	truth_set(system, "arch", json_string(arches[c->arch]));
	truth_set(system, "la57", json_boolean(c->la57));
	truth_set(system, "build", truth_integer(c->build));
	truth_set(system, "build_lab", json_string(c->lab));
	truth_set(system, "processors", truth_integer(c->processors));
	truth_set(system, "physical_pages", truth_integer(w->memory.total_pages));
	truth_set(system, "crash_time", truth_utc(c->time));
	truth_set(system, "uptime_seconds", truth_integer(c->uptime));
	truth_set(bugcheck, "code", truth_hex(c->bugcheck, CODE_DIGITS));
	for (unsigned i = 0; i < 4; i++)
		truth_append(parameters, truth_address(c->bugcheck_parameter[i]));
	truth_set(bugcheck, "parameters", parameters);
	truth_set(system, "bugcheck", bugcheck);
	truth_set(system, "directory_table_base", truth_address(machine_cr3(w)));
	truth_set(system, "kernel_base", truth_address(w->kernel.image.base));
	uint64_t kdbg = c->kdbg == KDBG_NONE ? 0 : global_address(w, "KdDebuggerDataBlock");
	truth_set(system, "kdbg", kdbg ? truth_address(kdbg) : json_null());
	const struct image *image = &w->kernel.image;
	truth_set(system, "kernel_pdb", pdb_of(image->pdb, image->guid, image->age));
	return system;
}

static json_t *make_modules(const struct world *w)
{
	json_t *modules = json_array();
	for (size_t i = 0; i < w->module_count; i++) {
		const struct module *m = &w->modules[i];
		json_t *module = json_object();
		truth_set(module, "base", truth_address(m->base));
		truth_set(module, "size", truth_integer(m->size));
		truth_set(module, "name", json_string(m->name));
		truth_set(module, "path", json_string(m->path));
		truth_set(module, "timestamp", truth_integer(m->timestamp));
		truth_set(module, "pdb", pdb_of(m->pdb, m->guid, m->age));
		truth_set(module, "version", m->version ? json_string(m->version) : json_null());
		truth_set(module, "description",
			  m->description ? json_string(m->description) : json_null());
		truth_set(module, "company", m->company ? json_string(m->company) : json_null());
		truth_set(module, "tags", tag_truth_json(w, m));
		truth_set(module, "patched_sites", truth_integer(m->patched));
		truth_append(modules, module);
	}
	return modules;
}

static json_t *make_unloaded(const struct world *w)
{
	json_t *list = json_array();
	for (size_t i = 0; i < w->unloaded_count; i++) {
		json_t *driver = json_object();
		truth_set(driver, "name", json_string(w->unloaded[i].name));
		truth_set(driver, "start", truth_address(w->unloaded[i].start));
		truth_set(driver, "end", truth_address(w->unloaded[i].end));
		truth_set(driver, "time", truth_utc(w->unloaded[i].time));
		truth_append(list, driver);
	}
	return list;
}

static json_t *make_process(const struct world *w, const struct process *p)
{
	json_t *object = json_object();
	uint64_t size = layout_process(w->config).size;
	uint64_t table = layout_handle_table(w->config)->size;
	bool has_session = p->session != NO_SESSION && layout_process(w->config).session;
	truth_set(object, "address", truth_address(p->va));
	truth_set(object, "name", json_string(p->name));
	truth_set(object, "pid", truth_integer(p->pid));
	truth_set(object, "parent", truth_integer(p->parent));
	truth_set(object, "session", has_session ? truth_integer(p->session) : json_null());
	truth_set(object, "exited", json_boolean(p->exited));
	truth_set(object, "created", truth_utc(p->created));
	truth_set(object, "ended", p->exited ? truth_utc(p->ended) : json_null());
	truth_set(object, "handles", p->exited ? json_null() : truth_integer(p->handles));
	truth_set(object, "held", truth_integer(p->held));
	truth_set(object, "threads", truth_integer(p->threads));
	truth_set(object, "readable", json_boolean(world_readable(w, p->va, size)));
	truth_set(object, "table_readable",
		  json_boolean(p->table && world_readable(w, p->table, table)));
	truth_set(object, "session_readable",
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
		truth_append(array, make_process(w, &w->processes[i]));
	return array;
}

static json_t *make_globals(const struct world *w)
{
	json_t *globals = json_object();
	for (size_t i = 0; i < w->kernel.global_count; i++) {
		const struct global *g = &w->kernel.globals[i];
		truth_set(globals, g->name, truth_address(w->kernel.image.base + g->rva));
	}
	return globals;
}

static void add_missing(json_t *missing, json_t *counts, const struct region *r, uint32_t page)
{
	static const char *const reasons[] = {"present", "absent", "transition", "pagefile",
					      "demand-zero"};
	json_t *object = json_object();
	truth_set(object, "structure", json_string(r->kind));
	truth_set(object, "name", r->name ? json_string(r->name) : json_null());
	truth_set(object, "processor", r->processor < 0 ? json_null() : json_integer(r->processor));
	truth_set(object, "page", truth_integer(page));
	truth_set(object, "address", truth_address(r->va + (uint64_t)page * PAGE_SIZE));
	truth_set(object, "state", json_string(reasons[r->state[page]]));
	truth_append(missing, object);
	if (r->state[page] != PAGE_TRANSITION)
		truth_set(counts, r->kind,
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
	truth_set(root, "missing", missing);
	truth_set(root, "missing_counts", counts);
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
		truth_set(totals, names[i], truth_integer(counts[i] << PAGE_SHIFT));
	truth_set(object, "totals", w->config->minidump_mm ? totals : json_null());
	if (!w->config->minidump_mm)
		json_decref(totals);
	truth_set(object, "secondary_data", truth_integer(w->config->minidump_secondary));
	truth_set(object, "kdbg",
		  json_boolean(w->config->kdbg != KDBG_NONE && !w->config->minidump_no_kdbg));
	return object;
}

static json_t *make_file(const struct container_result *file)
{
	json_t *object = json_object();
	truth_set(object, "format", json_string(file->format));
	truth_set(object, "size", truth_integer(file->file_size));
	truth_set(object, "holds", json_string(file->holds));
	truth_set(object, "pages", truth_integer(file->pages));
	truth_set(object, "has_header", json_boolean(file->header));
	truth_set(object, "truncated", json_boolean(file->truncated));
	return object;
}

void truth_write(struct world *w, const struct container_result *file, const char *recipe,
		 const char *path)
{
	const char *slash = strrchr(recipe, '/');
	json_t *root = json_object();
	truth_set(root, "schema", json_string("mkdump-truth/1"));
	truth_set(root, "recipe", json_string(slash ? slash + 1 : recipe));
	truth_set(root, "seed", truth_integer(w->config->seed));
	truth_set(root, "file", make_file(file));
	truth_set(root, "system", make_system(w));
	truth_set(root, "modules", make_modules(w));
	truth_set(root, "unloaded_modules", make_unloaded(w));
	truth_set(root, "globals", make_globals(w));
	if (strcmp(file->holds, "pages") == 0) {
		truth_set(root, "processes", make_processes(w));
		truth_set(root, "pool", truth_pool(w));
		set_missing(root, w);
	} else {
		truth_set(root, "pool", json_null());
		truth_set(root, "minidump",
			  strcmp(file->holds, "pieces") == 0 ? make_minidump(w) : json_null());
	}
	if (json_dump_file(root, path, JSON_INDENT(1)))
		die("cannot write '%s': %s", path, strerror(errno));
	json_decref(root);
}

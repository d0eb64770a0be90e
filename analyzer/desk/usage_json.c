/*
 * Pool use from a JSON report of this program (schema poolscope/1). Read strictly: a value of the
 * wrong kind is an error that names its key, never a zero. Not supported: reports without rows of
 * tags, such as those of `info` or `modules`.
 */
#include "analyzer/desk/usage.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { TAGS_MOST = 1 << 20 };

/* A report while it is read. */
struct source {
	const char *path;
	struct report *store;
	struct usage *usage;
	struct ps_error *err;
};

static enum ps_status wrong(const struct source *s, const char *key, const char *what)
{
	return ps_fail(s->err, PS_CORRUPT, "%s: \"%s\" %s", s->path, key, what);
}

/* NULL where the key is absent or null. */
static json_t *value_of(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_null(value) ? NULL : value;
}

static bool take_text(const struct source *s, json_t *object, const char *key, const char **ret)
{
	json_t *value = value_of(object, key);

	if (value && !json_is_string(value)) {
		wrong(s, key, "is no text");
		return false;
	}
	*ret = value ? report_text(s->store, "%s", json_string_value(value)) : NULL;
	if (value && !*ret)
		ps_fail_memory(s->err, "the report to compare");
	return !value || *ret;
}

static bool take_count(const struct source *s, json_t *object, const char *key, bool *ret_has,
		       uint64_t *ret)
{
	json_t *value = value_of(object, key);

	if (value && (!json_is_integer(value) || json_integer_value(value) < 0)) {
		wrong(s, key, "is no count");
		return false;
	}
	*ret_has = value != NULL;
	*ret = value ? (uint64_t)json_integer_value(value) : 0;
	return true;
}

static bool take_address(const struct source *s, json_t *object, const char *key, bool *ret_has,
			 uint64_t *ret)
{
	const char *text;
	char *end;

	if (!take_text(s, object, key, &text))
		return false;
	*ret_has = text != NULL;
	*ret = 0;
	if (!text)
		return true;
	*ret = strtoull(text, &end, 16);
	if (strlen(text) != 18 || strncmp(text, "0x", 2) != 0 || *end != '\0') {
		wrong(s, key, "is no address");
		return false;
	}
	return true;
}

static enum ps_status take_system(const struct source *s, json_t *root)
{
	json_t *system = value_of(root, "system"), *pdb;
	struct usage *u = s->usage;
	const char *time;
	bool has_uptime;
	uint64_t uptime;

	if (!system)
		return PS_OK;
	pdb = value_of(system, "kernel_pdb");
	if (!json_is_object(system) || (pdb && !json_is_object(pdb)))
		return wrong(s, "system", "is no description of a machine");
	if (!take_text(s, system, "computer_name", &u->computer) ||
	    !take_text(s, system, "product", &u->product) ||
	    !take_text(s, system, "arch", &u->arch) || !take_text(s, system, "crash_time", &time) ||
	    !take_count(s, system, "build", &u->has_build, &u->build) ||
	    !take_count(s, system, "physical_pages", &u->has_pages, &u->pages) ||
	    !take_address(s, system, "kernel_base", &u->has_kernel_base, &u->kernel_base) ||
	    !take_count(s, system, "uptime_seconds", &has_uptime, &uptime) ||
	    (pdb && !take_text(s, pdb, "guid_age", &u->kernel_pdb)))
		return s->err->status;
	u->has_time = usage_time(time, &u->time);
	if (time && !u->has_time)
		return wrong(s, "crash_time", "is no time such as 2024-05-01T03:12:45Z");
	u->has_boot = u->has_time && has_uptime && uptime <= INT32_MAX * UINT64_C(10);
	u->boot = u->has_boot ? u->time - (int64_t)uptime : 0;
	return PS_OK;
}

static bool take_side(const struct source *s, json_t *row, const char *key, struct usage_side *ret)
{
	json_t *side = json_object_get(row, key);
	json_t *diff = json_object_get(side, "diff"), *bytes = json_object_get(side, "bytes");
	bool has_allocs = false, has_frees = false;

	if (!json_is_object(side) || !json_is_integer(diff) || !json_is_integer(bytes) ||
	    !take_count(s, side, "allocs", &has_allocs, &ret->allocs) ||
	    !take_count(s, side, "frees", &has_frees, &ret->frees) || !has_allocs || !has_frees) {
		if (s->err->status == PS_OK)
			wrong(s, key, "of a row of pool.tags lacks allocs, frees, diff or bytes");
		return false;
	}
	ret->diff = json_integer_value(diff);
	ret->bytes = json_integer_value(bytes);
	return true;
}

static bool parse_hex(const char *text, uint32_t *ret)
{
	uint32_t bytes;
	char *end;

	if (!text || strlen(text) != 8 || strspn(text, "0123456789abcdef") != 8)
		return false;
	bytes = (uint32_t)strtoul(text, &end, 16);
	*ret = __builtin_bswap32(bytes);
	return true;
}

/* The short words that a table has for an owner stand for its best candidates. */
static const char *owner_words(const struct source *s, json_t *row)
{
	json_t *owners = json_object_get(row, "owners");
	const char *ownership = json_string_value(json_object_get(row, "ownership"));
	const char *first = NULL, *second = NULL, *mark = "";

	if (ownership && strcmp(ownership, "perhaps") == 0)
		mark = " ?";
	else if (ownership && strcmp(ownership, "for-others") == 0)
		mark = " *";

	for (size_t i = 0; i < json_array_size(owners); i++) {
		json_t *item = json_array_get(owners, i);
		const char *name = json_string_value(item);

		if (!name)
			name = json_string_value(json_object_get(item, "module"));
		if (!name)
			continue;
		if (!first)
			first = name;
		else if (!second)
			second = name;
	}
	if (!first)
		return NULL;
	return second ? report_text(s->store, "%s or %s%s", first, second, mark)
		      : report_text(s->store, "%s%s", first, mark);
}

static bool take_row(const struct source *s, json_t *row, struct usage_tag *ret)
{
	json_t *complete = json_object_get(row, "complete");

	*ret = (struct usage_tag){.tag = 0};
	if (!parse_hex(json_string_value(json_object_get(row, "tag_hex")), &ret->tag)) {
		wrong(s, "tag_hex", "of a row of pool.tags is not eight hex digits");
		return false;
	}
	if (!json_is_boolean(complete)) {
		wrong(s, "complete", "of a row of pool.tags is neither true nor false");
		return false;
	}
	ret->complete = json_is_true(complete);
	ret->overflow = json_is_true(json_object_get(row, "overflow"));
	ret->owner = owner_words(s, row);
	return take_side(s, row, "nonpaged", &ret->sides[0]) &&
	       take_side(s, row, "paged", &ret->sides[1]);
}

static enum ps_status take_rows(const struct source *s, json_t *pool)
{
	json_t *rows = value_of(pool, "tags");
	size_t count = json_array_size(rows);

	if (!json_is_array(rows)) {
		ps_fail(s->err, PS_UNSUPPORTED, "%s: the report has no rows of tags", s->path);
		ps_hint(s->err, "reports of `poolscope analyze --json` have them");
		return s->err->status;
	}
	if (count > TAGS_MOST)
		return ps_fail(s->err, PS_UNSUPPORTED, "%s: more than %d tags", s->path, TAGS_MOST);
	s->usage->tags = report_array(s->store, count + 1, sizeof(*s->usage->tags));
	if (!s->usage->tags)
		return ps_fail_memory(s->err, "the tags to compare");
	s->usage->count = count;
	for (size_t i = 0; i < count; i++) {
		if (!take_row(s, json_array_get(rows, i), &s->usage->tags[i]))
			return s->err->status;
	}
	return PS_OK;
}

static bool take_total(const struct source *s, json_t *object, const char *key,
		       struct usage_total *ret)
{
	json_t *value = value_of(object, key);
	const char *trust = json_string_value(json_object_get(value, "trust"));

	if (!value)
		return true;
	if (!json_is_object(value) || !take_count(s, value, "bytes", &ret->known, &ret->bytes) ||
	    !take_text(s, value, "source", &ret->source)) {
		if (s->err->status == PS_OK)
			wrong(s, key, "is no total");
		return false;
	}
	ret->basis = BASIS_DOUBTFUL;
	if (trust && strcmp(trust, basis_word(BASIS_READ)) == 0)
		ret->basis = BASIS_READ;
	else if (trust && strcmp(trust, basis_word(BASIS_DERIVED)) == 0)
		ret->basis = BASIS_DERIVED;
	return true;
}

/* Sums over all tags beside the rows tell a part of them, as --tag prints it, from the whole. */
static enum ps_status take_totals(const struct source *s, json_t *pool)
{
	json_t *totals = value_of(pool, "totals");
	json_t *reported = json_object_get(totals, "reported");
	json_t *limits = json_object_get(totals, "limits");
	json_t *nonpaged = json_object_get(totals, "nonpaged_bytes");
	json_t *paged = json_object_get(totals, "paged_bytes");
	const char *trust = json_string_value(json_object_get(totals, "trust"));
	struct usage *u = s->usage;

	if (!take_total(s, reported, "nonpaged_allocated", &u->allocated[0]) ||
	    !take_total(s, reported, "paged_allocated", &u->allocated[1]) ||
	    !take_total(s, limits, "nonpaged_maximum", &u->limit[0]) ||
	    !take_total(s, limits, "paged_maximum", &u->limit[1]))
		return s->err->status;
	u->whole = json_is_integer(nonpaged) && json_is_integer(paged) &&
		   json_integer_value(nonpaged) == u->sums[0] &&
		   json_integer_value(paged) == u->sums[1];
	u->complete = u->whole && trust && strcmp(trust, trust_word(FIGURE_EXACT)) == 0;
	if (!u->whole)
		u->note = report_text(s->store,
				      "%s: the report does not have all tags: those that it lacks "
				      "are not compared",
				      s->path);
	else if (!u->complete)
		u->note =
			report_text(s->store, "%s: parts of the tag tables were missing", s->path);
	return PS_OK;
}

static enum ps_status check_schema(const struct source *s, json_t *root)
{
	const char *schema = json_string_value(json_object_get(root, "schema"));
	const char *message =
		json_string_value(json_object_get(json_object_get(root, "error"), "message"));

	if (!schema || strncmp(schema, "poolscope", strlen("poolscope")) != 0)
		return ps_fail(s->err, PS_UNSUPPORTED,
			       "%s: a JSON file, but no report of poolscope", s->path);
	if (strcmp(schema, "poolscope/1") != 0)
		return ps_fail(s->err, PS_UNSUPPORTED,
			       "%s: a file of schema \"%.40s\"; a report has poolscope/1", s->path,
			       schema);
	if (message)
		return ps_fail(s->err, PS_UNSUPPORTED, "%s: the report of a failure: %.400s",
			       s->path, message);
	return PS_OK;
}

static enum ps_status take_report(const struct source *s, json_t *root)
{
	json_t *pool = value_of(root, "pool");

	s->usage->kind = USAGE_REPORT;
	s->usage->label = report_text(s->store, "%s", s->path);
	if (!s->usage->label)
		return ps_fail_memory(s->err, "the report to compare");
	if (check_schema(s, root) != PS_OK || take_system(s, root) != PS_OK ||
	    take_rows(s, pool) != PS_OK)
		return s->err->status;
	usage_finish(s->usage);
	return take_totals(s, pool);
}

/* Reports one a line, as a batch writes them. */
static bool is_lines(const char *bytes, size_t length, size_t first)
{
	json_error_t error;
	json_t *root;

	if (first == 0 || first > length)
		return false;
	root = json_loadb(bytes, first, JSON_REJECT_DUPLICATES, &error);
	json_decref(root);
	return root != NULL;
}

static enum ps_status fail_parse(const char *path, const char *bytes, size_t length,
				 const json_error_t *error, struct ps_error *err)
{
	const char *end = memchr(bytes, '\n', length);

	if (!is_lines(bytes, length, end ? (size_t)(end - bytes) : 0))
		return ps_fail(err, PS_CORRUPT, "%s: line %d: no valid JSON: %s", path, error->line,
			       error->text);
	ps_fail(err, PS_UNSUPPORTED, "%s: several reports, one a line, as of a batch", path);
	ps_hint(err, "a point of time is one report: write a line of them to a file of its own");
	return err->status;
}

enum ps_status usage_of_json(const char *path, const char *bytes, size_t length,
			     struct report *store, struct usage *ret, struct ps_error *err)
{
	struct source s = {path, store, ret, err};
	enum ps_status status;
	json_error_t error;
	json_t *root;

	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		length -= 3;
	}
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return fail_parse(path, bytes, length, &error, err);
	status = take_report(&s, root);
	json_decref(root);
	return status;
}

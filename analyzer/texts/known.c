/*
 * Known problems: a JSON file read strictly, since a misspelt key would silently match everything.
 */
#include "analyzer/texts/known.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/memory.h"

static const char schema_name[] = "poolscope-known/1";
static const char format_hint[] = "docs/known-problems.md describes the format";

enum { FILE_MOST = 16 << 20 };

struct known {
	json_t *root; /* owns all strings */
	char *source;
	struct known_problem *problems;
	size_t count;
};

bool known_parse_version(const char *text, uint32_t ret[KNOWN_VERSION_PARTS])
{
	unsigned parts = 0;

	memset(ret, 0, KNOWN_VERSION_PARTS * sizeof(ret[0]));
	while (parts < KNOWN_VERSION_PARTS && *text >= '0' && *text <= '9') {
		uint64_t value = 0;

		while (*text >= '0' && *text <= '9' && value <= UINT32_MAX)
			value = value * 10 + (uint64_t)(*text++ - '0');
		if (value > UINT32_MAX)
			return false;
		ret[parts++] = (uint32_t)value;
		if (*text != '.' && *text != ',')
			break;
		text++;
		text += strspn(text, " ");
	}
	return parts > 0;
}

static enum ps_status bad_entry(const struct known *known, size_t index, const char *what,
				struct ps_error *err)
{
	ps_fail(err, PS_CORRUPT, "%s: problems[%zu]: %s", known->source, index, what);
	ps_hint(err, format_hint);
	return err->status;
}

static bool is_key(const char *key)
{
	static const char *const keys[] = {"id",  "driver", "from",   "before",
					   "tag", "title",  "advice", "url"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

/* NULL when the key is not there; false when it is no text. */
static bool text_of(json_t *entry, const char *key, const char **ret)
{
	json_t *value = json_object_get(entry, key);

	*ret = json_string_value(value);
	return !value || *ret;
}

static const char *check_versions(struct known_problem *p)
{
	if (p->from_text && !known_parse_version(p->from_text, p->from))
		return "\"from\" is no version such as \"7.1.0\"";
	if (p->before_text && !known_parse_version(p->before_text, p->before))
		return "\"before\" is no version such as \"7.2.1\"";
	p->has_from = p->from_text != NULL;
	p->has_before = p->before_text != NULL;
	return NULL;
}

/* What is wrong with the entry, or NULL. */
static const char *read_entry(json_t *entry, struct known_problem *p)
{
	const char *key;
	json_t *value;

	if (!json_is_object(entry))
		return "is no object";
	json_object_foreach(entry, key, value)
	{
		if (!is_key(key))
			return "has a key that is not id, driver, from, before, tag, title, "
			       "advice or url";
	}
	if (!text_of(entry, "id", &p->id) || !text_of(entry, "driver", &p->driver) ||
	    !text_of(entry, "from", &p->from_text) || !text_of(entry, "before", &p->before_text) ||
	    !text_of(entry, "tag", &p->tag_text) || !text_of(entry, "title", &p->title) ||
	    !text_of(entry, "advice", &p->advice) || !text_of(entry, "url", &p->url))
		return "has a value that is no text";
	if (!p->id || !p->driver || !p->title || !p->advice)
		return "needs \"id\", \"driver\", \"title\" and \"advice\"";
	if (p->tag_text) {
		size_t length = strlen(p->tag_text);

		if (length == 0 || length > 4)
			return "\"tag\" has one to four characters";
		p->has_tag = true;
		tag_key_parse(p->tag_text, length, &p->tag);
	}
	return check_versions(p);
}

static enum ps_status read_entries(struct known *known, struct ps_error *err)
{
	json_t *list = json_object_get(known->root, "problems");
	const char *schema = json_string_value(json_object_get(known->root, "schema"));

	if (!schema || strcmp(schema, schema_name) != 0 || !json_is_array(list)) {
		ps_fail(err, PS_CORRUPT,
			"%s: no list of known problems: it needs \"schema\": \"%s\" and an array "
			"\"problems\"",
			known->source, schema_name);
		ps_hint(err, format_hint);
		return err->status;
	}
	known->count = json_array_size(list);
	known->problems = mem_array(known->count + 1, sizeof(*known->problems));
	if (!known->problems)
		return ps_fail_memory(err, "the known problems");
	for (size_t i = 0; i < known->count; i++) {
		const char *wrong = read_entry(json_array_get(list, i), &known->problems[i]);

		if (wrong)
			return bad_entry(known, i, wrong, err);
		for (size_t k = 0; k < i; k++) {
			if (strcmp(known->problems[k].id, known->problems[i].id) == 0)
				return bad_entry(known, i, "has the id of another entry", err);
		}
	}
	return PS_OK;
}

static size_t read_some(void *buffer, size_t size, void *data)
{
	FILE *in = data;

	/* a list is small; a wrong file given by mistake must not fill memory */
	return ftell(in) > FILE_MOST ? (size_t)-1 : fread(buffer, 1, size, in);
}

/* What a parser of JSON would word as a fault in line 1. */
static enum ps_status check_file(FILE *in, const char *path, struct ps_error *err)
{
	struct stat about;

	if (fstat(fileno(in), &about) != 0)
		return ps_fail_errno(err, errno, "cannot read %s", path);
	if (S_ISDIR(about.st_mode)) {
		ps_fail(err, PS_SYSTEM, "%s is a folder, not a list of known problems", path);
		ps_hint(err, "name the JSON file in it");
		return err->status;
	}
	if (S_ISREG(about.st_mode) && about.st_size == 0) {
		ps_fail(err, PS_CORRUPT, "%s is empty: no list of known problems", path);
		ps_hint(err, format_hint);
		return err->status;
	}
	return PS_OK;
}

enum ps_status known_load(const char *path, struct known **ret, struct ps_error *err)
{
	struct known *known = mem_array(1, sizeof(*known));
	const char *slash = strrchr(path, '/');
	enum ps_status status = PS_OK;
	json_error_t error;
	FILE *in = NULL;

	if (!known)
		return ps_fail_memory(err, "the known problems");
	known->source = mem_printf("%s", slash ? slash + 1 : path);
	in = fopen(path, "rbe");
	if (!known->source)
		status = ps_fail_memory(err, "the known problems");
	else if (!in)
		status = ps_fail_errno(err, errno, "cannot open %s", path);
	if (status != PS_OK)
		goto out;
	status = check_file(in, path, err);
	if (status != PS_OK)
		goto out;
	known->root = json_load_callback(read_some, in, JSON_REJECT_DUPLICATES, &error);
	if (known->root) {
		status = read_entries(known, err);
	} else {
		status = ps_fail(err, PS_CORRUPT, "%s: line %d: %s", path, error.line, error.text);
		ps_hint(err, format_hint);
	}
out:
	if (in)
		fclose(in);
	if (status == PS_OK)
		*ret = known;
	else
		known_destroy(known);
	return status;
}

void known_destroy(struct known *known)
{
	if (!known)
		return;
	json_decref(known->root);
	free(known->source);
	free(known->problems);
	free(known);
}

size_t known_count(const struct known *known)
{
	return known->count;
}

const struct known_problem *known_get(const struct known *known, size_t index)
{
	return &known->problems[index];
}

const char *known_source(const struct known *known)
{
	return known->source;
}

bool known_is_driver(const struct known_problem *problem, const char *name)
{
	return strcasecmp(problem->driver, name) == 0;
}

static int compare(const uint32_t a[KNOWN_VERSION_PARTS], const uint32_t b[KNOWN_VERSION_PARTS])
{
	for (unsigned i = 0; i < KNOWN_VERSION_PARTS; i++) {
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	}
	return 0;
}

bool known_has_version(const struct known_problem *problem,
		       const uint32_t version[KNOWN_VERSION_PARTS])
{
	if (problem->has_from && compare(version, problem->from) < 0)
		return false;
	return !problem->has_before || compare(version, problem->before) < 0;
}

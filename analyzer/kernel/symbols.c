/*
 * See symbols.h. Every place is listed once; each stage walks over what the places have of its
 * kind.
 */
#include "analyzer/kernel/symbols.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

enum stage { STAGE_PDB, STAGE_ISF, STAGE_CACHE, STAGE_KNOWN, STAGE_END };

static bool attempt(struct symbols *s, enum symbol_source source, enum symbol_result result,
		    const char *where, const char *words)
{
	struct symbol_attempt *a;

	if (!mem_grow((void **)&s->attempts, s->attempt_count, &s->attempt_capacity,
		      sizeof(*s->attempts)))
		return false;
	a = &s->attempts[s->attempt_count++];
	*a = (struct symbol_attempt){source, result, mem_strndup(where, strlen(where)),
				     mem_strndup(words, strlen(words))};
	return a->where && a->words;
}

static bool add_paths(struct symbols *s, const struct symbol_options *options)
{
	for (size_t i = 0; i < options->path_count; i++)
		if (!symbol_paths_parse(&s->places, options->paths[i]))
			return false;
	s->given = s->places.count;
	for (unsigned i = 0; i < 2; i++)
		if (options->environment[i] &&
		    !symbol_paths_parse(&s->places, options->environment[i]))
			return false;
	return true;
}

/* A place that is not there is an error of the user only where he named it for this run. */
static enum ps_status look_at_place(struct symbols *s, size_t i, struct ps_error *err)
{
	struct symbol_files *files = &s->files[i];
	const char *place = s->places.items[i];
	struct ps_error why = PS_ERROR_INIT;
	bool good = true;

	if (symbol_files_find(files, place, s->pdb_name, s->guid_age, &why) != PS_OK) {
		if (why.status == PS_NO_MEMORY) {
			*err = why;
			return why.status;
		}
		good = attempt(s, SOURCE_PDB, i < s->given ? SYMBOLS_DAMAGED : SYMBOLS_ABSENT,
			       place, why.text);
	} else if (files->packed && files->pdbs.count == 0) {
		good = attempt(s, SOURCE_PDB, SYMBOLS_DAMAGED, place,
			       "the PDB of this kernel is there, but packed (.pd_): unpack it with "
			       "cabextract");
	} else if (files->pdbs.count + files->isfs.count == 0) {
		good = attempt(s, SOURCE_PDB, SYMBOLS_ABSENT, place,
			       "no PDB and no ISF of this kernel is there");
	}
	if (good && files->passed_over > 0)
		good = attempt(s, SOURCE_PDB, SYMBOLS_OTHER, place,
			       "more files there could be of this kernel than are looked at; name "
			       "the right one");
	return good ? PS_OK : ps_fail_memory(err, "symbols");
}

enum ps_status symbols_create(const struct symbol_options *options, const char *pdb_name,
			      const char *guid_age, struct symbols **ret, struct ps_error *err)
{
	struct symbols *s = mem_array(1, sizeof(*s));
	enum ps_status status = PS_OK;

	if (!s || !symbol_index_init(&s->index)) {
		free(s);
		return ps_fail_memory(err, "symbols");
	}
	s->options = options;
	snprintf(s->pdb_name, sizeof(s->pdb_name), "%s", pdb_name);
	snprintf(s->guid_age, sizeof(s->guid_age), "%s", guid_age);
	if (add_paths(s, options))
		s->files = mem_array(s->places.count ? s->places.count : 1, sizeof(*s->files));
	if (!s->files)
		status = ps_fail_memory(err, "symbols");
	for (size_t i = 0; status == PS_OK && i < s->places.count; i++)
		status = look_at_place(s, i, err);
	if (status != PS_OK) {
		symbols_destroy(s);
		return status;
	}
	*ret = s;
	return PS_OK;
}

static void drop_set(struct symbols *s)
{
	if (s->has_set)
		symbol_set_fini(&s->set);
	s->has_set = false;
	s->layout_count = 0;
}

void symbols_destroy(struct symbols *s)
{
	if (!s)
		return;
	drop_set(s);
	for (size_t i = 0; s->files && i < s->places.count; i++)
		symbol_files_fini(&s->files[i]);
	free(s->files);
	symbol_paths_fini(&s->places);
	for (size_t i = 0; i < s->attempt_count; i++) {
		free(s->attempts[i].where);
		free(s->attempts[i].words);
	}
	free(s->attempts);
	symbol_index_fini(&s->index);
	free(s);
}

typedef enum ps_status (*load_set)(struct symbol_set *, const struct symbol_index *, const char *,
				   const char *, struct ps_error *);

/* Loads one source and notes how that went. PS_NOT_FOUND: not this one. */
static enum ps_status try_file(struct symbols *s, load_set load, enum symbol_source source,
			       const char *path, struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	enum symbol_result result = SYMBOLS_FOUND;
	char words[96];
	enum ps_status status = load(&s->set, &s->index, path, s->guid_age, &why);

	s->has_set = true; /* to be freed in any case */
	snprintf(words, sizeof(words), "%u of %d variables, %u of %d offsets", s->set.symbols,
		 SYMBOL_COUNT, s->set.offsets, SYMBOL_FIELD_COUNT);
	if (status != PS_OK)
		drop_set(s);
	if (status == PS_NO_MEMORY || status == PS_INTERRUPTED) {
		*err = why;
		return status;
	}
	if (status != PS_OK)
		result = status == PS_NOT_FOUND ? SYMBOLS_OTHER : SYMBOLS_DAMAGED;
	if (!attempt(s, source, result, path, status == PS_OK ? words : why.text))
		return ps_fail_memory(err, "symbols");
	return status == PS_OK ? PS_OK : PS_NOT_FOUND;
}

/* The file of number `n` of that kind over all places; NULL behind the last. */
static const char *file_of(const struct symbols *s, bool isf, size_t n)
{
	for (size_t i = 0; i < s->places.count; i++) {
		const struct symbol_paths *paths = isf ? &s->files[i].isfs : &s->files[i].pdbs;

		if (n < paths->count)
			return paths->items[n];
		n -= paths->count;
	}
	return NULL;
}

static enum ps_status try_cache(struct symbols *s, struct ps_error *err)
{
	enum ps_status status = PS_NOT_FOUND;
	char *path;

	if (!s->options->cache || access(s->options->cache, F_OK) != 0)
		return PS_NOT_FOUND;
	path = mem_printf("%s/%s.symbols", s->options->cache, s->guid_age);
	if (!path)
		return ps_fail_memory(err, "symbols");
	if (strchr(s->guid_age, '/') || access(path, F_OK) != 0)
		status = attempt(s, SOURCE_CACHE, SYMBOLS_ABSENT, s->options->cache,
				 "no entry of this kernel is there")
				 ? PS_NOT_FOUND
				 : ps_fail_memory(err, "symbols");
	else
		status = try_file(s, symbol_set_load_entry, SOURCE_CACHE, path, err);
	free(path);
	return status;
}

static enum ps_status load_known(struct symbol_set *set, const struct symbol_index *index,
				 const char *path, const char *guid_age, struct ps_error *err)
{
	(void)path;
	return symbol_set_load_known(set, index, guid_age, err);
}

static enum ps_status try_known(struct symbols *s, struct ps_error *err)
{
	enum ps_status status;

	if (s->options->no_known_builds)
		return PS_NOT_FOUND;
	status = try_file(s, load_known, SOURCE_KNOWN_BUILD, "built in", err);
	if (status == PS_NOT_FOUND)
		s->attempts[s->attempt_count - 1].result = SYMBOLS_ABSENT;
	return status;
}

/* One step: the next file of the stage, or the whole stage. */
static enum ps_status step(struct symbols *s, struct ps_error *err)
{
	const char *path;

	switch ((enum stage)s->stage) {
	case STAGE_PDB:
	case STAGE_ISF:
		path = file_of(s, s->stage == STAGE_ISF, s->next++);
		if (path)
			return s->stage == STAGE_ISF
				       ? try_file(s, symbol_set_load_isf, SOURCE_ISF, path, err)
				       : try_file(s, symbol_set_load_pdb, SOURCE_PDB, path, err);
		s->stage++;
		s->next = 0;
		return PS_NOT_FOUND;
	case STAGE_CACHE: s->stage++; return try_cache(s, err);
	case STAGE_KNOWN: s->stage++; return try_known(s, err);
	case STAGE_END: break;
	}
	return PS_NOT_FOUND;
}

enum ps_status symbols_next(struct symbols *s, struct ps_error *err)
{
	enum ps_status status = PS_NOT_FOUND;

	drop_set(s);
	while (status == PS_NOT_FOUND && s->stage != STAGE_END)
		status = step(s, err);
	if (status == PS_NOT_FOUND)
		ps_fail(err, PS_NOT_FOUND, "no symbols of %s %s", s->pdb_name, s->guid_age);
	return status;
}

void symbols_reject(struct symbols *s, const char *why)
{
	struct symbol_attempt *last;
	char *words;

	if (!s->has_set || s->attempt_count == 0)
		return;
	last = &s->attempts[s->attempt_count - 1];
	words = mem_strndup(why, strlen(why));
	last->result = SYMBOLS_WRONG;
	if (words) {
		free(last->words);
		last->words = words;
	}
}

bool symbols_address(const struct symbols *s, uint64_t base, enum symbol_id symbol, uint64_t *ret)
{
	if (!s || !s->has_set || s->set.rvas[symbol] == 0)
		return false;
	*ret = base + s->set.rvas[symbol];
	return true;
}

bool symbols_address_of(const struct symbols *s, uint64_t base, const char *name, uint64_t *ret)
{
	unsigned i = s ? symbol_index_name(&s->index, name, strlen(name)) : SYMBOL_COUNT;

	return i != SYMBOL_COUNT && symbols_address(s, base, i, ret);
}

bool symbols_type_offset(const struct symbols *s, const char *type, const char *field,
			 struct symbol_offset *ret)
{
	unsigned i =
		s && s->has_set ? symbol_index_field(&s->index, type, field) : SYMBOL_FIELD_COUNT;

	if (i == SYMBOL_FIELD_COUNT || !s->set.fields[i].known)
		return false;
	*ret = s->set.fields[i];
	return true;
}

bool symbols_layout_refused(const struct symbols *s, const char *type)
{
	for (unsigned i = 0; s && i < s->layout_count; i++)
		if (strcmp(s->layouts[i].type, type) == 0)
			return !s->layouts[i].used;
	return false;
}

bool symbols_layout(struct symbols *s, const char *type, const char *why)
{
	struct symbol_layout layout = {.type = type, .used = why == NULL};
	unsigned i = 0;

	if (why)
		snprintf(layout.why, sizeof(layout.why), "%.*s", (int)sizeof(layout.why) - 1, why);
	while (i < s->layout_count && strcmp(s->layouts[i].type, type) != 0)
		i++;
	if (i == SYMBOL_LAYOUTS || (i < s->layout_count && s->layouts[i].used == layout.used &&
				    strcmp(s->layouts[i].why, layout.why) == 0))
		return false;
	s->layouts[i] = layout;
	s->layout_count += i == s->layout_count;
	return true;
}

char *symbols_words(const struct symbols *s)
{
	return mem_printf("%s %s", symbol_source_word(s->set.source), s->set.origin);
}

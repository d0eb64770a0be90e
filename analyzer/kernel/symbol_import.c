/*
 * See symbol_import.h. An entry is written beside its place and then renamed, so that no reader
 * sees half of one.
 */
#include "analyzer/kernel/symbol_import.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/kernel/symbol_places.h"
#include "base/memory.h"
#include "base/signals.h"

struct import {
	struct symbol_index index;
	const char *cache;
	symbol_import_said said;
	void *context;
	unsigned files;
};

/* Makes the folder with all that it lies in. */
static bool make_folder(const char *path)
{
	char *copy = mem_strndup(path, strlen(path));
	bool good = copy != NULL;

	for (char *at = copy; good && at && (at = strchr(at + 1, '/'));) {
		*at = '\0';
		good = mkdir(copy, 0777) == 0 || errno == EEXIST;
		*at = '/';
	}
	good = good && (mkdir(path, 0777) == 0 || errno == EEXIST);
	free(copy);
	return good;
}

static enum ps_status write_entry(const char *cache, const struct symbol_set *set,
				  struct ps_error *err)
{
	char *path = mem_printf("%s/%s.symbols", cache, set->guid_age);
	char *beside = mem_printf("%s/.%s.%ld", cache, set->guid_age, (long)getpid());
	enum ps_status status = PS_OK;
	FILE *out = NULL;

	if (!path || !beside) {
		status = ps_fail_memory(err, "an entry of the cache");
		goto out;
	}
	out = fopen(beside, "w");
	if (!out || !symbol_set_write_entry(set, out) || fclose(out) != 0) {
		status = ps_fail_errno(err, errno, "cannot write %s", beside);
		unlink(beside);
	} else if (rename(beside, path) != 0) {
		status = ps_fail_errno(err, errno, "cannot write %s", path);
		unlink(beside);
	}
out:
	free(path);
	free(beside);
	return status;
}

/* Only kernels have what is asked for; a driver's PDB would make an entry of nothing. */
static enum ps_status import_file(struct import *import, const char *path, struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	struct symbol_set set;
	enum ps_status status;

	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	if (import->files++ == IMPORT_MOST)
		return ps_fail(err, PS_UNSUPPORTED, "more than %d symbol files", IMPORT_MOST);
	if (symbol_is_pdb_name(path))
		status = symbol_set_load_pdb(&set, &import->index, path, NULL, &why);
	else
		status = symbol_set_load_isf(&set, &import->index, path, NULL, &why);
	if (status == PS_OK &&
	    (set.rvas[SYMBOL_POOL_TRACK_TABLE] == 0 || set.rvas[SYMBOL_PS_LOADED_MODULE_LIST] == 0))
		status = ps_fail(&why, PS_NOT_FOUND, "%s is not of a kernel", path);
	if (status == PS_OK) {
		status = write_entry(import->cache, &set, err);
		if (status != PS_OK)
			goto out;
	} else if (status == PS_NO_MEMORY || status == PS_INTERRUPTED) {
		*err = why;
		goto out;
	}
	import->said(import->context, path, status == PS_OK ? &set : NULL, &why);
	status = PS_OK;
out:
	symbol_set_fini(&set);
	return status;
}

static bool is_symbol_file(const char *name)
{
	return symbol_is_pdb_name(name) || symbol_is_isf_name(name);
}

static enum ps_status import_place(struct import *import, const char *place, unsigned depth,
				   struct ps_error *err);

static enum ps_status import_sorted(struct import *import, const char *place,
				    struct dirent **entries, int count, unsigned depth,
				    struct ps_error *err)
{
	enum ps_status status = PS_OK;

	for (int i = 0; i < count && status == PS_OK; i++) {
		const char *name = entries[i]->d_name;
		char *path = name[0] == '.' ? NULL : mem_printf("%s/%s", place, name);
		struct stat about;

		if (path && lstat(path, &about) == 0) {
			if (S_ISDIR(about.st_mode) && depth < IMPORT_DEPTH)
				status = import_place(import, path, depth + 1, err);
			else if (!S_ISDIR(about.st_mode) && is_symbol_file(name))
				status = import_file(import, path, err);
		}
		free(path);
	}
	return status;
}

static enum ps_status import_place(struct import *import, const char *place, unsigned depth,
				   struct ps_error *err)
{
	struct dirent **entries = NULL;
	enum ps_status status;
	int count;

	count = scandir(place, &entries, NULL, alphasort);
	if (count < 0 && errno == ENOTDIR)
		return import_file(import, place, err);
	if (count < 0)
		return ps_fail_errno(err, errno, "cannot open %s", place);
	status = import_sorted(import, place, entries, count, depth, err);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return status;
}

enum ps_status symbol_import(const char *place, const char *cache, symbol_import_said said,
			     void *context, struct ps_error *err)
{
	struct import import = {.cache = cache, .said = said, .context = context};
	enum ps_status status;

	if (!make_folder(cache))
		return ps_fail_errno(err, errno, "cannot make the folder %s", cache);
	if (!symbol_index_init(&import.index))
		return ps_fail_memory(err, "symbols");
	status = import_place(&import, place, 0, err);
	symbol_index_fini(&import.index);
	return status;
}

static int is_entry(const struct dirent *entry)
{
	const char *end = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && end && strcmp(end, ".symbols") == 0;
}

enum ps_status symbol_cache_list(const char *cache, symbol_import_said said, void *context,
				 struct ps_error *err)
{
	struct dirent **entries = NULL;
	struct symbol_index index;
	int count = scandir(cache, &entries, is_entry, alphasort);

	if (count < 0 && errno == ENOENT)
		return PS_OK;
	if (count < 0)
		return ps_fail_errno(err, errno, "cannot open %s", cache);
	if (!symbol_index_init(&index))
		ps_fail_memory(err, "symbols");
	for (int i = 0; i < count; i++) {
		char *path = mem_printf("%s/%s", cache, entries[i]->d_name);
		struct ps_error why = PS_ERROR_INIT;
		struct symbol_set set;

		if (path && err->status == PS_OK) {
			bool good = symbol_set_load_entry(&set, &index, path, NULL, &why) == PS_OK;

			said(context, path, good ? &set : NULL, &why);
			symbol_set_fini(&set);
		}
		free(path);
		free(entries[i]);
	}
	free(entries);
	if (err->status == PS_OK)
		symbol_index_fini(&index);
	return err->status;
}

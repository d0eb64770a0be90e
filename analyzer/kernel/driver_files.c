/*
 * See driver_files.h.
 *
 * Of a file only the headers and the CodeView record are read. FIFOs, sockets and devices are never
 * opened. Does not look into archives, cabinets or compressed files ("name.sy_").
 */
#include "analyzer/kernel/driver_files.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "analyzer/kernel/pe_file.h"
#include "base/memory.h"
#include "base/signals.h"

struct index_run {
	struct driver_files *files;
	size_t capacity;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Counts what went wrong, and keeps the words of the first. */
static void unreadable(struct driver_files *files, const struct ps_error *why)
{
	if (files->unreadable++ == 0)
		snprintf(files->first_unreadable, sizeof(files->first_unreadable), "%.*s",
			 (int)sizeof(files->first_unreadable) - 1, why->text);
}

static enum ps_status add_item(struct index_run *run, const char *path, struct pe_file *file,
			       struct ps_error *err)
{
	struct pe_reader reader = pe_file_reader(file);
	struct driver_files *files = run->files;
	struct driver_file item = {.path = mem_strndup(path, strlen(path))};
	void *items = files->items;

	if (!item.path)
		return ps_fail_memory(err, "the index of driver files");
	if (!mem_grow(&items, files->count, &run->capacity, sizeof(item))) {
		free(item.path);
		return ps_fail_memory(err, "the index of driver files");
	}
	item.name = base_name(item.path);
	pe_identity_read(&reader, &file->headers, &item.identity);
	item.is_kernel = file->headers.subsystem == PE_SUBSYSTEM_NATIVE;
	files->items = items;
	files->items[files->count++] = item;
	return PS_OK;
}

/* A file that the caller named must be a PE image; one that was come upon need not. */
static enum ps_status add_file(struct index_run *run, const char *path, bool named,
			       struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;
	struct pe_file file;
	enum ps_status status = pe_file_open(path, &file, &why);

	if (status == PS_OK) {
		status = add_item(run, path, &file, err);
		pe_file_close(&file);
		return status;
	}
	if (named) {
		*err = why;
		return status;
	}
	if (status == PS_SYSTEM)
		unreadable(run->files, &why);
	return PS_OK;
}

static enum ps_status cannot_open(struct index_run *run, const FTSENT *entry, struct ps_error *err)
{
	struct ps_error why = PS_ERROR_INIT;

	ps_fail_errno(&why, entry->fts_errno ? entry->fts_errno : ENOENT, "cannot open %s",
		      entry->fts_path);
	if (entry->fts_level == FTS_ROOTLEVEL) {
		*err = why;
		return err->status;
	}
	unreadable(run->files, &why);
	return PS_OK;
}

static enum ps_status visit(struct index_run *run, const FTSENT *entry, struct ps_error *err)
{
	bool named = entry->fts_level == FTS_ROOTLEVEL;

	switch (entry->fts_info) {
	case FTS_F: return add_file(run, entry->fts_path, named, err);
	case FTS_DNR:
	case FTS_NS:
	case FTS_ERR:
	case FTS_SLNONE: return cannot_open(run, entry, err);
	case FTS_DEFAULT:
		if (named)
			return ps_fail(err, PS_UNSUPPORTED, "%s is neither a folder nor a file",
				       entry->fts_path);
		return PS_OK;
	default: return PS_OK; /* folders before and after, symbolic links */
	}
}

static enum ps_status walk(struct index_run *run, char *const *paths, struct ps_error *err)
{
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	enum ps_status status = PS_OK;
	FTSENT *entry;

	if (!tree)
		return ps_fail_errno(err, errno, "cannot open %s", paths[0]);
	errno = 0;
	while (status == PS_OK && (entry = fts_read(tree)) != NULL) {
		status = visit(run, entry, err);
		if (status == PS_OK && signals_interrupted())
			status = ps_fail(err, PS_INTERRUPTED, "interrupted");
		errno = 0;
	}
	if (status == PS_OK && errno != 0)
		status = ps_fail_errno(err, errno, "cannot search %s", paths[0]);
	fts_close(tree);
	return status;
}

static int compare_paths(const void *a, const void *b)
{
	const struct driver_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* A file may have been named twice, or named and come upon. */
static void arrange(struct driver_files *files)
{
	size_t kept = 0;

	if (files->count > 0)
		qsort(files->items, files->count, sizeof(*files->items), compare_paths);
	for (size_t i = 0; i < files->count; i++) {
		if (kept > 0 && strcmp(files->items[kept - 1].path, files->items[i].path) == 0)
			free(files->items[i].path);
		else
			files->items[kept++] = files->items[i];
	}
	files->count = kept;
}

enum ps_status driver_files_create(const char *const *paths, size_t count,
				   struct driver_files **ret, struct ps_error *err)
{
	struct index_run run = {.files = mem_array(1, sizeof(*run.files))};
	enum ps_status status = PS_OK;

	if (!run.files)
		return ps_fail_memory(err, "the index of driver files");
	for (size_t i = 0; i < count && status == PS_OK; i++) {
		char *path = mem_strndup(paths[i], strlen(paths[i]));
		char *const one[] = {path, NULL};

		status = path ? walk(&run, one, err)
			      : ps_fail_memory(err, "the index of driver files");
		free(path);
	}
	arrange(run.files);
	if (status == PS_OK)
		*ret = run.files;
	else
		driver_files_destroy(run.files);
	return status;
}

void driver_files_destroy(struct driver_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->count; i++)
		free(files->items[i].path);
	free(files->items);
	free(files);
}

/* What the dump knows of the module; 0 and NULL where it does not. */
struct wanted {
	const char *guid_age;
	uint32_t timestamp, size;
	uint16_t machine;
};

static uint32_t in_pages(uint32_t size)
{
	return size / PE_PAGE + (size % PE_PAGE != 0);
}

static bool is_same(const struct driver_file *file, const struct wanted *want, bool same_name)
{
	const struct pe_identity *has = &file->identity;

	if (want->machine != 0 && has->machine != want->machine)
		return false;
	if (want->size != 0 && in_pages(has->size) != in_pages(want->size))
		return false;
	if (want->guid_age && has->pdb_present)
		return strcmp(want->guid_age, has->guid_age) == 0;
	/* A size alone says too little, and so do time and size of a file with another name. */
	return same_name && want->timestamp != 0 && has->timestamp == want->timestamp;
}

enum driver_match driver_files_find(const struct driver_files *files, const char *name,
				    const struct pe_identity *identity, uint32_t timestamp,
				    uint32_t size, const struct driver_file **ret)
{
	struct wanted want = {.timestamp = timestamp, .size = size};
	const struct driver_file *renamed = NULL, *differs = NULL;

	if (identity && identity->headers_present) {
		want.guid_age = identity->pdb_present ? identity->guid_age : NULL;
		want.timestamp = timestamp ? timestamp : identity->timestamp;
		want.size = size ? size : identity->size;
		want.machine = identity->machine;
	}
	for (size_t i = 0; i < files->count; i++) {
		const struct driver_file *file = &files->items[i];
		bool same_name = name && strcasecmp(file->name, name) == 0;

		if (is_same(file, &want, same_name)) {
			if (same_name) {
				*ret = file;
				return DRIVER_MATCHES;
			}
			renamed = renamed ? renamed : file;
		} else if (same_name && !differs) {
			differs = file;
		}
	}
	if (!renamed && !differs)
		return DRIVER_NO_FILE;
	*ret = renamed ? renamed : differs;
	return renamed ? DRIVER_MATCHES : DRIVER_DIFFERS;
}

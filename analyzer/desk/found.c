/*
 * Walks folders for the files of a batch; see found.h.
 */
#include "analyzer/desk/found.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/signals.h"

struct identity {
	dev_t device;
	ino_t inode;
};

struct walk {
	struct found *found;
	found_looks *looks;
	void *context;
	struct stat skip; /* the folder to leave out */
	bool has_skip;
	struct identity *seen; /* by found->files, before they are sorted */
	size_t seen_capacity;
	struct ps_error *err;
};

static bool note_unreadable(struct walk *w, const char *path, int reason)
{
	void *items = w->found->unreadable;
	char *line = mem_printf("%s: %s", path, strerror(reason));

	if (!line || !mem_grow(&items, w->found->unreadable_count, &w->found->unreadable_capacity,
			       sizeof(char *))) {
		free(line);
		return false;
	}
	w->found->unreadable = items;
	w->found->unreadable[w->found->unreadable_count++] = line;
	return true;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool add_file(struct walk *w, const char *path, const struct stat *st)
{
	struct found *found = w->found;
	void *files = found->files, *seen = w->seen;
	struct found_file file = {.path = mem_strndup(path, strlen(path))};

	if (!file.path || !mem_grow(&files, found->count, &found->capacity, sizeof(file))) {
		free(file.path);
		return false;
	}
	found->files = files;
	if (!mem_grow(&seen, found->count, &w->seen_capacity, sizeof(*w->seen))) {
		free(file.path);
		return false;
	}
	w->seen = seen;
	w->seen[found->count] = (struct identity){st->st_dev, st->st_ino};
	found->files[found->count++] = file;
	return true;
}

/* A regular file, by its name or by a link. False: out of memory. */
static bool take_file(struct walk *w, const char *path, const struct stat *st, bool asked)
{
	if (!S_ISREG(st->st_mode)) {
		w->found->skipped++;
		return true;
	}
	if (access(path, R_OK) != 0)
		return note_unreadable(w, path, errno);
	w->found->looked_at++;
	if (!asked && !w->looks(path, w->context)) {
		w->found->no_cases++;
		return true;
	}
	return add_file(w, path, st);
}

static bool take_link(struct walk *w, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return note_unreadable(w, path, errno);
	if (S_ISDIR(st.st_mode)) {
		w->found->skipped++;
		return true;
	}
	return take_file(w, path, &st, false);
}

static bool take_entry(struct walk *w, FTS *fts, FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D:
		if (w->has_skip && is_same(entry->fts_statp, &w->skip))
			fts_set(fts, entry, FTS_SKIP);
		return true;
	case FTS_F:
		return take_file(w, entry->fts_path, entry->fts_statp,
				 entry->fts_level == FTS_ROOTLEVEL);
	case FTS_SL:
	case FTS_SLNONE: return take_link(w, entry->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS: return note_unreadable(w, entry->fts_path, entry->fts_errno);
	case FTS_DC:
	case FTS_DEFAULT: w->found->skipped++; return true;
	default: return true;
	}
}

static enum ps_status walk_all(struct walk *w, char *const *paths)
{
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	if (!fts)
		return ps_fail(w->err, PS_SYSTEM, "cannot walk the folders: %s", strerror(errno));
	while (w->err->status == PS_OK && (entry = fts_read(fts)) != NULL) {
		if (signals_interrupted())
			ps_fail(w->err, PS_INTERRUPTED, "interrupted");
		else if (!take_entry(w, fts, entry))
			ps_fail_memory(w->err, "the list of files");
	}
	fts_close(fts);
	return w->err->status;
}

struct ranked {
	struct found_file file;
	struct identity identity;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct ranked *)a)->file.path, ((const struct ranked *)b)->file.path);
}

static int by_identity(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->identity.device != y->identity.device)
		return x->identity.device < y->identity.device ? -1 : 1;
	if (x->identity.inode != y->identity.inode)
		return x->identity.inode < y->identity.inode ? -1 : 1;
	return by_path(a, b);
}

/* By path; of several names of one file the first stays. */
static enum ps_status settle(struct walk *w)
{
	struct found *found = w->found;
	struct ranked *ranked = mem_array(found->count, sizeof(*ranked));
	size_t kept = 0;

	if (!ranked)
		return ps_fail_memory(w->err, "the list of files");
	for (size_t i = 0; i < found->count; i++)
		ranked[i] = (struct ranked){found->files[i], w->seen[i]};
	qsort(ranked, found->count, sizeof(*ranked), by_identity);
	for (size_t i = 0; i < found->count; i++) {
		if (kept > 0 && ranked[kept - 1].identity.device == ranked[i].identity.device &&
		    ranked[kept - 1].identity.inode == ranked[i].identity.inode)
			free(ranked[i].file.path);
		else
			ranked[kept++] = ranked[i];
	}
	qsort(ranked, kept, sizeof(*ranked), by_path);
	for (size_t i = 0; i < kept; i++)
		found->files[i] = ranked[i].file;
	found->count = kept;
	free(ranked);
	return PS_OK;
}

static void free_list(char **list, size_t count)
{
	for (size_t i = 0; list && i < count; i++)
		free(list[i]);
	free(list);
}

/* Absolute and without links, as a list that ends with NULL; owned by the caller. */
static enum ps_status resolve(const char *const *paths, size_t count, char ***ret,
			      struct ps_error *err)
{
	char **list = mem_array(count + 1, sizeof(*list));

	if (!list)
		return ps_fail_memory(err, "the list of files");
	for (size_t i = 0; i < count && err->status == PS_OK; i++) {
		list[i] = realpath(paths[i], NULL);
		if (!list[i])
			ps_fail_errno(err, errno, "cannot open %s", paths[i]);
	}
	if (err->status == PS_OK)
		*ret = list;
	else
		free_list(list, count);
	return err->status;
}

enum ps_status found_check(const char *const *paths, size_t count, struct ps_error *err)
{
	char **list;

	if (resolve(paths, count, &list, err) == PS_OK)
		free_list(list, count);
	return err->status;
}

enum ps_status found_walk(const char *const *paths, size_t count, const char *skip,
			  found_looks *looks, void *context, struct found *ret,
			  struct ps_error *err)
{
	struct walk w = {.found = ret, .looks = looks, .context = context, .err = err};
	char **list;

	*ret = (struct found){0};
	if (resolve(paths, count, &list, err) != PS_OK)
		return err->status;
	w.has_skip = skip && stat(skip, &w.skip) == 0;
	if (walk_all(&w, list) == PS_OK)
		settle(&w);
	free_list(list, count);
	free(w.seen);
	return err->status;
}

void found_fini(struct found *found)
{
	for (size_t i = 0; i < found->count; i++)
		free(found->files[i].path);
	for (size_t i = 0; i < found->unreadable_count; i++)
		free(found->unreadable[i]);
	free(found->files);
	free(found->unreadable);
	*found = (struct found){0};
}

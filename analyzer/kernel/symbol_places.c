/*
 * See symbol_places.h. The layout of a symbol store is that of Microsoft's symsrv.
 */
#include "analyzer/kernel/symbol_places.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { NAME_MOST = 64, ID_MOST = 48 };

static const char *const isf_ends[] = {".json.xz", ".json.gz", ".json"};

enum { ISF_ENDS = sizeof(isf_ends) / sizeof(isf_ends[0]) };

void symbol_paths_fini(struct symbol_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->items[i]);
	free(paths->items);
	*paths = (struct symbol_paths){0};
}

static bool add_owned(struct symbol_paths *paths, char *path)
{
	if (!path || !mem_grow((void **)&paths->items, paths->count, &paths->capacity,
			       sizeof(*paths->items))) {
		free(path);
		return false;
	}
	paths->items[paths->count++] = path;
	return true;
}

bool symbol_paths_add(struct symbol_paths *paths, const char *path)
{
	return add_owned(paths, mem_strndup(path, strlen(path)));
}

/* A folder of this machine: no URL, no \\server\share, no drive letter. */
static bool is_local(const char *part)
{
	return part[0] != '\0' && !strstr(part, "://") && part[0] != '\\' &&
	       !(isalpha((unsigned char)part[0]) && part[1] == ':');
}

/* srv*A*B*URL, symsrv*symsrv.dll*A*URL, cache*A: every local word behind the first. */
static bool parse_server(struct symbol_paths *paths, char *part)
{
	bool good = true;

	strsep(&part, "*");
	for (char *word; good && (word = strsep(&part, "*"));)
		if (is_local(word) && strcasecmp(word, "symsrv.dll") != 0)
			good = symbol_paths_add(paths, word);
	return good;
}

bool symbol_paths_parse(struct symbol_paths *paths, const char *text)
{
	char *copy = mem_strndup(text, strlen(text)), *rest = copy;
	bool good = copy != NULL;

	for (char *part; good && (part = strsep(&rest, ";"));) {
		if (strncasecmp(part, "srv*", 4) == 0 || strncasecmp(part, "symsrv*", 7) == 0 ||
		    strncasecmp(part, "cache*", 6) == 0)
			good = parse_server(paths, part);
		else if (is_local(part))
			good = symbol_paths_add(paths, part);
	}
	free(copy);
	return good;
}

static bool ends_in(const char *name, const char *end)
{
	size_t length = strlen(name), tail = strlen(end);

	return length > tail && strcasecmp(name + length - tail, end) == 0;
}

bool symbol_is_isf_name(const char *name)
{
	for (unsigned i = 0; i < ISF_ENDS; i++)
		if (ends_in(name, isf_ends[i]))
			return true;
	return false;
}

bool symbol_is_pdb_name(const char *name)
{
	return ends_in(name, ".pdb");
}

void symbol_files_fini(struct symbol_files *files)
{
	symbol_paths_fini(&files->pdbs);
	symbol_paths_fini(&files->isfs);
	*files = (struct symbol_files){.passed_over = 0};
}

/* A kernel's names as its symbol files may be called after them. */
struct wanted {
	char name[NAME_MOST], lower[NAME_MOST]; /* ntkrnlmp.pdb */
	char id[ID_MOST], id_lower[ID_MOST];    /* GUIDAGE, as folders of a store are called */
	char dashed[ID_MOST];                   /* GUID-AGE */
	size_t stem;                            /* length of the name without .pdb */
};

static void copy_lower(char *to, const char *from)
{
	do
		*to++ = (char)tolower((unsigned char)*from);
	while (*from++);
}

/* Names from a dump must not lead out of the folder. */
static bool prepare(struct wanted *w, const char *name, const char *guid_age)
{
	const char *dash = strchr(guid_age, '-');
	size_t length = strlen(name);

	if (length == 0 || length >= sizeof(w->name) || name[0] == '.' || strchr(name, '/') ||
	    !dash || strlen(guid_age) >= sizeof(w->id) || strchr(guid_age, '/'))
		return false;
	memcpy(w->name, name, length + 1);
	copy_lower(w->lower, name);
	memcpy(w->dashed, guid_age, strlen(guid_age) + 1);
	memcpy(w->id, guid_age, (size_t)(dash - guid_age));
	memcpy(w->id + (dash - guid_age), dash + 1, strlen(dash));
	copy_lower(w->id_lower, w->id);
	w->stem = ends_in(name, ".pdb") ? length - 4 : length;
	return true;
}

/* Adds the path when a file is there; takes it over. False: out of memory. */
static bool add_existing(struct symbol_paths *paths, char *path)
{
	if (path && access(path, F_OK) != 0) {
		free(path);
		return true;
	}
	return add_owned(paths, path);
}

static bool find_in_store(struct symbol_files *files, const char *place, const struct wanted *w)
{
	const char *const names[] = {w->name, w->lower}, *const ids[] = {w->id, w->id_lower};
	bool good = true;

	for (unsigned i = 0; i < 4 && good && files->pdbs.count == 0; i++) {
		const char *name = names[i / 2], *id = ids[i % 2];
		char *packed =
			mem_printf("%s/%s/%s/%.*s_", place, name, id, (int)strlen(name) - 1, name);

		good = packed &&
		       add_existing(&files->pdbs, mem_printf("%s/%s/%s/%s", place, name, id, name));
		files->packed = files->packed || (good && access(packed, F_OK) == 0);
		free(packed);
	}
	return good;
}

static bool find_in_volatility(struct symbol_files *files, const char *place,
			       const struct wanted *w)
{
	static const char *const folders[] = {"", "windows/"};
	bool good = true;

	for (unsigned i = 0; i < 2 * ISF_ENDS && good; i++)
		good = add_existing(&files->isfs,
				    mem_printf("%s/%s%s/%s%s", place, folders[i / ISF_ENDS],
					       w->name, w->dashed, isf_ends[i % ISF_ENDS]));
	return good;
}

static bool is_candidate_isf(const struct wanted *w, const char *name)
{
	return symbol_is_isf_name(name) &&
	       (strncasecmp(name, w->dashed, strcspn(w->dashed, "-")) == 0 ||
		strncasecmp(name, w->name, w->stem) == 0);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of the alphabet, whatever the filesystem's; more than the limit are let go. */
static void tidy(struct symbol_files *files, struct symbol_paths *paths, size_t first)
{
	if (paths->count > first + 1)
		qsort(paths->items + first, paths->count - first, sizeof(*paths->items), compare);
	while (paths->count > SYMBOL_FILES_MOST) {
		free(paths->items[--paths->count]);
		files->passed_over++;
	}
}

static bool find_in_listing(struct symbol_files *files, const char *place, DIR *folder,
			    const struct wanted *w)
{
	size_t first_pdb = files->pdbs.count, first_isf = files->isfs.count;
	const struct dirent *entry;
	bool good = true;

	while (good && (entry = readdir(folder))) {
		if (entry->d_type == DT_DIR)
			continue;
		if (strcasecmp(entry->d_name, w->name) == 0)
			good = add_owned(&files->pdbs, mem_printf("%s/%s", place, entry->d_name));
		else if (is_candidate_isf(w, entry->d_name))
			good = add_owned(&files->isfs, mem_printf("%s/%s", place, entry->d_name));
	}
	tidy(files, &files->pdbs, first_pdb);
	tidy(files, &files->isfs, first_isf);
	return good;
}

static bool find_in_folder(struct symbol_files *files, const char *place, DIR *folder,
			   const char *pdb_name, const char *guid_age)
{
	struct wanted w = {.stem = 0};

	if (!prepare(&w, pdb_name, guid_age))
		return true;
	return find_in_store(files, place, &w) && find_in_volatility(files, place, &w) &&
	       find_in_listing(files, place, folder, &w);
}

enum ps_status symbol_files_find(struct symbol_files *files, const char *place,
				 const char *pdb_name, const char *guid_age, struct ps_error *err)
{
	struct stat about;
	DIR *folder;
	bool good;

	*files = (struct symbol_files){.passed_over = 0};
	if (stat(place, &about) != 0)
		return ps_fail_errno(err, errno, "cannot open %s", place);
	if (!S_ISDIR(about.st_mode)) {
		good = symbol_paths_add(symbol_is_isf_name(place) ? &files->isfs : &files->pdbs,
					place);
		return good ? PS_OK : ps_fail_memory(err, "symbol files");
	}
	folder = opendir(place);
	if (!folder)
		return ps_fail_errno(err, errno, "cannot open %s", place);
	good = find_in_folder(files, place, folder, pdb_name, guid_age);
	closedir(folder);
	if (good)
		return PS_OK;
	symbol_files_fini(files);
	return ps_fail_memory(err, "symbol files");
}

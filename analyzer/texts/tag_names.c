/*
 * Look-up of pool tags: user's files first, then the built-in table; exact tags before wildcards,
 * among wildcards the one with the most literal bytes. Not supported: UTF-16 files.
 */
#include "analyzer/texts/tag_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/texts/pooltag_file.h"
#include "analyzer/texts/tag_table.h"
#include "base/hash.h"
#include "base/memory.h"

/* Microsoft's list has 230 KB; whoever writes more has given another file. */
enum { FILE_LIMIT = 16 * 1024 * 1024 };

static const char built_in[] = "built in";

struct entry {
	struct tag_key key;
	struct tag_name name; /* strings: borrowed from the table or from a list's text */
};

/* One list: the built-in table, or one file. */
struct list {
	struct entry *entries; /* owned */
	size_t count, capacity;
	struct hash exact; /* tag -> entry */
	size_t *wildcards; /* owned; entries with wildcards */
	size_t wildcard_count, wildcard_capacity;
	char *text;   /* owned; the file, cut into strings; NULL for the built-in table */
	char *source; /* owned; the file's name */
};

struct tag_names {
	struct list *lists; /* owned; [0] is built in, later files come first in a look-up */
	size_t count, capacity;
};

static void list_fini(struct list *list)
{
	hash_fini(&list->exact);
	free(list->entries);
	free(list->wildcards);
	free(list->text);
	free(list->source);
}

static uint32_t key_tag(const struct tag_key *key)
{
	return (uint32_t)key->bytes[0] | (uint32_t)key->bytes[1] << 8 |
	       (uint32_t)key->bytes[2] << 16 | (uint32_t)(key->bytes[3] & 0x7f) << 24;
}

static bool index_entry(struct list *list, const struct tag_key *key, size_t place)
{
	void *items = list->wildcards;
	uint32_t known;

	if (key->literals == 4) {
		/* the first of several lines for one tag counts */
		if (hash_find(&list->exact, key_tag(key), &known))
			return true;
		return hash_add(&list->exact, key_tag(key), (uint32_t)place);
	}
	if (!mem_grow(&items, list->wildcard_count, &list->wildcard_capacity,
		      sizeof(*list->wildcards)))
		return false;
	list->wildcards = items;
	list->wildcards[list->wildcard_count++] = place;
	return true;
}

static bool list_add(struct list *list, const struct tag_key *key, const char *image,
		     const char *description, const char *source)
{
	void *items = list->entries;

	if (!mem_grow(&items, list->count, &list->capacity, sizeof(*list->entries)))
		return false;
	list->entries = items;
	list->entries[list->count] = (struct entry){*key, {image, description, source}};
	return index_entry(list, key, list->count++);
}

static struct list *add_list(struct tag_names *names)
{
	void *items = names->lists;

	if (!mem_grow(&items, names->count, &names->capacity, sizeof(*names->lists)))
		return NULL;
	names->lists = items;
	names->lists[names->count] = (struct list){.text = NULL};
	hash_init(&names->lists[names->count].exact);
	return &names->lists[names->count++];
}

static bool add_built_in(struct tag_names *names)
{
	struct list *list = add_list(names);

	if (!list)
		return false;
	for (size_t i = 0; i < tag_table_count; i++) {
		const struct tag_table_row *row = &tag_table[i];
		struct tag_key key;

		tag_key_parse(row->tag, 4, &key);
		if (!list_add(list, &key, row->image, row->description, built_in))
			return false;
	}
	return true;
}

enum ps_status tag_names_create(struct tag_names **ret, struct ps_error *err)
{
	struct tag_names *names = calloc(1, sizeof(*names));

	if (!names || !add_built_in(names)) {
		tag_names_destroy(names);
		return ps_fail_memory(err, "the table of tags");
	}
	*ret = names;
	return PS_OK;
}

void tag_names_destroy(struct tag_names *names)
{
	if (!names)
		return;
	for (size_t i = 0; i < names->count; i++)
		list_fini(&names->lists[i]);
	free(names->lists);
	free(names);
}

static enum ps_status read_all(int fd, const char *path, char **ret, size_t *ret_size,
			       struct ps_error *err)
{
	size_t size = 0;
	ssize_t got = 1;
	struct stat st;
	char *text;

	if (fstat(fd, &st) < 0)
		return ps_fail_errno(err, errno, "cannot read %s", path);
	if (S_ISDIR(st.st_mode))
		return ps_fail(err, PS_UNSUPPORTED, "%s is a directory, not a list of tags", path);
	if (st.st_size > FILE_LIMIT)
		return ps_fail(err, PS_UNSUPPORTED, "%s is too big for a list of tags", path);
	text = malloc(FILE_LIMIT + 1);
	if (!text)
		return ps_fail_memory(err, "the list of tags");
	while (got > 0 && size < FILE_LIMIT) {
		got = read(fd, text + size, FILE_LIMIT - size);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			size += (size_t)got;
	}
	if (got < 0) {
		ps_fail_errno(err, errno, "cannot read %s", path);
		free(text);
		return err->status;
	}
	text[size] = '\0';
	*ret = text;
	*ret_size = size;
	return PS_OK;
}

static bool is_utf16(const char *text, size_t size)
{
	return size >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

static enum ps_status load_text(const char *path, char **ret, size_t *ret_size,
				struct ps_error *err)
{
	/* O_NONBLOCK: a named pipe without a writer must not hang the program */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum ps_status status;

	if (fd < 0)
		return ps_fail_errno(err, errno, "cannot open %s", path);
	status = read_all(fd, path, ret, ret_size, err);
	close(fd);
	if (status != PS_OK)
		return status;
	if (is_utf16(*ret, *ret_size)) {
		free(*ret);
		ps_fail(err, PS_UNSUPPORTED, "%s is UTF-16 text, which is not read", path);
		ps_hint(err, "save it as UTF-8: iconv -f UTF-16 -t UTF-8 FILE");
		return err->status;
	}
	if (memchr(*ret, '\0', *ret_size)) {
		free(*ret);
		ps_fail(err, PS_UNSUPPORTED, "%s is not a text file", path);
		ps_hint(err, "--pooltag takes a pooltag.txt: lines of `Tag - image - description`");
		return err->status;
	}
	return PS_OK;
}

/* Ends the part where it stands in the list's own text. NULL for an empty part. */
static const char *terminate(struct list *list, struct line_part part)
{
	char *start;

	if (part.length == 0)
		return NULL;
	start = list->text + (part.text - list->text);
	start[part.length] = '\0';
	return start;
}

static bool add_lines(struct list *list, size_t size)
{
	/* what editors of Windows put before UTF-8 is no part of the first tag */
	size_t at = size >= 3 && memcmp(list->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	while (at < size) {
		const char *line = list->text + at;
		const char *end = memchr(line, '\n', size - at);
		size_t length = end ? (size_t)(end - line) : size - at;
		struct pooltag_line parsed;

		at += length + 1;
		if (!pooltag_parse_line(line, length, &parsed))
			continue;
		if (!list_add(list, &parsed.key, terminate(list, parsed.image),
			      terminate(list, parsed.description), list->source))
			return false;
	}
	return true;
}

enum ps_status tag_names_load(struct tag_names *names, const char *path, const struct log *log,
			      struct ps_error *err)
{
	const char *base = strrchr(path, '/');
	struct list *list;
	size_t size = 0;
	char *text = NULL;
	enum ps_status status = load_text(path, &text, &size, err);

	if (status != PS_OK)
		return status;
	list = add_list(names);
	if (!list) {
		free(text);
		return ps_fail_memory(err, "the list of tags");
	}
	list->text = text;
	list->source = strdup(base ? base + 1 : path);
	if (!list->source || !add_lines(list, size))
		return ps_fail_memory(err, "the list of tags");
	if (list->count == 0) {
		ps_fail(err, PS_UNSUPPORTED, "%s has no line of a tag list", path);
		ps_hint(err, "--pooltag takes a pooltag.txt: lines of `Tag - image - description`");
		return err->status;
	}
	log_info(log, "%s: %zu tags, %zu of them with wildcards", path, list->count,
		 list->wildcard_count);
	return PS_OK;
}

static const struct entry *find_in(const struct list *list, uint32_t tag)
{
	const struct entry *best = NULL;
	uint32_t place;

	if (hash_find(&list->exact, tag & 0x7fffffff, &place))
		return &list->entries[place];
	for (size_t i = 0; i < list->wildcard_count; i++) {
		const struct entry *e = &list->entries[list->wildcards[i]];

		if (tag_key_matches(&e->key, tag) &&
		    (!best || e->key.literals > best->key.literals))
			best = e;
	}
	return best;
}

bool tag_names_find(const struct tag_names *names, uint32_t tag, struct tag_name *ret)
{
	for (size_t i = names->count; i-- > 0;) {
		const struct entry *e = find_in(&names->lists[i], tag);

		if (e) {
			*ret = e->name;
			return true;
		}
	}
	return false;
}

/*
 * Which lines of results.jsonl are of which case: by where the database has them, and by how they
 * begin. See results_lines.h.
 */
#include "analyzer/desk/results_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/memory.h"

static const char id_before[] = "{\"case\":{\"id\":\"";

char *results_id(const char *path, const struct file_stamp *stamp, char id[LINE_ID])
{
	snprintf(id, LINE_ID, "%016" PRIx64 "-%016" PRIx64 "%016" PRIx64,
		 XXH3_64bits(path, strlen(path)), stamp->key[0], stamp->key[1]);
	return id;
}

enum ps_status results_fail(const struct results *results, const char *what, struct ps_error *err)
{
	return ps_fail_errno(err, errno ? errno : EIO, "cannot %s %s", what, results->path);
}

static enum ps_status add(void *context, const char *path, const struct stored_case *found,
			  struct ps_error *err)
{
	struct case_lines *lines = context;
	void *items = lines->items;
	struct case_line row = {.id = found->id, .line = found->line};

	if (!mem_grow(&items, lines->count, &lines->capacity, sizeof(row)))
		return ps_fail_memory(err, "the list of cases");
	lines->items = items;
	results_id(path, &found->stamp, row.line_id);
	lines->items[lines->count++] = row;
	return PS_OK;
}

enum ps_status case_lines_list(struct store *store, struct case_lines *lines, struct ps_error *err)
{
	return store_each(store, add, lines, err);
}

/* Whether the line that begins at `offset` is that of the case; its end is checked as well. */
static bool stands_there(const struct results *results, const struct case_line *row)
{
	char room[sizeof(id_before) + LINE_ID], last = 0;
	size_t before = sizeof(id_before) - 1, id = LINE_ID - 1;

	return row->line.length > before + id &&
	       row->line.offset + row->line.length <= results->end &&
	       pread(results->fd, room, before + id, (off_t)row->line.offset) ==
		       (ssize_t)(before + id) &&
	       memcmp(room, id_before, before) == 0 &&
	       memcmp(room + before, row->line_id, id) == 0 &&
	       pread(results->fd, &last, 1, (off_t)(row->line.offset + row->line.length - 1)) ==
		       1 &&
	       last == '\n';
}

static int by_line_id(const void *a, const void *b)
{
	return strcmp(((const struct case_line *)a)->line_id,
		      ((const struct case_line *)b)->line_id);
}

/* Takes a line of the file to the row that it is of. The last line of an id counts. */
static void take_line(struct case_lines *lines, const char *line, uint64_t offset, uint64_t length)
{
	size_t before = sizeof(id_before) - 1;
	struct case_line key, *row;

	if (length < before + LINE_ID || memcmp(line, id_before, before) != 0)
		return;
	memcpy(key.line_id, line + before, LINE_ID - 1);
	key.line_id[LINE_ID - 1] = '\0';
	row = bsearch(&key, lines->items, lines->count, sizeof(key), by_line_id);
	if (row) {
		row->line = (struct line_place){offset, length};
		row->found = true;
	}
}

static enum ps_status scan(const struct results *results, struct case_lines *lines,
			   struct ps_error *err)
{
	FILE *file = fopen(results->path, "r");
	char *line = NULL;
	size_t room = 0;
	uint64_t offset = 0;
	ssize_t length;

	if (!file)
		return results_fail(results, "read", err);
	while ((length = getline(&line, &room, file)) > 0) {
		if (line[length - 1] == '\n')
			take_line(lines, line, offset, (uint64_t)length);
		offset += (uint64_t)length;
	}
	if (!feof(file))
		results_fail(results, "read", err);
	free(line);
	fclose(file);
	return err->status;
}

enum ps_status case_lines_read(const struct results *results, struct store *store,
			       struct case_lines *lines, bool *ret_right, struct ps_error *err)
{
	*ret_right = true;
	case_lines_list(store, lines, err);
	for (size_t i = 0; i < lines->count; i++)
		*ret_right = *ret_right && (lines->items[i].line.length == 0 ||
					    stands_there(results, &lines->items[i]));
	return err->status;
}

enum ps_status case_lines_find(const struct results *results, struct case_lines *lines,
			       struct ps_error *err)
{
	if (lines->count > 0)
		qsort(lines->items, lines->count, sizeof(*lines->items), by_line_id);
	scan(results, lines, err);
	for (size_t i = 0; i < lines->count; i++)
		if (!lines->items[i].found)
			lines->items[i].line = (struct line_place){0, 0};
	return err->status;
}

enum ps_status case_lines_places(const struct case_lines *lines, struct moved_line **ret,
				 struct ps_error *err)
{
	*ret = mem_array(lines->count + 1, sizeof(**ret));
	if (!*ret)
		return ps_fail_memory(err, "the list of cases");
	for (size_t i = 0; i < lines->count; i++)
		(*ret)[i] = (struct moved_line){lines->items[i].id, lines->items[i].line};
	return PS_OK;
}

static enum ps_status count_case(void *context, const char *path, const struct stored_case *found,
				 struct ps_error *err)
{
	(void)path;
	(void)found;
	(void)err;
	++*(size_t *)context;
	return PS_OK;
}

enum ps_status case_lines_check_own(const struct results *results, struct store *store,
				    struct ps_error *err)
{
	char head[sizeof(id_before) - 1];
	size_t known = 0, length = results->end < sizeof(head) ? results->end : sizeof(head);

	if (store_each(store, count_case, &known, err) != PS_OK || known > 0 || length == 0)
		return err->status;
	if (pread(results->fd, head, length, 0) == (ssize_t)length &&
	    (head[0] == '\0' || memcmp(head, id_before, length) == 0))
		return PS_OK;
	ps_fail(err, PS_UNSUPPORTED, "%s is there and is none of a batch", results->path);
	ps_hint(err, "give another folder (-o)");
	return err->status;
}

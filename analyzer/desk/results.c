/*
 * results.jsonl; see results.h.
 */
#include "analyzer/desk/results.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/new_file.h"

static const char id_before[] = "{\"case\":{\"id\":\"";

char *results_id(const char *path, const struct file_stamp *stamp, char id[LINE_ID])
{
	snprintf(id, LINE_ID, "%016" PRIx64 "-%016" PRIx64 "%016" PRIx64,
		 XXH3_64bits(path, strlen(path)), stamp->key[0], stamp->key[1]);
	return id;
}

static enum ps_status fail(const struct results *results, const char *what, struct ps_error *err)
{
	return ps_fail_errno(err, errno ? errno : EIO, "cannot %s %s", what, results->path);
}

enum ps_status results_add(struct results *results, const char *head, int fd,
			   struct line_place *ret, struct ps_error *err)
{
	uint64_t at = results->end, done = 0;
	size_t length = strlen(head);

	/* The report's own brace gives way to the comma behind what stands in front. */
	if (!io_write(results->fd, head, length, at) ||
	    !io_write(results->fd, ",", 1, at + length) ||
	    !io_copy(results->fd, at + length + 1, fd, 1, UINT64_MAX, &done)) {
		fail(results, "write", err);
		if (ftruncate(results->fd, (off_t)results->end) != 0)
			errno = 0; /* what is behind the end does not count */
		return err->status;
	}
	ret->offset = at;
	ret->length = length + 1 + done;
	results->end = at + ret->length;
	return PS_OK;
}

/* ---- bringing database and file together ---- */

struct row {
	int64_t id;
	char line_id[LINE_ID];
	struct line_place line;
	bool found;
};

struct rows {
	struct row *items;
	size_t count, capacity;
};

static enum ps_status add_row(void *context, const char *path, const struct stored_case *found,
			      struct ps_error *err)
{
	struct rows *rows = context;
	void *items = rows->items;
	struct row row = {.id = found->id, .line = found->line};

	if (!mem_grow(&items, rows->count, &rows->capacity, sizeof(row)))
		return ps_fail_memory(err, "the list of cases");
	rows->items = items;
	results_id(path, &found->stamp, row.line_id);
	rows->items[rows->count++] = row;
	return PS_OK;
}

/* Whether the line that begins at `offset` is that of the case; its end is checked as well. */
static bool stands_there(const struct results *results, const struct row *row)
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
	return strcmp(((const struct row *)a)->line_id, ((const struct row *)b)->line_id);
}

/* Takes a line of the file to the row that it is of. The last line of an id counts. */
static void take_line(struct rows *rows, const char *line, uint64_t offset, uint64_t length)
{
	size_t before = sizeof(id_before) - 1;
	struct row key, *row;

	if (length < before + LINE_ID || memcmp(line, id_before, before) != 0)
		return;
	memcpy(key.line_id, line + before, LINE_ID - 1);
	key.line_id[LINE_ID - 1] = '\0';
	row = bsearch(&key, rows->items, rows->count, sizeof(key), by_line_id);
	if (row) {
		row->line = (struct line_place){offset, length};
		row->found = true;
	}
}

static enum ps_status scan(const struct results *results, struct rows *rows, struct ps_error *err)
{
	FILE *file = fopen(results->path, "r");
	char *line = NULL;
	size_t room = 0;
	uint64_t offset = 0;
	ssize_t length;

	if (!file)
		return fail(results, "read", err);
	while ((length = getline(&line, &room, file)) > 0) {
		if (line[length - 1] == '\n')
			take_line(rows, line, offset, (uint64_t)length);
		offset += (uint64_t)length;
	}
	free(line);
	fclose(file);
	return PS_OK;
}

/* The cases of the database, and whether their lines are where it has them. */
static enum ps_status read_rows(const struct results *results, struct store *store,
				struct rows *rows, bool *ret_right, struct ps_error *err)
{
	*ret_right = true;
	store_each(store, add_row, rows, err);
	for (size_t i = 0; i < rows->count; i++)
		*ret_right = *ret_right && (rows->items[i].line.length == 0 ||
					    stands_there(results, &rows->items[i]));
	return err->status;
}

/* Looks for the lines of all cases. One that is not there has no length: the case is done again. */
static enum ps_status find_lines(const struct results *results, struct rows *rows,
				 struct ps_error *err)
{
	if (rows->count > 0)
		qsort(rows->items, rows->count, sizeof(*rows->items), by_line_id);
	scan(results, rows, err);
	for (size_t i = 0; i < rows->count; i++)
		if (!rows->items[i].found)
			rows->items[i].line = (struct line_place){0, 0};
	return err->status;
}

static enum ps_status places_of(const struct rows *rows, struct moved_line **ret,
				struct ps_error *err)
{
	*ret = mem_array(rows->count + 1, sizeof(**ret));
	if (!*ret)
		return ps_fail_memory(err, "the list of cases");
	for (size_t i = 0; i < rows->count; i++)
		(*ret)[i] = (struct moved_line){rows->items[i].id, rows->items[i].line};
	return PS_OK;
}

static enum ps_status put_right(const struct results *results, struct rows *rows,
				struct store *store, struct ps_error *err)
{
	struct moved_line *moved = NULL;

	if (find_lines(results, rows, err) == PS_OK && places_of(rows, &moved, err) == PS_OK)
		store_move_lines(store, moved, rows->count, err);
	free(moved);
	return err->status;
}

/* What stands behind the last line that the database knows was never finished. */
static enum ps_status agree(struct results *results, struct store *store, struct ps_error *err)
{
	struct rows rows = {NULL, 0, 0};
	bool right;

	if (read_rows(results, store, &rows, &right, err) == PS_OK && !right)
		put_right(results, &rows, store, err);
	results->end = 0;
	for (size_t i = 0; i < rows.count; i++)
		if (rows.items[i].line.offset + rows.items[i].line.length > results->end)
			results->end = rows.items[i].line.offset + rows.items[i].line.length;
	free(rows.items);
	if (err->status == PS_OK && ftruncate(results->fd, (off_t)results->end) != 0)
		return fail(results, "write", err);
	return err->status;
}

static enum ps_status open_file(struct results *results, const char *folder, int flags,
				struct ps_error *err)
{
	struct stat st;

	*results = (struct results){.fd = -1};
	results->path = mem_printf("%s/results.jsonl", folder);
	if (!results->path)
		return ps_fail_memory(err, "the results");
	results->fd = open(results->path, flags | O_CLOEXEC | O_NONBLOCK, 0666);
	if (results->fd < 0 || fstat(results->fd, &st) != 0)
		return fail(results, "open", err);
	if (!S_ISREG(st.st_mode))
		return ps_fail(err, PS_UNSUPPORTED, "%s is no regular file", results->path);
	results->end = (uint64_t)st.st_size;
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

/*
 * What a batch left that was ended before its first case begins as its lines do, or as zeros that
 * the disk lost. Other files of the name are somebody's.
 */
static enum ps_status check_own(const struct results *results, struct store *store,
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

enum ps_status results_open(struct results *results, const char *folder, struct store *store,
			    struct ps_error *err)
{
	if (open_file(results, folder, O_RDWR | O_CREAT, err) != PS_OK ||
	    check_own(results, store, err) != PS_OK || agree(results, store, err) != PS_OK)
		return err->status == PS_CORRUPT ? ps_wrap(err, "%s", folder) : err->status;
	return PS_OK;
}

void results_close(struct results *results)
{
	if (results->fd >= 0)
		close(results->fd);
	free(results->path);
	*results = (struct results){.fd = -1};
}

/* ---- from one file into another ---- */

static int by_id(const void *a, const void *b)
{
	int64_t x = ((const struct moved_line *)a)->id, y = ((const struct moved_line *)b)->id;

	return (x > y) - (x < y);
}

enum ps_status results_open_source(struct results *results, const char *folder, struct store *store,
				   struct moved_line **ret, size_t *ret_count, struct ps_error *err)
{
	struct rows rows = {NULL, 0, 0};
	bool right;

	*ret = NULL;
	*ret_count = 0;
	if (open_file(results, folder, O_RDONLY, err) == PS_OK &&
	    read_rows(results, store, &rows, &right, err) == PS_OK &&
	    (right || find_lines(results, &rows, err) == PS_OK) &&
	    places_of(&rows, ret, err) == PS_OK) {
		*ret_count = rows.count;
		qsort(*ret, rows.count, sizeof(**ret), by_id);
	}
	free(rows.items);
	return err->status;
}

const struct line_place *results_place(const struct moved_line *lines, size_t count, int64_t id)
{
	const struct moved_line key = {.id = id};
	const struct moved_line *found = bsearch(&key, lines, count, sizeof(key), by_id);

	return found && found->line.length > 0 ? &found->line : NULL;
}

/* A line is text, all of it: where the disk lost a part there are zeros. */
static bool is_line(const char *line, size_t length)
{
	return line[length - 1] == '\n' && !memchr(line, '\n', length - 1) &&
	       !memchr(line, '\0', length);
}

enum ps_status results_take(struct results *into, const struct results *from,
			    const struct line_place *line, struct line_place *ret,
			    struct ps_error *err)
{
	size_t length = (size_t)line->length;
	char *text = malloc(length);

	errno = 0;
	if (!text)
		ps_fail_memory(err, "a report");
	else if (pread(from->fd, text, length, (off_t)line->offset) != (ssize_t)length ||
		 !is_line(text, length))
		ps_fail(err, PS_CORRUPT, "the line at byte %" PRIu64 " of results.jsonl is damaged",
			line->offset);
	else if (!io_write(into->fd, text, length, into->end))
		fail(into, "write", err);
	free(text);
	if (err->status != PS_OK)
		return err->status;
	*ret = (struct line_place){into->end, length};
	into->end += length;
	return PS_OK;
}

/* ---- sorting ---- */

static bool is_sorted(const struct rows *rows, uint64_t end)
{
	uint64_t at = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (rows->items[i].line.length == 0)
			continue;
		if (rows->items[i].line.offset != at)
			return false;
		at += rows->items[i].line.length;
	}
	return at == end;
}

static enum ps_status write_sorted(struct results *results, const struct rows *rows, int to,
				   struct moved_line *moved, struct ps_error *err)
{
	uint64_t at = 0, done;

	for (size_t i = 0; i < rows->count; i++) {
		const struct line_place *line = &rows->items[i].line;

		if (!io_copy(to, at, results->fd, line->offset, line->length, &done) ||
		    done != line->length)
			return fail(results, "rewrite", err);
		moved[i] = (struct moved_line){rows->items[i].id, {at, done}};
		at += done;
	}
	results->end = at;
	return PS_OK;
}

static enum ps_status replace(struct results *results, const struct rows *rows, struct store *store,
			      struct ps_error *err)
{
	struct moved_line *moved = mem_array(rows->count + 1, sizeof(*moved));
	struct new_file sorted;

	if (!moved)
		return ps_fail_memory(err, "the list of cases");
	if (new_file_create(&sorted, results->path, err) == PS_OK) {
		write_sorted(results, rows, sorted.fd, moved, err);
		if (err->status == PS_OK)
			new_file_commit(&sorted, true, err);
		new_file_discard(&sorted);
	}
	if (err->status == PS_OK)
		store_move_lines(store, moved, rows->count, err);
	free(moved);
	return err->status;
}

enum ps_status results_sort(struct results *results, struct store *store, struct ps_error *err)
{
	struct rows rows = {NULL, 0, 0};

	if (store_each(store, add_row, &rows, err) == PS_OK && !is_sorted(&rows, results->end)) {
		replace(results, &rows, store, err);
		if (err->status == PS_OK) {
			close(results->fd);
			results->fd = open(results->path, O_RDWR | O_CLOEXEC);
			if (results->fd < 0)
				fail(results, "open", err);
		}
	}
	free(rows.items);
	return err->status;
}

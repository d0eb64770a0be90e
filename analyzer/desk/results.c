/*
 * results.jsonl; see results.h.
 */
#include "analyzer/desk/results_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/memory.h"
#include "base/new_file.h"

/*
 * Lines are not read again soon. Handed to the disk as they come and dropped from the page cache
 * when they are on it, they leave that to the dumps, and the next ones take pages that are warm: a
 * gigabyte of new ones took two milliseconds a case. Hints: what goes wrong here costs time alone.
 */
static void let_go(struct results *results)
{
	const uint64_t piece = 8 << 20, behind = 64 << 20;

	while (results->end - results->handed_over >= piece) {
		sync_file_range(results->fd, (off_t)results->handed_over, (off_t)piece,
				SYNC_FILE_RANGE_WRITE);
		if (results->handed_over >= behind)
			posix_fadvise(results->fd, (off_t)(results->handed_over - behind),
				      (off_t)piece, POSIX_FADV_DONTNEED);
		results->handed_over += piece;
	}
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
		results_fail(results, "write", err);
		if (ftruncate(results->fd, (off_t)results->end) != 0)
			errno = 0; /* what is behind the end does not count */
		return err->status;
	}
	ret->offset = at;
	ret->length = length + 1 + done;
	results->end = at + ret->length;
	let_go(results);
	return PS_OK;
}

/* ---- bringing database and file together ---- */

static enum ps_status put_right(const struct results *results, struct case_lines *lines,
				struct store *store, struct ps_error *err)
{
	struct moved_line *moved = NULL;

	if (case_lines_find(results, lines, err) == PS_OK &&
	    case_lines_places(lines, &moved, err) == PS_OK)
		store_move_lines(store, moved, lines->count, err);
	free(moved);
	return err->status;
}

/* What stands behind the last line that the database knows was never finished. */
static enum ps_status agree(struct results *results, struct store *store, struct ps_error *err)
{
	struct case_lines lines = {NULL, 0, 0};
	uint64_t size = results->end;
	bool right;

	if (case_lines_read(results, store, &lines, &right, err) == PS_OK && !right)
		put_right(results, &lines, store, err);
	results->end = 0;
	for (size_t i = 0; i < lines.count; i++)
		if (lines.items[i].line.offset + lines.items[i].line.length > results->end)
			results->end = lines.items[i].line.offset + lines.items[i].line.length;
	free(lines.items);
	results->handed_over = results->end;
	if (err->status == PS_OK && results->end != size &&
	    ftruncate(results->fd, (off_t)results->end) != 0)
		return results_fail(results, "write", err);
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
		return results_fail(results, "open", err);
	if (!S_ISREG(st.st_mode))
		return ps_fail(err, PS_UNSUPPORTED, "%s is no regular file", results->path);
	results->end = (uint64_t)st.st_size;
	return PS_OK;
}

enum ps_status results_open(struct results *results, const char *folder, struct store *store,
			    struct ps_error *err)
{
	if (open_file(results, folder, O_RDWR | O_CREAT, err) != PS_OK ||
	    case_lines_check_own(results, store, err) != PS_OK ||
	    agree(results, store, err) != PS_OK)
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
	struct case_lines lines = {NULL, 0, 0};
	bool right;

	*ret = NULL;
	*ret_count = 0;
	if (open_file(results, folder, O_RDONLY, err) == PS_OK &&
	    case_lines_read(results, store, &lines, &right, err) == PS_OK &&
	    (right || case_lines_find(results, &lines, err) == PS_OK) &&
	    case_lines_places(&lines, ret, err) == PS_OK) {
		*ret_count = lines.count;
		qsort(*ret, lines.count, sizeof(**ret), by_id);
	}
	free(lines.items);
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
		results_fail(into, "write", err);
	free(text);
	if (err->status != PS_OK)
		return err->status;
	*ret = (struct line_place){into->end, length};
	into->end += length;
	return PS_OK;
}

/* ---- sorting ---- */

static bool is_sorted(const struct case_lines *lines, uint64_t end)
{
	uint64_t at = 0;

	for (size_t i = 0; i < lines->count; i++) {
		if (lines->items[i].line.length == 0)
			continue;
		if (lines->items[i].line.offset != at)
			return false;
		at += lines->items[i].line.length;
	}
	return at == end;
}

static enum ps_status write_sorted(struct results *results, const struct case_lines *lines, int to,
				   struct moved_line *moved, struct ps_error *err)
{
	uint64_t at = 0, done;

	for (size_t i = 0; i < lines->count; i++) {
		const struct line_place *line = &lines->items[i].line;

		if (!io_copy(to, at, results->fd, line->offset, line->length, &done) ||
		    done != line->length)
			return results_fail(results, "rewrite", err);
		moved[i] = (struct moved_line){lines->items[i].id, {at, done}};
		at += done;
	}
	results->end = at;
	return PS_OK;
}

static enum ps_status replace(struct results *results, const struct case_lines *lines,
			      struct store *store, struct ps_error *err)
{
	struct moved_line *moved = mem_array(lines->count + 1, sizeof(*moved));
	struct new_file sorted;

	if (!moved)
		return ps_fail_memory(err, "the list of cases");
	if (new_file_create(&sorted, results->path, err) == PS_OK) {
		write_sorted(results, lines, sorted.fd, moved, err);
		if (err->status == PS_OK)
			new_file_commit(&sorted, true, err);
		new_file_discard(&sorted);
	}
	if (err->status == PS_OK)
		store_move_lines(store, moved, lines->count, err);
	free(moved);
	return err->status;
}

enum ps_status results_sort(struct results *results, struct store *store, struct ps_error *err)
{
	struct case_lines lines = {NULL, 0, 0};

	if (case_lines_list(store, &lines, err) == PS_OK && !is_sorted(&lines, results->end)) {
		replace(results, &lines, store, err);
		if (err->status == PS_OK) {
			close(results->fd);
			results->fd = open(results->path, O_RDWR | O_CLOEXEC);
			if (results->fd < 0)
				results_fail(results, "open", err);
		}
	}
	free(lines.items);
	return err->status;
}

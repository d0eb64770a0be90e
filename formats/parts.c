/*
 * Joining the parts of a split file; see parts.h. Holes of the parts stay holes.
 *
 * Not supported: parts with other names (.aa, .z01, .part1.rar), which nobody can tell from files
 * that have nothing to do with each other.
 */
#include "formats/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/signals.h"
#include "formats/formats.h"
#include "formats/scratch.h"

enum { DIGITS = 3, PARTS_MOST = 1000, COPY = 1 << 20 };

/* The number at the end of a path, -1 when it has none of this form. */
static int number_of(const char *path)
{
	size_t length = strlen(path);
	int number = 0;

	if (length < DIGITS + 2 || path[length - DIGITS - 1] != '.')
		return -1;
	for (size_t i = length - DIGITS; i < length; i++) {
		if (path[i] < '0' || path[i] > '9')
			return -1;
		number = number * 10 + (path[i] - '0');
	}
	return number;
}

/* The path of part `number` of the file that `path` is a part of. Caller frees; NULL: no memory. */
static char *path_of(const char *path, int number)
{
	return mem_printf("%.*s%0*d", (int)(strlen(path) - DIGITS), path, DIGITS, number);
}

static bool has_part(const char *path, int number)
{
	char *name = number >= 0 && number < PARTS_MOST ? path_of(path, number) : NULL;
	bool there = name && access(name, F_OK) == 0;

	free(name);
	return there;
}

/* The first part beside `path`: 0 or 1. */
static int first_of(const char *path)
{
	return has_part(path, 0) ? 0 : 1;
}

bool parts_is_later(const char *path)
{
	int number = number_of(path);

	return number > 0 && number > first_of(path) && has_part(path, first_of(path));
}

char *parts_later(const char *path, int step)
{
	int first = number_of(path);

	if (first < 0 || first > 1 || parts_is_later(path) || !has_part(path, first + step))
		return NULL;
	return path_of(path, first + step);
}

struct joining {
	struct scratch scratch;
	struct progress *progress;
	uint8_t *room; /* COPY bytes */
	uint64_t end;  /* of the whole, so far */
	int first, last;
	uint64_t usual; /* size of the first part */
	bool uneven;    /* a part before the last has another size */
	int beyond;     /* a part that is there behind a gap; 0: none */
};

/* Copies one stretch of data. */
static enum ps_status copy_data(struct joining *j, struct file *part, uint64_t from, uint64_t to,
				struct ps_error *err)
{
	while (from < to) {
		size_t now = to - from < COPY ? (size_t)(to - from) : COPY;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (file_read(part, from, j->room, now, err) != PS_OK)
			return ps_wrap(err, "cannot read %s", file_words(part));
		if (scratch_write(&j->scratch, j->room, now, j->end + from, err) != PS_OK)
			return err->status;
		from += now;
		if (j->progress)
			progress_advance(j->progress, now);
	}
	return PS_OK;
}

static enum ps_status copy_part(struct joining *j, struct file *part, struct ps_error *err)
{
	uint64_t start, end;

	for (uint64_t at = 0; at < part->size; at = end) {
		bool data = file_is_data(part, at, &start, &end);

		if (end > part->size)
			end = part->size;
		if (data && copy_data(j, part, at, end, err) != PS_OK)
			return err->status;
	}
	j->end += part->size;
	return PS_OK;
}

static enum ps_status copy_number(struct joining *j, const char *path, int number,
				  struct ps_error *err)
{
	char *name = path_of(path, number);
	struct file part = {.fd = -1};

	if (!name)
		return ps_fail_memory(err, "the name of a part");
	if (file_open(&part, name, err) == PS_OK) {
		j->uneven = j->uneven || (has_part(path, number + 1) && part.size != j->usual);
		copy_part(j, &part, err);
	}
	file_close(&part);
	free(name);
	return err->status;
}

/* What the parts take together, as far as they can be looked at. */
static uint64_t size_of_all(struct joining *j, const char *path, uint64_t first_size)
{
	j->usual = first_size;
	j->last = j->first;
	while (has_part(path, j->last + 1))
		j->last++;
	for (int number = j->last + 2; number < PARTS_MOST && j->beyond == 0; number++)
		j->beyond = has_part(path, number) ? number : 0;
	return first_size * (uint64_t)(j->last - j->first + 1);
}

static enum ps_status copy_all(struct joining *j, const char *path, struct ps_error *err)
{
	for (int number = j->first; number <= j->last; number++)
		if (copy_number(j, path, number, err) != PS_OK)
			return err->status;
	return scratch_resize(&j->scratch, j->end, err);
}

/* The joined file in the place of its first part. */
static enum ps_status take_over(struct joining *j, struct dump *dump, struct ps_error *err)
{
	char *path = mem_strndup(dump->file.path, strlen(dump->file.path));
	struct file whole;
	enum ps_status status;

	if (!path)
		return ps_fail_memory(err, "the name of a part");
	status = file_adopt(&whole, scratch_release(&j->scratch), path, err);
	free(path);
	if (status != PS_OK)
		return status;
	file_close(&dump->file);
	dump->file = whole;
	if (j->beyond > 0) {
		dump->complete = false;
		dump->advice =
			"a part in the middle is missing: get it, and open the first part again";
		dump_note(dump,
			  "part .%03d is missing, and .%03d is there: what lies behind the gap is "
			  "left out",
			  j->last + 1, j->beyond);
	}
	dump_note(dump, "joined of %d parts, .%03d to .%03d%s", j->last - j->first + 1, j->first,
		  j->last,
		  j->uneven ? "; before the last one they differ in size: one may be cut or missing"
			    : "");
	return PS_OK;
}

static enum ps_status join(struct joining *j, struct dump *dump, struct ps_error *err)
{
	uint64_t size = size_of_all(j, dump->file.path, dump->file.size);

	j->room = malloc(COPY);
	if (!j->room)
		return ps_fail_memory(err, "joining a file");
	if (scratch_open(&j->scratch, "the joined file", "join the parts with cat(1)", err) !=
	    PS_OK)
		return err->status;
	if (j->progress)
		progress_begin(j->progress, "joining parts", size);
	if (scratch_check_room(&j->scratch, "joining its parts", size, err) == PS_OK)
		copy_all(j, dump->file.path, err);
	if (j->progress)
		progress_end(j->progress);
	return err->status == PS_OK ? take_over(j, dump, err) : err->status;
}

enum ps_status parts_join(struct dump *dump, struct progress *progress, struct ps_error *err)
{
	const char *path = dump->file.path;
	struct joining j = {.scratch.fd = -1, .progress = progress, .first = number_of(path)};

	if (parts_is_later(path)) {
		ps_fail(err, PS_USAGE, "%s is a later part of a file that was split",
			file_words(&dump->file));
		ps_hint(err, "give its first part (.%03d); the others are found beside it",
			first_of(path));
		return err->status;
	}
	if (j.first < 0 || j.first > 1 || !has_part(path, j.first + 1))
		return PS_OK;
	join(&j, dump, err);
	scratch_close(&j.scratch);
	free(j.room);
	return err->status == PS_OK
		       ? PS_OK
		       : ps_wrap(err, "%s: cannot join its parts", file_words(&dump->file));
}

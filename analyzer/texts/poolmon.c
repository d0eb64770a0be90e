/*
 * Reads poolmon's snapshots; see poolmon.h.
 */
#include "analyzer/texts/poolmon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { TAG_COLUMNS = 4, DIGITS_MOST = 20, PROBE_BYTES = 64 << 10 };

/* What is left of a line. */
struct part {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void skip_blanks(struct part *p)
{
	while (p->at < p->end && is_blank(*p->at))
		p->at++;
}

static bool take_word(struct part *p, const char *word)
{
	size_t length = strlen(word);

	skip_blanks(p);
	if ((size_t)(p->end - p->at) < length || memcmp(p->at, word, length) != 0)
		return false;
	p->at += length;
	return true;
}

static bool take_number(struct part *p, int64_t *ret)
{
	char digits[DIGITS_MOST + 1];
	size_t used = 0;
	char *end;

	skip_blanks(p);
	while (p->at < p->end && used < DIGITS_MOST &&
	       ((*p->at >= '0' && *p->at <= '9') || (used == 0 && *p->at == '-')))
		digits[used++] = *p->at++;
	digits[used] = '\0';
	if (used == 0 || (p->at < p->end && *p->at >= '0' && *p->at <= '9'))
		return false;
	errno = 0;
	*ret = strtoll(digits, &end, 10);
	return errno == 0 && *end == '\0' && end != digits && end[-1] != '-';
}

/* "( 12)", the change since the display's last update: passed over. */
static bool pass_change(struct part *p)
{
	int64_t change;

	if (!take_word(p, "("))
		return true;
	return take_number(p, &change) && take_word(p, ")");
}

static bool take_type(struct part *p, bool *ret_paged)
{
	*ret_paged = false;
	if (!take_word(p, "Nonp")) {
		if (!take_word(p, "Paged"))
			return false;
		*ret_paged = true;
	}
	return p->at < p->end && is_blank(*p->at);
}

/* The tag fills four columns behind `indent` blanks, its own blanks included. */
static bool take_columns(struct part *p, size_t indent, struct poolmon_row *ret)
{
	struct part rest = *p;
	uint8_t bytes[TAG_COLUMNS];

	if ((size_t)(p->end - p->at) < indent + TAG_COLUMNS + 1 ||
	    !is_blank(p->at[indent + TAG_COLUMNS]))
		return false;
	for (size_t i = 0; i < indent; i++) {
		if (!is_blank(p->at[i]))
			return false;
	}
	rest.at += indent + TAG_COLUMNS;
	if (!take_type(&rest, &ret->paged))
		return false;
	memcpy(bytes, p->at + indent, sizeof(bytes));
	ret->tag = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		   (uint32_t)bytes[3] << 24;
	*p = rest;
	return true;
}

/* A table whose columns someone pushed about: the first word, filled up with blanks. */
static bool take_loose(struct part *p, struct poolmon_row *ret)
{
	struct part rest = *p;
	uint8_t bytes[TAG_COLUMNS] = {' ', ' ', ' ', ' '};
	size_t used = 0;

	skip_blanks(&rest);
	while (rest.at < rest.end && !is_blank(*rest.at)) {
		if (used == TAG_COLUMNS)
			return false;
		bytes[used++] = (uint8_t)*rest.at++;
	}
	if (used == 0 || !take_type(&rest, &ret->paged))
		return false;
	ret->tag = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
		   (uint32_t)bytes[3] << 24;
	*p = rest;
	return true;
}

static bool in_32_bits(int64_t value)
{
	return value >= 0 && value <= UINT32_MAX;
}

bool poolmon_parse_row(const char *line, size_t length, struct poolmon_row *ret)
{
	struct part p = {line, line + length};
	int64_t allocs, frees, per_alloc;

	*ret = (struct poolmon_row){.tag = 0};
	if (!take_columns(&p, 1, ret) && !take_columns(&p, 0, ret) && !take_loose(&p, ret))
		return false;
	if (!take_number(&p, &allocs) || !pass_change(&p) || !take_number(&p, &frees) ||
	    !pass_change(&p) || !take_number(&p, &ret->diff) || !take_number(&p, &ret->bytes) ||
	    !pass_change(&p) || !take_number(&p, &per_alloc))
		return false;
	if (!in_32_bits(allocs) || !in_32_bits(frees))
		return false;
	ret->allocs = (uint32_t)allocs;
	ret->frees = (uint32_t)frees;
	/* digits that ran into each other, or a line that was cut, do not add up */
	return (uint32_t)ret->diff == ret->allocs - ret->frees;
}

static bool is_columns(const char *line, size_t length)
{
	struct part p = {line, line + length};

	return take_word(&p, "Tag") && take_word(&p, "Type") && take_word(&p, "Allocs") &&
	       take_word(&p, "Frees") && take_word(&p, "Diff") && take_word(&p, "Bytes");
}

/* Something with a type behind a word is meant as a row. */
static bool looks_like_row(const char *line, size_t length)
{
	struct part p = {line, line + length};
	struct poolmon_row row;

	return take_columns(&p, 1, &row) || take_columns(&p, 0, &row) || take_loose(&p, &row);
}

/* "Pool N: 8332K P:27220K" */
static bool take_pool(const char *line, size_t length, uint64_t pool[2])
{
	static const char mark[] = "Pool N:";
	const char *found = memmem(line, length, mark, sizeof(mark) - 1);
	struct part p = {found ? found + sizeof(mark) - 1 : NULL, line + length};
	int64_t nonpaged, paged;

	if (!found || !take_number(&p, &nonpaged) || !take_word(&p, "K") || !take_word(&p, "P:") ||
	    !take_number(&p, &paged) || !take_word(&p, "K"))
		return false;
	if (nonpaged < 0 || paged < 0 || nonpaged > INT64_MAX >> 10 || paged > INT64_MAX >> 10)
		return false;
	pool[0] = (uint64_t)nonpaged << 10;
	pool[1] = (uint64_t)paged << 10;
	return true;
}

/* The log while it is read. */
struct reader {
	struct poolmon *log;
	const char *name;
	size_t capacity, row_capacity, rows; /* rows of all snapshots */
	uint64_t line;
	struct ps_error *err;
};

static struct poolmon_snapshot *current(const struct reader *r)
{
	return r->log->count > 0 ? &r->log->items[r->log->count - 1] : NULL;
}

static enum ps_status begin_snapshot(struct reader *r)
{
	if (r->log->count == POOLMON_SNAPSHOTS)
		return ps_fail(r->err, PS_UNSUPPORTED, "%s: more than %d snapshots", r->name,
			       POOLMON_SNAPSHOTS);
	if (!mem_grow((void **)&r->log->items, r->log->count, &r->capacity, sizeof(*r->log->items)))
		return ps_fail_memory(r->err, "the snapshots of a poolmon log");
	r->log->items[r->log->count++] = (struct poolmon_snapshot){.rows = NULL};
	r->row_capacity = 0;
	return PS_OK;
}

static enum ps_status add_row(struct reader *r, const struct poolmon_row *row)
{
	struct poolmon_snapshot *s;

	if (!current(r) && begin_snapshot(r) != PS_OK)
		return r->err->status;
	s = current(r);
	if (r->rows++ == POOLMON_ROWS)
		return ps_fail(r->err, PS_UNSUPPORTED, "%s: more than %d rows", r->name,
			       POOLMON_ROWS);
	if (!mem_grow((void **)&s->rows, s->count, &r->row_capacity, sizeof(*s->rows)))
		return ps_fail_memory(r->err, "the rows of a poolmon log");
	s->rows[s->count++] = *row;
	return PS_OK;
}

/* "System pool information", "Session 1 pool information" */
static bool is_title(const char *line, size_t length, bool *ret_session)
{
	static const char rest[] = "pool information";
	struct part p = {line, line + length};

	*ret_session = take_word(&p, "Session ");
	return (*ret_session || take_word(&p, "System ")) &&
	       memmem(p.at, (size_t)(p.end - p.at), rest, sizeof(rest) - 1);
}

/* Lines above the rows; the first of them behind rows begins a new snapshot. */
static enum ps_status take_header(struct reader *r, const char *line, size_t length)
{
	const bool columns = is_columns(line, length);
	struct poolmon_snapshot *s = current(r);
	struct part p = {line, line + length};
	bool session, title = is_title(line, length, &session);
	uint64_t pool[2];

	if (!s || s->count > 0) {
		if (!columns && !title && !take_word(&p, "Memory:"))
			return PS_OK;
		if (begin_snapshot(r) != PS_OK)
			return r->err->status;
		s = current(r);
	}
	s->session |= title && session;
	if (take_pool(line, length, pool)) {
		memcpy(s->pool, pool, sizeof(pool));
		s->has_pool = true;
	}
	return PS_OK;
}

static enum ps_status take_line(struct reader *r, const char *line, size_t length)
{
	struct poolmon_row row;

	r->line++;
	while (length > 0 && (line[length - 1] == '\r' || is_blank(line[length - 1])))
		length--;
	if (poolmon_parse_row(line, length, &row))
		return add_row(r, &row);
	if (looks_like_row(line, length)) {
		r->log->broken_lines++;
		if (r->log->first_broken == 0)
			r->log->first_broken = r->line;
		return PS_OK;
	}
	return take_header(r, line, length);
}

static int by_tag(const void *a, const void *b)
{
	const struct poolmon_row *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return (int)x->paged - (int)y->paged;
}

static bool add_up(int64_t *to, int64_t value)
{
	return !__builtin_add_overflow(*to, value, to);
}

/* Tags that differ in bytes the console cannot show look alike. */
static void merge_repeated(struct poolmon_snapshot *s)
{
	size_t used = 0;

	qsort(s->rows, s->count, sizeof(*s->rows), by_tag);
	for (size_t i = 0; i < s->count; i++) {
		struct poolmon_row *last = used > 0 ? &s->rows[used - 1] : NULL;

		if (!last || by_tag(last, &s->rows[i]) != 0) {
			s->rows[used++] = s->rows[i];
			continue;
		}
		last->repeated = true;
		last->allocs += s->rows[i].allocs;
		last->frees += s->rows[i].frees;
		if (!add_up(&last->diff, s->rows[i].diff))
			last->diff = INT64_MAX;
		if (!add_up(&last->bytes, s->rows[i].bytes))
			last->bytes = INT64_MAX;
	}
	s->count = used;
}

/* Snapshots without a row, as the header of a log that was cut leaves one. */
static void drop_empty(struct poolmon *log)
{
	size_t used = 0;

	for (size_t i = 0; i < log->count; i++) {
		if (log->items[i].count == 0) {
			free(log->items[i].rows);
			continue;
		}
		merge_repeated(&log->items[i]);
		log->items[used++] = log->items[i];
	}
	log->count = used;
}

static enum ps_status read_lines(struct reader *r, const char *bytes, size_t length)
{
	enum ps_status status = PS_OK;

	while (length > 0 && status == PS_OK) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end ? (size_t)(end - bytes) : length;

		status = take_line(r, bytes, part);
		part += end != NULL;
		bytes += part;
		length -= part;
	}
	return status;
}

/* One byte a character, '?' above 0xff; all that counts in the format is ASCII. NULL: no memory. */
static char *narrow(const char *bytes, size_t length, bool big_endian, size_t *ret_length)
{
	char *text = mem_array(length / 2 + 1, 1);

	*ret_length = length / 2;
	for (size_t i = 0; text && i + 1 < length; i += 2)
		text[i / 2] = bytes[i + !big_endian] == '\0' ? bytes[i + big_endian] : '?';
	return text;
}

/* Plain text of a file; *ret_owned is to be freed, NULL when `bytes` serve as they are. */
static bool plain(const char **bytes, size_t *length, char **ret_owned)
{
	const bool has_bom = *length >= 2;

	*ret_owned = NULL;
	if (has_bom && (memcmp(*bytes, "\xff\xfe", 2) == 0 || memcmp(*bytes, "\xfe\xff", 2) == 0)) {
		*ret_owned = narrow(*bytes + 2, *length - 2, **bytes == '\xfe', length);
		*bytes = *ret_owned;
		return *ret_owned != NULL;
	}
	if (*length >= 3 && memcmp(*bytes, "\xef\xbb\xbf", 3) == 0) {
		*bytes += 3;
		*length -= 3;
	}
	return true;
}

bool poolmon_is(const char *bytes, size_t length)
{
	char *owned;
	bool found = false;

	if (length > PROBE_BYTES)
		length = PROBE_BYTES;
	if (!plain(&bytes, &length, &owned))
		return false;
	while (length > 0 && !found) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end ? (size_t)(end - bytes) : length;

		found = is_columns(bytes, part);
		part += end != NULL;
		bytes += part;
		length -= part;
	}
	free(owned);
	return found;
}

enum ps_status poolmon_parse(const char *name, const char *bytes, size_t length,
			     struct poolmon **ret, struct ps_error *err)
{
	struct reader r = {.log = mem_array(1, sizeof(*r.log)), .name = name, .err = err};
	enum ps_status status = PS_OK;
	char *owned = NULL;

	*ret = NULL;
	if (!r.log || !plain(&bytes, &length, &owned))
		status = ps_fail_memory(err, "a poolmon log");
	else
		status = read_lines(&r, bytes, length);
	free(owned);
	if (status == PS_OK) {
		drop_empty(r.log);
		if (r.log->count == 0)
			status = ps_fail(err, PS_CORRUPT,
					 "%s: no row of a poolmon snapshot can be read", name);
	}
	if (status != PS_OK) {
		poolmon_destroy(r.log);
		return status;
	}
	*ret = r.log;
	return PS_OK;
}

void poolmon_destroy(struct poolmon *log)
{
	for (size_t i = 0; log && i < log->count; i++)
		free(log->items[i].rows);
	if (log)
		free(log->items);
	free(log);
}

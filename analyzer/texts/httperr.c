/*
 * HTTPERR logs, streamed: files and folders, packed or not, in the encodings that occur.
 *
 * zlib's gzip reader hands plain files through, so one loop serves both. UTF-16 is narrowed to one
 * byte a character ('?' above 0xff): the fields that count are ASCII.
 */
#include "analyzer/texts/httperr.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "analyzer/texts/httperr_line.h"
#include "base/memory.h"
#include "base/signals.h"

enum { CHUNK = 1 << 20, LINE_LONGEST = 64 << 10 };

/* One log file while it is read. */
struct reader {
	struct httperr *log;
	const struct httperr_times *times;
	struct httperr_columns columns;
	const char *name;
	uint64_t line_number, events, broken, first_broken;
	bool wide;     /* UTF-16 little-endian */
	bool skipping; /* inside a line that is longer than any */
	size_t used;   /* bytes of an unfinished line in `line` */
	char line[LINE_LONGEST];
};

static struct httperr_reason *reason_slot(struct httperr *log, const struct httperr_event *event)
{
	char name[HTTPERR_REASON];
	size_t length =
		event->reason_length < sizeof(name) ? event->reason_length : sizeof(name) - 1;

	memcpy(name, event->reason, length);
	name[length] = '\0';
	for (size_t i = 0; i < log->reason_count; i++) {
		if (strcmp(log->reasons[i].name, name) == 0)
			return &log->reasons[i];
	}
	if (log->reason_count == HTTPERR_REASONS)
		return NULL;
	memcpy(log->reasons[log->reason_count].name, name, length + 1);
	return &log->reasons[log->reason_count++];
}

static void widen(int64_t *first, int64_t *last, int64_t time, bool any)
{
	if (!any || time < *first)
		*first = time;
	if (!any || time > *last)
		*last = time;
}

static void count_event(struct reader *r, const struct httperr_event *event)
{
	struct httperr_reason *reason = reason_slot(r->log, event);

	r->events++;
	widen(&r->log->first, &r->log->last, event->time, r->log->lines > 0);
	r->log->lines++;
	if (!reason) {
		r->log->other_reasons++;
		return;
	}
	widen(&reason->first, &reason->last, event->time, reason->lines > 0);
	reason->lines++;
	reason->events += event->count;
	if (r->times->boot != 0 && event->time < r->times->boot)
		reason->before_boot += event->count;
	if (r->times->crash == 0)
		return;
	if (event->time > r->times->crash)
		reason->after_crash += event->count;
	else if (r->times->crash - event->time <= 3600)
		reason->last_hour += event->count;
}

static void end_line(struct reader *r)
{
	struct httperr_event event;
	size_t length = r->used;

	r->line_number++;
	r->used = 0;
	if (length > 0 && r->line[length - 1] == '\r')
		length--;
	if (r->skipping) {
		r->skipping = false;
	} else {
		switch (httperr_parse_line(r->line, length, &r->columns, &event)) {
		case HTTPERR_COMMENT: return;
		case HTTPERR_EVENT: count_event(r, &event); return;
		case HTTPERR_BROKEN: break;
		}
	}
	r->broken++;
	if (r->first_broken == 0)
		r->first_broken = r->line_number;
}

static void add_bytes(struct reader *r, const char *bytes, size_t length)
{
	/* what HTTP.SYS reserved and never wrote: a crash leaves NUL bytes */
	if (length > 0 && r->used == 0 && bytes[0] == '\0') {
		while (length > 0 && bytes[0] == '\0') {
			bytes++;
			length--;
		}
	}
	if (r->skipping)
		return;
	if (length > LINE_LONGEST - r->used) {
		r->skipping = true;
		return;
	}
	memcpy(r->line + r->used, bytes, length);
	r->used += length;
}

static void feed(struct reader *r, const char *bytes, size_t length)
{
	while (length > 0) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end ? (size_t)(end - bytes) : length;

		add_bytes(r, bytes, part);
		if (!end)
			return;
		end_line(r);
		bytes += part + 1;
		length -= part + 1;
	}
}

/* Narrows in place; an odd byte at the end is dropped, which only a cut file has. */
static size_t narrow(char *bytes, size_t length)
{
	for (size_t i = 0; i + 1 < length; i += 2)
		bytes[i / 2] = bytes[i + 1] == '\0' ? bytes[i] : '?';
	return length / 2;
}

/* Removes a byte order mark and notes UTF-16; returns how many bytes to skip. */
static size_t recognise_encoding(struct reader *r, const char *bytes, size_t length)
{
	if (length >= 2 && memcmp(bytes, "\xff\xfe", 2) == 0) {
		r->wide = true;
		return 2;
	}
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		return 3;
	if (length >= 4 && bytes[0] == '#' && bytes[1] == '\0' && bytes[3] == '\0')
		r->wide = true;
	return 0;
}

static void remember(char *to, size_t size, const char *name)
{
	if (to[0] == '\0')
		snprintf(to, size, "%s", name);
}

/* An HTTPERR log holds events, or a #Fields line with s-reason. */
static void close_file(struct reader *r)
{
	struct httperr *log = r->log;

	if (r->used > 0)
		end_line(r);
	if (r->events == 0 && !(r->columns.known && r->columns.reason)) {
		log->foreign_files++;
		remember(log->first_foreign, sizeof(log->first_foreign), r->name);
		return;
	}
	log->files++;
	log->broken_lines += r->broken;
	if (r->broken > 0 && log->first_broken == 0) {
		log->first_broken = r->first_broken;
		remember(log->first_broken_file, sizeof(log->first_broken_file), r->name);
	}
}

static enum ps_status read_stream(struct reader *r, gzFile stream, char *chunk,
				  struct progress *progress, struct ps_error *err)
{
	uint64_t packed = 0;
	bool first = true;
	int got;

	while ((got = gzread(stream, chunk, CHUNK)) > 0) {
		size_t length = (size_t)got, skip = 0;

		if (signals_interrupted())
			return ps_fail(err, PS_INTERRUPTED, "interrupted");
		if (first)
			skip = recognise_encoding(r, chunk, length);
		first = false;
		if (r->wide)
			feed(r, chunk + skip, narrow(chunk + skip, length - skip));
		else
			feed(r, chunk + skip, length - skip);
		/* the bar counts bytes of the file, packed or not */
		progress_advance(progress, (uint64_t)gzoffset(stream) - packed);
		packed = (uint64_t)gzoffset(stream);
	}
	return PS_OK;
}

static void note_cut(struct reader *r)
{
	r->log->cut_files++;
	remember(r->log->first_cut, sizeof(r->log->first_cut), r->name);
}

/* Takes `fd` over. */
static enum ps_status read_log(struct reader *r, int fd, char *chunk, struct progress *progress,
			       struct ps_error *err)
{
	gzFile stream = gzdopen(fd, "rb");
	enum ps_status status;
	int error;

	if (!stream) {
		close(fd);
		return ps_fail_memory(err, "a log file");
	}
	gzbuffer(stream, CHUNK);
	status = read_stream(r, stream, chunk, progress, err);
	gzerror(stream, &error);
	/* a packed file that ends early is told on closing only */
	if (gzclose_r(stream) != Z_OK || error != Z_OK)
		note_cut(r);
	if (status == PS_OK)
		close_file(r);
	return status;
}

static void reader_begin(struct reader *r, const char *name)
{
	r->columns = (struct httperr_columns){.known = false};
	r->name = name;
	r->line_number = r->events = r->broken = r->first_broken = 0;
	r->wide = r->skipping = false;
	r->used = 0;
}

/* The regular files of a folder, in the order of their names. */
static int is_candidate(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

struct work {
	struct reader *reader;
	char *chunk;
	struct progress *progress;
};

static enum ps_status read_folder(const struct work *w, int folder, const char *path,
				  struct ps_error *err)
{
	struct httperr *log = w->reader->log;
	struct dirent **names;
	enum ps_status status = PS_OK;
	int count = scandirat(folder, ".", &names, is_candidate, alphasort);

	if (count < 0)
		return ps_fail_errno(err, errno, "cannot list the folder %s", path);
	for (int i = 0; i < count; i++) {
		struct stat st;
		int fd = -1;

		if (status == PS_OK && fstatat(folder, names[i]->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode)) {
			fd = openat(folder, names[i]->d_name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
			if (fd < 0) {
				log->unreadable_files++;
				remember(log->first_unreadable, sizeof(log->first_unreadable),
					 names[i]->d_name);
			}
		}
		if (fd >= 0) {
			reader_begin(w->reader, names[i]->d_name);
			status = read_log(w->reader, fd, w->chunk, w->progress, err);
		}
		free(names[i]);
	}
	free(names);
	return status;
}

static enum ps_status read_path(const struct work *w, const char *path, struct ps_error *err)
{
	const char *slash = strrchr(path, '/');
	enum ps_status status;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return ps_fail_errno(err, errno, "cannot open %s", path);
	if (fstat(fd, &st) != 0) {
		status = ps_fail_errno(err, errno, "cannot look at %s", path);
	} else if (S_ISDIR(st.st_mode)) {
		status = read_folder(w, fd, path, err);
	} else if (S_ISREG(st.st_mode)) {
		reader_begin(w->reader, slash ? slash + 1 : path);
		return read_log(w->reader, fd, w->chunk, w->progress, err);
	} else {
		status = ps_fail(err, PS_UNSUPPORTED, "%s is neither a file nor a folder", path);
	}
	close(fd);
	return status;
}

static uint64_t bytes_of_paths(const char *const *paths, size_t count)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		struct stat st;

		if (stat(paths[i], &st) == 0 && S_ISREG(st.st_mode))
			total += (uint64_t)st.st_size;
	}
	return total;
}

static int more_events(const void *a, const void *b)
{
	const struct httperr_reason *x = a, *y = b;

	if (x->events != y->events)
		return x->events < y->events ? 1 : -1;
	return strcmp(x->name, y->name);
}

static enum ps_status nothing_found(const struct httperr *log, const char *path,
				    struct ps_error *err)
{
	if (log->foreign_files == 0)
		ps_fail(err, PS_NOT_FOUND, "no file in %s", path);
	else
		ps_fail(err, PS_NOT_FOUND,
			"no HTTPERR log in %s: %s has no s-reason field and no "
			"line of that kind",
			path, log->first_foreign);
	ps_hint(err, "HTTP.SYS keeps them in %%SystemRoot%%\\System32\\LogFiles\\HTTPERR");
	return err->status;
}

enum ps_status httperr_create(const char *const *paths, size_t count,
			      const struct httperr_times *times, struct progress *progress,
			      struct httperr **ret, struct ps_error *err)
{
	struct httperr *log = mem_array(1, sizeof(*log));
	struct reader *reader = mem_array(1, sizeof(*reader));
	char *chunk = mem_array(CHUNK, 1);
	struct work work = {reader, chunk, progress};
	enum ps_status status = PS_OK;

	if (!log || !reader || !chunk) {
		status = ps_fail_memory(err, "the HTTPERR logs");
		goto out;
	}
	log->times = *times;
	reader->log = log;
	reader->times = times;
	progress_begin(progress, "reading HTTPERR logs", bytes_of_paths(paths, count));
	for (size_t i = 0; i < count && status == PS_OK; i++)
		status = read_path(&work, paths[i], err);
	progress_end(progress);
	if (status == PS_OK && log->files == 0)
		status = nothing_found(log, paths[0], err);
	qsort(log->reasons, log->reason_count, sizeof(log->reasons[0]), more_events);
out:
	free(chunk);
	free(reader);
	if (status == PS_OK)
		*ret = log;
	else
		free(log);
	return status;
}

void httperr_destroy(struct httperr *log)
{
	free(log);
}

const struct httperr_reason *httperr_find(const struct httperr *log, const char *name)
{
	for (size_t i = 0; i < log->reason_count; i++) {
		if (strcmp(log->reasons[i].name, name) == 0)
			return &log->reasons[i];
	}
	return NULL;
}

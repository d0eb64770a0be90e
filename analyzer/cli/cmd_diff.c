/*
 * poolscope diff: what changed between dumps, reports and poolmon logs.
 *
 * A file is told by its contents: JSON, poolmon's table, or anything else, which is opened as a
 * dump. Dumps are opened one after the other; only what is compared is kept of each.
 */
#include "analyzer/cli/one_case.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyzer/desk/diff.h"
#include "base/memory.h"
#include "base/signals.h"

enum { TEXT_ROWS = 20, HEAD = 64 << 10, TEXT_MOST = 64 << 20 };

/* The comparison while its files are read. */
struct work {
	const struct options *options;
	const struct inputs *inputs;
	const struct log *log;
	struct report *store;
	struct usage_list list;
};

static void choose(const struct options *options, struct selection *ret)
{
	ret->view = VIEW_TAGS;
	ret->sections = SECTION_SYSTEM | SECTION_TRACKER | SECTION_TAGS | SECTION_TOTALS;
	if (!options->no_owners)
		ret->sections |= SECTION_OWNERS;
	ret->evidence = EVIDENCE_SHORT;
	ret->with_empty = true;
}

static enum ps_status check(const struct case_file *c, struct ps_error *err)
{
	if (c->pools)
		return PS_OK;
	*err = c->pools_error;
	return err->status;
}

static const struct command command_diff_case = {CASE_POOLS, true, false, choose, check};

static enum ps_status read_dump(struct work *w, const char *path, struct ps_error *err)
{
	struct usage *usage = usage_add(&w->list);
	struct progress progress;
	struct one_case one;
	enum ps_status status;

	if (!usage)
		return ps_fail_memory(err, "the points to compare");
	progress_init(&progress, w->options->verbosity != LOG_QUIET);
	status = one_case_run(&one, &command_diff_case, w->options, w->inputs, path, w->log,
			      &progress, err);
	if (status == PS_OK)
		status = usage_of_report(one.report, w->store, usage, err);
	else if (status != PS_INTERRUPTED && status != PS_NO_MEMORY && !strstr(err->text, path))
		ps_wrap(err, "%s", path);
	one_case_fini(&one);
	return status;
}

/* All of a text, at most TEXT_MOST bytes. Caller frees. */
static enum ps_status read_text(FILE *file, const char *path, char **ret, size_t *ret_length,
				struct ps_error *err)
{
	struct stat st;
	size_t size;
	char *text;

	if (fstat(fileno(file), &st) != 0)
		return ps_fail_errno(err, errno, "cannot read %s", path);
	if (st.st_size < 0 || st.st_size > TEXT_MOST)
		return ps_fail(err, PS_UNSUPPORTED,
			       "%s: a report or log of more than %d MB is not read", path,
			       TEXT_MOST >> 20);
	size = (size_t)st.st_size;
	text = mem_array(size + 1, 1);
	if (!text)
		return ps_fail_memory(err, "a report or log");
	rewind(file);
	*ret_length = fread(text, 1, size, file);
	if (ferror(file)) {
		free(text);
		return ps_fail(err, PS_SYSTEM, "cannot read %s", path);
	}
	*ret = text;
	return PS_OK;
}

static enum ps_status take_text(struct work *w, const char *path, enum usage_kind kind,
				const char *text, size_t length, struct ps_error *err)
{
	struct usage *usage;

	if (kind == USAGE_POOLMON)
		return usage_of_poolmon(path, text, length, w->store, &w->list, err);
	usage = usage_add(&w->list);
	if (!usage)
		return ps_fail_memory(err, "the points to compare");
	return usage_of_json(path, text, length, w->store, usage, err);
}

/* Dumps and archives have bytes in their first ones that no text has. */
static bool is_text(const char *head, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)head[i] < ' ' && !memchr("\t\n\f\r", head[i], 4))
			return false;
	return length > 0;
}

/* USAGE_DUMP for what is no regular file, too: the readers of dumps say what is wrong with it. */
static enum ps_status recognise(FILE *file, const char *path, char *head, enum usage_kind *ret,
				struct ps_error *err)
{
	struct stat st;
	size_t length;

	*ret = USAGE_DUMP;
	if (fstat(fileno(file), &st) != 0 || !S_ISREG(st.st_mode))
		return PS_OK;
	length = fread(head, 1, HEAD, file);
	*ret = usage_recognise(head, length);
	if (*ret != USAGE_DUMP || !is_text(head, length))
		return PS_OK;
	ps_fail(err, PS_UNSUPPORTED,
		"%s is a text, but neither a report of `poolscope analyze --json` nor a log of "
		"`poolmon -n`",
		path);
	ps_hint(err, "a log is known by poolmon's line of columns, Tag Type Allocs Frees Diff "
		     "Bytes, at the beginning of a line");
	return err->status;
}

static enum ps_status read_point(struct work *w, const char *path, struct ps_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *file = fd >= 0 ? fdopen(fd, "rb") : NULL;
	char *head = mem_array(HEAD, 1), *text = NULL;
	enum usage_kind kind = USAGE_DUMP;
	enum ps_status status = PS_OK;
	size_t length = 0;

	if (fd >= 0 && !file)
		close(fd);
	if (file && head)
		status = recognise(file, path, head, &kind, err);
	if (kind != USAGE_DUMP)
		status = read_text(file, path, &text, &length, err);
	if (file)
		fclose(file);
	free(head);
	if (kind == USAGE_DUMP && status == PS_OK)
		return read_dump(w, path, err);
	if (status == PS_OK)
		status = take_text(w, path, kind, text, length, err);
	free(text);
	return status;
}

static struct diff_options rows_of(const struct options *options)
{
	static const enum diff_sort sorts[] = {
		[SORT_BYTES] = DIFF_BY_BYTES,
		[SORT_DIFF] = DIFF_BY_DIFF,
		[SORT_TAG] = DIFF_BY_TAG,
	};
	const bool text = options->output == OUTPUT_TEXT;

	return (struct diff_options){
		.sort = options->by_rate ? DIFF_BY_RATE : sorts[options->sort],
		.filter = options->filter,
		.tags = options->tags,
		.tag_count = options->tag_count,
		.top = options->has_top ? options->top
		       : text           ? TEXT_ROWS
					: 0,
		.with_unchanged = !text,
		.seconds = options->diff_seconds,
	};
}

static enum ps_status render(const struct options *options, const struct diff_report *report,
			     struct ps_error *err)
{
	const struct render_options how = command_render_options(options);

	switch (options->output) {
	case OUTPUT_JSON: return render_diff_json(report, stdout, err);
	case OUTPUT_CSV: return render_diff_csv(report, stdout, err);
	default: return render_diff_text(report, &how, stdout, err);
	}
}

static int compare(struct work *w)
{
	const struct diff_options rows = rows_of(w->options);
	struct ps_error error = PS_ERROR_INIT;
	struct diff_report report = {.store = w->store};
	enum ps_status status = PS_OK;

	for (size_t i = 0; i < w->options->diff_path_count && status == PS_OK; i++) {
		status = signals_interrupted() ? ps_fail(&error, PS_INTERRUPTED, "interrupted")
					       : read_point(w, w->options->diff_paths[i], &error);
	}
	if (status == PS_OK)
		status = diff_make(&w->list, &rows, &report, &error);
	if (status != PS_OK)
		return command_fail(&error, w->options->output == OUTPUT_JSON);
	report.options = w->options->given;
	report.option_count = w->options->given_count;
	if (render(w->options, &report, &error) != PS_OK)
		return command_fail(&error, false);
	return command_finish(report.incomplete ? 1 : 0);
}

int command_diff(const struct options *options, const struct inputs *inputs)
{
	struct log log = {(enum log_level)options->verbosity};
	struct ps_error error = PS_ERROR_INIT;
	struct work w = {.options = options, .inputs = inputs, .log = &log};
	int result;

	w.store = report_create();
	if (!w.store) {
		ps_fail_memory(&error, "the comparison");
		return command_fail(&error, options->output == OUTPUT_JSON);
	}
	result = compare(&w);
	free(w.list.items);
	report_destroy(w.store);
	return result;
}

/*
 * poolscope batch: many cases, one worker process each. The report of a case is that of `analyze`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyzer/cli/one_case.h"
#include "analyzer/desk/batch.h"
#include "analyzer/desk/merge.h"
#include "analyzer/report/format.h"
#include "analyzer/report/summary.h"
#include "base/memory.h"
#include "formats/beside.h"
#include "base/processors.h"
#include "formats/look.h"

enum { OUTPUT_BUFFER = 256 << 10 /* bytes; a report has megabytes */ };

struct job {
	const struct options *options;
	const struct inputs *inputs;
};

/* Closes `out`, whose data may only now be written. */
static bool finish(FILE *out)
{
	bool good = !ferror(out);

	return fclose(out) == 0 && good;
}

/* Names in a message can be of any bytes; JSON is not. */
static int refuse(struct ps_error *error, const int outputs[WORKER_OUTPUTS])
{
	char *safe = format_safe(error->text, TARGET_UTF8);
	FILE *out = fdopen(outputs[WORKER_REPORT], "w");
	FILE *summary = fdopen(outputs[WORKER_SUMMARY], "w");
	struct ps_error second = PS_ERROR_INIT;
	bool written;
	int status = error->status == PS_NO_MEMORY || error->status == PS_INTERNAL ||
				     error->status == PS_INTERRUPTED
			     ? JOB_FAULT
			     : JOB_REFUSED;

	if (safe)
		snprintf(error->text, sizeof(error->text), "%s", safe);
	free(safe);
	if (!out || !summary)
		return JOB_FAULT;
	render_json_error_line(error, out);
	render_summary_error(error, summary, &second);
	written = finish(out) && second.status == PS_OK;
	return finish(summary) && written ? status : JOB_FAULT;
}

typedef enum ps_status renderer(const struct report *report, FILE *out, struct ps_error *err);

static bool write_with(renderer *render, const struct report *report, int fd, struct ps_error *err)
{
	FILE *out = fdopen(fd, "w");

	if (!out)
		return ps_fail_errno(err, errno, "cannot write the report") == PS_OK;
	setvbuf(out, NULL, _IOFBF, OUTPUT_BUFFER);
	render(report, out, err);
	if (!finish(out) && err->status == PS_OK)
		ps_fail(err, PS_SYSTEM, "cannot write the report");
	return err->status == PS_OK;
}

static int write_case(const struct options *options, const struct report *report,
		      const int outputs[WORKER_OUTPUTS])
{
	struct ps_error error = PS_ERROR_INIT;

	if ((options->batch.keep_pages &&
	     !write_with(render_html, report, outputs[WORKER_PAGE], &error)) ||
	    !write_with(render_json_line, report, outputs[WORKER_REPORT], &error) ||
	    !write_with(render_summary, report, outputs[WORKER_SUMMARY], &error))
		return JOB_FAULT;
	return report->incomplete ? JOB_INCOMPLETE : JOB_COMPLETE;
}

/* How long it took would make each report of one and the same case another one. */
static void forget_times(struct report_packed *packed)
{
	packed->elapsed_ms = packed->processor_ms = (struct report_number){
		.note = "the results of a batch do not depend on how long it took"};
}

static int run_job(void *context, const char *path, const int outputs[WORKER_OUTPUTS])
{
	const struct job *job = context;
	struct ps_error error = PS_ERROR_INIT;
	struct log log = {LOG_QUIET};
	struct progress progress;
	struct one_case one;
	int status;

	progress_init(&progress, false);
	if (one_case_run(&one, &command_analyze, job->options, job->inputs, path, &log, &progress,
			 &error) != PS_OK)
		status = refuse(&error, outputs);
	else {
		forget_times(&one.report->file.packed);
		status = write_case(job->options, one.report, outputs);
	}
	one_case_fini(&one);
	return status;
}

static bool is_no_state(void *context, const char *path)
{
	(void)context;
	return !file_looks_like_dump(path);
}

/* VMware's memory is opened through the state beside it, which is a case itself. */
static bool looks_like_case(const char *path, void *context)
{
	(void)context;
	return (!beside_is_memory(path) || beside_visit_all(path, is_no_state, NULL)) &&
	       file_looks_like_dump(path);
}

static unsigned default_jobs(void)
{
	unsigned count = processors_allowed();

	return count < BATCH_JOBS_MOST ? count : BATCH_JOBS_MOST;
}

static enum ps_status print(const struct options *options, const struct batch_report *report,
			    struct ps_error *err)
{
	const struct render_options how = command_render_options(options);

	switch (options->output) {
	case OUTPUT_JSON: return batch_json(report, stdout, err);
	case OUTPUT_CSV: return batch_csv(report, stdout, err);
	default: return batch_text(report, &how, stdout, err);
	}
}

/* Of the options those that a report can depend on: it must not tell how the batch was run. */
static bool is_of_report(const char *given)
{
	static const char *const others[] = {
		"--out=",      "--jobs=",     "--timeout=", "--max-memory=", "--retry-failed",
		"--case-json", "--case-html", "--shard=",   "--merge",       "--json",
		"--csv",       "--color",     "--quiet",    "--verbose"};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(given, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

/*
 * What a worker works with: a copy that differs in `given`, whose array is the caller's to free. A
 * worker is one thread: the processors are busy with other cases.
 */
static enum ps_status options_of_worker(const struct options *options, struct options *ret,
					struct ps_error *err)
{
	*ret = *options;
	ret->threads = 1;
	ret->given = mem_array(options->given_count + 1, sizeof(*ret->given));
	ret->given_count = 0;
	if (!ret->given)
		return ps_fail_memory(err, "the options");
	for (size_t i = 0; i < options->given_count; i++)
		if (is_of_report(options->given[i]))
			ret->given[ret->given_count++] = options->given[i];
	return PS_OK;
}

static enum ps_status print_merge(const struct options *options, const struct merge_report *report,
				  struct ps_error *err)
{
	switch (options->output) {
	case OUTPUT_JSON: return merge_json(report, stdout, err);
	case OUTPUT_CSV: return merge_csv(report, stdout, err);
	default: return merge_text(report, stdout, err);
	}
}

static int merge(const struct options *options)
{
	const struct batch_options *batch = &options->batch;
	struct log log = {(enum log_level)options->verbosity};
	struct ps_error error = PS_ERROR_INIT;
	struct merge_report report;
	struct progress progress;
	int result;

	progress_init(&progress, options->verbosity != LOG_QUIET);
	if (merge_run(batch->paths, batch->path_count, batch->out, &log, &progress, &report,
		      &error) != PS_OK ||
	    print_merge(options, &report, &error) != PS_OK)
		result = command_fail(&error, options->output == OUTPUT_JSON);
	else
		result = command_finish(merge_is_whole(&report) ? 0 : 1);
	merge_report_fini(&report);
	return result;
}

/* What could not be read may have been a case. */
static bool is_whole(const struct batch_report *report)
{
	return report->results[CASE_COMPLETE] == report->row_count && report->unreadable_count == 0;
}

int command_batch(const struct options *options, const struct inputs *inputs)
{
	struct options of_report;
	struct job job = {&of_report, inputs};
	struct batch_options batch = options->batch;
	struct log log = {(enum log_level)options->verbosity};
	struct ps_error error = PS_ERROR_INIT;
	struct batch_report report = {0};
	struct progress progress;
	int result;

	if (batch.merge)
		return merge(options);
	if (batch.jobs == 0)
		batch.jobs = default_jobs();
	batch.looks = looks_like_case;
	batch.job = run_job;
	batch.context = &job;
	progress_init(&progress, options->verbosity != LOG_QUIET);
	if (options_of_worker(options, &of_report, &error) != PS_OK ||
	    batch_run(&batch, &log, &progress, &report, &error) != PS_OK ||
	    print(options, &report, &error) != PS_OK)
		result = command_fail(&error, options->output == OUTPUT_JSON);
	else
		result = command_finish(is_whole(&report) ? 0 : 1);
	batch_report_fini(&report);
	free(of_report.given);
	return result;
}

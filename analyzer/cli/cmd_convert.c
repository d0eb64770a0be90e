/*
 * poolscope convert: the memory of a file as a Windows crash dump, and a few lines on what was
 * written and what is not in it.
 *
 *   0 all that the file holds is in the dump, and debuggers find KDBG in it
 *   1 pages could not be read, or there is no KDBG in clear: each is said
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyzer/cli/command.h"
#include "analyzer/desk/convert.h"
#include "analyzer/report/format.h"
#include "base/time.h"

enum { EXIT_COMPLETE = 0, EXIT_INCOMPLETE = 1, EXIT_FAULT = 4, LINE_TEXT = 1024 };

/* Names of files stand in these lines: nothing in them moves the cursor. */
static void line(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void line(const char *label, const char *format, ...)
{
	char text[LINE_TEXT];
	char *safe;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	safe = format_safe(text, format_terminal());
	printf("%-9s %s\n", label, safe ? safe : "out of memory");
	free(safe);
}

static const char *pages(uint64_t count)
{
	return count == 1 ? "page" : "pages";
}

static void print_files(const struct options *o, const struct case_file *c,
			const struct convert_result *r)
{
	bool full = r->written.body == CRASH_BODY_FULL;
	char size[SIZE_TEXT];

	line("File", "%s: %s, %s", o->file, c->dump->title,
	     format_size_unsigned(c->dump->file.size, size));
	line("Written", "%s: Windows crash dump, type %d (%s), %s, %s", o->out,
	     (int)r->written.body, full ? "full" : "bitmap", crash_layout(r->pointer)->width,
	     format_size_unsigned(r->written.bytes, size));
}

static void print_pages(const struct convert_result *r)
{
	const struct crash_written *w = &r->written;

	line("Pages", "%" PRIu64 " written", w->pages);
	if (w->lost > 0 && w->first_known)
		line("",
		     "%" PRIu64 " %s that the file lists could not be read and %s left out; the "
		     "first, physical 0x%" PRIx64 ", is %s",
		     w->lost, pages(w->lost), w->lost == 1 ? "is" : "are", w->lost_first << 12,
		     page_state_words(w->lost_why));
	else if (w->lost > 0)
		line("", "%" PRIu64 " %s that the file counts could not be found and %s left out",
		     w->lost, pages(w->lost), w->lost == 1 ? "is" : "are");
	if (w->holes > 0)
		line("", "%" PRIu64 " %s that the file lists but does not store %s left out",
		     w->holes, pages(w->holes), w->holes == 1 ? "is" : "are");
	if (!w->memory_known)
		line("", "how much memory the machine has is not known");
	else if (w->memory_absent > 0)
		line("", "%" PRIu64 " %s of the machine's memory %s not in it", w->memory_absent,
		     pages(w->memory_absent), w->memory_absent == 1 ? "is" : "are");
}

static void print_kdbg(const struct convert_result *r)
{
	const struct fact *kdbg = &r->facts.kdbg;

	if (!kdbg->known)
		line("KDBG", "none was found: debuggers will not open this dump without symbols");
	else if (!r->kdbg_encoded)
		line("KDBG", "0x%" PRIx64, kdbg->value);
	else if (r->kdbg_decoded)
		line("KDBG", "0x%" PRIx64 ": encoded in the file, written in clear", kdbg->value);
	else
		line("KDBG", "0x%" PRIx64 ": encoded, and so in the dump: debuggers cannot read it",
		     kdbg->value);
}

static void print_crash(const struct convert_result *r)
{
	const struct machine_facts *f = &r->facts;
	char iso[TIME_ISO] = "an unknown time", uptime[DURATION_TEXT] = "unknown";

	if (f->system_time.known)
		time_to_iso(time_of_filetime(f->system_time.value), iso);
	if (f->uptime.known)
		format_duration(f->uptime.value / 10000000, uptime);
	line("Time", "%s, up %s", iso, uptime);
}

static void print_bugcheck(const struct convert_result *r)
{
	static const char *const sources[] = {
		[BUGCHECK_HEADER] = "",
		[BUGCHECK_KERNEL] = ", from KiBugcheckData: the machine had crashed already",
		[BUGCHECK_NONE] = ", which stands for a machine that was running",
	};
	const struct machine_facts *f = &r->facts;
	const char *name = bugcheck_name(f->bugcheck_code.value);

	line("Bug check", "0x%08" PRIx64 "%s%s%s", f->bugcheck_code.value, name ? " " : "",
	     name ? name : "", sources[r->bugcheck]);
}

static int print_result(const struct options *o, const struct case_file *c,
			const struct convert_result *r)
{
	const struct kernel *k = c->kernel;
	bool whole =
		r->written.lost == 0 && r->facts.kdbg.known && r->kdbg_encoded == r->kdbg_decoded;

	print_files(o, c, r);
	print_pages(r);
	line("Kernel", "%s, %s, at 0x%" PRIx64 ", page tables at 0x%" PRIx64,
	     kernel_product_name(k), k->arch, k->base, space_dtb(k->space));
	print_kdbg(r);
	print_crash(r);
	print_bugcheck(r);
	return command_finish(whole ? EXIT_COMPLETE : EXIT_INCOMPLETE);
}

/* What cannot be written is no fault of the input. */
static int fail_writing(const struct ps_error *err)
{
	int result = command_fail(err, false);

	return err->status == PS_SYSTEM ? EXIT_FAULT : result;
}

static int convert_case(const struct options *o, const struct convert_options *how,
			const struct case_file *c, struct progress *progress)
{
	struct ps_error error = PS_ERROR_INIT;
	struct convert_result result;

	if (convert_write(c, how, progress, &result, &error) != PS_OK)
		return fail_writing(&error);
	return print_result(o, c, &result);
}

int command_convert(const struct options *options, const struct symbol_options *symbols)
{
	const struct convert_options how = {options->out, options->body, options->force};
	struct log log = {(enum log_level)options->verbosity};
	struct ps_error error = PS_ERROR_INIT;
	struct case_file c = {.dump = NULL};
	struct progress progress;
	int result;

	if (convert_check(options->file, &how, &error) != PS_OK)
		return fail_writing(&error);
	progress_init(&progress, options->verbosity != LOG_QUIET);
	if (command_open_file(options, options->file, CASE_KERNEL, symbols, &log, &progress, &c,
			      &error) != PS_OK) {
		progress_end(&progress);
		result = command_fail(&error, false);
	} else {
		result = convert_case(options, &how, &c, &progress);
	}
	case_fini(&c);
	return result;
}

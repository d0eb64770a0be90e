/*
 * See convert.h. Not supported: minidumps as a source, which hold no physical pages.
 */
#include "analyzer/desk/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "analyzer/report/format.h"
#include "base/new_file.h"

static const char comment[] = "Converted by poolscope " POOLSCOPE_VERSION;

static enum ps_status refuse(const char *path, const char *why, const char *hint,
			     struct ps_error *err)
{
	ps_fail(err, PS_USAGE, "convert does not write %s: %s", path, why);
	ps_hint(err, "%s", hint);
	return err->status;
}

static bool is_same(const struct stat *found, const char *path)
{
	struct stat other;

	return stat(path, &other) == 0 && other.st_dev == found->st_dev &&
	       other.st_ino == found->st_ino;
}

enum ps_status convert_check(const char *source, const struct convert_options *options,
			     struct ps_error *err)
{
	static const char new_name[] = "name a new file";
	const char *path = options->path;
	struct stat found;

	if (lstat(path, &found) != 0) {
		if (errno != ENOENT)
			return ps_fail_errno(err, errno, "cannot write %s", path);
		return new_file_check_folder(path, err);
	}
	if (S_ISDIR(found.st_mode))
		return refuse(path, "it is a folder", new_name, err);
	if (S_ISLNK(found.st_mode))
		return refuse(path, "it is a symbolic link", new_name, err);
	if (!S_ISREG(found.st_mode))
		return refuse(path, "it is no regular file", new_name, err);
	if (is_same(&found, source))
		return refuse(path, "it is the file to read", new_name, err);
	if (!options->force)
		return refuse(path, "a file of that name is there", "--force replaces it", err);
	return new_file_check_folder(path, err);
}

/* The pages that the block and the flag lie in, as the writer wants them. */
static unsigned make_patches(struct kernel *kernel, struct kdbg_piece pieces[KDBG_PIECES],
			     struct crash_patch patches[KDBG_PIECES])
{
	unsigned count = kernel_kdbg_pieces(kernel, pieces);

	for (unsigned i = 0; i < count; i++)
		patches[i] = (struct crash_patch){
			.pa = pieces[i].pa, .data = pieces[i].data, .length = pieces[i].length};
	return count;
}

static enum ps_status check_room(const struct new_file *file, const struct crash_size *size,
				 struct ps_error *err)
{
	char wanted[SIZE_TEXT], there[SIZE_TEXT];
	struct statvfs disk;
	uint64_t room;

	if (fstatvfs(file->fd, &disk) != 0)
		return PS_OK; /* a full disk shows itself while writing, too */
	room = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (size->bytes <= room)
		return PS_OK;
	ps_fail(err, PS_SYSTEM,
		"cannot write %s: it takes up to %s, and its filesystem has %s free", file->path,
		format_size_unsigned(size->bytes, wanted), format_size_unsigned(room, there));
	ps_hint(err,
		"name a file elsewhere; pages of zeros take no room, and --force tries whether "
		"the rest fits");
	return err->status;
}

static enum ps_status write_file(struct dump *dump, const struct crash_plan *plan,
				 const struct convert_options *options, struct progress *progress,
				 struct convert_result *ret, struct ps_error *err)
{
	struct crash_size size;
	struct new_file file;

	if (crash_measure(dump, plan, &size, err) != PS_OK ||
	    new_file_create(&file, options->path, err) != PS_OK)
		return err->status;
	if ((!options->force && check_room(&file, &size, err) != PS_OK) ||
	    crash_write(dump, plan, file.fd, progress, &ret->written, err) != PS_OK) {
		new_file_discard(&file);
		return err->status;
	}
	return new_file_commit(&file, options->force, err);
}

static enum ps_status check_source(const struct case_file *c, struct ps_error *err)
{
	if (!c->kernel) {
		*err = c->kernel_error;
		return err->status;
	}
	if (c->dump->holds == HOLDS_PAGES)
		return PS_OK;
	ps_fail(err, PS_UNSUPPORTED,
		"%s is a minidump: it holds pieces of virtual memory and no physical pages that "
		"could be written",
		file_words(&c->dump->file));
	ps_hint(err, "debuggers open it as it is");
	return err->status;
}

enum ps_status convert_write(const struct case_file *c, const struct convert_options *options,
			     struct progress *progress, struct convert_result *ret,
			     struct ps_error *err)
{
	struct kdbg_piece pieces[KDBG_PIECES];
	struct crash_patch patches[KDBG_PIECES];
	struct crash_plan plan = {.path = options->path,
				  .body = options->body,
				  .patches = patches,
				  .comment = comment};

	*ret = (struct convert_result){.pointer = 0};
	if (check_source(c, err) != PS_OK)
		return err->status;
	kernel_crash_facts(c->kernel, &ret->facts, &ret->bugcheck);
	plan.facts = ret->facts;
	plan.pointer = ret->pointer = c->kernel->pointer_size;
	plan.patch_count = make_patches(c->kernel, pieces, patches);
	ret->kdbg_encoded = c->kernel->kdbg.encoded;
	ret->kdbg_decoded = plan.patch_count > 0;
	if (kernel_memory_runs(c->kernel, &plan.memory, err) == PS_OK)
		write_file(c->dump, &plan, options, progress, ret, err);
	free(plan.memory.items);
	return err->status;
}

/*
 * From an archive to the dump inside, through archives in archives.
 */
#include "formats/pack/packed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "formats/formats.h"
#include "formats/pack/walk.h"

bool packed_is(struct file *file)
{
	return pack_kind_of_file(file) != PACK_NONE;
}

static uint64_t nanoseconds(clockid_t clock)
{
	struct timespec t = {0};

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* "dump.gz" and "MEMORY.DMP" become "dump.gz/MEMORY.DMP"; "zip" and "gz" become "gz in zip". */
static bool note_level(struct packed_dump *packed, const struct level *level)
{
	const char *name = level->chosen.name, *packing = level->chosen.member.packing;
	char *member = packed->member ? mem_printf("%s/%s", packed->member, name)
				      : mem_strndup(name, strlen(name));
	char *stored = mem_strndup(level->chosen.stored, strlen(level->chosen.stored));
	char before[sizeof(packed->packing)];

	if (!member || !stored) {
		free(member);
		free(stored);
		return false;
	}
	free(packed->member);
	free(packed->name);
	packed->member = member;
	packed->name = stored;
	snprintf(before, sizeof(before), "%s", packed->packing);
	snprintf(packed->packing, sizeof(packed->packing), "%s%s%.40s", packing,
		 before[0] ? " in " : "", before);
	packed->holes = level->chosen.member.sparse != 0;
	packed->worked_ns += level->worked_ns;
	if (level->note[0] != '\0')
		snprintf(packed->note, sizeof(packed->note), "%s", level->note);
	return true;
}

struct request {
	const struct pack_options *options;
	pack_recognise *recognise;
	const struct log *log;
	struct progress *progress;
};

/* The archive that the dump was in, and what its members are called. */
struct packed_beside {
	struct file archive;
	struct request request;
	struct member_names names;
};

void packed_settle(struct packed_dump *packed)
{
	if (!packed || !packed->beside)
		return;
	file_close(&packed->beside->archive);
	member_names_fini(&packed->beside->names);
	free(packed->beside);
	packed->beside = NULL;
}

/* Keeps the archive, which the caller has no use for any more. */
static enum ps_status keep_archive(struct packed_dump *packed, struct file *file,
				   const struct request *request, struct level *level,
				   struct ps_error *err)
{
	struct packed_beside *beside = mem_array(1, sizeof(*beside));

	packed_settle(packed);
	if (!beside)
		return ps_fail_memory(err, "the unpacking of an archive");
	beside->archive = *file;
	beside->request = *request;
	beside->names = level->names;
	level->names = (struct member_names){.items = NULL};
	*file = (struct file){.fd = -1};
	packed->beside = beside;
	return PS_OK;
}

/* The unpacked file takes the place of the archive. */
static enum ps_status replace(struct file *file, const struct request *request, struct level *level,
			      struct packed_dump *packed, struct ps_error *err)
{
	char *path = mem_printf("%s in %s", level->chosen.name, file_words(file));
	struct file unpacked;
	enum ps_status status;

	if (!path || !note_level(packed, level)) {
		free(path);
		return ps_fail_memory(err, "the name of a member");
	}
	status = file_adopt(&unpacked, scratch_release(&level->chosen.scratch), path, err);
	free(path);
	if (status != PS_OK)
		return status;
	if (keep_archive(packed, file, request, level, err) != PS_OK) {
		file_close(&unpacked);
		return err->status;
	}
	*file = unpacked;
	return PS_OK;
}

static void fill_level(struct level *level, struct file *file, const struct request *request)
{
	uint64_t most = request->options->expand_most;

	level->file = file;
	level->kind = pack_kind_of_file(file);
	level->options = request->options;
	level->recognise = request->recognise;
	level->log = request->log;
	level->progress = request->progress;
	level->limits = (struct expand_limits){.most = most ? most : PACK_EXPAND_MOST};
	level->limits.archive_size = file->size;
	level->limits.trusted = most > 0;
}

/* One level: *wanted becomes what is left of it. */
static enum ps_status open_level(struct file *file, const struct request *request,
				 struct packed_dump *packed, const char **wanted,
				 struct ps_error *err)
{
	struct level *level = mem_array(1, sizeof(*level));
	enum ps_status status;

	if (!level)
		return ps_fail_memory(err, "the unpacking of an archive");
	fill_level(level, file, request);
	level->name = packed->member ? packed->member : packed->path;
	level->wanted = *wanted;
	status = level_open(level, err);
	if (status == PS_OK)
		status = replace(file, request, level, packed, err);
	*wanted = level->rest;
	level_close(level);
	free(level);
	return status;
}

enum ps_status packed_open_beside(struct packed_dump *packed, const char *name, struct file *ret,
				  struct ps_error *err)
{
	struct packed_beside *beside = packed->beside;
	struct level *level;

	if (!beside || !member_names_may_have(&beside->names, name))
		return ps_fail(err, PS_NOT_FOUND, "there is no member %.300s", name);
	level = mem_array(1, sizeof(*level));
	if (!level)
		return ps_fail_memory(err, "the unpacking of an archive");
	fill_level(level, &beside->archive, &beside->request);
	level->name = level->wanted = name;
	level->any_case = true;
	if (level_open(level, err) == PS_OK)
		file_adopt(ret, scratch_release(&level->chosen.scratch), name, err);
	else if (err->status == PS_USAGE)
		err->status = PS_NOT_FOUND;
	packed->worked_ns += level->worked_ns;
	level_close(level);
	free(level);
	return err->status;
}

static enum ps_status open_levels(struct file *file, const struct request *request,
				  struct packed_dump *packed, struct ps_error *err)
{
	const char *wanted = request->options->member;

	for (unsigned i = 0; i < PACK_LEVELS; i++) {
		if (open_level(file, request, packed, &wanted, err) != PS_OK)
			return err->status;
		if (packed_is(file))
			continue;
		if (!wanted)
			return PS_OK;
		return ps_fail(err, PS_USAGE, "%s is no archive, and has no member '%.100s'",
			       file_words(file), wanted);
	}
	ps_fail(err, PS_UNSUPPORTED, "%s: an archive in more than %d others is not opened",
		file_words(file), PACK_LEVELS - 1);
	ps_hint(err, "unpack the outer ones and open what is inside");
	return err->status;
}

enum ps_status packed_open(struct file *file, const struct pack_options *options,
			   pack_recognise *recognise, const struct log *log,
			   struct progress *progress, struct packed_dump **ret,
			   struct ps_error *err)
{
	const struct request request = {options, recognise, log, progress};
	uint64_t started = nanoseconds(CLOCK_MONOTONIC);
	uint64_t worked = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
	struct packed_dump *packed = mem_array(1, sizeof(*packed));

	if (!packed)
		return ps_fail_memory(err, "the unpacking of an archive");
	packed->size = file->size;
	packed->path = mem_strndup(file->path, strlen(file->path));
	if (!packed->path)
		ps_fail_memory(err, "the unpacking of an archive");
	else if (open_levels(file, &request, packed, err) == PS_OK) {
		packed->taken_ns = nanoseconds(CLOCK_MONOTONIC) - started;
		packed->worked_ns += nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - worked;
		*ret = packed;
		return PS_OK;
	}
	packed_destroy(packed);
	return err->status;
}

void packed_destroy(struct packed_dump *packed)
{
	if (!packed)
		return;
	packed_settle(packed);
	free(packed->path);
	free(packed->member);
	free(packed->name);
	free(packed);
}

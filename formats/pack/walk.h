/*
 * One archive from which the dump is to be taken. Private to this room.
 */
#ifndef PS_FORMATS_PACK_WALK_H
#define PS_FORMATS_PACK_WALK_H

#include "formats/pack/choose.h"

/** The first fields are the caller's to fill, all else is zero. */
struct level {
	struct file *file; /* the archive; of an archive in an archive the inner one */
	const char *name;  /* of the archive: what it packs may have no name of its own */
	enum pack_kind kind;
	const struct pack_options *options;
	const char *wanted; /* member, or NULL */
	bool any_case;      /* it is the whole stored name, in large or small letters */
	pack_recognise *recognise;
	const struct log *log;
	struct progress *progress; /* may be NULL */
	struct expand_limits limits;
	/* answers */
	const char *rest;        /* of what is wanted: a member of the archive that the member is */
	struct expansion chosen; /* whole */
	struct member_names names;
	char note[300];
	uint64_t worked_ns; /* processor time of the process that unpacked */
	/* for the walk only */
	struct expansion current;
	uint64_t chosen_number; /* 0: none yet */
	struct unpack unpack;
	struct choice choice;
};

/** Finds the member and unpacks it: level->chosen. level_close() in any case. */
enum ps_status level_open(struct level *level, struct ps_error *err);
void level_close(struct level *level);

/** Of the first bytes of the file. */
enum pack_kind pack_kind_of_file(struct file *file);

#endif

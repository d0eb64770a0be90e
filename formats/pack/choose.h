/*
 * Which member of an archive is the dump. Private to this room.
 */
#ifndef PS_FORMATS_PACK_CHOOSE_H
#define PS_FORMATS_PACK_CHOOSE_H

#include "formats/pack/expand.h"
#include "formats/pack/packed.h"

enum { CANDIDATES_KEPT = 16, NAME_WORDS = 160 };

struct candidate {
	uint64_t number; /* of the member in the archive, from 1 on */
	bool size_known;
	uint64_t size;
	struct recognised what;
	char name[NAME_WORDS]; /* printable */
};

/** What a walk over the archive found. */
struct choice {
	struct candidate kept[RANK_DUMP + 1][CANDIDATES_KEPT];
	uint64_t count[RANK_DUMP + 1];
	uint64_t files, links;
	struct candidate largest; /* of those of RANK_NONE with words */
	uint64_t unreadable;      /* members: of the first, `why` says how */
	struct ps_error why;
	char unreadable_name[NAME_WORDS]; /* of the first */
};

/** Names of the members of an archive, as stored. */
struct member_names {
	char **items; /* owned, and what they point to */
	size_t count, capacity;
	bool all; /* false: there may be others */
};

/** Forgets that these are all when there are too many, or memory is out. */
void member_names_add(struct member_names *names, const char *name);
void member_names_fini(struct member_names *names);

/** False when no member is called so, large and small letters alike. */
bool member_names_may_have(const struct member_names *names, const char *name);

/** A member's name as it can be printed: controls and what is no UTF-8 as \xNN. */
void name_words(const char *name, char out[NAME_WORDS]);

/**
 * True when the option `wanted` names this member: "#N", its name as stored or as printed, or its
 * name and a '/' with more behind it; *ret_rest is then what is behind, else NULL.
 */
bool name_is_wanted(const char *wanted, const char *name, uint64_t number, const char **ret_rest);

/** Adds a member to what the walk found. */
void choice_add(struct choice *choice, uint64_t number, const struct member *member,
		const char *name, const struct recognised *what);

/** The one candidate of the best rank; NULL when there is none, or several: *err says so. */
const struct candidate *choice_pick(const struct choice *choice, const char *archive,
				    struct ps_error *err);

/** PS_USAGE: the archive has no such member. */
enum ps_status choice_fail_member(const struct choice *choice, const char *archive,
				  const char *wanted, struct ps_error *err);

#endif

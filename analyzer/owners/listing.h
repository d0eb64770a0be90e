/*
 * The code or data around one piece of evidence, to be read by people.
 *
 * Ownership: the lines are the caller's array, freed with listing_fini(); the owners are borrowed.
 * Instructions are those of capstone; a stretch that it cannot read ends the listing.
 */
#ifndef PS_ANALYZER_OWNERS_LISTING_H
#define PS_ANALYZER_OWNERS_LISTING_H

#include "analyzer/owners/owners.h"

enum {
	LISTING_BYTES = 16, /* of one line, at most */
	LISTING_BEFORE = 6, /* instructions before the site */
	LISTING_AFTER = 2,
};

struct listing_line {
	uint32_t rva;
	uint64_t va; /* in the dump; of a file, at the address it was linked for */
	uint8_t bytes[LISTING_BYTES];
	unsigned length; /* bytes of the line */
	char text[120];  /* "mov r8d, 0x6b61654c"; empty for data */
	char target[96]; /* what a call leads to or a string of the tag; empty if nothing */
	bool is_site;    /* the call, or the structure's tag */
	bool has_tag;    /* the instruction or data that holds the tag */
	bool gap_before; /* lines between this and the one before are left out */
};

struct listing {
	struct listing_line *lines;
	size_t count, capacity;
};

/**
 * The lines around `evidence` of the candidate's module. An empty listing is no error: the bytes
 * are not there any more. PS_NO_MEMORY, PS_UNSUPPORTED (no disassembler for the machine).
 */
enum ps_status listing_create(const struct owners *owners, const struct owner_candidate *candidate,
			      const struct owner_evidence *evidence, struct listing *ret,
			      struct ps_error *err);
void listing_fini(struct listing *listing);

#endif

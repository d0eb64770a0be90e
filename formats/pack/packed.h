/*
 * Dumps inside archives and compressed files: found by what they are, unpacked into a file without
 * a name, and opened from there.
 *
 * Ownership: packed_open() creates what is known of the packing, packed_destroy() frees it. The
 * unpacked file takes the place of the archive in the caller's struct file and is the caller's.
 */
#ifndef PS_FORMATS_PACK_PACKED_H
#define PS_FORMATS_PACK_PACKED_H

#include "base/log.h"
#include "base/progress.h"
#include "formats/file.h"

/** Of what is unpacked when the options say nothing: 256 GiB. */
#define PACK_EXPAND_MOST ((uint64_t)256 << 30)

enum { PACK_LEVELS = 3 };

struct pack_options {
	const char *member;   /* NULL: the only dump that is inside */
	const char *password; /* NULL: none */
	uint64_t expand_most; /* bytes; 0: PACK_EXPAND_MOST, and no more than can be honest */
};

/** How the dump was packed. */
struct packed_dump {
	char *path;         /* of the archive, as the user gave it */
	uint64_t size;      /* of the archive, bytes */
	char *member;       /* printable; of an archive in an archive joined by '/' */
	char packing[96];   /* "zip", "zip, Deflate64", "tar.gz", "gz in zip" */
	uint64_t taken_ns;  /* elapsed time of unpacking */
	uint64_t worked_ns; /* processor time, that of the process that unpacks included */
	bool holes; /* the archive knows holes: those of the unpacked file are no stored zeros */
	char note[300];               /* what the analyst must know of it; empty: nothing */
	char *name;                   /* of the member in its archive, as stored */
	struct packed_beside *beside; /* while formats look for other members; NULL behind that */
};

/** What the first bytes of a member make of it. The better the higher. */
enum pack_rank {
	RANK_NONE,   /* nothing to be opened */
	RANK_PACKED, /* an archive or a compressed file */
	RANK_RAW,    /* no known magic: may be raw memory */
	RANK_DUMP
};

struct recognised {
	enum pack_rank rank;
	bool refused;    /* the magic of a dump, which cannot be opened: words say why */
	char words[160]; /* "Windows crash dump, type 5 (bitmap), 64-bit"; empty: nothing known */
};

/** Says what a file is of which `head` has the first bytes, 64 KiB or all. `head` is borrowed. */
typedef void pack_recognise(struct file *head, struct recognised *ret);

/** True when the file is an archive or a compressed file of a kind that is unpacked here. */
bool packed_is(struct file *file);

/**
 * Finds the dump in the archive and unpacks it; *file becomes the unpacked file, whose path says
 * "MEMBER in PATH" for messages. PS_USAGE: the options' member is not in it. PS_UNSUPPORTED: none,
 * or several, or a password is missing, or a limit is exceeded. PS_SYSTEM: no room. PS_ABSENT,
 * PS_CORRUPT, PS_INTERRUPTED. `progress` may be NULL.
 */
enum ps_status packed_open(struct file *file, const struct pack_options *options,
			   pack_recognise *recognise, const struct log *log,
			   struct progress *progress, struct packed_dump **ret,
			   struct ps_error *err);

/**
 * Unpacks another member of the archive that the dump was in, by its stored name, large and small
 * letters alike. PS_NOT_FOUND when there is none, or after packed_settle(); otherwise it cannot be
 * unpacked. The caller closes *ret, whose path is `name`. What the options of packed_open() point
 * to must be there still.
 */
enum ps_status packed_open_beside(struct packed_dump *packed, const char *name, struct file *ret,
				  struct ps_error *err);

/** Nothing further will be asked for: closes the archive. NULL is harmless. */
void packed_settle(struct packed_dump *packed);

/** NULL is harmless. */
void packed_destroy(struct packed_dump *packed);

#endif

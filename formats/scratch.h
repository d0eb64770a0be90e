/*
 * Files of this program's own that hold what a container gives once it is unpacked. They have no
 * name, so that they are gone whatever happens, a kill included. Private to this room.
 *
 * They lie in $TMPDIR, or /tmp. The caller closes them, or hands the descriptor to file_adopt().
 */
#ifndef PS_FORMATS_SCRATCH_H
#define PS_FORMATS_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct scratch {
	int fd;
	const char *what;      /* "the rearranged file"; static */
	const char *otherwise; /* "rearrange it with makedumpfile -R": the way on without; static */
};

/** Makes the file. PS_SYSTEM with advice. `what` and `otherwise` are static words, as above. */
enum ps_status scratch_open(struct scratch *scratch, const char *what, const char *otherwise,
			    struct ps_error *err);

/** PS_SYSTEM when there is less room than `bytes`; `doing` begins the sentence: "unpacking it". */
enum ps_status scratch_check_room(const struct scratch *scratch, const char *doing, uint64_t bytes,
				  struct ps_error *err);

/** Writes all of it. PS_SYSTEM with advice: no room, a limit of file sizes, a failing disk. */
enum ps_status scratch_write(const struct scratch *scratch, const void *from, size_t length,
			     uint64_t offset, struct ps_error *err);

/**
 * As scratch_write(), but blocks of 4,096 zeros become holes, which read as zeros. Adds the bytes
 * that were written to *written. The file must not have other bytes there.
 */
enum ps_status scratch_write_sparse(const struct scratch *scratch, const void *from, size_t length,
				    uint64_t offset, uint64_t *written, struct ps_error *err);

/** Makes the file `size` bytes long. */
enum ps_status scratch_resize(const struct scratch *scratch, uint64_t size, struct ps_error *err);

/** Gives the descriptor to the caller. */
int scratch_release(struct scratch *scratch);

/** Closes and removes. Harmless when it is not open. */
void scratch_close(struct scratch *scratch);

#endif

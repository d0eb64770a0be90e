/*
 * The pieces of a container that were unpacked last: their neighbours are often asked for next.
 * Private to this room.
 */
#ifndef PS_FORMATS_UNPACKED_H
#define PS_FORMATS_UNPACKED_H

#include "formats/page_map.h"

/** What one place holds. */
struct unpacked_piece {
	uint64_t index; /* of the piece, plus 1; 0: none yet */
	enum page_state state;
};

struct unpacked {
	size_t places;
	size_t size;                   /* bytes of a piece, at most */
	uint8_t *bytes;                /* owned; of all places */
	struct unpacked_piece *pieces; /* owned */
};

/** Unpacks a piece into `to`, which has room for the longest. */
typedef enum page_state (*unpack_piece)(void *container, uint64_t index, uint8_t *to);

/** Room for `places` pieces of `size` bytes. False: out of memory; unpacked_fini() in any case. */
bool unpacked_init(struct unpacked *unpacked, size_t places, size_t size);
void unpacked_fini(struct unpacked *unpacked);

/**
 * The bytes of a piece, which is unpacked unless it is kept. They are valid until the next call,
 * and only when it is PAGE_PRESENT. What went wrong is kept as well, and not tried again at once.
 */
enum page_state unpacked_get(struct unpacked *unpacked, uint64_t index, unpack_piece unpack,
			     void *container, const uint8_t **ret);

#endif

/*
 * Pieces that were unpacked last, each in the place that its index has: of two with the same place
 * the later stays.
 */
#include "formats/unpacked.h"

#include <stdlib.h>

#include "base/memory.h"

bool unpacked_init(struct unpacked *unpacked, size_t places, size_t size)
{
	*unpacked = (struct unpacked){.places = places, .size = size};
	unpacked->bytes = mem_array(places, size);
	unpacked->pieces = mem_array(places, sizeof(*unpacked->pieces));
	return unpacked->bytes && unpacked->pieces;
}

void unpacked_fini(struct unpacked *unpacked)
{
	free(unpacked->bytes);
	free(unpacked->pieces);
	*unpacked = (struct unpacked){.places = 0};
}

enum page_state unpacked_get(struct unpacked *unpacked, uint64_t index, unpack_piece unpack,
			     void *container, const uint8_t **ret)
{
	size_t place = (size_t)(index % unpacked->places);
	struct unpacked_piece *piece = &unpacked->pieces[place];
	uint8_t *bytes = unpacked->bytes + place * unpacked->size;

	if (piece->index != index + 1) {
		piece->state = unpack(container, index, bytes);
		piece->index = index + 1;
	}
	*ret = bytes;
	return piece->state;
}

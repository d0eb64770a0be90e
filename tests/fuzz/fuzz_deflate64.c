/*
 * libFuzzer: any bytes as a Deflate64 stream, decoded twice: in one piece, which takes the fast
 * loop, and in pieces of a few bytes, which never does. Aborts when the two differ.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "formats/pack/deflate64.h"

enum { OUTPUT_MOST = 4 << 20 };

struct input {
	const uint8_t *data;
	size_t size, piece;
};

struct outcome {
	enum ps_status status;
	uint64_t bytes;
	uLong sum;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum ps_status give(void *context, const uint8_t **ret, size_t *ret_length,
			   struct ps_error *err)
{
	struct input *input = context;

	(void)err;
	*ret = input->data;
	*ret_length = input->size < input->piece ? input->size : input->piece;
	input->data += *ret_length;
	input->size -= *ret_length;
	return PS_OK;
}

static struct outcome decode(const uint8_t *data, size_t size, size_t piece)
{
	struct input input = {data, size, piece};
	struct outcome outcome = {.sum = crc32(0, NULL, 0)};
	struct deflate64 *d = deflate64_create(give, &input);
	struct ps_error error = PS_ERROR_INIT;
	const uint8_t *bytes = NULL;
	size_t length = 1;

	if (!d)
		abort();
	while (outcome.status == PS_OK && length > 0 && outcome.bytes < OUTPUT_MOST) {
		outcome.status = deflate64_next(d, &bytes, &length, &error);
		if (outcome.status != PS_OK)
			break;
		outcome.sum = crc32(outcome.sum, bytes, (uInt)length);
		outcome.bytes += length;
	}
	deflate64_destroy(d);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;

	if (size == 0)
		return 0;
	whole = decode(data + 1, size - 1, size);
	pieces = decode(data + 1, size - 1, data[0] % 7 + 1);
	if (whole.status != pieces.status || whole.bytes != pieces.bytes ||
	    whole.sum != pieces.sum) {
		fprintf(stderr, "whole: status %d, %ju bytes; pieces: status %d, %ju bytes\n",
			(int)whole.status, (uintmax_t)whole.bytes, (int)pieces.status,
			(uintmax_t)pieces.bytes);
		abort();
	}
	return 0;
}

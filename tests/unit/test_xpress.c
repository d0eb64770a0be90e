/*
 * Xpress: the examples of the specification, what wimlib packs, and damaged streams, which must end
 * in true or false and touch nothing outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <wimlib.h>

#include "formats/xpress.h"

enum { MOST = XPRESS_BLOCK, ROUNDS = 300 };

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Bytes as pages have them: stretches of one byte, repeats from before, noise. */
static void fill(uint8_t *to, size_t size, uint32_t *seed)
{
	for (size_t at = 0; at < size;) {
		size_t length = 1 + draw(seed) % (draw(seed) % 4 == 0 ? 5000 : 40);
		size_t back = at > 0 ? 1 + draw(seed) % at : 0;
		unsigned kind = draw(seed) % 3, byte = draw(seed);

		for (; length > 0 && at < size; length--, at++)
			to[at] = kind == 0 && back > 0 ? to[at - back]
				 : kind == 1           ? (uint8_t)byte
						       : (uint8_t)draw(seed);
	}
}

/* [MS-XCA] 3: the letters, and "abc" a hundred times. */
static void test_plain_examples(void **state)
{
	static const uint8_t letters[] = {0x3f, 0,   0,   0,   'a', 'b', 'c', 'd', 'e', 'f',
					  'g',  'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
					  'q',  'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z'};
	static const uint8_t repeated[] = {0xff, 0xff, 0xff, 0x1f, 'a',  'b', 'c',
					   0x17, 0,    0x0f, 0xff, 0x26, 1};
	uint8_t out[300];

	(void)state;
	assert_true(xpress_lz77(letters, sizeof(letters), out, 26));
	assert_memory_equal(out, "abcdefghijklmnopqrstuvwxyz", 26);
	assert_true(xpress_lz77(repeated, sizeof(repeated), out, 300));
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(out[i], "abc"[i % 3]);
	/* One byte fewer packed, or wanted more or fewer than there are. */
	assert_false(xpress_lz77(repeated, sizeof(repeated) - 1, out, 300));
	assert_false(xpress_lz77(repeated, sizeof(repeated), out, 299));
	assert_false(xpress_lz77(letters, sizeof(letters), out, 27));
	assert_false(xpress_lz77(letters, 0, out, 1));
}

/* A match that refers to a byte before the first. */
static void test_plain_refers_nowhere(void **state)
{
	static const uint8_t packed[] = {0, 0, 0, 0x40, 'a', 0x08, 0};
	uint8_t out[4];

	(void)state;
	assert_false(xpress_lz77(packed, sizeof(packed), out, sizeof(out)));
}

static void test_huffman_as_wimlib_packs(void **state)
{
	uint8_t *plain = malloc(MOST), *packed = malloc(MOST), *out = malloc(MOST);
	struct wimlib_compressor *compressor = NULL;
	uint32_t seed = 7;
	unsigned done = 0;

	(void)state;
	assert_int_equal(
		wimlib_create_compressor(WIMLIB_COMPRESSION_TYPE_XPRESS, MOST, 0, &compressor), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t size = round < 50 ? 1 + draw(&seed) % 600 : 1 + draw(&seed) % MOST, length;

		fill(plain, size, &seed);
		length = wimlib_compress(plain, size, packed, size, compressor);
		if (length == 0)
			continue;
		done++;
		assert_true(xpress_huffman(packed, length, out, size));
		assert_memory_equal(out, plain, size);
	}
	assert_true(done > ROUNDS / 2);
	wimlib_free_compressor(compressor);
	free(plain);
	free(packed);
	free(out);
}

/* Buffers of exactly the size, so that the sanitizers see the first byte outside. */
static void damage(const uint8_t *packed, size_t length, size_t room, uint32_t *seed,
		   bool (*unpack)(const uint8_t *, size_t, uint8_t *, size_t))
{
	size_t shorter = draw(seed) % 2 ? length : draw(seed) % length;
	uint8_t *copy = malloc(shorter + 1), *out = malloc(room);

	memcpy(copy, packed, shorter);
	for (unsigned flips = draw(seed) % 4; shorter > 0 && flips > 0; flips--)
		copy[draw(seed) % shorter] ^= (uint8_t)(1u << draw(seed) % 8);
	unpack(copy, shorter, out, room);
	free(copy);
	free(out);
}

static void test_damaged_streams(void **state)
{
	uint8_t *plain = malloc(MOST), *packed = malloc(MOST);
	struct wimlib_compressor *compressor = NULL;
	uint32_t seed = 11;

	(void)state;
	assert_int_equal(
		wimlib_create_compressor(WIMLIB_COMPRESSION_TYPE_XPRESS, MOST, 0, &compressor), 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t size = 600 + draw(&seed) % 5000, length;

		fill(plain, size, &seed);
		length = wimlib_compress(plain, size, packed, size, compressor);
		for (unsigned i = 0; length > 0 && i < 10; i++)
			damage(packed, length, size, &seed, xpress_huffman);
		/* Noise is a stream of matches to somewhere. */
		for (unsigned i = 0; i < 10; i++)
			damage(plain, size, size, &seed, xpress_lz77);
	}
	wimlib_free_compressor(compressor);
	free(plain);
	free(packed);
}

static void test_huffman_tables(void **state)
{
	uint8_t packed[300] = {0}, out[16];

	(void)state;
	assert_false(xpress_huffman(packed, sizeof(packed), out, 1)); /* no code at all */
	packed[0] = 0x01;                                             /* one code: half a table */
	assert_false(xpress_huffman(packed, sizeof(packed), out, 1));
	packed[0] = 0x11; /* symbols 0 and 1, one bit each */
	assert_true(xpress_huffman(packed, sizeof(packed), out, 16));
	assert_int_equal(out[15], 0);
	packed[1] = 0x01; /* a third one: too many */
	assert_false(xpress_huffman(packed, sizeof(packed), out, 1));
	packed[1] = 0;
	assert_false(xpress_huffman(packed, 255, out, 1));
	assert_false(xpress_huffman(packed, 259, out, 1));
	assert_true(xpress_huffman(packed, 260, out, 1));
	assert_false(xpress_huffman(packed, sizeof(packed), out, XPRESS_BLOCK + 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_examples),
		cmocka_unit_test(test_plain_refers_nowhere),
		cmocka_unit_test(test_huffman_as_wimlib_packs),
		cmocka_unit_test(test_damaged_streams),
		cmocka_unit_test(test_huffman_tables),
	};

	return cmocka_run_group_tests_name("xpress", tests, NULL, NULL);
}

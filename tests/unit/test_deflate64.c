/*
 * The Deflate64 decoder: streams of zlib as far as Deflate is Deflate64, what only Deflate64 has,
 * streams that end early, and damage. Archives that another program wrote are in suite_pack.py.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "formats/pack/deflate64.h"

enum { PLAIN_BYTES = 700000, PACKED_MOST = 1 << 20, OUTPUT_MOST = 4 << 20 };

static uint8_t plain[PLAIN_BYTES], packed[PACKED_MOST], output[OUTPUT_MOST];

struct input {
	const uint8_t *data;
	size_t size, piece; /* piece 0: of random lengths */
};

static enum ps_status give(void *context, const uint8_t **ret, size_t *ret_length,
			   struct ps_error *err)
{
	struct input *input = context;
	size_t most = input->piece ? input->piece : (size_t)(random() % 40 + 1);

	(void)err;
	*ret = input->data;
	*ret_length = input->size < most ? input->size : most;
	input->data += *ret_length;
	input->size -= *ret_length;
	return PS_OK;
}

/* Bytes decoded into `output` before the end or the error. */
static size_t decode(const uint8_t *data, size_t size, size_t piece, struct ps_error *err)
{
	struct input input = {data, size, piece};
	struct deflate64 *d = deflate64_create(give, &input);
	const uint8_t *bytes = NULL;
	size_t length = 0, done = 0;

	assert_non_null(d);
	while (deflate64_next(d, &bytes, &length, err) == PS_OK && length > 0 &&
	       length <= OUTPUT_MOST - done) {
		memcpy(output + done, bytes, length);
		done += length;
	}
	deflate64_destroy(d);
	return done;
}

static void expect(const uint8_t *data, size_t size, const uint8_t *want, size_t length)
{
	static const size_t pieces[] = {1 << 20, 17, 1, 0};

	for (unsigned i = 0; i < 4; i++) {
		struct ps_error err = PS_ERROR_INIT;

		assert_int_equal(decode(data, size, pieces[i], &err), length);
		assert_string_equal(err.text, "");
		assert_memory_equal(output, want, length);
	}
}

/* ---- streams of zlib ---- */

/* Words in random order: no repetition of 258 bytes, whose code has another meaning here. */
static void make_plain(void)
{
	for (size_t i = 0; i < PLAIN_BYTES;) {
		uint32_t word = (uint32_t)random() % 3000, noise = (uint32_t)random();
		size_t length = word % 60 + 4;

		for (size_t j = 0; j < length && i < PLAIN_BYTES; j++) {
			word = word * 1664525 + 1013904223;
			plain[i++] = (uint8_t)(word >> 24);
		}
		if (i < PLAIN_BYTES)
			plain[i++] = (uint8_t)noise;
	}
}

static size_t deflate_plain(size_t length, int level, int strategy)
{
	z_stream z = {.next_in = plain, .avail_in = (uInt)length};

	z.next_out = packed;
	z.avail_out = PACKED_MOST;
	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -15, 9, strategy), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return PACKED_MOST - z.avail_out;
}

static void test_streams_of_zlib(void **state)
{
	static const size_t lengths[] = {0, 1, 2, 300, 65535, 65536, 65537, 262144, PLAIN_BYTES};
	static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_HUFFMAN_ONLY, Z_FIXED};

	(void)state;
	make_plain();
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (int level = 0; level <= 9; level += 3) {
			for (unsigned j = 0; j < 3; j++) {
				size_t size = deflate_plain(lengths[i], level, strategies[j]);

				expect(packed, size, plain, lengths[i]);
			}
		}
	}
}

/* ---- what only Deflate64 has ---- */

struct writer {
	uint8_t bytes[1 << 18];
	size_t bits;
};

static struct writer writer;

static void put(unsigned value, unsigned count)
{
	for (unsigned i = 0; i < count; i++, writer.bits++) {
		if (writer.bits % 8 == 0)
			writer.bytes[writer.bits / 8] = 0;
		writer.bytes[writer.bits / 8] |= (uint8_t)((value >> i & 1) << writer.bits % 8);
	}
}

/* Codes come with their highest bit first. */
static void put_code(unsigned code, unsigned count)
{
	while (count-- > 0)
		put(code >> count & 1, 1);
}

static void put_literal(unsigned byte)
{
	if (byte < 144)
		put_code(0x30 + byte, 8);
	else
		put_code(0x190 + byte - 144, 9);
}

static void begin(void)
{
	writer.bits = 0;
	put(1, 1); /* the last block, with fixed codes */
	put(1, 2);
}

static void end(void)
{
	put_code(0, 7);
}

static size_t written(void)
{
	return (writer.bits + 7) / 8;
}

static void put_match(unsigned length_code, unsigned length_extra, unsigned extra_bits,
		      unsigned distance_code, unsigned distance_extra, unsigned distance_bits)
{
	if (length_code < 280)
		put_code(length_code - 256, 7);
	else
		put_code(0xc0 + length_code - 280, 8);
	put(length_extra, extra_bits);
	put_code(distance_code, 5);
	put(distance_extra, distance_bits);
}

/* The longest match and the shortest one of its code, at distances below and above a word. */
static void test_longest_match(void **state)
{
	static const unsigned distances[] = {1, 2, 3, 4};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		size_t length = 4;

		begin();
		for (unsigned j = 0; j < 4; j++)
			put_literal('a' + j);
		put_match(285, 65535, 16, distances[i] - 1, 0, 0);
		put_match(285, 0, 16, distances[i] - 1, 0, 0);
		end();
		memcpy(plain, "abcd", 4);
		for (; length < 4 + 65538 + 3; length++)
			plain[length] = plain[length - distances[i]];
		expect(writer.bytes, written(), plain, length);
	}
}

/* Codes 30 and 31: back to the first byte of a window of 64 KiB. */
static void test_farthest_match(void **state)
{
	struct ps_error err = PS_ERROR_INIT;

	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		begin();
		for (unsigned i = 0; i < 65536 - more; i++)
			put_literal(plain[i] = (uint8_t)(i * 7 >> 4));
		put_match(257, 0, 0, 31, 16383, 14);
		put_match(257, 0, 0, 30, 0, 14);
		end();
		if (more == 0) {
			memcpy(plain + 65536, plain, 3);
			memcpy(plain + 65539, plain + 65539 - 32769, 3);
			expect(writer.bytes, written(), plain, 65542);
		}
	}
	decode(writer.bytes, written(), 1 << 20, &err);
	assert_int_equal(err.status, PS_CORRUPT);
	assert_non_null(strstr(err.text, ": a match lies before the first byte"));
}

/* ---- damage ---- */

static void expect_error(const void *bytes, size_t size, enum ps_status status, const char *text)
{
	struct ps_error err = PS_ERROR_INIT;

	decode(bytes, size, 1 << 20, &err);
	assert_int_equal(err.status, status);
	assert_string_equal(err.text, text);
}

static void test_damage(void **state)
{
	(void)state;
	expect_error("", 0, PS_ABSENT, "the Deflate64 data ends after 0 bytes, before its own end");
	expect_error("\x07xxxx", 5, PS_CORRUPT,
		     "the Deflate64 data is damaged near its byte 0: a block is of no known kind");
	expect_error("\x01\x05\0\0\0hello", 10, PS_CORRUPT,
		     "the Deflate64 data is damaged near its byte 5: the length of a stored block "
		     "is not confirmed");
	expect_error("\x01\x05\0\xfa\xffhell", 9, PS_ABSENT,
		     "the Deflate64 data ends after 9 bytes, before its own end");
	begin();
	put_match(257, 0, 0, 0, 0, 0);
	put(0x5555, 32);
	expect_error(writer.bytes, written(), PS_CORRUPT,
		     "the Deflate64 data is damaged near its byte 0: a match lies before the first "
		     "byte");
	begin();
	put_code(0xc6, 8); /* 286 */
	put(0x5555, 32);
	expect_error(writer.bytes, written(), PS_CORRUPT,
		     "the Deflate64 data is damaged near its byte 0: a code has no meaning");
}

static void test_every_cut(void **state)
{
	size_t size;

	(void)state;
	make_plain();
	size = deflate_plain(3000, 6, Z_DEFAULT_STRATEGY);
	for (size_t cut = 0; cut < size; cut++) {
		struct ps_error err = PS_ERROR_INIT;

		decode(packed, cut, cut % 2 ? 1 << 20 : 3, &err);
		assert_int_equal(err.status, PS_ABSENT);
	}
}

/* Both ways through the decoder come to the same, whatever the bytes. */
static void test_random_damage(void **state)
{
	size_t size;

	(void)state;
	size = deflate_plain(20000, 6, Z_DEFAULT_STRATEGY);
	for (unsigned i = 0; i < 3000; i++) {
		struct ps_error fast = PS_ERROR_INIT, slow = PS_ERROR_INIT;
		size_t place = (size_t)random() % (i % 2 ? 100 : size), done;
		uint8_t mask = (uint8_t)(1u << random() % 8);
		uLong sum;

		packed[place] ^= mask;
		done = decode(packed, size, 1 << 20, &fast);
		sum = crc32(0, output, (uInt)done);
		assert_int_equal(decode(packed, size, 5, &slow), done);
		assert_int_equal(crc32(0, output, (uInt)done), sum);
		assert_int_equal(fast.status, slow.status);
		packed[place] ^= mask;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams_of_zlib), cmocka_unit_test(test_longest_match),
		cmocka_unit_test(test_farthest_match),  cmocka_unit_test(test_damage),
		cmocka_unit_test(test_every_cut),       cmocka_unit_test(test_random_damage),
	};

	srandom(1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

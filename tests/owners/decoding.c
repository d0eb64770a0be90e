/*
 * The decoder of common x86 and x64 instructions against capstone at every byte of the code of
 * drivers: whatever it takes, it must describe as capstone does, and what the data flow makes of it
 * must be the same.
 *
 *   decoding FILE...      NAME, places, how many of them the table decoded, how many were left
 *                         to capstone, how many differ, in a line each; on stderr the first few
 *   decoding random N     the same of N random bytes in either mode
 *
 * Exit status 1 when any differs. ARM64 files are passed over. Does not judge how much is taken:
 * tests/suite_owners.py does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/kernel/pe_image.h"
#include "base/signals.h"
#include "tests/unit/two_decoders.h"

enum { RANDOM_ROOM = 4096, LONGEST = 16, SHOWN = 5 };

static void show(bool wide, const uint8_t *code, size_t size, const char *words)
{
	fprintf(stderr, "%s", wide ? "x64" : "x86");
	for (size_t i = 0; i < size && i < LONGEST; i++)
		fprintf(stderr, " %02x", code[i]);
	fprintf(stderr, ": %s\n", words);
}

/* Every place of `size` bytes at `va`; returns how many differ. */
static uint64_t compare(struct two_decoders *decoders, const uint8_t *code, size_t size,
			uint64_t va)
{
	uint64_t differ = 0;

	for (size_t at = 0; at < size; at++) {
		const char *words = two_decoders_differ(decoders, code + at, size - at, va + at);

		if (!words)
			continue;
		if (++differ <= SHOWN)
			show(decoders->wide, code + at, size - at, words);
	}
	return differ;
}

static bool report(const char *name, const struct two_decoders *decoders, uint64_t places,
		   uint64_t differ)
{
	printf("%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", name, places,
	       decoders->taken, decoders->left, differ);
	return differ == 0;
}

static bool compare_file(const char *path)
{
	struct ps_error err = PS_ERROR_INIT;
	struct two_decoders decoders;
	struct pe_image *image = NULL;
	uint64_t places = 0, differ = 0;

	if (pe_image_open_file(path, &image, &err) != PS_OK) {
		fprintf(stderr, "%s: %s\n", path, err.text);
		return false;
	}
	if (image->machine == PE_ARM64) {
		pe_image_close(image);
		return true;
	}
	if (!two_decoders_init(&decoders, image->machine == PE_X64)) {
		fprintf(stderr, "capstone cannot be opened\n");
		exit(2);
	}
	for (unsigned i = 0; i < image->section_count; i++) {
		const struct pe_section *section = &image->sections[i];

		if (!pe_section_is_code(section))
			continue;
		differ += compare(&decoders, image->bytes + section->rva, section->size,
				  image->base + section->rva);
		places += section->size;
	}
	two_decoders_fini(&decoders);
	pe_image_close(image);
	return report(path, &decoders, places, differ);
}

/* xorshift64. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool compare_random(bool wide, uint64_t count)
{
	uint64_t state = wide ? 0x9e3779b97f4a7c15 : 0xd1b54a32d192ed03, differ = 0;
	uint64_t va = wide ? 0xfffff80012345000 : 0x80501000, places = 0;
	uint8_t code[RANDOM_ROOM];
	struct two_decoders decoders;

	if (!two_decoders_init(&decoders, wide)) {
		fprintf(stderr, "capstone cannot be opened\n");
		exit(2);
	}
	for (; places < count; places += sizeof(code)) {
		for (size_t i = 0; i < sizeof(code); i += 8) {
			uint64_t word = next_random(&state);

			memcpy(code + i, &word, sizeof(word));
		}
		differ += compare(&decoders, code, sizeof(code), va);
	}
	two_decoders_fini(&decoders);
	return report(wide ? "random x64" : "random x86", &decoders, places, differ);
}

int main(int argc, char **argv)
{
	bool same = true;

	signals_init();
	if (argc == 3 && strcmp(argv[1], "random") == 0) {
		uint64_t count = strtoull(argv[2], NULL, 10);

		same = compare_random(true, count);
		return compare_random(false, count) && same ? 0 : 1;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: decoding FILE..., decoding random N\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		same = compare_file(argv[i]) && same;
	return same ? 0 : 1;
}

/*
 * ARM64 machine code for a scan to find: what code.h describes, as words of instructions.
 *
 * Does not: make code that could run, or pointer authentication.
 */
#ifndef CORPUS_CODE_ARM64_H
#define CORPUS_CODE_ARM64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ARM64_CODE_ROOM = 96 };

struct arm64_code {
	uint64_t va; /* of the first byte */
	size_t used;
	uint8_t bytes[ARM64_CODE_ROOM];
};

/* What a call does: by `bl`, or through a pointer that lies at `target`. */
struct arm64_call {
	uint64_t target;
	bool direct;
};

/* A function of one return instruction. */
void arm64_stub(struct arm64_code *code);
/* Loads of three variables beside the multiplication of the tracker's hash. */
void arm64_tracker_insert(struct arm64_code *code, uint64_t table, uint64_t size, uint64_t mask);
void arm64_allocation(struct arm64_code *code, uint32_t pool_type, uint32_t size, uint32_t tag,
		      const struct arm64_call *call);
void arm64_free(struct arm64_code *code, uint32_t tag, const struct arm64_call *call);
/* Fills up with breakpoints to `room` bytes. */
void arm64_pad(struct arm64_code *code, size_t room);

#endif

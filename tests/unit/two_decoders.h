/*
 * x86 and x64 instructions decoded by the table beside capstone (flow_x86_decode.c) and by capstone
 * alone, and what the data flow makes of either. For test_flow_x86_decode.c and
 * tests/owners/decoding.c.
 */
#ifndef PS_TESTS_UNIT_TWO_DECODERS_H
#define PS_TESTS_UNIT_TWO_DECODERS_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct two_decoders {
	bool wide;
	csh handle;
	cs_insn *insn;  /* capstone's */
	void *machine;  /* the back end's, with what capstone left in it the last time */
	uint64_t taken; /* by the table */
	uint64_t left;  /* to capstone, which knew them */
};

/** False when capstone cannot be opened. */
bool two_decoders_init(struct two_decoders *decoders, bool wide);
void two_decoders_fini(struct two_decoders *decoders);

/**
 * Decodes the instruction at `code`, of which `size` bytes are there, for `va`. NULL when the table
 * left it to capstone or says what capstone says, and when the operations that the back end lifts
 * it into are those of capstone's description alone; else what differs.
 */
const char *two_decoders_differ(struct two_decoders *decoders, const uint8_t *code, size_t size,
				uint64_t va);

#endif

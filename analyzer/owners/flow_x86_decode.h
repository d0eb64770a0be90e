/*
 * One x86 or x64 instruction as capstone describes it.
 *
 * Capstone takes 0.36 microseconds an instruction, nearly all of it for the text that it always
 * makes. So the forms that make up nearly all code are decoded here, into the same structure, in
 * some hundredths of that; capstone decodes the others.
 */
#ifndef PS_ANALYZER_OWNERS_FLOW_X86_DECODE_H
#define PS_ANALYZER_OWNERS_FLOW_X86_DECODE_H

#include <capstone/capstone.h>
#include <stdbool.h>

/**
 * Decodes the instruction at `code`, of which `size` bytes are there, when it is one of the common
 * forms; `va` is where it runs, `wide` means x64. Fills id, address and size of `ret`; of its
 * detail, which is the caller's, regs_write (general registers that are no operands, without the
 * stack pointer), and of that for x86 prefix[2], opcode[0], op_count and each operand's type, size
 * and value. The rest is left as it is. False: ask capstone.
 */
bool flow_x86_decode(bool wide, const uint8_t *code, size_t size, uint64_t va, cs_insn *ret);

#endif

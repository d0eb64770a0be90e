/*
 * Beginnings of functions that only their code shows: neither a record nor a call nor padding tells
 * of them. Instructions are read one after the other from a known beginning; what follows a return
 * or a jump, and is not reached by a jump over it, begins a function.
 */
#ifndef PS_ANALYZER_OWNERS_SWEEP_H
#define PS_ANALYZER_OWNERS_SWEEP_H

#include "analyzer/kernel/pe_image.h"

enum { SWEEP_BEGINS = 6, SWEEP_BYTES = 8192 };

/**
 * The last SWEEP_BEGINS beginnings in (`from`, `to`], nearest to `to` first; returns how many.
 * `from` may be SWEEP_BYTES before `to` at most.
 */
unsigned sweep_begins(const struct pe_image *image, uint32_t from, uint32_t to,
		      uint32_t ret[SWEEP_BEGINS]);

#endif

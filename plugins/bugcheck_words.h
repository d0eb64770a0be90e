/*
 * What bug check codes mean for the pools: tables of words. Private to the bug check's finding.
 */
#ifndef PS_PLUGINS_BUGCHECK_WORDS_H
#define PS_PLUGINS_BUGCHECK_WORDS_H

#include <stdbool.h>
#include <stdint.h>

enum bugcheck_kind {
	KIND_POOL_CORRUPT, /* a block or its header was damaged */
	KIND_POOL_MISUSE,  /* a routine of the pool was called wrongly, or pool was left behind */
	KIND_EXHAUSTED,    /* memory or table entries ran out */
	KIND_FAULT,        /* a bad pointer, often from freed pool */
	KIND_ON_PURPOSE,   /* somebody made the dump; the reason lies elsewhere */
	KIND_LIVE,         /* Windows made the dump of a machine that ran on */
	KIND_LIVE_ON_PURPOSE, /* somebody made the dump of a machine that ran on */
};

struct bugcheck_words {
	uint32_t code;
	enum bugcheck_kind kind;
	const char *words; /* sentences */
};

/** The row of a code, with or without the flag of minidumps; NULL: it says nothing of pools. */
const struct bugcheck_words *bugcheck_words(uint32_t code);

/** Whether the code is of a live dump only: the machine ran on. */
bool bugcheck_is_live(uint32_t code);

/** What the parameters say more, or NULL. */
const char *bugcheck_parameter_words(uint32_t code, const uint64_t parameters[4]);

#endif

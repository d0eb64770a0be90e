/*
 * Errors of the whole program: a status that says what kind of trouble it is, and a message that
 * grows from the inside out.
 *
 * Absent is not corrupt is not unsupported is not a system error; callers act on the difference.
 * A function that can fail returns `enum ps_status` and takes `struct ps_error *err` last. On
 * PS_OK the error is untouched; otherwise it is filled and the out parameters are untouched.
 * `err` is owned by the caller, is plain memory without pointers, and is never NULL.
 */
#ifndef PS_BASE_ERROR_H
#define PS_BASE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

enum ps_status {
	PS_OK = 0,
	PS_ABSENT,  /* the bytes are not in the file: a hole, a page left out, a truncated end */
	PS_CORRUPT, /* the bytes are there and cannot be right */
	PS_UNSUPPORTED, /* recognised, but this program cannot use it */
	PS_NOT_FOUND,   /* searched for and not there */
	PS_SYSTEM,      /* the operating system refused: open, read, memory map */
	PS_NO_MEMORY,
	PS_USAGE,       /* the caller or the command line asked for something impossible */
	PS_INTERRUPTED, /* Ctrl-C */
	PS_INTERNAL,    /* a fault of this program */
};

enum { PS_ERROR_TEXT = 768, PS_ERROR_HINT = 384 };

struct ps_error {
	enum ps_status status;
	bool has_at;              /* `at` is meaningful */
	uint64_t at;              /* address or file offset the message is about */
	int errnum;               /* of PS_SYSTEM: errno where it is known, else 0 */
	char text[PS_ERROR_TEXT]; /* one sentence, no final full stop, no newline */
	char hint[PS_ERROR_HINT]; /* what would help; empty when there is nothing to advise */
};

#define PS_ERROR_INIT                                                                              \
	{                                                                                          \
		.status = PS_OK                                                                    \
	}

/** Fills *err and returns `status`, so that `return ps_fail(err, PS_CORRUPT, ...)` reads well. */
enum ps_status ps_fail(struct ps_error *err, enum ps_status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** As ps_fail(), with the address or file offset concerned. */
enum ps_status ps_fail_at(struct ps_error *err, enum ps_status status, uint64_t at,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/** PS_SYSTEM with strerror(errnum) behind the words: "cannot open x: Permission denied". */
enum ps_status ps_fail_errno(struct ps_error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** PS_NO_MEMORY, naming what the memory was for. */
enum ps_status ps_fail_memory(struct ps_error *err, const char *what);

/**
 * Puts "words: " in front of the message ("cannot read PoolTrackTable: page ... not in the dump").
 * Returns err->status.
 */
enum ps_status ps_wrap(struct ps_error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Sets the advice. Keeps an advice already given from further inside. */
void ps_hint(struct ps_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Forgets the error, for a caller that goes on without the thing. */
void ps_error_clear(struct ps_error *err);

/** Stable lower-case word for JSON: "absent", "corrupt", "unsupported", ... Static storage. */
const char *ps_status_word(enum ps_status status);

#endif

/*
 * Pages through libkdumpfile, which runs in a process of its own: on damaged files the library can
 * crash, loop, or take all memory, and then this process only learns that its reader is gone.
 *
 * Ownership: kdumpfile_open() starts the process, kdumpfile_close() ends it and frees all. The file
 * is borrowed and must stay open. What libkdumpfile does not do, the caller must: it reads zeros
 * behind the end of a file, so no page may be asked for whose bytes the file does not have.
 */
#ifndef PS_FORMATS_KDUMPFILE_H
#define PS_FORMATS_KDUMPFILE_H

#include "formats/file.h"
#include "formats/page_source.h"

struct kdumpfile; /* opaque */

/**
 * Starts the process and has it open the file. PS_CORRUPT or PS_UNSUPPORTED in the library's words
 * when it refuses; PS_CORRUPT too when it crashes, hangs or takes too much memory over it.
 */
enum ps_status kdumpfile_open(const struct file *file, struct kdumpfile **ret,
			      struct ps_error *err);
void kdumpfile_close(struct kdumpfile *k);

/** Bits [0, bit_count) of the library's map of pages in the file, LSB first, into `bits`. */
enum ps_status kdumpfile_pagemap(struct kdumpfile *k, uint64_t bit_count, uint8_t *bits,
				 struct ps_error *err);

/** Bytes [skip, skip+length) of one page of machine memory. */
enum page_state kdumpfile_read(struct kdumpfile *k, uint64_t pfn, size_t skip, void *to,
			       size_t length);

/** Has the process unpack these pages in the background, as far as there is room. */
void kdumpfile_prefetch(struct kdumpfile *k, uint64_t pfn, uint64_t count);

/**
 * Pages over which a process crashed or hung, before another one was started in its place: they are
 * PAGE_DAMAGED from then on. *err, untouched when there is none, names the last one and how.
 */
unsigned kdumpfile_bad(const struct kdumpfile *k, struct ps_error *err);

/** True when the process is gone for good: *err says how it ended. */
bool kdumpfile_lost(const struct kdumpfile *k, struct ps_error *err);

/** A page source that is such a process and nothing else. Fails as kdumpfile_open() does. */
enum ps_status kdumpfile_source(const struct file *file, struct page_source **ret,
				struct ps_error *err);

/** "libkdumpfile 0.5.1": the version it was compiled with. Static. */
const char *kdumpfile_version(void);

#endif

/*
 * Dumps and spaces of tests that expect them to open: the test fails with why they do not.
 */
#ifndef PS_TESTS_UNIT_OPENED_H
#define PS_TESTS_UNIT_OPENED_H

#include "analyzer/memory/space.h"

/** The caller closes it. */
struct dump *opened_dump(const char *path);

/** The caller destroys it. */
struct space *opened_space(struct dump *dump, enum paging paging, uint64_t dtb);

#endif

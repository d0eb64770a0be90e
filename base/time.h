/*
 * Times of Windows in the calendar: FILETIME to seconds since 1970 to ISO 8601. UTC alone; no local
 * time, no fractions of a second.
 */
#ifndef PS_BASE_TIME_H
#define PS_BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Seconds since 1970-01-01 of a FILETIME, which counts 100 ns since 1601-01-01 (Windows SDK);
 * negative before 1970. Fractions are cut off.
 */
int64_t time_of_filetime(uint64_t filetime);

enum { TIME_ISO = 40 }; /* bytes, with the NUL */

/** "2015-09-14T07:21:33Z". False when the calendar has no such year; `ret` is then undefined. */
bool time_to_iso(int64_t seconds, char ret[TIME_ISO]);

#endif

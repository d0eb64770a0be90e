/*
 * What a file looks like by its first bytes, for those who choose among many files.
 */
#ifndef PS_FORMATS_LOOK_H
#define PS_FORMATS_LOOK_H

#include <stdbool.h>

/**
 * True when the file is of a kind that dump_open() may take: a dump, an archive, or a large file
 * without a known magic that is no text; or it cannot be read, and who opens it is told why. False
 * of a later part of a split file.
 */
bool file_looks_like_dump(const char *path);

#endif
